//! The service is down: it is not there, what it stands on is not, or something broke it lately.

use jiff::SignedDuration;

use super::{
    Rules,
    application_wont_start::{are_credentials, is_database_refusal},
    broken::{Broken, answer, host, no_connection, not_before, one_line, redeployment, refuses, release},
    connection_pool_exhausted::fullest,
    failed_starts::{line, says, stopped},
};
use crate::{
    evidence::{Certificate, Check, Database, Evidence, Instance, LogGroup, Logs, StoppedTask},
    finding::{
        Confidence::{Certain, Likely, Possible},
        Finding,
        Impact::{Degraded, Down, Risk},
        Level::{Aws, DevOps, Development},
    },
    timeline::{self, Kind},
};

pub(super) const RULES: Rules = &[
    ("service_missing", service_missing),
    ("scaled_to_zero", scaled_to_zero),
    ("database_down", database_down),
    ("database_ca_not_trusted", database_ca_not_trusted),
    ("redis_down", redis_down),
    ("release_broke_it", release_broke_it),
    ("change_broke_it", change_broke_it),
    ("certificate_expired", certificate_expired),
    ("certificate_expires", certificate_expires),
    ("certificate_refused", certificate_refused),
    ("dns_not_found", dns_not_found),
    ("api_unreachable", api_unreachable),
    ("unknown_cause", unknown_cause),
];

const CHANGE_BEFORE: SignedDuration = SignedDuration::from_mins(30);
/// Certificates of ACM are renewed 60 days before their end; so late it does not happen by itself.
const CERTIFICATE_DAYS: i64 = 7;

fn service_missing(evidence: &Evidence) -> Option<Finding> {
    let next = "deploy the stack again: the infrastructure's pipeline creates the service";
    if evidence.service_missing {
        return Some(
            Finding::new(Certain, Down, "the cluster has no such service")
                .fact("ECS", "the service", "does not exist")
                .next(DevOps, next),
        );
    }
    let service = evidence.service.as_ref()?;
    if !matches!(service.status.as_str(), "INACTIVE" | "DRAINING") {
        return None;
    }
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
    let finding = Finding::new(
        Certain,
        Down,
        format!("the service {} is to have no tasks: its desired count is 0", service.name),
    )
    .fact("ECS, service", "desired count", "0")
    .fact("ECS, service", "tasks that run", service.running.to_string());
    let scaling = evidence.scaling.as_ref();
    let (finding, count) = match scaling.and_then(|scaling| scaling.target.as_ref()) {
        Some(target) => (
            finding.fact("Application Auto Scaling", "fewest tasks", target.min.to_string()),
            target.min.max(1),
        ),
        None => (finding, 2),
    };
    let finding = match scaling.and_then(|scaling| scaling.activities.first()) {
        Some(last) if !last.description.is_empty() => finding
            .since(last.at)
            .fact("Application Auto Scaling", "last activity", last.description.clone())
            .at(last.at),
        _ => finding,
    };
    Some(finding.next(
        DevOps,
        // scale-up takes a count of 0 for somebody's wish.
        format!(
            "unless it was switched off on purpose: aws ecs update-service --cluster {} --service {} --desired-count {count}",
            service.cluster, service.name
        ),
    ))
}

