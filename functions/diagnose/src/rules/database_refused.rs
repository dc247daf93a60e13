//! Tasks that fail, or fail their users, because the database refuses them.

use jiff::{SignedDuration, Timestamp};

use super::{
    failed_starts::{goes_on, impact, line, says, short_of_tasks, status, stopped},
    task_secrets::{CHANGED_MINUTES, only_secret, version_before},
};
use crate::{
    ask::Ask,
    evidence::{DatabaseEvent, Evidence, LogGroup, Secret, StoppedTask},
    finding::{
        Confidence::{Certain, Likely},
        Finding, Impact,
        Level::DevOps,
    },
};

const UNKNOWN: &str = "<secret-of-the-database>";
/// DocumentDB's.
const DEFAULT_PORT: u16 = 27_017;

pub(super) fn database_refused(evidence: &Evidence) -> Option<Finding> {
    let failed = stopped(evidence, StoppedTask::failed);
    let refused = failed.iter().find(|task| task.last_log.as_deref().is_some_and(is_database_refusal));
    let logged = evidence.logs.iter().flat_map(|logs| &logs.groups).find(|group| {
        is_database_refusal(&group.shape) && group.last.is_none_or(|last| goes_on(evidence, last))
    });
    // Running tasks keep the credentials that they started with.
    let outdated =
        logged.filter(|group| are_credentials(&group.shape)).and_then(|group| outdated(evidence, group));
    // New connections, while the old ones go on.
    let keeps_refusing = logged.is_some_and(keeps_refusing);
    // Else, where tasks stay, the driver connects again by itself.
    let is_over = failed.is_empty() && !short_of_tasks(evidence) && outdated.is_none() && !keeps_refusing;
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
        None if keeps_refusing && failed.is_empty() => {
            ("the database refuses the credentials that the tasks have", Impact::Degraded)
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
    let reset = password_reset(evidence);
    let finding = match reset {
        Some(event) => {
            finding.fact("DocumentDB, events", event.source.clone(), event.message.clone()).at(event.at)
        }
        None => finding,
    };
    let changed = |at: &Timestamp| evidence.within_minutes(*at, CHANGED_MINUTES);
    let mut secrets = evidence.secrets.iter().flatten();
    let changed = secrets.find(|secret| secret.changed_at.as_ref().is_some_and(changed));
    let finding = match changed {
        Some(secret) => finding.fact("Secrets Manager", secret.name.clone(), "changed").at(secret.changed_at),
        None => finding,
    };
    if outdated.is_some() {
        let next = "restart: fresh tasks read the secret as it is now; if they are refused too, compare it \
                    with the database's user";
        let reason = "the database's secret was changed after the tasks began";
        let by_hand = "where restart refuses, deploy the same revision by hand, with the image that its tag \
                       names now: aws ecs update-service --cluster <cluster> --service <service> \
                       --force-new-deployment";
        let finding = finding.next(DevOps, next).otherwise(by_hand);
        return Some(finding.send(Ask::restart(reason)));
    }
    let (next, otherwise) = match (credentials, reset, changed) {
        (true, Some(_), None) => new_password(evidence),
        (true, ..) => same_password(evidence, changed),
        _ => way_to_database(evidence),
    };
    Some(finding.next(DevOps, next).otherwise(otherwise))
}

/// Many refused credentials, for longer than a rotation's minute.
fn keeps_refusing(group: &LogGroup) -> bool {
    const MANY: u64 = 100;
    const LONG: SignedDuration = SignedDuration::from_mins(10);
    let lasts = group.first.zip(group.last).is_some_and(|(first, last)| last.duration_since(first) >= LONG);
    are_credentials(&group.shape) && group.count >= MANY && lasts
}

/// The newest event of the master user's password, within a day.
fn password_reset(evidence: &Evidence) -> Option<&DatabaseEvent> {
    evidence.database_events.iter().flatten().find(|event| {
        says(&event.message, &["reset master credentials", "master user password", "master password"])
            && event.at.is_some_and(|at| evidence.within_minutes(at, CHANGED_MINUTES))
    })
}

/// The steps where the database's password was set and the secret was not.
fn new_password(evidence: &Evidence) -> (String, String) {
    let which = only_secret(evidence).map_or(UNKNOWN, |secret| secret.name.as_str());
    let set = set_password(which);
    (
        format!(
            "put the database's new password into the secret, with all else that it has: aws secretsmanager \
             put-secret-value --secret-id {which} --secret-string file://secret.json; then send restart \
             {{\"reason\": \"the secret has the database's new password\"}}"
        ),
        format!("set the master user's password back to the secret's: {set}"),
    )
}

/// The command that gives the database the secret's password without leaving it in a shell's history.
fn set_password(secret: &str) -> String {
    format!(
        "aws docdb modify-db-cluster --db-cluster-identifier <db-cluster> --master-user-password \"$(aws \
         secretsmanager get-secret-value --secret-id {secret} --query SecretString --output text | jq -r \
         .password)\" --apply-immediately; clients with another password are refused from then on"
    )
}

/// What makes the secret and the database agree about the password, from either side.
fn same_password(evidence: &Evidence, changed: Option<&Secret>) -> (String, String) {
    let which = changed.or_else(|| only_secret(evidence)).map_or(UNKNOWN, |secret| secret.name.as_str());
    let (put_back, set) = (version_before(which), set_password(which));
    if changed.is_some() {
        return (
            format!("if the change of the secret was wrong, put its version before back: {put_back}"),
            format!("where the secret is right, set the master user's password to it: {set}"),
        );
    }
    (
        format!(
            "compare the secret {which} with the database's user; where the secret is right, set the master \
             user's password to it: {set}"
        ),
        format!(
            "where the database is right, put the secret's version before back, after a look at it: \
             {put_back}"
        ),
    )
}

/// What shows whether the database is there and where it listens, and what lets the tasks in.
fn way_to_database(evidence: &Evidence) -> (String, String) {
    let which = only_secret(evidence).map_or(UNKNOWN, |secret| secret.name.as_str());
    let tasks = evidence.service.as_ref().and_then(|service| service.security_groups.first());
    let tasks = tasks.map_or("<security-group-of-the-tasks>", String::as_str);
    let database = evidence.database.as_ref();
    let port = database.map(|database| database.port).filter(|port| *port > 0).unwrap_or(DEFAULT_PORT);
    let group = database.and_then(|database| database.security_groups.first());
    let group = group.map_or("<security-group-of-the-database>", String::as_str);
    (
        format!(
            "see whether the database is available, and whether the secret {which} has its address: aws \
             docdb describe-db-clusters --db-cluster-identifier <db-cluster> --query 'DBClusters[0].[Status, \
             Endpoint, Port]'"
        ),
        format!(
            "where the database's security group does not let the tasks in, add that rule: aws ec2 \
             authorize-security-group-ingress --group-id {group} --protocol tcp --port {port} --source-group \
             {tasks}"
        ),
    )
}

/// The drivers' words: Node and Python, .NET, Java.
const REFUSED: &[&str] =
    &["authentication failed", "auth failed", "unable to authenticate", "exception authenticating"];

pub(super) fn are_credentials(text: &str) -> bool {
    says(text, REFUSED)
}

/// A secret that was changed while these tasks ran, and with whose change their errors began. `None` if a task
/// that started since has failed too: it has read the new value, so fresh tasks would fail as well.
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
            && (are_credentials(text)
                || says(text, &["econnrefused", "enotfound", "etimedout", "connection refused", "timed out"]))
}
