//! Why nothing is done, in words for people: while something is restored.

mod use_it;

use jiff::Timestamp;
use serde_json::json;
use shared::{
    clock::readable,
    code::{self, Code},
    outcome::{Decision, Next, Stop},
};

pub(crate) use use_it::*;

use crate::{
    codes,
    docdb::{Cluster, Snapshot},
    login::Login,
    settings::Settings,
};

fn failed(code: &'static Code, reason: impl Into<String>, next: Next) -> Stop {
    Stop { decision: Decision::Failed, code, reason: reason.into(), next: Some(next) }
}

/// A next step that is one more request.
fn send(what: impl Into<String>, field: &str, id: &str) -> Next {
    Next::devops(what).send(json!({ field: id }))
}

fn choose_again() -> Next {
    Next::devops("see what can be restored, and choose from that").send(json!({ "list": true }))
}

pub(crate) fn source_missing(source: &str) -> Stop {
    Stop::refused(&codes::SOURCE_MISSING, format!("there is no cluster {source}"))
        .next(Next::devops("correct DatabaseCluster of the stack"))
}

pub(crate) fn source_without_instances(source: &str) -> Stop {
    Stop::refused(
        &codes::SOURCE_WITHOUT_INSTANCES,
        format!("cluster {source} has no instance whose class could be copied"),
    )
    .next(Next::devops("restore by hand, with the class that is needed"))
}

pub(crate) fn restore_in_progress(id: &str) -> Stop {
    Stop::refused(
        &codes::RESTORE_IN_PROGRESS,
        format!("restore {id} is under way, and there is one at a time"),
    )
    .next(send("take its next step, or discard it", "continue", id))
}

pub(crate) fn snapshot_missing(id: &str, others: &[Snapshot]) -> Stop {
    const MANY: usize = 5;
    let names: Vec<&str> = others.iter().take(MANY).map(|snapshot| snapshot.id.as_str()).collect();
    let there_are = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Stop::refused(&codes::SNAPSHOT_MISSING, format!("there is no snapshot {id}; the newest are {there_are}"))
        .next(choose_again())
}

pub(crate) fn no_snapshot(source: &str) -> Stop {
    Stop::refused(&codes::SNAPSHOT_MISSING, format!("cluster {source} has no snapshot")).next(
        Next::devops("a point in time may still be restored").send(json!({ "point_in_time": "latest" })),
    )
}

pub(crate) fn no_snapshot_before(at: Timestamp, snapshots: &[Snapshot]) -> Stop {
    let oldest = snapshots.iter().filter_map(|snapshot| snapshot.taken_at).min();
    let oldest = oldest.map_or_else(String::new, |at| format!("; the oldest is of {}", readable(at)));
    Stop::refused(&codes::SNAPSHOT_MISSING, format!("no snapshot is older than {}{oldest}", readable(at)))
        .next(choose_again())
}

pub(crate) fn snapshot_not_available(snapshot: &Snapshot) -> Stop {
    let Snapshot { id, status, progress, .. } = snapshot;
    Stop::refused(
        &codes::SNAPSHOT_NOT_AVAILABLE,
        format!("snapshot {id} is {status} ({progress} %), not available"),
    )
    .next(Next::devops("wait until it is available, or choose an older one"))
}

pub(crate) fn other_cluster(id: &str, its: &str, source: &str) -> Stop {
    Stop::refused(&codes::OTHER_CLUSTER, format!("snapshot {id} is of cluster {its}, not of {source}"))
        .next(choose_again())
}

pub(crate) fn key_not_ours(id: &str, key: &str) -> Stop {
    Stop::refused(
        &codes::KEY_NOT_OURS,
        format!("snapshot {id} is encrypted with {key}, which is of another account"),
    )
    .next(Next::devops("copy the snapshot with a key of this account, then restore the copy"))
}

