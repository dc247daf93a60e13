//! Tasks that do not start, or do not stay. ECS has a code for few of the reasons: its own words are matched.

use jiff::{SignedDuration, Timestamp};

use super::{
    Rules,
    failed_starts::{
        START, age, event, failure, fargate_has, impact, line, meaning, placement, pull_failures, says,
        short_of_tasks, span, status, stopped, task_fact, tasks,
    },
};
use crate::{
    evidence::{Evidence, LogGroup, Secret, StoppedTask},
    finding::{
        Confidence::{Certain, Likely},
        Finding, Impact,
        Level::{Aws, DevOps, Development},
    },
};

pub(super) const RULES: Rules = &[
    ("image_missing", image_missing),
    ("image_not_pullable", image_not_pullable),
    ("secret_missing", secret_missing),
    ("secret_deleted", secret_deleted),
    ("secret_not_permitted", secret_not_permitted),
    ("out_of_memory_at_start", out_of_memory_at_start),
    ("size_not_possible", size_not_possible),
    ("container_exits", container_exits),
    ("health_check_in_grace", health_check_in_grace),
    ("database_refused", database_refused),
    ("no_capacity", no_capacity),
    ("no_address_left", no_address_left),
];

/// Between two tries of a service whose tasks fail, ECS waits up to a quarter of an hour.
const STILL_MINUTES: i64 = 20;

/// "Repository does not exist or may require docker login" is none of these: it may as well be a permission.
const NOT_THERE: &[&str] = &["not found", "manifest unknown", "no such image"];
const NO_ADDRESS: &[&str] = &[
    "insufficientfreeaddresses",
    "enough free addresses",
    "free addresses in subnet",
    "networkinterfacelimitexceeded",
    "resource:eni",
];

fn image_missing(evidence: &Evidence) -> Option<Finding> {
    if let Some(image) = evidence.images.iter().flatten().find(|image| !image.exists) {
        let why = image.why.as_deref().unwrap_or("ECR does not have it");
        let finding = Finding::new(
            Certain,
            impact(evidence),
            format!("no task can start: the image {} does not exist ({why})", image.image),
        )
        .fact("ECR", image.image.clone(), why);
        let finding = match pull_failures(evidence).first() {
            Some(task) => task_fact(finding.since(task.stopped_at), task),
            None => finding,
        };
        return Some(image_next(evidence, finding));
    }
    let exists = |reasons: &str| {
        let mut images = evidence.images.iter().flatten();
        images.any(|image| image.exists && reasons.contains(&image.image))
    };
    let mut failed = pull_failures(evidence);
    failed.retain(|task| says(&task.reasons(), NOT_THERE) && !exists(&task.reasons()));
    let newest = failed.first()?;
    let finding = failure(
        evidence,
        &failed,
        format!(
            "{} could not start: the image of {} does not exist",
            tasks(failed.len()),
            newest.task_definition
        ),
    );
    Some(image_next(evidence, finding))
}

fn image_not_pullable(evidence: &Evidence) -> Option<Finding> {
    let mut failed = pull_failures(evidence);
    failed.retain(|task| !says(&task.reasons(), NOT_THERE));
    let reasons = failed.first()?.reasons();
    let (why, next) = if says(&reasons, &["toomanyrequests", "too many requests", "rate limit"]) {
        (
            "the registry limits how often its images are pulled",
            "wait, and keep the image in ECR: its pull-through cache spares Docker Hub's limit",
        )
    } else if says(&reasons, &["no basic auth", "not authorized", "denied", "unauthorized", "403 forbidden"])
    {
        (
            "the registry does not let them pull the image",
            "give the task's execution role the right to pull from the registry (AmazonECSTaskExecutionRolePolicy), and look at the repository's policy",
        )
    } else if says(
        &reasons,
        &["timeout", "timed out", "deadline exceeded", "connection", "dial tcp", "no such host"],
    ) {
        (
            "the registry cannot be reached from their subnets",
            "give the tasks' subnets a way to ECR and S3: a NAT gateway, VPC endpoints or a public address; look at the security groups' egress to port 443",
        )
    } else if says(&reasons, &["descriptor matching platform", "no matching manifest"]) {
        (
            "the image is for another processor or system",
            "build the image for the platform of the task definition",
        )
    } else if says(&reasons, &["no space left"]) {
        (
            "the image does not fit on the task's disk",
            "make the image smaller or the task's ephemeral storage larger",
        )
    } else {
        ("the pull of the image fails", "read the reason of the stopped task")
    };
    let what = format!("{} could not start: {why}", tasks(failed.len()));
    Some(failure(evidence, &failed, what).next(DevOps, next))
}

