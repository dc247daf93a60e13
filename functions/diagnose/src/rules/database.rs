//! The database: it does not exist, cannot be reached, or is not trusted.

use super::{
    broken::{answer, not_before, one_line, refuses, release},
    connection_pool_exhausted::fullest,
    database_refused::{are_credentials, is_database_refusal},
    failed_starts::{says, stopped},
};
use crate::{
    ask::Ask,
    evidence::{Database, Evidence, Instance, LogGroup, Logs},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Impact::{Degraded, Down},
        Level::{Aws, DevOps},
    },
};

/// An instance's class sets its connections, local storage and memory.
pub(super) const LARGER_WRITER: &str = "make a larger instance the writer (writes stop for about 30 s): aws \
                                        docdb create-db-instance --db-cluster-identifier <db-cluster> \
                                        --db-instance-identifier <new-name> --db-instance-class \
                                        <larger-class> --engine docdb, and once it is available aws docdb \
                                        failover-db-cluster --db-cluster-identifier <db-cluster> \
                                        --target-db-instance-identifier <new-name>";

/// The way to a larger class for this instance.
pub(super) fn larger(evidence: &Evidence, instance: &str) -> String {
    let mut instances = evidence.database.iter().flat_map(|database| &database.instances);
    if instances.any(|it| it.name == instance && !it.is_writer) {
        format!(
            "give this reader a larger class, which restarts it: aws docdb modify-db-instance --db-instance-identifier {instance} --db-instance-class <larger-class> --apply-immediately"
        )
    } else {
        LARGER_WRITER.to_owned()
    }
}

/// What drivers report about an instance that is not the writer any more.
pub(super) const NO_WRITER: &[&str] = &["not primary", "notwritableprimary", "notprimary", "not master"];
/// What drivers and pools say where requests wait for a connection. Not `pool`: a pool is also cleared, and there are
/// pools of threads.
pub(super) const POOL_WAITS: &[&str] = &[
    "waitqueue",
    "wait queue for acquiring a connection",
    "checking out a connection",
    "no available connection",
    "connection pool exhausted",
    "pool is exhausted",
    "waiting for a connection",
];

