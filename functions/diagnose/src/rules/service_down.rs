//! The service is down: it does not exist, something it depends on does not, or a recent change broke it.

use jiff::{SignedDuration, Timestamp};

use super::{
    Rule,
    aws_issue::aws_issue,
    broken::{Again, Broken, answer, not_before, one_line, redeployment, refuses, release},
    certificates::{self, certificate_expired, certificate_expires, certificate_refused},
    database::{database_ca_not_trusted, database_down, still_logged, with_errors},
    failed_starts::line,
    slow_queries::{collection_scan, missing_index},
    steps::back,
    task_secrets::version_before,
    unreachable::{api_unreachable, dns_not_found},
};
use crate::{
    evidence::{Check, Evidence, Logs, StoppedTask},
    finding::{
        Confidence::{Certain, Likely, Possible},
        Finding,
        Impact::{Degraded, Down, Risk},
        Level::{DevOps, Development},
    },
    read::logs::PATTERN,
    timeline::{self, Kind},
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "service_missing",
        find: service_missing,
        looks_at: "Whether ECS knows the service in its cluster, and the service's status. One that is \
                   missing, DRAINING or INACTIVE was deleted; one that only has no tasks stays ACTIVE.",
        otherwise: "create it by hand: aws ecs create-service --cluster <cluster> --service-name <service> \
                    --task-definition <task-definition> --desired-count 2 --launch-type FARGATE \
                    --network-configuration \
                    'awsvpcConfiguration={subnets=[<subnet-id>],securityGroups=[<group-id>]}' \
                    --load-balancers \
                    targetGroupArn=<target-group-arn>,containerName=<container>,containerPort=<port>",
        helped: "aws ecs describe-services --cluster <cluster> --services <service> shows the status ACTIVE \
                 and runningCount = desiredCount within 10 minutes",
    },
    Rule {
        cause: "scaled_to_zero",
        find: scaled_to_zero,
        looks_at: "The desired count of an ACTIVE service: it is 0. Tasks that fail leave the desired count \
                   as it is, so a person, a schedule or scaling has set it.",
        otherwise: "see who set it to 0, and undo that: aws cloudtrail lookup-events --lookup-attributes \
                    AttributeKey=EventName,AttributeValue=UpdateService --max-results 10",
        helped: "aws ecs describe-services --cluster <cluster> --services <service> shows runningCount = \
                 desiredCount, above 0, within 5 minutes",
    },
    Rule {
        cause: "database_down",
        find: database_down,
        looks_at: "First the status of the cluster and of its instances: stopped, failed, starting and the \
                   like, no instance, or none that is available. Else /health/db, where it is reached and \
                   fails while /health or /health/redis passes, or while the log of the last 20 minutes has \
                   MongoServerSelectionError or MongoNetwork errors. With more refused credentials than \
                   these in the log, or 95 % of an instance's connections in use, the database is there, and \
                   other rules say so.",
        otherwise: "fail over, if the cluster has a reader; writes stop for about 30 s: aws docdb \
                    failover-db-cluster --db-cluster-identifier <db-cluster>",
        helped: "send health-probe {\"checks\": [\"health-db\"]} answers healthy: within 15 minutes, or, \
                 after a restore, once the service uses the restored cluster",
    },
    Rule {
        cause: "database_ca_not_trusted",
        find: database_ca_not_trusted,
        looks_at: "Errors in the log of the last 20 minutes, or last lines of failed tasks, that have a \
                   driver's words for an unknown or expired certificate (\"self-signed certificate\", \
                   \"certificate verify failed\") and name the database. So the database answers, and the \
                   application refuses it.",
        otherwise: "give the instance back the authority that it had: aws docdb modify-db-instance \
                    --db-instance-identifier <writer> --ca-certificate-identifier <authority> \
                    --apply-immediately (aws docdb describe-certificates lists them); this may restart the \
                    instance",
        helped: "send health-probe {\"checks\": [\"health-db\"]} answers healthy, and the log has no new \
                 line about a certificate, within 10 minutes of the deployment",
    },
    Rule {
        cause: "redis_down",
        find: redis_down,
        looks_at: "/health/redis, where it is reached and fails while /health/db passes. Were the whole \
                   application or the network at fault, /health/db would fail too; where it does, the log \
                   has to have 100 or more errors of Redis's driver and none of the database's, which is \
                   available.",
        otherwise: "give it larger nodes, if memory or CPU is at its limit (DatabaseMemoryUsagePercentage, \
                    EngineCPUUtilization): aws elasticache modify-replication-group --replication-group-id \
                    <replication-group-id> --cache-node-type <larger-node-type> --apply-immediately",
        helped: "send health-probe {\"checks\": [\"health-redis\"]} answers healthy within 10 minutes",
    },
    Rule {
        cause: "release_broke_it",
        find: release_broke_it,
        looks_at: "A release deployed in the last 2 hours: not a roll-back, and not what ran before, or a copy of it. It is \
                   the cause where 5xx (5 % of the requests, at least 10 in 15 minutes) or a failing health \
                   check began after its deployment did, give or take a metric's 5 minutes; or where fewer \
                   5xx, ten times the usual and never so many in 12 hours, began within 20 minutes of it and \
                   last; or where at least 2 of its tasks failed and it does not come up.",
        otherwise: "where rollback refuses, deploy by hand what ran before: aws ecs list-task-definitions --family-prefix <family> --sort DESC, then aws ecs update-service --cluster <cluster> --service <service> --task-definition <earlier-revision>",
        helped: "aws ecs describe-services --cluster <cluster> --services <service> shows one deployment, \
                 COMPLETED, and send health-probe {\"checks\": [\"health\"]} answers healthy, within 10 \
                 minutes",
    },
    Rule {
        cause: "change_broke_it",
        find: change_broke_it,
        looks_at: "The same 5xx or failing health check, where no release came before it: a secret was \
                   changed in the 30 minutes before, or the service was deployed again unchanged, or went back \
                   to what ran before, in the 2 hours before, or it was scaled in the 30 minutes before. A secret changes once in weeks, \
                   so that is likely; a service is scaled every day, so that is only possible.",
        otherwise: "compare the service's last two revisions, and set the older one's values: aws ecs \
                    list-service-deployments --cluster <cluster> --service <service>, then aws ecs \
                    describe-service-revisions --service-revision-arns <newer-arn> <older-arn>",
        helped: "send health-probe {\"checks\": [\"health\", \"health-db\", \"health-redis\"]} answers \
                 healthy, and less than 5 % of the requests end with a 5xx, within 10 minutes",
    },
    Rule {
        cause: "certificate_expired",
        find: certificate_expired,
        looks_at: "The end of the certificate that each of the probe's checks met in its TLS handshake. Once \
                   it is over, browsers refuse to go on, whatever else works.",
        otherwise: certificates::IMPORT,
        helped: "send health-probe {\"checks\": [\"health\", \"page\"]} answers healthy with more than 30 \
                 days left, within 15 minutes of the new certificate's issue",
    },
    Rule {
        cause: "certificate_expires",
        find: certificate_expires,
        looks_at: "The end of the same certificates: the first has 7 whole days or fewer left. ACM renews \
                   its own 60 days before their end, so this renewal fails, or the certificate was imported.",
        otherwise: certificates::IMPORT,
        helped: "send health-probe {\"checks\": [\"health\", \"page\"]} answers with more than 30 days left, \
                 within a day",
    },
    Rule {
        cause: "certificate_refused",
        find: certificate_refused,
        looks_at: "A check of the probe that failed in its TLS handshake by an error about the certificate, \
                   while that has not expired. The certificate is for another name, or of an authority that \
                   browsers do not know.",
        otherwise: "see whether the name leads to the right load balancer or distribution, and correct its \
                    record in Route 53 if it does not",
        helped: "send health-probe {\"checks\": [\"health\", \"page\"]} answers healthy within 15 minutes",
    },
    Rule {
        cause: "dns_not_found",
        find: dns_not_found,
        looks_at: "A check of the probe that failed because its name was not found in DNS. Where no check \
                   finds its name, the probe's own resolver may be to blame: then it is likely, else \
                   certain.",
        otherwise: "see whether the domain is still registered and delegated: aws route53domains \
                    list-domains --region us-east-1, and dig +trace with the name",
        helped: "dig +short with the name prints an address, and send health-probe {\"checks\": [\"health\", \
                 \"page\"]} answers healthy, within 15 minutes, as long as resolvers remember that it was \
                 missing",
    },
    Rule {
        cause: "api_unreachable",
        find: api_unreachable,
        looks_at: "A probe that cannot open a connection to the API, while at least one target behind the \
                   load balancer is healthy. So the tasks work, and the name, the listener or the network \
                   before them does not. Where the probe reaches nothing at all, it may be the probe that is \
                   cut off: then it is only possible.",
        otherwise: "see what was changed of the load balancer lately, and undo it: aws cloudtrail \
                    lookup-events --lookup-attributes \
                    AttributeKey=EventSource,AttributeValue=elasticloadbalancing.amazonaws.com --max-results \
                    10",
        helped: "send health-probe {\"checks\": [\"health\"]} answers healthy within 5 minutes",
    },
    Rule {
        cause: "aws_issue",
        find: aws_issue,
        looks_at: "The open issues of AWS Health in the stack's region and of the global services, for the \
                   services that the stack stands on. Whether they touch this stack is not known: it is likely where \
                   one began in the 3 hours before the trouble, else possible. Accounts without a support \
                   plan of Business or above have no such source.",
        otherwise: "open a case with AWS Support that names this stack's resources, and treat what else was \
                    found meanwhile",
        helped: "aws health describe-events --region us-east-1 --filter eventStatusCodes=open no longer lists it, and the probe passes: send health-probe {}",
    },
    Rule {
        cause: "unknown_cause",
        find: unknown_cause,
        looks_at: "Whether users are served: a health check that gets a 5xx, no answer or a useless one, or \
                   5xx for 5 % of the requests, at least 10 in 15 minutes. It ranks after every rule that \
                   gives a reason.",
        otherwise: "restart the tasks, in case one is stuck: send restart {\"reason\": \
                    \"the API fails, and no cause was found\"}",
        helped: "send health-probe {\"checks\": [\"health\", \"health-db\", \"health-redis\"]} answers \
                 healthy, and less than 5 % of the requests end with a 5xx, within 10 minutes",
    },
];