fn database_down(evidence: &Evidence) -> Option<Finding> {
    /// An older event is about something else.
    const EVENT_MINUTES: i64 = 180;
    /// Of its connections: the next one is refused.
    const FULL: f64 = 0.95;
    if let Some(finding) = evidence.database.as_ref().and_then(database_is_not_there) {
        let finding = match evidence.check("health-db").filter(|check| refuses(check)) {
            Some(check) => finding.fact("health probe", check.url.clone(), answer(check)),
            None => finding,
        };
        let mut events = evidence.database_events.iter().flatten();
        let lately = |at| evidence.within_minutes(at, EVENT_MINUTES);
        return Some(match events.find(|event| event.at.is_some_and(lately)) {
            Some(event) if !event.message.trim().is_empty() => finding
                .since(event.at)
                .fact("DocumentDB, events", event.source.clone(), one_line(&event.message))
                .at(event.at),
            _ => finding,
        });
    }
    let check = evidence.check("health-db").filter(|check| refuses(check))?;
    let others_work =
        ["health", "health-redis"].iter().any(|name| evidence.check(name).is_some_and(|check| check.healthy));
    let logs = Logs { groups: still_logged(evidence), ..Logs::default() };
    let logged = logs.with(&["MongoServerSelectionError", "MongoNetwork"]);
    // What refuses credentials or has no connection left is there.
    let is_refusal = |group: &&LogGroup| is_database_refusal(&group.shape) && are_credentials(&group.shape);
    let refused: u64 = logs.groups.iter().filter(is_refusal).map(|group| group.count).sum();
    let is_refused = refused > logged.map_or(0, |(count, _)| count);
    if is_refused || fullest(evidence).is_some_and(|full| full.share() >= FULL) {
        return None;
    }
    if !others_work && logged.is_none() {
        return None;
    }
    let finding = Finding::new(Likely, Down, "the application does not get through to its database").fact(
        "health probe",
        check.url.clone(),
        answer(check),
    );
    let finding = match logged {
        Some((count, largest)) => finding
            .since(largest.first)
            .fact("CloudWatch Logs", one_line(&largest.shape), format!("{count} errors"))
            .at(largest.last),
        None => finding,
    };
    let finding = match &evidence.database {
        Some(database) if !database.status.is_empty() => {
            finding.fact("DocumentDB", format!("cluster {}", database.name), database.status.clone())
        }
        _ => finding,
    };
    Some(finding.next(
        DevOps,
        "see the instances' CPU, memory and connections, the security group of the database, and whether its address and credentials in the secret are right",
    ))
}

/// DocumentDB's own word for it. While it is being modified, backed up or maintained it serves.
fn database_is_not_there(database: &Database) -> Option<Finding> {
    const GONE: &[&str] = &[
        "creating",
        "deleting",
        "failed",
        "migrating",
        "migration-failed",
        "starting",
        "stopped",
        "stopping",
        "upgrading",
    ];
    const GONE_INSTANCE: &[&str] = &[
        "creating",
        "deleting",
        "failed",
        "rebooting",
        "restore-error",
        "starting",
        "stopped",
        "stopping",
        "upgrading",
    ];
    let gone = |status: &str, list: &[&str]| {
        list.contains(&status) || status.starts_with("inaccessible-") || status.starts_with("incompatible-")
    };
    let down = |instance: &Instance| gone(&instance.status, GONE_INSTANCE);
    let name = &database.name;
    let finding = if gone(&database.status, GONE) {
        Finding::new(Certain, Down, format!("the database {name} is not available: {}", database.status))
            .fact("DocumentDB", format!("cluster {name}"), database.status.clone())
            .against("available")
    } else if database.instances.is_empty() {
        Finding::new(Certain, Down, format!("the database {name} has no instances: nothing serves its data"))
            .fact("DocumentDB", format!("instances of {name}"), "none")
    } else if database.instances.iter().all(down) {
        let all: Vec<String> = database
            .instances
            .iter()
            .map(|instance| format!("{} {}", instance.name, instance.status))
            .collect();
        Finding::new(Certain, Down, format!("no instance of the database {name} is available"))
            .fact("DocumentDB", format!("instances of {name}"), all.join(", "))
            .against("available")
    } else {
        return None;
    };
    Some(match database.status.as_str() {
        "stopped" | "stopping" => finding.next(
            DevOps,
            format!("start it, which takes some minutes: aws docdb start-db-cluster --db-cluster-identifier {name}"),
        ),
        "deleting" | "failed" | "migration-failed" => {
            let finding = finding.next(Aws, "open a case with AWS, and restore the last good time beside it");
            match database.latest_restorable {
                Some(latest) => finding
                    .send("snapshot-restore", serde_json::json!({ "point_in_time": latest.to_string() })),
                None => finding,
            }
        }
        status if status.starts_with("inaccessible-") => {
            finding.next(DevOps, "enable the KMS key of the cluster again, then start the cluster")
        }
        _ if database.instances.is_empty() => {
            finding.next(DevOps, "create an instance in the cluster: its data is in the volume and is not lost")
        }
        _ => finding.next(DevOps, "wait for what is under way and watch the database's events; after 15 min open a case with AWS"),
    })
}

/// What the log has had in the last minutes.
fn still_logged(evidence: &Evidence) -> Vec<LogGroup> {
    const MINUTES: i64 = 20;
    let groups = evidence.logs.iter().flat_map(|logs| &logs.groups);
    let still = |group: &&LogGroup| group.last.is_none_or(|last| evidence.within_minutes(last, MINUTES));
    groups.filter(still).cloned().collect()
}

