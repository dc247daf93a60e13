//! Which data to go back to, and what that means.

use jiff::Timestamp;
use shared::{
    clock::readable,
    outcome::Stop,
    plan::{FollowUp, FollowUpChange, Plan, Weight},
};

use super::Action;
use crate::{
    docdb::{Cluster, Snapshot},
    observe::Observed,
    price,
    request::Wanted,
    restore::{Origin, Progress, Restore, span},
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
) -> Result<Plan<Action>, Stop> {
    if let Some(follow_up) = follow_up {
        let progress = Progress::read(follow_up).ok_or_else(skipped::follow_up_unreadable)?;
        return Err(skipped::restore_in_progress(&progress.restore.id));
    }
    let source = observed.source.as_ref().ok_or_else(|| skipped::source_missing(&settings.source))?;
    if source.instances.is_empty() {
        return Err(skipped::source_without_instances(&settings.source));
    }
    let (origin, lost_since, version) = choose(now, observed, wanted, source)?;
    let mut restore = Restore::new(source, origin, &observed.source_tags, at);
    if let Some(version) = version {
        restore.settings.engine_version = version;
    }
    let progress = Progress { restore: restore.clone(), begun_at: now, tried: Vec::new() };
    let mut reason = consequences(now, &restore, source, lost_since, observed, wanted);
    if let Some(managed) = &source.managed_secret {
        reason = format!(
            "{reason}. AWS manages the master user of {} in {managed}; a restore takes no such setting, so ask AWS for it \
             again, if it is still wanted",
            source.name
        );
    }
    let login = observed.logins.get(&source.name);
    if let Some(warning) = login.and_then(|login| login.warning(&restore.id, &settings.secret, None)) {
        reason = format!("{reason}. {warning}, once it is there");
    }
    Ok(Plan {
        follow_up: FollowUpChange::Set(progress.follow_up(now + settings.limit)),
        // A person said which data.
        weight: Weight::Wished,
        ..Plan::act(vec![Action::CreateCluster(Box::new(restore))], reason)
    })
}

/// The time of the data that a request asks for, where there is such data.
pub(crate) fn data_of(now: Timestamp, observed: &Observed, wanted: &Wanted) -> Option<Timestamp> {
    let source = observed.source.as_ref()?;
    choose(now, observed, wanted, source).ok().map(|(_, lost_since, _)| lost_since)
}

/// What to restore from, since when all writes are lost, and the engine's version if it is not the source's.
fn choose(
    now: Timestamp,
    observed: &Observed,
    wanted: &Wanted,
    source: &Cluster,
) -> Result<(Origin, Timestamp, Option<String>), Stop> {
    let usable = || observed.snapshots.iter().filter(|snapshot| snapshot.is_available());
    let snapshot = match wanted {
        Wanted::LatestPointInTime => {
            let latest = source.latest_restorable.ok_or_else(|| skipped::no_window(&source.name))?;
            return Ok((Origin::LatestPointInTime, latest, None));
        }
        Wanted::PointInTime(at) => {
            let (from, to) = source
                .earliest_restorable
                .zip(source.latest_restorable)
                .ok_or_else(|| skipped::no_window(&source.name))?;
            if *at < from || *at > to {
                return Err(skipped::outside_window(*at, from, to));
            }
            return Ok((Origin::PointInTime { at: *at }, *at, None));
        }
        Wanted::Snapshot(id) => {
            let named = observed.named.as_ref();
            let snapshot = named.ok_or_else(|| skipped::snapshot_missing(id, &observed.snapshots))?;
            if snapshot.cluster != source.name {
                return Err(skipped::other_cluster(id, &snapshot.cluster, &source.name));
            }
            if !snapshot.is_available() {
                return Err(skipped::snapshot_not_available(snapshot));
            }
            snapshot
        }
        Wanted::LatestSnapshot => usable().find(|snapshot| snapshot.taken_at.is_some()).ok_or_else(|| {
            match observed.snapshots.first() {
                Some(under_way) => skipped::snapshot_not_available(under_way),
                None => skipped::no_snapshot(&source.name),
            }
        })?,
        Wanted::SnapshotBefore(at) => usable()
            .find(|snapshot| snapshot.taken_at.is_some_and(|taken| taken < *at))
            .ok_or_else(|| skipped::no_snapshot_before(*at, &observed.snapshots))?,
    };
    if let Some(key) = foreign_key(snapshot, source) {
        return Err(skipped::key_not_ours(&snapshot.id, key));
    }
    let taken_at = snapshot.taken_at.ok_or_else(|| skipped::snapshot_not_available(snapshot))?;
    let version = Some(snapshot.engine_version.clone())
        .filter(|version| !version.is_empty() && *version != source.settings.engine_version);
    Ok((Origin::Snapshot { id: snapshot.id.clone(), taken_at }, taken_at.min(now), version))
}