/// Errors count for 15 min, in periods of 5.
const ERRORS_COUNT: SignedDuration = SignedDuration::from_mins(20);
const CHANGE_BEFORE: SignedDuration = SignedDuration::from_mins(30);
/// What is not named stays as it is.
const SCALABLE_TARGET: &str = "aws application-autoscaling register-scalable-target --service-namespace ecs \
                               --scalable-dimension ecs:service:DesiredCount --resource-id \
                               service/<cluster>/<service>";

fn service_missing(evidence: &Evidence) -> Option<Finding> {
    let next = "run the pipeline that deploys the stack, and see that the service is there afterwards: aws ecs describe-services --cluster <cluster> --services <service> (CloudFormation does not create again what was deleted by hand); who deleted it: aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=DeleteService --max-results 5";
    if evidence.service_missing {
        return Some(
            Finding::new(Certain, Down, "the cluster has no such service")
                .fact("ECS", "the service", "does not exist")
                .next(DevOps, next),
        );
    }
    let service = evidence.service.as_ref()?;
    let next = match service.status.as_str() {
        "INACTIVE" => next.to_owned(),
        // ECS takes no other service of the same name until it is INACTIVE.
        "DRAINING" => {
            format!(
                "once its name is free (aws ecs wait services-inactive --cluster <cluster> --services <service>), {next}"
            )
        }
        _ => return None,
    };
    Some(
        Finding::new(
            Certain,
            Down,
            format!("the service {} was deleted: it is {}", service.name, service.status),
        )
        .fact("ECS, service", format!("status of {}", service.name), service.status.clone())
        .against("ACTIVE")
        .fact("ECS, service", "tasks that still run", service.running.to_string())
        .next(DevOps, next),
    )
}