/// The drivers' own words for a certificate that they do not trust, where they speak of the database.
fn database_ca_not_trusted(evidence: &Evidence) -> Option<Finding> {
    const WORDS: &[&str] = &[
        "unable to verify the first certificate",
        "unable to get local issuer certificate",
        "unable to get issuer certificate",
        "self signed certificate",
        "self-signed certificate",
        "certificate verify failed",
        "certificate signed by unknown authority",
        "unable_to_verify_leaf_signature",
        "unable_to_get_issuer_cert",
        "self_signed_cert_in_chain",
        "pkix path building failed",
        "certificate_unknown",
        "certificate has expired",
        "unknownissuer",
    ];
    const DATABASE: &[&str] = &["mongo", "docdb", "documentdb", "database"];
    let is = |text: &str| says(text, WORDS) && says(text, DATABASE);
    let groups = still_logged(evidence);
    let logged = groups.iter().filter(|group| is(&group.shape)).max_by_key(|group| group.count);
    let stopped = stopped(evidence, |task| task.failed() && task.last_log.as_deref().is_some_and(is));
    let (text, since) = match (logged, stopped.first()) {
        (Some(group), _) => (group.shape.clone(), group.first),
        (None, Some(task)) => (task.last_log.clone()?, task.stopped_at),
        (None, None) => return None,
    };
    let check = evidence.check("health-db").filter(|check| refuses(check));
    let finding = Finding::new(
        Certain,
        if check.is_some() { Down } else { Degraded },
        "the application does not trust the database's certificate",
    )
    .since(since)
    .fact(
        "CloudWatch Logs",
        one_line(&text),
        logged.map_or_else(|| "a task's last line".to_owned(), |group| format!("{} times", group.count)),
    )
    .at(logged.and_then(|group| group.last));
    let finding = match check {
        Some(check) => finding.fact("health probe", check.url.clone(), answer(check)),
        None => finding,
    };
    let release = release(evidence).and_then(|release| release.created_at);
    if release.is_some_and(|began| since.is_none_or(|since| not_before(since, began))) {
        return Some(
            finding
                .next(DevOps, "go back to the last release that was good; then give the next one Amazon's newest bundle of authorities")
                .send("rollback", serde_json::json!({ "to": "previous" })),
        );
    }
    let writer = evidence.database.as_ref().and_then(|database| database.writer());
    let writer = writer.map_or("<instance>", |writer| writer.name.as_str());
    Some(finding.next(
        DevOps,
        format!(
            "see which authority signs it (aws docdb describe-db-instances --db-instance-identifier {writer} --query 'DBInstances[0].CACertificateIdentifier'), and release an image with Amazon's newest bundle (https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem)"
        ),
    ))
}

fn redis_down(evidence: &Evidence) -> Option<Finding> {
    let check = evidence.check("health-redis").filter(|check| refuses(check))?;
    let works = |name| evidence.check(name).is_some_and(|check| check.healthy);
    // What fails together has something else in common.
    if !works("health-db") {
        return None;
    }
    let finding = Finding::new(
        Likely,
        if works("health") { Degraded } else { Down },
        "the application does not get through to Redis, and gets through to its database",
    )
    .fact("health probe", check.url.clone(), answer(check));
    let logged = evidence.logs.as_ref().and_then(|logs| logs.with(&["redis"]));
    let finding = match logged {
        Some((count, largest)) => finding
            .since(largest.first)
            .fact("CloudWatch Logs", one_line(&largest.shape), format!("{count} errors"))
            .at(largest.last),
        None => finding,
    };
    Some(finding.next(DevOps, "see ElastiCache: whether the nodes are available, their memory and connections, and the last failover"))
}