fn secret_missing(evidence: &Evidence) -> Option<Finding> {
    let failed = stopped(evidence, |task| {
        let reasons = task.reasons();
        says(&reasons, &["secret", "ssm"])
            && says(
                &reasons,
                &[
                    "resourcenotfound",
                    "can't find the specified secret",
                    "invalid parameters",
                    "invalid ssm parameters",
                    "not contain json key",
                ],
            )
    });
    let missing =
        evidence.secrets.iter().flatten().find(|secret| !secret.exists && secret.deleted_at.is_none());
    let next = "create the secret, or correct its name in the task definition";
    let Some(secret) = missing else {
        failed.first()?;
        let what = format!("{} could not start: a secret or a key in it does not exist", tasks(failed.len()));
        return Some(failure(evidence, &failed, what).next(DevOps, next));
    };
    let finding = secret_gone(evidence, secret, &failed, "does not exist");
    Some(finding.fact("Secrets Manager", secret.name.clone(), "does not exist").next(DevOps, next))
}

fn secret_deleted(evidence: &Evidence) -> Option<Finding> {
    let failed = stopped(evidence, |task| {
        let reasons = task.reasons();
        says(&reasons, &["secret"]) && says(&reasons, &["marked for deletion", "scheduled for deletion"])
    });
    let next = "restore the secret (aws secretsmanager restore-secret); nothing is lost before its recovery window ends";
    let Some(secret) = evidence.secrets.iter().flatten().find(|secret| secret.deleted_at.is_some()) else {
        failed.first()?;
        let what = format!("{} could not start: a secret is scheduled for deletion", tasks(failed.len()));
        return Some(failure(evidence, &failed, what).next(DevOps, next));
    };
    let finding = secret_gone(evidence, secret, &failed, "is scheduled for deletion");
    let finding =
        finding.fact("Secrets Manager", secret.name.clone(), "scheduled for deletion").at(secret.deleted_at);
    Some(finding.next(DevOps, next))
}

/// Running tasks have read their secrets; the next one cannot.
fn secret_gone(evidence: &Evidence, secret: &Secret, failed: &[&StoppedTask], how: &str) -> Finding {
    let containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    let mut named = containers.flat_map(|container| &container.secrets);
    // Of one that only the settings name it is not known whether the application reads it.
    let is_read = evidence.definition.is_none() || named.any(|[_, from]| from.contains(&secret.name));
    let certain = if is_read { Certain } else { Likely };
    let finding = Finding::new(
        certain,
        impact(evidence),
        format!("no task can start: the secret {} {how}", secret.name),
    )
    .since(failed.iter().filter_map(|task| task.stopped_at).min().or(secret.deleted_at));
    match failed.first() {
        Some(newest) => task_fact(finding, newest),
        None => finding,
    }
}

fn secret_not_permitted(evidence: &Evidence) -> Option<Finding> {
    let is_gone = |reasons: &str| {
        let mut secrets = evidence.secrets.iter().flatten();
        // Without a right to it, a secret that does not exist is denied as well.
        secrets
            .any(|secret| (!secret.exists || secret.deleted_at.is_some()) && reasons.contains(&secret.name))
    };
    let failed = stopped(evidence, |task| {
        let reasons = task.reasons();
        says(&reasons, &["accessdenied", "not authorized", "access to kms is not allowed"])
            && says(&reasons, &["secretsmanager:", "ssm:", "kms", "from asm", "from ssm"])
            && !is_gone(&reasons)
    });
    failed.first()?;
    let what = format!("{} could not start: their execution role may not read a secret", tasks(failed.len()));
    Some(failure(evidence, &failed, what).next(
        DevOps,
        "let the task's execution role read the secret (secretsmanager:GetSecretValue, or ssm:GetParameters), and kms:Decrypt where it has its own key",
    ))
}