fn scaled_to_zero(evidence: &Evidence) -> Option<Finding> {
    let service = evidence.service.as_ref()?;
    if service.desired > 0 || service.status != "ACTIVE" {
        return None;
    }
    let finding = Finding::new(Certain, Down, format!("the service {} is scaled to 0 tasks", service.name))
        .fact("ECS, service", "desired count", "0")
        .fact("ECS, service", "tasks that run", service.running.to_string());
    let scaling = evidence.scaling.as_ref();
    let target = scaling.and_then(|scaling| scaling.target.as_ref());
    let (finding, count) = match target {
        Some(target) => (
            finding.fact("Application Auto Scaling", "fewest tasks", target.min.to_string()),
            target.min.max(1),
        ),
        None => (finding, 2),
    };
    let finding = match scaling.and_then(|scaling| scaling.activities.first()) {
        Some(last) if !last.description.is_empty() => finding
            // A person may have set it since.
            .since(last.at.filter(|_| last.description.contains("desired count to 0")))
            .not_before(last.at.filter(|_| last.description.contains("desired count to 0")))
            .fact("Application Auto Scaling", "last activity", last.description.clone())
            .at(last.at),
        _ => finding,
    };
    // scale-up takes a count of 0 for somebody's wish.
    let set = format!(
        "unless it was switched off on purpose: aws ecs update-service --cluster {} --service {} --desired-count {count}",
        service.cluster, service.name
    );
    let raise = format!("{SCALABLE_TARGET} --min-capacity {count}");
    Some(match target {
        // A count above the maximum would not last; new bounds bring the count with them.
        Some(target) if target.max < count => finding
            .next(
                DevOps,
                format!("unless it was switched off on purpose, raise the bounds of scaling, and the count with them: {raise} --max-capacity {}", count.max(2)),
            )
            .otherwise("see whether a schedule sets them to 0: aws application-autoscaling describe-scheduled-actions --service-namespace ecs --resource-id service/<cluster>/<service>"),
        Some(_) => finding
            .next(DevOps, set)
            .otherwise(format!("raise the minimum, if a schedule or a policy sets it to 0 again: {raise}")),
        None => finding.next(DevOps, set),
    })
}