pub(crate) fn no_window(source: &str) -> Stop {
    Stop::refused(
        &codes::OUTSIDE_WINDOW,
        format!("cluster {source} has no backups to restore a point in time from"),
    )
    .next(choose_again())
}

pub(crate) fn outside_window(at: Timestamp, from: Timestamp, to: Timestamp) -> Stop {
    let reason = format!(
        "{} cannot be restored: that is possible from {} to {}",
        readable(at),
        readable(from),
        readable(to)
    );
    Stop::refused(&codes::OUTSIDE_WINDOW, reason)
        .next(Next::devops("send a time between these, or choose a snapshot"))
}

/// Each is in a line of the plan's details.
pub(crate) fn list(source: &str, window: Option<&str>, snapshots: usize) -> Stop {
    let counted = match snapshots {
        1 => "1 snapshot".to_owned(),
        count => format!("{count} snapshots"),
    };
    let what = match (window, snapshots) {
        (None, 0) => format!("nothing of cluster {source} can be restored"),
        (None, _) => format!("cluster {source} can be restored from {counted}"),
        (Some(window), 0) => format!("cluster {source} can be restored to {window}"),
        (Some(window), _) => format!("cluster {source} can be restored to {window}, or from {counted}"),
    };
    Stop::listed(&codes::LIST, what).next(Next::devops(
        "send {\"snapshot\": \"<id>\"}, {\"before\": \"<time>\"} or {\"point_in_time\": \"<time>\"}",
    ))
}

pub(crate) fn nothing_under_way() -> Stop {
    Stop::nothing_to_do(&codes::NOTHING_UNDER_WAY, "nothing is looked after")
}

pub(crate) fn other_restore(named: &str, under_way: &str) -> Stop {
    Stop::refused(&codes::OTHER_RESTORE, format!("there is no restore {named}: {under_way} is under way"))
        .next(send("go on with that one", "continue", under_way))
}

pub(crate) fn not_begun(id: &str) -> Stop {
    Stop::nothing_to_do(
        &codes::NOT_BEGUN,
        format!("restore {id} has no cluster: it waits for its approval, unless it was discarded"),
    )
}

pub(crate) fn restore_unknown(id: &str) -> Stop {
    Stop::refused(
        &codes::RESTORE_UNKNOWN,
        format!("there is no restore {id}: it was not approved in time, or is deleted"),
    )
    .next(choose_again())
}

pub(crate) fn cluster_creating(id: &str, status: &str) -> Stop {
    Stop::nothing_to_do(&codes::CLUSTER_CREATING, format!("cluster {id} {status}"))
}

pub(crate) fn instances_creating(state: &str) -> Stop {
    Stop::nothing_to_do(&codes::INSTANCES_CREATING, state)
}

pub(crate) fn waits_for_a_person(id: &str, instance: &str) -> Stop {
    Stop::nothing_to_do(
        &codes::WAITS_FOR_A_PERSON,
        format!("instance {instance} could not be created, and is not tried again by itself"),
    )
    .next(send("clear what AWS refused, then go on", "continue", id))
}

pub(crate) fn cluster_gone(id: &str) -> Stop {
    failed(
        &codes::CLUSTER_GONE,
        format!(
            "there is no cluster {id}: it was not created, or somebody deleted it. Nothing is left behind"
        ),
        choose_again(),
    )
}

pub(crate) fn discarded(id: &str) -> Stop {
    Stop::nothing_to_do(&codes::DISCARDED, format!("cluster {id} is being deleted: restore {id} is over"))
}

pub(crate) fn restore_failed(state: &str) -> Stop {
    failed(
        &codes::RESTORE_FAILED,
        format!("what was restored cannot be used: {state}"),
        Next { level: 3, ..Next::devops("see the cluster's events; discard it, and try another snapshot") },
    )
}

pub(crate) fn not_finished(state: &str) -> Stop {
    failed(
        &codes::NOT_FINISHED,
        format!("the restore is not done in the time that it had. Left behind is {state}"),
        Next::devops("finish it by hand in the console, or discard it"),
    )
}