fn out_of_memory_at_start(evidence: &Evidence) -> Option<Finding> {
    // A task that was stopped for its health checks ends with 137, too, when it does not heed the signal.
    let failed = stopped(evidence, |task| {
        let told = task.reasons().contains("OutOfMemory");
        let killed = task.exit_code() == Some(137) && task.stop_code == "EssentialContainerExited";
        (told || killed) && age(task).is_none_or(|age| age < START)
    });
    let told = failed.iter().any(|task| task.reasons().contains("OutOfMemory"));
    let newest = failed.first()?;
    let what = format!("{} did not survive the start: killed for memory within 2 min", tasks(failed.len()));
    let finding = failure(evidence, &failed, what);
    let finding = Finding { confidence: if told { Certain } else { Likely }, ..finding };
    let finding = match newest.exit_code() {
        Some(code) => finding.fact("ECS, stopped tasks", "exit code", code.to_string()).at(newest.stopped_at),
        None => finding,
    };
    let memory = evidence.definition.as_ref().and_then(|definition| definition.memory_mib);
    let finding = match memory {
        Some(memory) => finding.fact("ECS, task definition", "memory of a task", format!("{memory} MiB")),
        None => finding,
    };
    Some(
        finding.next(
            DevOps,
            "give the tasks more memory in a new revision, or go back to the release that fitted",
        ),
    )
}

fn size_not_possible(evidence: &Evidence) -> Option<Finding> {
    let next = "register a revision with a size that there is (the table is in the ECS guide, task size)";
    let size = evidence.definition.as_ref().filter(|definition| definition.is_fargate);
    if let Some((revision, cpu, memory)) =
        size.and_then(|definition| Some((&definition.revision, definition.cpu?, definition.memory_mib?)))
        && !fargate_has(cpu, memory)
    {
        return Some(
            Finding::new(
                Certain,
                impact(evidence),
                format!("no task of {revision} can start: Fargate has no size of {cpu} CPU units with {memory} MiB"),
            )
            .fact("ECS, task definition", "CPU of a task", format!("{cpu} units"))
            .fact("ECS, task definition", "memory of a task", format!("{memory} MiB"))
            .next(DevOps, next),
        );
    }
    let words = &[
        "insufficient memory",
        "insufficient cpu",
        "resource:memory",
        "resource:cpu",
        "no fargate configuration exists",
    ];
    let event = event(evidence, |message| says(message, words))?;
    Some(
        placement(evidence, event, "no instance has room for a task: too little memory or CPU is free")
            .next(DevOps, "add an instance to the cluster, or register a revision with a smaller size"),
    )
}

fn container_exits(evidence: &Evidence) -> Option<Finding> {
    const FEW: usize = 2;
    let tasks_seen = evidence.tasks.as_ref()?;
    let ended = tasks_seen.stopped.iter().filter(|task| {
        matches!(task.stop_code.as_str(), "EssentialContainerExited" | "TaskFailedToStart")
            && !task.reasons().contains("OutOfMemory")
    });
    let ended: Vec<&StoppedTask> = ended.collect();
    let newest = ended.first()?;
    // One task that ended and was replaced is no loop.
    let still = newest.stopped_at.is_some_and(|at| evidence.within_minutes(at, STILL_MINUTES));
    if !short_of_tasks(evidence) && (ended.len() < FEW || !still) {
        return None;
    }
    let code =
        newest.exit_code().or_else(|| newest.containers.iter().find_map(|container| container.exit_code));
    let what = match (code, age(newest)) {
        (Some(code), Some(age)) => {
            let last = if ended.len() == 1 { "" } else { ", the last one" };
            let (tasks, after) = (tasks(ended.len()), span(age));
            format!("{tasks} ended with exit code {code}{last} after {after}: {}", meaning(code))
        }
        (Some(code), None) => {
            format!("{} ended with exit code {code}: {}", tasks(ended.len()), meaning(code))
        }
        (None, _) => format!("{} did not start: {}", tasks(ended.len()), line(&newest.reasons())),
    };
    let finding = failure(evidence, &ended, what);
    let finding = match code {
        Some(code) => finding.fact("ECS, stopped tasks", "exit code", code.to_string()).at(newest.stopped_at),
        None => finding,
    };
    let finding = match &newest.last_log {
        Some(log) if !log.trim().is_empty() => finding.fact("CloudWatch Logs", "its last line", line(log)),
        _ => finding,
    };
    Some(finding.next(Development, "read the last lines of the task's log: they tell why it ended"))
}