fn redis_down(evidence: &Evidence) -> Option<Finding> {
    /// In the last hour. A cache that hiccups makes a few.
    const REDIS_ERRORS: u64 = 100;
    let check = evidence.check("health-redis").filter(|check| refuses(check))?;
    let works = |name| evidence.check(name).is_some_and(|check| check.healthy);
    let logs = Logs { groups: still_logged(evidence), ..Logs::default() };
    let logged = logs.with(&["redis", "maxretriesperrequest"]);
    // If other parts fail too, they have another cause in common, unless the log blames Redis alone.
    let what = if works("health-db") {
        "the application cannot reach Redis, but reaches its database"
    } else {
        let of_database: u64 = logs.with(&["mongo"]).map_or(0, |(count, _)| count);
        let of_redis = logged.map_or(0, |(count, _)| count);
        let is_there = evidence.database.as_ref().is_some_and(|database| database.status == "available");
        if !is_there || of_redis < REDIS_ERRORS || of_database > 0 {
            return None;
        }
        "the application cannot reach Redis, and fails without it"
    };
    let finding = Finding::new(Likely, if works("health") { Degraded } else { Down }, what).fact(
        "health probe",
        check.url.clone(),
        answer(check),
    );
    let finding = with_errors(finding, logged);
    Some(finding.next(
        DevOps,
        "see whether its nodes are available, and what happened to them: aws elasticache describe-replication-groups, and aws elasticache describe-events --duration 180; if they are, have fresh tasks connect: send restart {\"reason\": \"the tasks do not get through to Redis\"}",
    ))
}

fn release_broke_it(evidence: &Evidence) -> Option<Finding> {
    const FEW: usize = 2;
    let service = evidence.service.as_ref()?;
    let release = release(evidence)?;
    let began = release.created_at?;
    // What a release brings does not keep tasks that run from being registered.
    let targets = evidence.target_groups.iter().flatten().map(|group| group.targets.len());
    if service.running >= service.desired && evidence.target_groups.is_some() && targets.sum::<usize>() == 0 {
        return None;
    }
    let failed = |task: &&StoppedTask| task.task_definition == release.task_definition && task.failed();
    let stopped = evidence.tasks.iter().flat_map(|tasks| &tasks.stopped);
    let seen: Vec<&StoppedTask> = stopped.filter(failed).collect();
    let failed = seen.len().max(usize::try_from(release.failed_tasks).unwrap_or_default());
    let comes_up = release.rollout == "COMPLETED" && service.running >= service.desired;
    let revision = &release.task_definition;
    // A release without a single running task has broken nothing.
    if release.running == 0 && failed == 0 {
        return None;
    }
    // A few errors may have a cause that is reported on its own.
    let tells_why = || missing_index(evidence).or_else(|| collection_scan(evidence)).is_some();
    let broken = Broken::seen(evidence).or_else(|| Broken::risen(evidence, began).filter(|_| !tells_why()));
    // A period of a metric may have begun before the deployment that it shows: the trouble did not.
    let since = broken.as_ref().and_then(|broken| broken.since);
    let since = since.filter(|since| not_before(*since, began)).map(|since| since.max(began));
    let finding = match &broken {
        Some(broken) if since.is_some() => {
            let finding = Finding::new(
                Likely,
                broken.impact,
                format!(
                    "the release {revision} broke it: {}, starting {} min after its deployment began",
                    broken.told(),
                    since.map_or(0, |since| since.duration_since(began).as_mins().max(0))
                ),
            );
            broken.facts(finding.since(since))
        }
        _ if failed >= FEW && !comes_up => {
            let impact = match service.running {
                0 => Down,
                running if running < service.desired => Degraded,
                _ => Risk,
            };
            Finding::new(
                Likely,
                impact,
                format!("the release {revision} does not come up: {failed} of its tasks failed"),
            )
            .since(Some(began))
        }
        _ => return None,
    };
    let finding = finding
        .not_before(Some(began))
        .fact("ECS, deployments", format!("deployment of {revision}"), "began")
        .at(Some(began));
    let finding = if failed > 0 {
        finding.fact("ECS, deployments", format!("failed tasks of {revision}"), failed.to_string())
    } else {
        finding
    };
    // Why, as far as anybody has said it: the last line of the log, and ECS's own reason.
    let last_log = seen.iter().find_map(|task| Some((task, task.last_log.as_deref()?)));
    let finding = match last_log.filter(|(_, log)| !log.trim().is_empty()) {
        Some((task, log)) => finding
            .fact("CloudWatch Logs", format!("last line of task {}", task.id), one_line(log))
            .at(task.stopped_at),
        None => finding,
    };
    let finding = match seen.first() {
        Some(task) if !task.reasons().trim().is_empty() => finding
            .fact("ECS, stopped tasks", format!("task {}", task.id), line(&task.reasons()))
            .at(task.stopped_at),
        _ => finding,
    };
    Some(back(evidence, finding, "have it corrected"))
}

