//! Tasks that do not start, or do not stay. ECS has a code for few of the reasons: its own words are matched.

use jiff::{SignedDuration, Timestamp};

use super::{
    Rules,
    broken::release,
    failed_starts::{
        Failures, LOGS, NO_ANSWER, SECRETS, START, age, event_facts, failure, fargate_has, goes_on, impact,
        is_gone, is_over, is_pull, is_unanswered, line, meaning, says, short_of_tasks, span, status, stopped,
        tasks,
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
    ("aws_not_reachable", aws_not_reachable),
    ("log_group_missing", log_group_missing),
    ("role_not_assumable", role_not_assumable),
    ("out_of_memory_at_start", out_of_memory_at_start),
    ("size_not_possible", size_not_possible),
    ("exec_format_error", exec_format_error),
    ("container_exits", container_exits),
    ("health_check_in_grace", health_check_in_grace),
    ("database_refused", database_refused),
    ("no_capacity", no_capacity),
    ("no_address_left", no_address_left),
    ("network_interface_not_attached", network_interface_not_attached),
    ("target_not_registered", target_not_registered),
    ("tasks_missing", tasks_missing),
];

/// A secret that was changed yesterday may show with today's first new task.
const CHANGED_MINUTES: i64 = 24 * 60;

/// "Repository does not exist or may require docker login" is none of these: it may as well be a permission.
const NOT_THERE: &[&str] = &["not found", "manifest unknown", "no such image"];
const NO_ADDRESS: &[&str] = &[
    "insufficientfreeaddresses",
    "enough free addresses",
    "free addresses in subnet",
    "networkinterfacelimitexceeded",
    "resource:eni",
];
const NOT_ALLOWED: &[&str] =
    &["accessdenied", "access denied", "not authorized", "unauthorized", "access to kms is not allowed"];
fn image_missing(evidence: &Evidence) -> Option<Finding> {
    if let Some(image) = evidence.images.iter().flatten().find(|image| !image.exists) {
        let why = image.why.as_deref().unwrap_or("ECR does not have it");
        let finding = Finding::new(
            Certain,
            impact(evidence),
            format!("no task can start: the image {} does not exist ({why})", image.image),
        )
        .fact("ECR", image.image.clone(), why);
        let failed = Failures::of(evidence, is_pull);
        return Some(match &failed {
            Some(failed) => image_next(evidence, failed, failed.shown(evidence, finding)),
            None if short_of_tasks(evidence) && release(evidence).is_some() => finding
                .next(
                    DevOps,
                    "go back to the last release that ran; then push the image, or correct its name",
                )
                .send("rollback", serde_json::json!({ "to": "previous" })),
            None => finding.next(
                DevOps,
                "push the image again, or make a release with one that exists, before tasks are replaced",
            ),
        });
    }
    let exists = |words: &str| {
        let mut images = evidence.images.iter().flatten();
        images.any(|image| image.exists && words.contains(&image.image))
    };
    let failed = Failures::of(evidence, |words| is_pull(words) && says(words, NOT_THERE) && !exists(words))?;
    let finding = failed.finding(evidence, "their image does not exist");
    Some(image_next(evidence, &failed, finding))
}

fn image_not_pullable(evidence: &Evidence) -> Option<Finding> {
    let failed = Failures::of(evidence, |words| is_pull(words) && !says(words, NOT_THERE))?;
    let words = failed.words();
    let (why, repair) = if let Some(pushed_at) = replaced_image(evidence, &words) {
        let found = failed.finding(
            evidence,
            "the image that the service was deployed with is gone, and its tag names another one now",
        );
        return Some(found.fact("ECR", "the tag was pushed again", "after the deployment").at(Some(pushed_at)).next(
            DevOps,
            "deploy again, knowing that it brings the image that the tag names now: send restart: {\"reason\": \"the deployed image is gone\"}; or push the old image again under its digest",
        ));
    } else if says(&words, &["toomanyrequests", "too many requests", "rate limit"]) {
        (
            "the registry limits how often its images are pulled",
            "give the container `repositoryCredentials` of a paid account, or pull through ECR's pull-through cache; ECS tries again by itself",
        )
    } else if says(&words, &["layer-bucket", "s3."])
        && says(&words, &["403", "accessdenied", "access denied"])
    {
        (
            "S3, where ECR keeps the layers, refuses them",
            "let the policy of the VPC's S3 endpoint allow s3:GetObject on the layer bucket that the reason names (arn:aws:s3:::prod-<region>-starport-layer-bucket/*)",
        )
    } else if says(&words, &["no basic auth", "not authorized", "denied", "unauthorized", "403 forbidden"]) {
        (
            "the registry does not let them pull the image",
            "give the task's execution role the right to pull from the registry (AmazonECSTaskExecutionRolePolicy), and look at the repository's policy",
        )
    } else if says(&words, NO_ANSWER) {
        (
            "the registry cannot be reached from their subnets",
            "give the tasks' subnets a way to ECR and S3: a NAT gateway, VPC endpoints or a public address; look at the security groups' egress to port 443",
        )
    } else if says(&words, &["descriptor matching platform", "no matching manifest"]) {
        (
            "the image is for another processor or system",
            "build the image for the platform of the task definition (docker buildx build --platform linux/amd64, or the `runtimePlatform` that it has)",
        )
    } else if says(&words, &["no space left"]) {
        (
            "the image does not fit on the task's disk",
            "make the image smaller or the task's ephemeral storage larger",
        )
    } else {
        ("the pull of the image fails", "correct what the reason names")
    };
    Some(failed.next(evidence, failed.finding(evidence, why), repair))
}

/// When the tag of an image was pushed again, where the digest that the deployment asks for is refused: ECS keeps the
/// digest that the tag had when the deployment began, and ECR answers 403 for one that is gone.
fn replaced_image(evidence: &Evidence, words: &str) -> Option<Timestamp> {
    let began = evidence.service.as_ref()?.deployments.first()?.created_at?;
    let refused = says(words, &["@sha256:"]) && says(words, &["403 forbidden", "not found"]);
    let images = evidence.images.iter().flatten();
    let mut pushed = images.filter(|image| image.exists).filter_map(|image| image.pushed_at);
    pushed.find(|pushed| refused && *pushed > began)
}

fn secret_missing(evidence: &Evidence) -> Option<Finding> {
    let unreadable = [
        "looking for beginning of value",
        "unexpected end of json",
        "cannot unmarshal",
        "after top-level value",
        "invalid character",
    ];
    let no_key = ["not contain json key"];
    let missing =
        evidence.secrets.iter().flatten().find(|secret| !secret.exists && secret.deleted_at.is_none());
    let failed = Failures::of(evidence, |words| {
        says(words, &["secret", "ssm"])
            && (says(
                words,
                &[
                    "resourcenotfound",
                    "can't find the specified secret",
                    "invalid parameters",
                    "invalid ssm parameters",
                ],
            ) || says(words, &no_key)
                || says(words, &unreadable))
    });
    let next = "create the secret, or correct its name in the task definition";
    let Some(secret) = missing else {
        let failed = failed?;
        let words = failed.words();
        let (why, repair) = if says(&words, &unreadable) {
            (
                "a secret is not JSON, and the task definition names a key of it",
                "save the secret as JSON again (its version AWSPREVIOUS may be right: aws secretsmanager get-secret-value --secret-id <it> --version-stage AWSPREVIOUS)",
            )
        } else if says(&words, &no_key) {
            (
                "a secret lacks the key that the task definition names",
                "add the key to the secret's JSON, or correct its name in the task definition",
            )
        } else if says(&words, &["ssm"]) {
            (
                "a parameter of Parameter Store does not exist",
                "create the parameter that the reason names (aws ssm put-parameter --type SecureString), or correct its name in the task definition",
            )
        } else {
            ("a secret does not exist", next)
        };
        let finding = failed.finding(evidence, why);
        let changed =
            evidence.secrets.iter().flatten().filter_map(|secret| Some((secret, secret.changed_at?)));
        let changed =
            changed.max_by_key(|(_, at)| *at).filter(|(_, at)| evidence.within_minutes(*at, CHANGED_MINUTES));
        let finding = match changed {
            Some((secret, at)) => {
                finding.fact("Secrets Manager", secret.name.clone(), "changed").at(Some(at))
            }
            None => finding,
        };
        return Some(failed.next(evidence, finding, repair));
    };
    let finding = secret_gone(evidence, secret, failed.as_ref(), "does not exist");
    let finding = finding.fact("Secrets Manager", secret.name.clone(), "does not exist");
    Some(match &failed {
        Some(failed) => failed.next(evidence, finding, next),
        None => finding.next(DevOps, next),
    })
}

fn secret_deleted(evidence: &Evidence) -> Option<Finding> {
    let failed = Failures::of(evidence, |words| {
        says(words, &["secret"]) && says(words, &["marked for deletion", "scheduled for deletion"])
    });
    let Some(secret) = evidence.secrets.iter().flatten().find(|secret| secret.deleted_at.is_some()) else {
        let finding = failed?.finding(evidence, "a secret is scheduled for deletion");
        return Some(finding.next(
            DevOps,
            "restore the secret (aws secretsmanager restore-secret --secret-id <the one that the reason names>); nothing is lost before its recovery window ends",
        ));
    };
    let finding = secret_gone(evidence, secret, failed.as_ref(), "is scheduled for deletion");
    let finding =
        finding.fact("Secrets Manager", secret.name.clone(), "scheduled for deletion").at(secret.deleted_at);
    Some(finding.next(
        DevOps,
        format!("restore the secret: aws secretsmanager restore-secret --secret-id {}; nothing is lost before its recovery window ends", secret.name),
    ))
}

/// Running tasks have read their secrets; the next one cannot.
fn secret_gone(evidence: &Evidence, secret: &Secret, failed: Option<&Failures<'_>>, how: &str) -> Finding {
    let containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    let mut named = containers.flat_map(|container| &container.secrets);
    // Of one that only the settings name it is not known whether the application reads it.
    let is_read = evidence.definition.is_none() || named.any(|[_, from]| from.contains(&secret.name));
    let finding = Finding::new(
        if is_read { Certain } else { Likely },
        impact(evidence),
        format!("no task can start: the secret {} {how}", secret.name),
    )
    .since(secret.deleted_at);
    match failed {
        Some(failed) => failed.shown(evidence, finding),
        None => finding,
    }
}

fn secret_not_permitted(evidence: &Evidence) -> Option<Finding> {
    let is_gone = |words: &str| {
        let mut secrets = evidence.secrets.iter().flatten();
        // Without a right to it, a secret that does not exist is denied as well.
        secrets.any(|secret| (!secret.exists || secret.deleted_at.is_some()) && words.contains(&secret.name))
    };
    let failed =
        Failures::of(evidence, |words| says(words, NOT_ALLOWED) && says(words, SECRETS) && !is_gone(words))?;
    let finding = failed.finding(evidence, "their execution role may not read a secret");
    Some(failed.next(
        evidence,
        finding,
        "let the task's execution role read the secret (secretsmanager:GetSecretValue, or ssm:GetParameters), and kms:Decrypt where it has its own key",
    ))
}

/// What a task needs before it starts is fetched from its own subnets. The pull of the image has its own rule.
fn aws_not_reachable(evidence: &Evidence) -> Option<Finding> {
    let failed = Failures::of(evidence, |words| !is_pull(words) && is_unanswered(words))?;
    let words = failed.words();
    let service = if says(&words, LOGS) {
        "CloudWatch Logs"
    } else if says(&words, &["ssm"]) {
        "Parameter Store"
    } else if says(&words, &["asm", "secretsmanager", "secrets manager"]) {
        "Secrets Manager"
    } else if says(&words, &["kms"]) {
        "KMS"
    } else {
        "S3"
    };
    let finding = failed.finding(evidence, &format!("{service} cannot be reached from their subnets"));
    Some(finding.next(
        DevOps,
        "give the tasks' subnets a way to AWS: a NAT gateway's route, an interface endpoint with private DNS whose security group lets the tasks in on port 443, or a public address; look at the tasks' egress to port 443 first",
    ))
}

fn log_group_missing(evidence: &Evidence) -> Option<Finding> {
    let failed = Failures::of(evidence, |words| {
        says(words, LOGS) && !says(words, NO_ANSWER) && !says(words, SECRETS)
    })?;
    let words = failed.words();
    let mut containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    let group = containers.find_map(|container| container.log_group.as_deref());
    let named = group.map_or_else(|| "their log group".to_owned(), |group| format!("the log group {group}"));
    let (why, repair) = if says(&words, NOT_ALLOWED) {
        (
            format!("their execution role may not write to {named}"),
            "let the task's execution role create log streams and put log events (logs:CreateLogStream, logs:PutLogEvents)".to_owned(),
        )
    } else if says(&words, &["does not exist", "resourcenotfound"]) {
        (
            format!("{named} does not exist"),
            format!(
                "create it: aws logs create-log-group --log-group-name {}",
                group.unwrap_or("<the one that the task definition names>")
            ),
        )
    } else {
        (
            "their log cannot be set up as the task definition has it".to_owned(),
            "correct the log options that the reason names, in a new revision".to_owned(),
        )
    };
    Some(failed.next(evidence, failed.finding(evidence, &why), &repair))
}

fn role_not_assumable(evidence: &Evidence) -> Option<Finding> {
    let failed =
        Failures::of(evidence, |words| says(words, &["unable to assume the role", "unable to assume role"]))?;
    let finding = failed.finding(evidence, "ECS may not assume their role");
    Some(failed.next(
        evidence,
        finding,
        "see that the role that the reason names exists, and that its trust policy lets ecs-tasks.amazonaws.com assume it",
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
    let failed = Failures { tasks: failed, event: None };
    Some(failed.next(evidence, finding, "give the tasks more memory in a new revision"))
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
    let failed = Failures::of(evidence, |words| {
        says(words, ROOM) || says(words, &["no fargate configuration exists"])
    })?;
    let finding =
        failed.finding(evidence, "no instance has room for a task: too little memory or CPU is free");
    Some(failed.next(
        evidence,
        finding,
        "add an instance to the cluster, or register a revision with a smaller size",
    ))
}

/// What an instance has too little of.
const ROOM: &[&str] = &["insufficient memory", "insufficient cpu", "resource:memory", "resource:cpu"];

fn exec_format_error(evidence: &Evidence) -> Option<Finding> {
    let is = |task: &StoppedTask| {
        says(&task.reasons(), &["exec format error"])
            || task.last_log.as_deref().is_some_and(|log| says(log, &["exec format error"]))
    };
    let tasks = stopped(evidence, is);
    let newest = *tasks.first()?;
    let failed = Failures { tasks, event: None };
    let finding =
        failed.finding(evidence, "the image's program is built for another processor (exec format error)");
    let finding = match &newest.last_log {
        Some(log) => finding.fact("CloudWatch Logs", "its last line", line(log)),
        None => finding,
    };
    Some(failed.next(
        evidence,
        finding,
        "build the image for the platform of the task definition (docker buildx build --platform linux/amd64, or the `runtimePlatform` that it has)",
    ))
}

fn container_exits(evidence: &Evidence) -> Option<Finding> {
    let ended = loops(evidence, |task| {
        matches!(task.stop_code.as_str(), "EssentialContainerExited" | "TaskFailedToStart")
            && !task.reasons().contains("OutOfMemory")
    })?;
    let newest = *ended.first()?;
    let code =
        newest.exit_code().or_else(|| newest.containers.iter().find_map(|container| container.exit_code));
    let Some(code) = code else {
        let what = format!("{} failed before they began: {}", tasks(ended.len()), line(&newest.reasons()));
        let finding = Finding::new(Certain, impact(evidence), what)
            .since(ended.iter().filter_map(|task| task.stopped_at).min())
            .fact("ECS, stopped tasks", format!("task {}", newest.id), newest.stop_code.clone())
            .at(newest.stopped_at);
        let failed = Failures { tasks: ended, event: None };
        return Some(failed.next(
            evidence,
            finding,
            "correct what ECS names: a task that never ran has no log",
        ));
    };
    let what = match age(newest) {
        Some(age) => {
            let last = if ended.len() == 1 { "" } else { ", the last one" };
            let (tasks, after) = (tasks(ended.len()), span(age));
            format!("{tasks} ended with exit code {code}{last} after {after}: {}", meaning(code))
        }
        None => format!("{} ended with exit code {code}: {}", tasks(ended.len()), meaning(code)),
    };
    let finding = failure(evidence, &ended, what);
    let finding = finding.fact("ECS, stopped tasks", "exit code", code.to_string()).at(newest.stopped_at);
    let finding = match &newest.last_log {
        Some(log) if !log.trim().is_empty() => finding.fact("CloudWatch Logs", "its last line", line(log)),
        _ => finding,
    };
    Some(finding.next(Development, "read the last lines of the task's log: they tell why it ended"))
}

/// Tasks that end so, the newest first: several lately, or the last one while tasks are wanting. One task that ended
/// and was replaced is no loop.
fn loops(evidence: &Evidence, is: impl Fn(&StoppedTask) -> bool) -> Option<Vec<&StoppedTask>> {
    const FEW: usize = 2;
    let ended: Vec<&StoppedTask> =
        evidence.tasks.as_ref()?.stopped.iter().filter(|task| is(task) && !is_gone(evidence, task)).collect();
    let newest = ended.first()?;
    let lately = |task: &&&StoppedTask| task.stopped_at.is_none_or(|at| goes_on(evidence, at));
    let is_loop = ended.iter().filter(lately).count() >= FEW;
    (is_loop || short_of_tasks(evidence) && !is_over(evidence, newest)).then_some(ended)
}

fn health_check_in_grace(evidence: &Evidence) -> Option<Finding> {
    /// Later than this a task had come up, and fell ill.
    const YOUNG: SignedDuration = SignedDuration::from_mins(10);
    let killed = loops(evidence, |task| {
        says(&task.reason, &["task failed elb health checks", "task failed container health checks"])
            && age(task).is_some_and(|age| age < YOUNG)
    })?;
    let newest = *killed.first()?;
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
    let failed = stopped(evidence, StoppedTask::failed);
    let refused = failed.iter().find(|task| task.last_log.as_deref().is_some_and(is_database_refusal));
    let logged = evidence.logs.iter().flat_map(|logs| &logs.groups).find(|group| {
        is_database_refusal(&group.shape) && group.last.is_none_or(|last| goes_on(evidence, last))
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
    let changed = |at: &Timestamp| evidence.within_minutes(*at, CHANGED_MINUTES);
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

pub(super) fn are_credentials(text: &str) -> bool {
    says(text, &["authentication failed", "auth failed"])
}

/// A secret that was changed while these tasks ran, and whose change is what their errors began with. Nothing where one
/// that began since has failed: it has read the new value, and fresh ones would fail as it did.
fn outdated<'a>(evidence: &'a Evidence, refusals: &LogGroup) -> Option<&'a Secret> {
    let tasks = evidence.tasks.as_ref()?;
    let is_older = |at: Option<Timestamp>, changed: Timestamp| at.is_some_and(|at| at < changed);
    evidence.secrets.iter().flatten().find(|secret| {
        secret.changed_at.is_some_and(|changed| {
            evidence.within_minutes(changed, CHANGED_MINUTES)
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
pub(super) fn is_database_refusal(text: &str) -> bool {
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

/// Only where ECS says capacity or limit: it writes the same event for other failed starts, with their own reasons.
fn no_capacity(evidence: &Evidence) -> Option<Finding> {
    const LIMIT: &[&str] = &["reached the limit on", "limit exceeded", "limitexceeded", "service quota"];
    const CAPACITY: &[&str] = &[
        "capacity is unavailable",
        "resource:fargate",
        "no container instances were found",
        "insufficient capacity",
    ];
    let failed = Failures::of(evidence, |words| {
        (says(words, CAPACITY) || says(words, LIMIT)) && !says(words, NO_ADDRESS) && !is_pull(words)
    })?;
    let words = failed.words();
    Some(if says(&words, LIMIT) {
        let quota = if says(&words, &["vcpu"]) {
            "Fargate On-Demand vCPU resource count"
        } else if says(&words, &["per service"]) {
            "Tasks per service"
        } else {
            "Fargate On-Demand vCPU resource count, or tasks per service"
        };
        failed
            .finding(evidence, &format!("a quota of the account is reached ({quota})"))
            .next(Aws, format!("ask for more of the quota ({quota}) in Service Quotas, or the limit that the reason names; until then stop tasks of what is not needed"))
    } else {
        failed.finding(evidence, "there is no capacity for them").next(
            Aws,
            "give the service subnets in more availability zones, or another capacity provider (FARGATE beside FARGATE_SPOT); ECS tries again by itself",
        )
    })
}

fn no_address_left(evidence: &Evidence) -> Option<Finding> {
    let failed = Failures::of(evidence, |words| says(words, NO_ADDRESS))?;
    let finding = failed.finding(evidence, "their subnet has no network address left for them");
    Some(if says(&failed.words(), &["networkinterfacelimitexceeded", "resource:eni"]) {
        finding.next(
            Aws,
            "ask for more network interfaces in Service Quotas, or use instances that take more of them",
        )
    } else {
        finding.next(DevOps, "give the service another subnet with free addresses, or free some: what else has network interfaces there (aws ec2 describe-network-interfaces --filters Name=subnet-id,Values=<the subnet>)")
    })
}

fn network_interface_not_attached(evidence: &Evidence) -> Option<Finding> {
    let failed = Failures::of(evidence, |words| {
        says(
            words,
            &[
                "network interface provisioning",
                "network interface attachment",
                "attaching network interface",
                "eni attachment",
            ],
        ) && says(words, &["time", "expired"])
    })?;
    let finding = failed.finding(evidence, "their network interface was not attached in time");
    Some(finding.next(
        Aws,
        "see AWS Health for EC2 and ECS in this region, and open a case with AWS with the tasks' ids; ECS tries again by itself",
    ))
}

/// Tasks run, and the load balancer does not get to know them.
fn target_not_registered(evidence: &Evidence) -> Option<Finding> {
    let service = evidence.service.as_ref()?;
    let event = service.events.iter().find(|event| {
        says(
            &event.message,
            &[
                "failed to register targets",
                "unable to register targets",
                "toomanytargets",
                "registering targets failed",
            ],
        )
    })?;
    if !event.at.is_some_and(|at| goes_on(evidence, at)) {
        return None;
    }
    let limit = says(&event.message, &["toomany", "exceeded", "maximum number"]);
    let why = if limit {
        "a quota of the load balancer is reached"
    } else {
        "the load balancer does not take them"
    };
    let finding = Finding::new(
        Certain,
        impact(evidence).max(Impact::Degraded),
        format!("tasks cannot be registered as targets: {why}"),
    );
    let finding = event_facts(evidence, finding.since(event.at), event);
    Some(if limit {
        finding.next(Aws, "ask for more targets per target group or per load balancer in Service Quotas; deregister targets that are left over")
    } else {
        finding.next(DevOps, "correct what the event names: the target group exists, is of type ip, and the service's role may register targets")
    })
}

/// Whatever the reason is: ECS has fewer tasks than it was asked for, and brings no more.
fn tasks_missing(evidence: &Evidence) -> Option<Finding> {
    /// A deployment, a step of scaling and a replaced task are over by then.
    const MINUTES: i64 = 15;
    let service = evidence.service.as_ref().filter(|service| service.status == "ACTIVE")?;
    if service.running >= service.desired {
        return None;
    }
    let missing = format!("{} of {} tasks run", service.running, service.desired);
    if let Some(failed) = Failures::of(evidence, |_| true).filter(|failed| failed.event.is_some()) {
        let event = failed.event?;
        let finding =
            Finding::new(Certain, impact(evidence), format!("{missing}: {}", line(reason(&event.message))));
        let finding = event_facts(evidence, finding.since(event.at), event);
        return Some(failed.next(evidence, finding, "correct what ECS names"));
    }
    let lately = |at: Option<Timestamp>| at.is_some_and(|at| evidence.within_minutes(at, MINUTES));
    let mut activities = evidence.scaling.iter().flat_map(|scaling| &scaling.activities);
    let scaled = activities.any(|activity| lately(activity.at) && activity.status != "Failed");
    let deployed = service.deployments.iter().any(|deployment| lately(deployment.created_at));
    let began = service
        .events
        .iter()
        .any(|event| lately(event.at) && says(&event.message, &["has started", "has stopped"]));
    let stopped = evidence.tasks.as_ref()?.stopped.iter().any(|task| lately(task.stopped_at));
    let starts = evidence
        .tasks
        .iter()
        .flat_map(|tasks| &tasks.running)
        .any(|task| task.started_at.is_none() || lately(task.started_at));
    // Without the scaling nobody knows when the number was raised.
    evidence.scaling.as_ref()?;
    if service.pending > 0 || scaled || deployed || began || stopped || starts {
        return None;
    }
    let finding = Finding::new(Likely, impact(evidence), format!("only {missing}, and ECS brings no more"))
        .fact("ECS, service", "tasks that run", service.running.to_string())
        .against(format!("{} wanted", service.desired));
    let finding = match service.events.first() {
        Some(event) => {
            finding.fact("ECS, service events", "the newest event", line(&event.message)).at(event.at)
        }
        None => finding,
    };
    Some(finding.next(
        DevOps,
        format!(
            "read the service's newest events (aws ecs describe-services --cluster {} --services {} --query 'services[0].events[:5]'), then let ECS try again: send restart: {{\"reason\": \"tasks are missing\"}}",
            service.cluster, service.name
        ),
    ))
}

/// What an event gives as the reason, without whose it is.
fn reason(event: &str) -> &str {
    event
        .split_once("Reason: ")
        .map_or_else(|| event.split_once(") ").map_or(event, |(_, rest)| rest), |(_, reason)| reason)
}

/// The way back only where the release brought the missing image: an older one that lost its image is to be pushed again.
fn image_next(evidence: &Evidence, failed: &Failures<'_>, finding: Finding) -> Finding {
    failed.next(evidence, finding, "push the image again, or correct its name in a new release")
}