fn health_check_in_grace(evidence: &Evidence) -> Option<Finding> {
    const FEW: usize = 2;
    /// Later than this a task had come up, and fell ill.
    const YOUNG: SignedDuration = SignedDuration::from_mins(10);
    let stopped = &evidence.tasks.as_ref()?.stopped;
    let killed = stopped.iter().filter(|task| {
        says(&task.reason, &["task failed elb health checks", "task failed container health checks"])
            && age(task).is_some_and(|age| age < YOUNG)
    });
    let killed: Vec<&StoppedTask> = killed.collect();
    let newest = killed.first()?;
    let still = newest.stopped_at.is_some_and(|at| evidence.within_minutes(at, STILL_MINUTES));
    if !short_of_tasks(evidence) && (killed.len() < FEW || !still) {
        return None;
    }
    let whose = if says(&newest.reason, &["elb"]) { "the load balancer's" } else { "the container's" };
    let longest = killed.iter().filter_map(|task| age(task)).max()?;
    let what = format!(
        "{} failed {whose} health checks within {} of their start",
        tasks(killed.len()),
        span(longest)
    );
    let finding = Finding { confidence: Likely, ..failure(evidence, &killed, what) };
    let grace = evidence.service.as_ref().and_then(|service| service.grace_seconds);
    let finding = match grace {
        Some(grace) => {
            finding.fact("ECS, service", "grace period for the load balancer's checks", format!("{grace} s"))
        }
        None => finding,
    };
    let mut containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    let finding = match containers.find_map(|container| container.health_check.as_ref()) {
        Some(check) => finding.fact(
            "ECS, task definition",
            "start period of the container's check",
            format!("{} s", check.start_period_seconds),
        ),
        None => finding,
    };
    Some(finding.next(
        DevOps,
        "see in the log how long a start takes and whether it ends well; make the grace period (or the container's start period) longer than that",
    ))
}

fn database_refused(evidence: &Evidence) -> Option<Finding> {
    /// A change of yesterday may show with today's first new task.
    const SECRET_MINUTES: i64 = 24 * 60;
    let failed = stopped(evidence, StoppedTask::failed);
    let refused = failed.iter().find(|task| task.last_log.as_deref().is_some_and(is_database_refusal));
    let logged = evidence.logs.iter().flat_map(|logs| &logs.groups).find(|group| {
        is_database_refusal(&group.shape)
            && group.last.is_none_or(|last| evidence.within_minutes(last, STILL_MINUTES))
    });
    // Tasks that stay have the credentials that they began with, for good.
    let outdated =
        logged.filter(|group| are_credentials(&group.shape)).and_then(|group| outdated(evidence, group));
    // Else, where tasks stay, the driver connects again by itself.
    let is_over = failed.is_empty() && !short_of_tasks(evidence) && outdated.is_none();
    if refused.is_none() && (logged.is_none() || is_over) {
        return None;
    }
    let text =
        refused.and_then(|task| task.last_log.as_deref()).or(logged.map(|group| group.shape.as_str()))?;
    let credentials = are_credentials(text);
    let (what, impact) = match outdated {
        Some(_) => {
            ("the database refuses the tasks: they began before its secret was changed", Impact::Degraded)
        }
        None if credentials => {
            ("tasks fail because the database refuses their credentials", impact(evidence))
        }
        None => ("tasks fail because they do not get through to the database", impact(evidence)),
    };
    let since = refused.and_then(|task| task.stopped_at);
    let finding = Finding::new(if refused.is_some() { Certain } else { Likely }, impact, what)
        .since([since, logged.and_then(|group| group.first)].into_iter().flatten().min());
    let finding = match refused {
        Some(task) => finding
            .fact("CloudWatch Logs", format!("last line of task {}", task.id), line(text))
            .at(task.stopped_at),
        None => finding,
    };
    let finding = match logged {
        Some(LogGroup { shape, count, last, .. }) => {
            finding.fact("CloudWatch Logs", line(shape), format!("{count} times")).at(*last)
        }
        None => finding,
    };
    let finding = match &evidence.database {
        Some(database) => {
            finding.fact("DocumentDB", format!("cluster {}", database.name), status(&database.status))
        }
        None => finding,
    };
    let changed = |at: &Timestamp| evidence.within_minutes(*at, SECRET_MINUTES);
    let mut secrets = evidence.secrets.iter().flatten();
    let finding = match secrets.find(|secret| secret.changed_at.as_ref().is_some_and(changed)) {
        Some(secret) => finding.fact("Secrets Manager", secret.name.clone(), "changed").at(secret.changed_at),
        None => finding,
    };
    if outdated.is_some() {
        let next = "restart: fresh tasks read the secret as it is now; if they are refused too, compare it with the database's user";
        let reason = "the database's secret was changed after the tasks began";
        return Some(finding.next(DevOps, next).send("restart", serde_json::json!({ "reason": reason })));
    }
    Some(finding.next(
        DevOps,
        if credentials {
            "compare the secret with the database's user: after a rotation tasks need a new deployment to read it"
        } else {
            "look whether the database is there, whether its security group lets the tasks in, and whether the address in the secret is right"
        },
    ))
}