fn change_broke_it(evidence: &Evidence) -> Option<Finding> {
    let mut changes = timeline::changes(evidence, 24);
    let again = redeployment(evidence);
    let secrets = changes.iter().filter(|change| change.kind == Kind::Secret).map(|change| change.at);
    let mut begins = again.as_ref().map(|again| again.began).into_iter().chain(secrets);
    let broken =
        Broken::seen(evidence).or_else(|| begins.find_map(|began| Broken::risen(evidence, began)))?;
    let since = broken.since?;
    // Without the deployments, a release cannot be ruled out.
    evidence.service.as_ref()?;
    if release(evidence).and_then(|release| release.created_at).is_some_and(|began| not_before(since, began))
    {
        return None;
    }
    changes.retain(|change| {
        matches!(change.kind, Kind::Secret | Kind::Scaling)
            && not_before(since, change.at)
            && since.duration_since(change.at) <= CHANGE_BEFORE
    });
    // A secret changes once in weeks, a service is scaled every day. Tasks that are started anew read it.
    let secret = changes.iter().rev().find(|change| change.kind == Kind::Secret);
    if let Some(again) = again.filter(|again| secret.is_none() && again.may_have_begun(since)) {
        let Again { deployment, began, instead_of } = again;
        let revision = &deployment.task_definition;
        let how = match instead_of {
            Some(left) => format!("the service went back from {left} to {revision}"),
            None => format!("{revision} was deployed again: no release, but a change of the service itself"),
        };
        let what = format!(
            "{}, starting {} min after {how}",
            broken.told(),
            since.duration_since(began).as_mins().max(0),
        );
        let finding = Finding::new(Likely, broken.impact, what).since(Some(since)).not_before(Some(began));
        let finding = broken.facts(finding);
        let revision = format!("deployment of {revision}, which ran before");
        return Some(finding.fact("ECS, deployments", revision, "began").at(Some(began)).next(
            DevOps,
            format!(
                "see what was changed of the service (subnets, security groups, target groups), and put that back: aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=UpdateService --start-time {}",
                began.checked_sub(CHANGE_BEFORE).unwrap_or(began)
            ),
        ));
    }
    let change = secret.or(changes.last())?;
    let confidence = if secret.is_some() { Likely } else { Possible };
    let finding = Finding::new(
        confidence,
        broken.impact,
        format!(
            "{}, starting {} min after a change: {}",
            broken.told(),
            since.duration_since(change.at).as_mins().max(0),
            one_line(&change.what)
        ),
    );
    let finding = broken
        .facts(finding.since(Some(since)).not_before(Some(change.at)))
        .fact(
            if secret.is_some() { "Secrets Manager" } else { "Application Auto Scaling" },
            "changed",
            one_line(&change.what),
        )
        .at(Some(change.at));
    let (next, otherwise) = if secret.is_some() { secret_back(evidence, change.at) } else { count_back() };
    Some(finding.next(DevOps, next).otherwise(otherwise))
}

