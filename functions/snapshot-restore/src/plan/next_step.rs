//! The next step of a restore that was approved, from where things stand.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use shared::{
    outcome::{Decision, Stop},
    plan::{FollowUpChange, Limits},
};

use crate::{
    action::Action,
    codes,
    docdb::Cluster,
    follow_up::{FollowUp, Plan, Progress, restore},
    name,
    observe::Observed,
    restore::{CUT_OVER_FROM, Origin, Restore, state},
    settings::Settings,
    skipped,
};

/// A cluster may not be listed at once after it was made.
const GRACE: SignedDuration = SignedDuration::from_mins(2);
/// States that a cluster or an instance does not leave by itself.
const BROKEN: [&str; 6] = [
    "failed",
    "inaccessible-encryption-credentials",
    "incompatible-network",
    "incompatible-parameters",
    "incompatible-restore",
    "storage-full",
];
const SETTINGS: &str = "settings";
/// How often a person may have the settings set: a try that was refused or died costs nobody the next one.
const MOST_SETTINGS: usize = 3;

/// `named` is the restore that was asked for; the schedule asks for whatever is under way.
pub(super) fn of(
    now: Timestamp,
    observed: &Observed,
    named: Option<&String>,
    settings: &Settings,
    follow_up: Option<&FollowUp>,
) -> Result<Plan, Stop> {
    let Some((due, progress)) = restore(follow_up) else {
        return Err(
            named.map_or_else(skipped::nothing_under_way, |id| not_under_way(now, observed, id, settings))
        );
    };
    let id = progress.restore.id.clone();
    if let Some(named) = named.filter(|named| **named != id) {
        let stop = not_under_way(now, observed, named, settings);
        return Err(if *stop.code == codes::RESTORE_UNKNOWN {
            skipped::other_restore(named, &id)
        } else {
            stop
        });
    }
    let Some(cluster) = observed.cluster(&id) else {
        if now.duration_since(progress.begun_at) < GRACE {
            return Err(skipped::cluster_creating(&id, "is not listed yet"));
        }
        return Ok(Plan::settle(skipped::cluster_gone(&id)));
    };
    if cluster.is_going() {
        return Ok(Plan::settle(skipped::discarded(&id)));
    }
    let broken = |status: &String| BROKEN.contains(&status.as_str());
    if broken(&cluster.status) || cluster.instances.iter().any(|instance| broken(&instance.status)) {
        return Ok(Plan::settle(skipped::restore_failed(&state(cluster))));
    }
    match step(cluster, progress.clone(), named.is_none()) {
        Next::Act { action, why, progress } => Ok(Plan {
            follow_up: FollowUpChange::Set(progress.until(due)),
            limits: Limits::Exempt,
            ..Plan::act(vec![action], why)
        }),
        Next::HandOver(restore) => {
            let reached = observed.reached.get(&id).copied();
            // A new name may take a while to be known.
            if reached == Some(false) && now < due {
                return Err(skipped::not_reached(&id));
            }
            let differences = restore.differences(cluster);
            Ok(Plan::settle(hand_over(observed, cluster, Some(&differences), settings)))
        }
        Next::Wait(_) | Next::Refused(_) if now >= due => {
            Ok(Plan::settle(skipped::not_finished(&state(cluster))))
        }
        Next::Wait(stop) | Next::Refused(stop) => Err(stop),
    }
}

enum Next {
    Act { action: Action, why: String, progress: Box<Progress> },
    HandOver(Box<Restore>),
    Wait(Stop),
    Refused(Stop),
}