/// The snapshot's key, when it is of another account than the cluster.
fn foreign_key<'a>(snapshot: &'a Snapshot, source: &Cluster) -> Option<&'a str> {
    let account = |arn: &'a str| arn.starts_with("arn:").then(|| arn.split(':').nth(4)).flatten();
    let key = snapshot.kms_key.as_deref()?;
    let ours = source.arn.split(':').nth(4)?;
    account(key).filter(|theirs| *theirs != ours).map(|_| key)
}

/// Everything that a person should know before saying yes.
fn consequences(
    now: Timestamp,
    restore: &Restore,
    source: &Cluster,
    lost_since: Timestamp,
    observed: &Observed,
    wanted: &Wanted,
) -> String {
    let Restore { settings, .. } = restore;
    let age = span(now.duration_since(lost_since));
    let key = settings.kms_key.as_deref().unwrap_or("none: it is not encrypted");
    let classes: Vec<&str> = restore.instances.iter().map(|instance| instance.class.as_str()).collect();
    let mut text = format!(
        "{} is {age} old: all writes since {} would be lost, {age} of them. {} is made with {}, {} {}, security \
         groups {}, parameter group {}, subnet group {}, KMS key {key}, and deletion protection on. It costs {}, and \
         takes 20 to 60 minutes, a large one longer. {} is not touched, and nothing uses the new cluster until you \
         approve that too",
        restore.origin,
        readable(lost_since),
        restore.id,
        restore.classes(),
        settings.engine,
        settings.engine_version,
        settings.security_groups.join(" and "),
        settings.parameter_group,
        settings.subnet_group,
        price::an_hour(&classes),
        restore.source,
    );
    if settings.engine_version != source.settings.engine_version {
        text = format!("{text}. {} runs {} by now", source.name, source.settings.engine_version);
    }
    let window = source.earliest_restorable.zip(source.latest_restorable);
    match (wanted, window) {
        (Wanted::SnapshotBefore(at), Some((from, to))) if *at > from && *at <= to => {
            format!("{text}. Less would be lost with {{\"point_in_time\": \"{at}\"}}")
        }
        _ => {
            let newer = observed.snapshots.iter().any(|snapshot| snapshot.taken_at > Some(lost_since));
            if newer { format!("{text}. There are newer snapshots") } else { text }
        }
    }
}

/// What can be restored, newest first.
pub(super) fn list(now: Timestamp, observed: &Observed, settings: &Settings) -> Stop {
    let Some(source) = &observed.source else {
        return skipped::source_missing(&settings.source);
    };
    let mut lines: Vec<String> = Vec::new();
    if let Some((from, to)) = source.earliest_restorable.zip(source.latest_restorable) {
        lines.push(format!("any time from {} to {}", readable(from), readable(to)));
    }
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
    skipped::list(&source.name, &lines)
}

/// What the volume held at that time.
fn size(observed: &Observed, at: Timestamp) -> String {
    const GIB: f64 = 1_073_741_824.0;
    let known = observed.volume.iter().rev().find(|(day, _)| *day <= at);
    known.map_or_else(String::new, |(_, bytes)| format!(", volume of {:.1} GiB", bytes / GIB))
}