/// The steps after a secret was changed then.
fn secret_back(evidence: &Evidence, at: Timestamp) -> (String, String) {
    let secrets = || evidence.secrets.iter().flatten();
    if let Some(secret) = secrets().find(|secret| secret.deleted_at == Some(at)) {
        let name = &secret.name;
        return (
            format!(
                "cancel the deletion of the secret: aws secretsmanager restore-secret --secret-id {name}; then send restart {{\"reason\": \"a secret is there again\"}}"
            ),
            "see who deleted it, and why: aws cloudtrail lookup-events --lookup-attributes \
             AttributeKey=EventName,AttributeValue=DeleteSecret --max-results 10"
                .to_owned(),
        );
    }
    let name = secrets()
        .find(|secret| secret.changed_at == Some(at))
        .map_or("<secret>", |secret| secret.name.as_str());
    (
        format!(
            "put the old value back, unless the secret was rotated: {}; then send restart {{\"reason\": \"a secret was put back\"}}",
            version_before(name)
        ),
        "have the tasks read the new value, if it is right: send restart {\"reason\": \"a secret was changed\"}"
            .to_owned(),
    )
}

/// The steps after the service was scaled.
fn count_back() -> (String, String) {
    (
        "set the desired count back to what it was before (aws application-autoscaling describe-scaling-activities --service-namespace ecs --resource-id service/<cluster>/<service> --max-results 5): aws ecs update-service --cluster <cluster> --service <service> --desired-count <count>".to_owned(),
        format!("keep scaling out of it while you look, and let it in again afterwards: {SCALABLE_TARGET} --suspended-state DynamicScalingInSuspended=true,DynamicScalingOutSuspended=true"),
    )
}

/// Ranked after every finding that says why.
fn unknown_cause(evidence: &Evidence) -> Option<Finding> {
    let broken = Broken::seen(evidence)?;
    // A code below 500 tells by itself what is wrong: the address, or what the caller may.
    let says_why = |check: &&Check| check.spoilt().is_none() && check.status.is_some_and(|code| code < 500);
    let check = broken.check.filter(|check| !says_why(check));
    if check.is_none() && broken.errors.is_none() {
        return None;
    }
    let finding = broken.facts(Finding::new(Certain, broken.impact, broken.told()).since(broken.since));
    let seen = [
        ("service", evidence.service.is_some()),
        ("tasks", evidence.tasks.is_some()),
        ("targets", evidence.target_groups.is_some()),
        ("log", evidence.logs.is_some()),
        ("database", evidence.database.is_some()),
        ("secrets", evidence.secrets.is_some()),
    ];
    let seen: Vec<&str> = seen.iter().filter(|(_, is_seen)| *is_seen).map(|(name, _)| *name).collect();
    let finding = match evidence.logs.as_ref().and_then(|logs| logs.groups.first()) {
        Some(group) if !group.shape.trim().is_empty() => finding
            .fact("CloudWatch Logs", one_line(&group.shape), format!("{} times", group.count))
            .at(group.last),
        _ => finding,
    };
    let finding = match seen.as_slice() {
        [] => finding,
        seen => finding.fact("diagnose", "looked at without a cause", seen.join(", ")),
    };
    let since = broken.since.map_or_else(|| "1h".to_owned(), |since| since.to_string());
    let read_log = format!(
        "nothing that was looked at tells why: read the application's log from when it began, and follow one failing request: aws logs tail <log-group> --since {since} --filter-pattern '{PATTERN}'"
    );
    let again = redeployment(evidence);
    let Some((again, left)) = again.as_ref().and_then(|again| Some((again, again.instead_of?))) else {
        return Some(finding.next(Development, read_log));
    };
    // What was gone back from may have been the cause.
    let to = &again.deployment.task_definition;
    let finding = finding
        .fact(
            "ECS, deployments",
            format!("deployment of {to}, to which the service went back from {left}"),
            "began",
        )
        .at(Some(again.began));
    let settled = again.began.checked_add(ERRORS_COUNT).unwrap_or(again.began);
    let next = if check.is_none() && evidence.at < settled {
        format!(
            "the errors of {left} are counted until {settled}: see whether there are more after that: send diagnose {{\"symptom\": \"service-down\"}}"
        )
    } else {
        read_log
    };
    Some(finding.next(Development, next))
}
