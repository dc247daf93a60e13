//! What changed lately: releases, scaling, configuration, secrets, failovers, alarms, on one line of time.

use jiff::{SignedDuration, Timestamp};
pub use shared::diagnosis::{Change, ChangeKind as Kind};

use crate::{evidence::Evidence, finding::Finding};

/// The changes of the last `hours`, with the beginning of the trouble among them, the oldest first.
pub(crate) fn told(evidence: &Evidence, hours: i64, first: Option<&Finding>) -> Vec<Change> {
    let mut found = changes(evidence, hours);
    let began = first.and_then(|first| Some((first.since?, &first.what)));
    found.extend(began.map(|(at, what)| Change {
        at,
        kind: Kind::Trouble,
        what: format!("it began: {what}"),
    }));
    found.sort_by_key(|change| change.at);
    found
}

/// The changes of the last `hours`, the oldest first.
pub(crate) fn changes(evidence: &Evidence, hours: i64) -> Vec<Change> {
    let mut found = Vec::new();
    let span = SignedDuration::from_hours(hours);
    let mut add = |at: Option<Timestamp>, kind, what: String| {
        if let Some(at) = at.filter(|at| *at <= evidence.at && evidence.ago(*at) <= span) {
            found.push(Change { at, kind, what });
        }
    };
    for deployment in evidence.service.iter().flat_map(|service| &service.deployments) {
        add(
            deployment.created_at,
            Kind::Release,
            format!("deployment of {} began", deployment.task_definition),
        );
    }
    if let Some(definition) = &evidence.definition {
        let what = format!("task definition {} was registered", definition.revision);
        add(definition.registered_at, Kind::Configuration, what);
    }
    for activity in evidence.scaling.iter().flat_map(|scaling| &scaling.activities) {
        add(activity.at, Kind::Scaling, format!("{} ({})", activity.description, activity.status));
    }
    for secret in evidence.secrets.iter().flatten() {
        add(secret.changed_at, Kind::Secret, format!("secret {} was changed", secret.name));
        add(secret.deleted_at, Kind::Secret, format!("secret {} was scheduled for deletion", secret.name));
    }
    for event in evidence.database_events.iter().flatten() {
        add(event.at, Kind::Database, format!("{}: {}", event.source, event.message));
    }
    for build in evidence.builds.iter().flatten() {
        add(
            build.ended_at,
            Kind::FrontEnd,
            format!("build {} of the front end ended {}", build.id, build.status),
        );
    }
    for alarm in evidence.alarms.iter().flatten() {
        for at in &alarm.rang {
            add(Some(*at), Kind::Alarm, format!("alarm {} went into ALARM", alarm.name));
        }
    }
    for check in evidence.probe.iter().flat_map(|probe| &probe.checks) {
        if let Some(certificate) = &check.certificate {
            add(
                Some(certificate.not_after),
                Kind::Certificate,
                format!("the certificate of {} expired", check.name),
            );
        }
    }
    found.sort_by(|one, other| (one.at, &one.what).cmp(&(other.at, &other.what)));
    found.dedup();
    found
}