pub(super) fn database_down(evidence: &Evidence) -> Option<Finding> {
    /// An older event is about something else.
    const EVENT_MINUTES: i64 = 180;
    /// The share of its connections at which the next one is refused.
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
    let errors = logged.map_or(0, |(count, _)| count);
    // It exists: it answers that it is not the writer any more, or the application has no connection left for it.
    let is_reached =
        [NO_WRITER, POOL_WAITS].iter().any(|words| logs.with(words).is_some_and(|(count, _)| count > errors));
    // Where Redis fails with it, and the log has nothing of the database, it is the application that does not answer.
    let redis_fails = evidence.check("health-redis").is_some_and(|check| !check.healthy);
    if is_reached || redis_fails && logged.is_none() {
        return None;
    }
    // A database that refuses credentials or has no connection left exists.
    let is_refusal = |group: &&LogGroup| is_database_refusal(&group.shape) && are_credentials(&group.shape);
    let refused: u64 = logs.groups.iter().filter(is_refusal).map(|group| group.count).sum();
    let is_refused = refused > errors;
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
    let finding = with_errors(finding, logged);
    let finding = match &evidence.database {
        Some(database) if !database.status.is_empty() => {
            finding.fact("DocumentDB", format!("cluster {}", database.name), database.status.clone())
        }
        _ => finding,
    };
    Some(finding.next(
        DevOps,
        "read what fails: aws logs tail <log-group> --since 30m --filter-pattern '%Mongo|ENOTFOUND|ECONN%'; a name that is not found: correct the endpoint in the secret; a timeout: see the network to the database, and whether <writer> is at its limit (CPUUtilization, FreeableMemory and DatabaseConnections in CloudWatch, AWS/DocDB)",
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
    let is_gone = gone(&database.status, GONE);
    let finding = if is_gone {
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
    Some(if is_gone { with_cluster(finding, database) } else { with_instance(finding, database) })
}

/// What to do if the cluster does not come back.
const RESTORE: &str = "restore its newest state beside it and cut over to that: send snapshot-restore \
                       {\"point_in_time\": \"latest\"}";

/// The next step if the cluster does not exist.
fn with_cluster(finding: Finding, database: &Database) -> Finding {
    let name = &database.name;
    let start = format!("aws docdb start-db-cluster --db-cluster-identifier {name}");
    match database.status.as_str() {
        "stopped" => {
            finding.next(DevOps, format!("start it, which takes some minutes: {start}")).otherwise(RESTORE)
        }
        "stopping" => finding
            .next(DevOps, format!("start it as soon as it is stopped, which takes some minutes: {start}"))
            .otherwise(RESTORE),
        "deleting" | "failed" | "migration-failed" => {
            let case = format!("open a case with AWS Support (production system down) about {name}");
            let newest = "restore the newest snapshot beside it: send snapshot-restore {\"snapshot\": \"latest\"}";
            match database.latest_restorable {
                Some(latest) => finding
                    .next(Aws, format!("restore the last good time beside it, and cut over to that; {case}"))
                    .otherwise(newest)
                    .send(Ask::Restore { at: latest }),
                None => finding
                    .next(Aws, format!("{newest}, and cut over to that; {case}"))
                    .otherwise("see what else can be restored: send snapshot-restore {\"list\": true}"),
            }
        }
        status if status.starts_with("inaccessible-") && !status.ends_with("-recoverable") => finding
            .next(
                DevOps,
                format!(
                    "its KMS key cannot be used, and DocumentDB has given it up: let the key be used again (aws docdb describe-db-clusters --db-cluster-identifier {name} --query 'DBClusters[0].KmsKeyId', then aws kms enable-key --key-id <key-id>), and restore the newest snapshot beside it: send snapshot-restore {{\"snapshot\": \"latest\"}}"
                ),
            )
            .otherwise("see what else can be restored: send snapshot-restore {\"list\": true}"),
        status if status.starts_with("inaccessible-") => finding
            .next(
                DevOps,
                format!(
                    "let it use its KMS key again: aws docdb describe-db-clusters --db-cluster-identifier {name} --query 'DBClusters[0].KmsKeyId', then aws kms enable-key --key-id <key-id> (before it aws kms cancel-key-deletion --key-id <key-id>, if the key is to be deleted), then {start}"
                ),
            )
            .otherwise(RESTORE),
        status if status.starts_with("incompatible-") => finding
            .next(
                DevOps,
                format!(
                    "see what does not fit any more, and put it back: aws docdb describe-events --source-type db-cluster --source-identifier {name} --duration 1440"
                ),
            )
            .otherwise(RESTORE),
        _ => finding
            .next(
                DevOps,
                format!(
                    "it becomes available by itself, mostly within 15 minutes (aws docdb describe-events --source-type db-cluster --source-identifier {name} --duration 60); after that open a case with AWS Support (production system down)"
                ),
            )
            .otherwise(RESTORE),
    }
}

/// The next step if the cluster has no instance. The data is in the volume.
fn with_instance(finding: Finding, database: &Database) -> Finding {
    const PASSING: &[&str] = &["creating", "rebooting", "starting", "upgrading"];
    const CLASS: &str = "db.r6g.large";
    let name = &database.name;
    let class = database.instances.first().map(|instance| instance.class.as_str());
    let class = class.filter(|class| !class.is_empty()).unwrap_or(CLASS);
    let create = format!(
        "aws docdb create-db-instance --db-instance-identifier {name}-new --db-instance-class {class} --engine docdb --db-cluster-identifier {name}"
    );
    let passes = database.instances.iter().any(|instance| PASSING.contains(&instance.status.as_str()));
    let next = if passes {
        format!(
            "an instance comes back by itself, mostly within 15 minutes (aws docdb describe-db-instances --filters Name=db-cluster-id,Values={name}); after that add one: {create}"
        )
    } else {
        format!(
            "add an instance, which takes about 10 minutes; the data is in the volume and is not lost: {create}"
        )
    };
    finding.next(DevOps, next).otherwise(RESTORE)
}

/// What the log has had in the last minutes.
pub(super) fn still_logged(evidence: &Evidence) -> Vec<LogGroup> {
    const MINUTES: i64 = 20;
    let groups = evidence.logs.iter().flat_map(|logs| &logs.groups);
    let still = |group: &&LogGroup| group.last.is_none_or(|last| evidence.within_minutes(last, MINUTES));
    groups.filter(still).cloned().collect()
}

/// How many errors of one kind, and the largest group of them.
pub(super) fn with_errors(finding: Finding, logged: Option<(u64, &LogGroup)>) -> Finding {
    let Some((count, largest)) = logged else {
        return finding;
    };
    finding
        .since(largest.first)
        .fact("CloudWatch Logs", one_line(&largest.shape), format!("{count} errors"))
        .at(largest.last)
}

/// The drivers' own words for a certificate that they do not trust, where they speak of the database.
pub(super) fn database_ca_not_trusted(evidence: &Evidence) -> Option<Finding> {
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
    const BUNDLE: &str = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem";
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
                .otherwise(format!("deploy an image with Amazon's newest bundle ({BUNDLE})"))
                .send(Ask::RollBack),
        );
    }
    Some(finding.next(
        DevOps,
        format!(
            "deploy an image with Amazon's newest bundle ({BUNDLE}); the authority that signs it: aws docdb describe-db-instances --db-instance-identifier <writer> --query 'DBInstances[0].CACertificateIdentifier'"
        ),
    ))
}