/// `scheduled`: by itself, a step that AWS has refused is not tried again.
fn step(cluster: &Cluster, progress: Progress, scheduled: bool) -> Next {
    let restore = progress.restore.clone();
    let id = &restore.id;
    if !cluster.is_available() {
        return Next::Wait(skipped::cluster_creating(id, &format!("is {}", cluster.status)));
    }
    let tried = |step: &str| progress.times_tried(step) > 0;
    // What AWS has not heeded three times it will not.
    let most = if scheduled { 1 } else { MOST_SETTINGS };
    if restore.needs_settings(cluster) && progress.times_tried(SETTINGS) < most {
        let settings = Box::new(restore.settings.clone());
        return Next::Act {
            action: Action::CopySettings { cluster: id.clone(), settings },
            why: format!("cluster {id} is available, and AWS did not take all settings when it was restored"),
            progress: Box::new(progress.tries(SETTINGS)),
        };
    }
    let made = |name: &str| cluster.instances.iter().find(|instance| instance.settings.name == name);
    let writer_is_up = restore
        .instances
        .first()
        .is_some_and(|writer| made(&writer.name).is_some_and(crate::docdb::Instance::is_available));
    for (number, instance) in restore.instances.iter().enumerate() {
        if made(&instance.name).is_some() {
            continue;
        }
        // The first that is up becomes the writer.
        if number > 0 && !writer_is_up {
            break;
        }
        if scheduled && tried(&instance.name) {
            return Next::Refused(skipped::waits_for_a_person(id, &instance.name));
        }
        let why = format!("{} of the {} instances of cluster {id}", ordinal(number), restore.instances.len());
        return Next::Act {
            action: Action::CreateInstance {
                cluster: id.clone(),
                instance: Box::new(instance.clone()),
                engine: Box::new(restore.settings.clone()),
                tags: restore.tags.clone(),
            },
            why,
            progress: Box::new(progress.tries(&instance.name)),
        };
    }
    if restore
        .instances
        .iter()
        .all(|instance| made(&instance.name).is_some_and(crate::docdb::Instance::is_available))
    {
        return Next::HandOver(Box::new(restore));
    }
    Next::Wait(skipped::instances_creating(&state(cluster)))
}

/// `differences` from what it should have, where they are known.
fn hand_over(
    observed: &Observed,
    cluster: &Cluster,
    differences: Option<&[String]>,
    settings: &Settings,
) -> Stop {
    let (reached, login) = (observed.reached.get(&cluster.name), observed.logins.get(&cluster.name));
    let was_used = observed.tags.contains_key(CUT_OVER_FROM);
    skipped::handed_over(cluster, differences, reached.copied(), login, was_used, settings)
}

fn ordinal(number: usize) -> String {
    if number == 0 { "the writer".to_owned() } else { format!("number {}", number + 1) }
}

/// What to say of a restore that the ledger does not look after: it waits for its approval, was handed over, or is
/// not there.
fn not_under_way(now: Timestamp, observed: &Observed, id: &str, settings: &Settings) -> Stop {
    match observed.cluster(id) {
        Some(cluster) if cluster.is_going() => skipped::discarded(id),
        // What was approved is not kept any longer: mostly, the source still has it.
        Some(cluster) if cluster.is_up() => {
            let as_source = observed.source.as_ref().map(|source| {
                let asked_at = name::asked_at(id).unwrap_or(now);
                Restore::new(source, Origin::LatestPointInTime, &BTreeMap::new(), asked_at)
            });
            let differences = as_source.map(|as_source| as_source.differences(cluster));
            hand_over(observed, cluster, differences.as_deref(), settings)
        }
        Some(cluster) => skipped::given_up(&state(cluster)),
        None => {
            let patience = SignedDuration::try_from(settings.approval).unwrap_or(SignedDuration::MAX);
            let waits = name::asked_at(id).is_some_and(|asked| now.duration_since(asked) < patience);
            if waits { skipped::not_begun(id) } else { skipped::restore_unknown(id) }
        }
    }
}

/// What there is of a restore, for a person who asks.
pub(super) fn report(observed: &Observed, id: &str) -> Stop {
    match observed.cluster(id) {
        None => Stop { decision: Decision::Refused, ..skipped::nothing_left(id) },
        Some(cluster) => skipped::there_is(&cluster.name, &state(cluster)),
    }
}

/// What a restore has left behind that came to a stop.
pub(super) fn stopped(observed: &Observed, id: &str) -> Stop {
    match observed.cluster(id) {
        None => skipped::nothing_left(id),
        Some(cluster) => skipped::left_behind(&cluster.name, &state(cluster)),
    }
}