fn are_credentials(text: &str) -> bool {
    says(text, &["authentication failed", "auth failed"])
}

/// A secret that was changed while these tasks ran, and whose change is what their errors began with. Nothing where one
/// that began since has failed: it has read the new value, and fresh ones would fail as it did.
fn outdated<'a>(evidence: &'a Evidence, refusals: &LogGroup) -> Option<&'a Secret> {
    const MINUTES: i64 = 24 * 60;
    let tasks = evidence.tasks.as_ref()?;
    let is_older = |at: Option<Timestamp>, changed: Timestamp| at.is_some_and(|at| at < changed);
    evidence.secrets.iter().flatten().find(|secret| {
        secret.changed_at.is_some_and(|changed| {
            evidence.within_minutes(changed, MINUTES)
                && !is_older(refusals.first, changed)
                && tasks.running.iter().any(|task| is_older(task.started_at, changed))
                && tasks
                    .stopped
                    .iter()
                    .filter(|task| task.failed())
                    .all(|task| is_older(task.started_at, changed))
        })
    })
}

/// An error of the database's driver; other parts of the application refuse and authenticate, too.
fn is_database_refusal(text: &str) -> bool {
    says(text, &["mongoserverselectionerror", "mongonetwork"])
        || says(text, &["mongo", "docdb", "documentdb", "database"])
            && says(
                text,
                &[
                    "econnrefused",
                    "enotfound",
                    "etimedout",
                    "connection refused",
                    "timed out",
                    "authentication failed",
                    "auth failed",
                ],
            )
}

fn no_capacity(evidence: &Evidence) -> Option<Finding> {
    let is = |message: &str| {
        let placement = says(message, &["unable to place a task"])
            && !says(
                message,
                &["insufficient memory", "insufficient cpu", "resource:memory", "resource:cpu"],
            )
            && !says(message, NO_ADDRESS);
        placement || says(message, &["capacity is unavailable", "resource:fargate"])
    };
    let limit = ["limit on the number of tasks", "limit on the number of vcpus"];
    let next = |finding: Finding, text: &str| {
        if says(text, &limit) {
            finding.next(
                Aws,
                "ask for a higher Fargate quota in Service Quotas; until then stop what is not needed",
            )
        } else {
            finding.next(Aws, "ECS tries again by itself; give the service subnets in more availability zones, or another capacity provider (FARGATE beside FARGATE_SPOT)")
        }
    };
    if let Some(event) = event(evidence, is) {
        let what = if says(&event.message, &limit) {
            "tasks cannot be placed: the account's limit is reached"
        } else {
            "tasks cannot be placed: there is no capacity for them"
        };
        let finding = placement(evidence, event, what);
        return Some(next(finding, &event.message));
    }
    let failed =
        stopped(evidence, |task| says(&task.reasons(), &["capacity is unavailable", "resource:fargate"]));
    let newest = failed.first()?;
    let what = format!("{} could not start: Fargate has no capacity for them", tasks(failed.len()));
    Some(next(failure(evidence, &failed, what), &newest.reasons()))
}

fn no_address_left(evidence: &Evidence) -> Option<Finding> {
    let next = |finding: Finding, text: &str| {
        if says(text, &["networkinterfacelimitexceeded", "resource:eni"]) {
            finding.next(
                Aws,
                "ask for more network interfaces in Service Quotas, or use instances that take more of them",
            )
        } else {
            finding.next(DevOps, "give the service another subnet with free addresses, or free some: what else has network interfaces there")
        }
    };
    let failed = stopped(evidence, |task| says(&task.reasons(), NO_ADDRESS));
    if let Some(newest) = failed.first() {
        let what =
            format!("{} could not start: their subnet has no address left for them", tasks(failed.len()));
        return Some(next(failure(evidence, &failed, what), &newest.reasons()));
    }
    let event = event(evidence, |message| says(message, NO_ADDRESS))?;
    let finding = placement(evidence, event, "tasks cannot start: there is no network address left for them");
    Some(next(finding, &event.message))
}

fn image_next(evidence: &Evidence, finding: Finding) -> Finding {
    if !short_of_tasks(evidence) {
        return finding.next(
            DevOps,
            "push the image again, or make a release with one that exists, before tasks are replaced",
        );
    }
    finding
        .next(DevOps, "go back to the last release that ran; push the image, or correct its name in the task definition")
        .send("rollback", serde_json::json!({ "to": "previous" }))
}