pub(crate) fn given_up(state: &str) -> Stop {
    Stop::refused(&code::GIVEN_UP, format!("this restore is not looked after any more; there is {state}"))
        .next(Next::devops("finish it by hand in the console, or discard it"))
}

pub(crate) fn nothing_left(id: &str) -> Stop {
    failed(
        &codes::NOTHING_LEFT_BEHIND,
        format!("restore {id} has ended without a cluster: nothing is left behind"),
        choose_again(),
    )
}

pub(crate) fn there_is(id: &str, state: &str) -> Stop {
    Stop::listed(&codes::LEFT_BEHIND, format!("of restore {id} there is {state}, which costs money"))
        .next(send("go on, or send {\"discard\": …} with the same id", "continue", id))
}

pub(crate) fn left_behind(id: &str, state: &str) -> Stop {
    failed(
        &codes::LEFT_BEHIND,
        format!("restore {id} has come to a stop. Left behind is {state}, which costs money"),
        send("see what stopped it; then go on, or send {\"discard\": …} with the same id", "continue", id),
    )
}

pub(crate) fn not_reached(id: &str) -> Stop {
    Stop::nothing_to_do(&codes::INSTANCES_CREATING, format!("{id} is available, but takes no connection yet"))
}

/// `differences` from what it should have, where they are known; `reached` is whether it takes connections, where that
/// could be tried; `login` whether the service can log in, where that was needed; `was_used` whether the service was
/// pointed at it before.
pub(crate) fn handed_over(
    cluster: &Cluster,
    differences: Option<&[String]>,
    reached: Option<bool>,
    login: Option<&Login>,
    was_used: bool,
    settings: &Settings,
) -> Stop {
    let Cluster { name, endpoint, reader_endpoint, .. } = cluster;
    let mut found = differences.unwrap_or_default().to_vec();
    if reached == Some(false) {
        found.push("it takes no connection from this function".to_owned());
    }
    let checked = match differences {
        _ if !found.is_empty() => format!("it differs from its source: {}", found.join("; ")),
        Some(_) => "engine, settings and instances are as its source's".to_owned(),
        None => {
            "its settings were compared with its source's when it was handed over, and not now".to_owned()
        }
    };
    let connection = match reached {
        Some(true) => ", and it takes connections",
        Some(false) => "",
        None => ". Whether it takes connections was not tried from here",
    };
    let warning = login.map_or_else(
        || Some("Whether new tasks can log in to it was not looked at: the cut-over does that".to_owned()),
        |login| login.warning(name, &settings.secret, cluster.managed_secret.as_deref()),
    );
    let warning = warning.map(|warning| format!(" {warning}.")).unwrap_or_default();
    let used = if was_used { "The service was pointed at it before" } else { "Nothing uses it yet" };
    let reason = format!(
        "{} is ready, {checked}{connection}. Its endpoint is {endpoint}, for reading {reader_endpoint}.{warning} {used}",
        crate::restore::state(cluster)
    );
    let cut_over = format!(
        "the cut-over sets `host` in secret {} to {endpoint} and starts new tasks of {}; it asks for an approval of its \
         own. Or send {{\"discard\": \"{name}\"}}",
        settings.secret, settings.service
    );
    let next = if login.is_some_and(|login| login.is_to_be_set(cluster)) {
        let what = format!(
            "look at its data first. Then have it given the password that is in secret {}, which asks for an approval, too. \
             After that, {{\"cut_over\": \"{name}\"}}: {cut_over}",
            settings.secret
        );
        send(what, "set_password_of", name)
    } else {
        send(format!("look at its data first. Then {cut_over}"), "cut_over", name)
    };
    let code = if found.is_empty() { &codes::HANDED_OVER } else { &codes::HANDED_OVER_WITH_DIFFERENCES };
    Stop::nothing_to_do(code, reason).next(next)
}
