//! Which data to go back to, and what that means.

use jiff::Timestamp;
use shared::{
    clock::readable,
    outcome::Stop,
    plan::{FollowUpChange, Limits},
    price,
};

use crate::{
    action::Action,
    data::choose,
    docdb::{Cluster, Snapshot},
    follow_up::{self, FollowUp, Plan, Progress},
    observe::Observed,
    request::Wanted,
    restore::{Restore, span},
    settings::Settings,
    skipped,
};

pub(super) fn restore(
    now: Timestamp,
    observed: &Observed,
    wanted: &Wanted,
    at: Timestamp,
    settings: &Settings,
    follow_up: Option<&FollowUp>,
) -> Result<Plan, Stop> {
    if let Some((_, progress)) = follow_up::restore(follow_up) {
        return Err(skipped::restore_in_progress(&progress.restore.id));
    }
    let there = observed.there().ok_or_else(|| skipped::source_missing(&settings.source))?;
    let source = there.source;
    if source.instances.is_empty() {
        return Err(skipped::source_without_instances(&settings.source));
    }
    let (origin, lost_since, version) = choose(now, &there, wanted)?;
    let mut restore = Restore::new(source, origin, &observed.source_tags, at);
    if let Some(version) = version {
        restore.settings.engine_version = version;
    }
    let progress = Progress { restore: restore.clone(), begun_at: now, tried: Vec::new() };
    let age = span(now.duration_since(lost_since));
    let reason = format!("it would lack all writes of {age}, since {}", readable(lost_since));
    let mut details = consequences(now, &restore, source, lost_since, observed, wanted);
    if let Some(managed) = &source.managed_secret {
        details.push(format!(
            "AWS manages the master user of {} in {managed}; a restore takes no such setting, so ask AWS for it again, if \
             it is still wanted",
            source.name
        ));
    }
    let login = observed.logins.get(&source.name);
    if let Some(warning) = login.and_then(|login| login.warning(&restore.id, &settings.secret, None)) {
        details.push(format!("{warning}, once it is there"));
    }
    Ok(Plan {
        details,
        follow_up: FollowUpChange::Set(progress.until(now + settings.limit)),
        // A person said which data.
        limits: Limits::SkipCooldown,
        ..Plan::act(vec![Action::CreateCluster(Box::new(restore))], reason)
    })
}

/// Everything else that a person should know before saying yes, a line each.
fn consequences(
    now: Timestamp,
    restore: &Restore,
    source: &Cluster,
    lost_since: Timestamp,
    observed: &Observed,
    wanted: &Wanted,
) -> Vec<String> {
    let Restore { settings, .. } = restore;
    let age = span(now.duration_since(lost_since));
    let key = settings.kms_key.as_deref().unwrap_or("none: it is not encrypted");
    let classes: Vec<&str> = restore.instances.iter().map(|instance| instance.class.as_str()).collect();
    let mut lines = vec![
        format!("{} is {age} old", restore.origin),
        format!(
            "{} is not touched, and nothing uses the new cluster until you approve that too",
            restore.source
        ),
        format!("it costs {}, and takes 20 to 60 minutes, a large one longer", price::an_hour(&classes)),
        format!(
            "{} is made with {}, {} {}, security groups {}, parameter group {}, subnet group {}, KMS key {key}, and \
             deletion protection on",
            restore.id,
            restore.classes(),
            settings.engine,
            settings.engine_version,
            settings.security_groups.join(" and "),
            settings.parameter_group,
            settings.subnet_group,
        ),
    ];
    if settings.engine_version != source.settings.engine_version {
        lines.push(format!("{} runs {} now", source.name, source.settings.engine_version));
    }
    let window = source.earliest_restorable.zip(source.latest_restorable);
    match (wanted, window) {
        (Wanted::SnapshotBefore(at), Some((from, to))) if *at > from && *at <= to => {
            lines.push(format!("less would be lost with {{\"point_in_time\": \"{at}\"}}"));
        }
        _ if observed.snapshots.iter().any(|snapshot| snapshot.taken_at > Some(lost_since)) => {
            lines.push("there are newer snapshots".to_owned());
        }
        _ => {}
    }
    lines
}

/// What can be restored, newest first.
pub(super) fn list(now: Timestamp, observed: &Observed, settings: &Settings) -> Result<Plan, Stop> {
    let source = observed.source.as_ref().ok_or_else(|| skipped::source_missing(&settings.source))?;
    let window = source.earliest_restorable.zip(source.latest_restorable);
    let window = window.map(|(from, to)| format!("any time from {} to {}", readable(from), readable(to)));
    let mut lines: Vec<String> = window.iter().cloned().collect();
    lines.extend(observed.snapshots.iter().map(|snapshot| {
        let Snapshot { id, kind, status, taken_at, .. } = snapshot;
        let status = if snapshot.is_available() { String::new() } else { format!(", {status}") };
        let age = taken_at.map_or_else(
            || ", not taken yet".to_owned(),
            |at| format!(", {} old{}", span(now.duration_since(at)), size(observed, at)),
        );
        format!("{id} ({kind}{age}{status})")
    }));
    lines.extend(
        observed.restored.iter().map(|cluster| format!("restored: {}", crate::restore::state(cluster))),
    );
    let stop = skipped::list(&source.name, window.as_deref(), observed.snapshots.len());
    Ok(Plan { details: lines, ..Plan::skip(stop) })
}

/// What the volume held at that time.
fn size(observed: &Observed, at: Timestamp) -> String {
    const GIB: f64 = 1_073_741_824.0;
    let known = observed.volume.iter().rev().find(|(day, _)| *day <= at);
    known.map_or_else(String::new, |(_, bytes)| format!(", volume of {:.1} GiB", bytes / GIB))
}