fn release_broke_it(evidence: &Evidence) -> Option<Finding> {
    const FEW: usize = 2;
    let service = evidence.service.as_ref()?;
    let release = release(evidence)?;
    let began = release.created_at?;
    let failed = |task: &&StoppedTask| task.task_definition == release.task_definition && task.failed();
    let stopped = evidence.tasks.iter().flat_map(|tasks| &tasks.stopped);
    let seen: Vec<&StoppedTask> = stopped.filter(failed).collect();
    let failed = seen.len().max(usize::try_from(release.failed_tasks).unwrap_or_default());
    let comes_up = release.rollout == "COMPLETED" && service.running >= service.desired;
    let revision = &release.task_definition;
    let broken = Broken::seen(evidence);
    // A period of a metric may have begun before the deployment that it shows: the trouble did not.
    let since = broken.as_ref().and_then(|broken| broken.since);
    let since = since.filter(|since| not_before(*since, began)).map(|since| since.max(began));
    let finding = match &broken {
        Some(broken) if since.is_some() => {
            let finding = Finding::new(
                Likely,
                broken.impact,
                format!(
                    "the release {revision} broke it: {}, since {} min after its deployment began",
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
    let finding =
        finding.fact("ECS, deployments", format!("deployment of {revision}"), "began").at(Some(began));
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
    Some(
        finding
            .next(DevOps, "go back to the last release that was good")
            .send("rollback", serde_json::json!({ "to": "previous" })),
    )
}

fn change_broke_it(evidence: &Evidence) -> Option<Finding> {
    let broken = Broken::seen(evidence)?;
    let since = broken.since?;
    // Without the deployments nobody knows that it was no release.
    evidence.service.as_ref()?;
    if release(evidence).and_then(|release| release.created_at).is_some_and(|began| not_before(since, began))
    {
        return None;
    }
    if let Some((deployment, began)) = redeployment(evidence).filter(|(_, began)| not_before(since, *began)) {
        let what = format!(
            "{}, since {} min after {} was deployed again: no release, but a change of the service itself",
            broken.told(),
            since.duration_since(began).as_mins().max(0),
            deployment.task_definition
        );
        let finding = broken.facts(Finding::new(Likely, broken.impact, what).since(Some(since.max(began))));
        let revision = format!("deployment of {}, which ran before", deployment.task_definition);
        return Some(finding.fact("ECS, deployments", revision, "began").at(Some(began)).next(
            DevOps,
            "see what was changed of the service (subnets, security groups, target groups, variables of the same image's tag): its UpdateService in CloudTrail; put that back",
        ));
    }
    let mut changes = timeline::changes(evidence, 24);
    changes.retain(|change| {
        matches!(change.kind, Kind::Secret | Kind::Scaling)
            && not_before(since, change.at)
            && since.duration_since(change.at) <= CHANGE_BEFORE
    });
    // A secret changes once in weeks, a service is scaled every day.
    let secret = changes.iter().rev().find(|change| change.kind == Kind::Secret);
    let change = secret.or(changes.last())?;
    let confidence = if secret.is_some() { Likely } else { Possible };
    let finding = Finding::new(
        confidence,
        broken.impact,
        format!(
            "{}, since {} min after a change: {}",
            broken.told(),
            since.duration_since(change.at).as_mins().max(0),
            one_line(&change.what)
        ),
    );
    let finding = broken
        .facts(finding.since(Some(since.max(change.at))))
        .fact(
            if secret.is_some() { "Secrets Manager" } else { "Application Auto Scaling" },
            "changed",
            one_line(&change.what),
        )
        .at(Some(change.at));
    Some(finding.next(
        DevOps,
        if secret.is_some() {
            "compare the secret with what it opens; put its version AWSPREVIOUS back if it is wrong, and deploy again, as tasks read it at their start"
        } else {
            "set the number of tasks back to what it was before, and see whether that ends it"
        },
    ))
}

fn certificate_expired(evidence: &Evidence) -> Option<Finding> {
    let (check, certificate) = certificates(evidence).find(|(_, it)| it.not_after <= evidence.at)?;
    let host = host(&check.url);
    let ago = days(evidence.ago(certificate.not_after));
    Some(
        Finding::new(Certain, Down, format!("the certificate of {host} expired {ago} ago: no browser goes on"))
            .since(Some(certificate.not_after))
            .fact("health probe", format!("certificate of {host}"), "expired")
            .at(Some(certificate.not_after))
            .next(DevOps, "see in ACM why it was not renewed (its DNS record for validation is mostly gone); put a valid certificate on the listener or distribution"),
    )
}

/// For another name, or by an authority that browsers do not know: what the probe was told in the handshake.
fn certificate_refused(evidence: &Evidence) -> Option<Finding> {
    let checks = evidence.probe.iter().flat_map(|probe| &probe.checks);
    let expired = |check: &Check| check.certificate.as_ref().is_some_and(|it| it.not_after <= evidence.at);
    let mut refused = checks.filter(|check| check.failed_by("tls") && !expired(check)).filter_map(|check| {
        let message = one_line(&check.error.as_ref()?.message);
        says(&message, &["certificate"]).then_some((check, message))
    });
    let (check, message) = refused.next()?;
    let host = host(&check.url);
    let next = if says(&message, &["name"]) {
        format!(
            "give the listener or distribution of {host} a certificate for this name (ACM), or correct the name's record in Route 53"
        )
    } else {
        format!(
            "see that the certificate of {host} comes with its intermediate certificates and from a public authority (aws acm list-certificates)"
        )
    };
    Some(
        Finding::new(Certain, Down, format!("browsers refuse the certificate of {host}"))
            .fact("health probe", check.url.clone(), message)
            .next(DevOps, next),
    )
}

fn certificate_expires(evidence: &Evidence) -> Option<Finding> {
    let (check, certificate) = certificates(evidence)
        .filter(|(_, it)| it.not_after > evidence.at)
        .min_by_key(|(_, it)| it.not_after)?;
    let host = host(&check.url);
    let left = certificate.not_after.duration_since(evidence.at);
    // Whole days, as the probe counts them.
    if left.as_hours() / 24 > CERTIFICATE_DAYS {
        return None;
    }
    let left = days(left);
    Some(
        Finding::new(Certain, Risk, format!("the certificate of {host} expires in {left}"))
            .fact("health probe", format!("certificate of {host}"), format!("{left} left"))
            .against(format!("{CERTIFICATE_DAYS} days"))
            .at(Some(certificate.not_after))
            .next(DevOps, "see in ACM why it was not renewed (its DNS record for validation is mostly gone), and renew it"),
    )
}

/// Days, or hours where there are few.
fn days(duration: SignedDuration) -> String {
    match duration.as_hours() {
        hours @ ..48 => format!("{hours} h"),
        hours => format!("{} days", hours / 24),
    }
}

fn certificates(evidence: &Evidence) -> impl Iterator<Item = (&Check, &Certificate)> {
    let checks = evidence.probe.iter().flat_map(|probe| &probe.checks);
    checks.filter_map(|check| Some((check, check.certificate.as_ref()?)))
}

fn dns_not_found(evidence: &Evidence) -> Option<Finding> {
    let checks = &evidence.probe.as_ref()?.checks;
    let check = checks.iter().find(|check| check.failed_by("dns"))?;
    let host = host(&check.url);
    let message = check.error.as_ref().map(|error| one_line(&error.message)).filter(|text| !text.is_empty());
    // Where no name at all is found, the probe's own resolver may be to blame.
    let all = checks.iter().all(|check| check.failed_by("dns"));
    Some(
        Finding::new(if all { Likely } else { Certain }, Down, format!("the name {host} is not found in DNS"))
            .fact("health probe", check.url.clone(), message.unwrap_or_else(|| "not found".to_owned()))
            .next(DevOps, format!("see the record of {host} in Route 53, and whether the domain is still registered and delegated")),
    )
}

fn api_unreachable(evidence: &Evidence) -> Option<Finding> {
    let check = evidence.check("health").filter(|check| no_connection(check))?;
    let groups = evidence.target_groups.as_ref()?;
    let healthy =
        groups.iter().flat_map(|group| &group.targets).filter(|target| target.state == "healthy").count();
    if healthy == 0 {
        return None;
    }
    let host = host(&check.url);
    // Where nothing at all is reached, it may be the probe that is cut off.
    let alone = evidence.probe.iter().flat_map(|probe| &probe.checks).all(no_connection);
    let finding = Finding::new(
        if alone { Possible } else { Likely },
        Down,
        format!("{host} cannot be reached, and the {healthy} targets behind it are healthy: the load balancer is cut off"),
    )
    .fact("health probe", check.url.clone(), answer(check))
    .fact("ALB, target health", "healthy targets", healthy.to_string());
    let finding = match &evidence.load_balancer {
        Some(balancer) if !balancer.state.is_empty() => finding
            .fact("ALB", format!("state of {}", balancer.name), balancer.state.clone())
            .against("active"),
        _ => finding,
    };
    Some(finding.next(
        DevOps,
        "see whether the name leads to this load balancer, whether it has a listener on 443, and whether its security group, subnets and network ACLs let the internet in",
    ))
}

/// Ranked after everything that tells why.
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
    Some(finding.next(
        Development,
        "nothing that was looked at tells why: read the application's log from when it began, and follow one \
             failing request",
    ))
}
