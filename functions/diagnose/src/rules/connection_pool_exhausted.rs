//! Connection pool exhausted: how many connections there are, may be, and are left open.

use super::{Rules, high_memory::rise};
use crate::{
    evidence::{
        DatabaseEvent, Evidence, LogGroup, Logs, Series, correlation, largest, median, name, smallest,
    },
    finding::{
        Confidence::{Certain, Likely, Possible},
        Finding,
        Impact::{Degraded, Risk, Untidy},
        Level::{DevOps, Development},
    },
};

pub(super) const RULES: Rules = &[
    ("connections_near_limit", connections_near_limit),
    ("pool_exceeds_limit", pool_exceeds_limit),
    ("connection_leak", connection_leak),
    ("writer_failed_over", writer_failed_over),
];

/// A client opens two more to each server than its pool has, to watch it: so the drivers of `MongoDB`.
const WATCHING: f64 = 2.0;

fn connections_near_limit(evidence: &Evidence) -> Option<Finding> {
    /// A deployment has twice the tasks for some minutes: there must be room for their first connections.
    const NEAR: f64 = 0.8;
    /// The next task that starts is refused.
    const FULL: f64 = 0.95;
    let full = fullest(evidence)?;
    if full.share() < NEAR {
        return None;
    }
    let Full { instance, open, limit, series } = full;
    let finding = Finding::new(
        Certain,
        if full.share() >= FULL { Degraded } else { Risk },
        format!("{instance} has {open:.0} of the {limit:.0} connections that it takes"),
    )
    .since(series.since_when(|open| open >= limit * NEAR));
    Some(full.fact(finding).against(format!("{:.0} ({:.0} %)", limit * NEAR, NEAR * 100.0)).next(
        DevOps,
        "make the pools smaller (maxPoolSize) or the tasks fewer; a larger instance class takes more connections; do not scale up",
    ))
}

fn pool_exceeds_limit(evidence: &Evidence) -> Option<Finding> {
    let service = evidence.service.as_ref()?;
    let definition = evidence.definition.as_ref()?;
    let pools: Vec<u32> = definition.containers.iter().filter_map(|container| container.pool_size).collect();
    let of_a_task: f64 = pools.iter().map(|pool| f64::from(*pool) + WATCHING).sum();
    // Each instance has a pool of its own in every client, and any of them may be the writer tomorrow.
    let limits = evidence.by_instance(name::DB_CONNECTIONS_LIMIT);
    let (instance, limit) = limits
        .into_iter()
        .filter_map(|(instance, series)| Some((instance, series.newest()?)))
        .filter(|(_, limit)| *limit > 0.0)
        .min_by(|(_, one), (_, other)| one.total_cmp(other))?;
    let tasks = service.desired.max(service.running);
    let maximum = evidence.scaling.as_ref().and_then(|scaling| scaling.target.as_ref()).map(|it| it.max);
    let exceeds = |tasks: u32| f64::from(tasks) * of_a_task > limit;
    let (confidence, tasks, when) = match maximum {
        _ if exceeds(tasks) => (Certain, tasks, "that run now"),
        Some(maximum) if exceeds(maximum) => (Possible, maximum, "of the scaling maximum"),
        _ => return None,
    };
    let all = f64::from(tasks) * of_a_task;
    let sizes = pools.iter().map(u32::to_string).collect::<Vec<_>>().join(" and ");
    Some(
        Finding::new(
            confidence,
            Risk,
            format!("the {tasks} tasks {when} may open {all:.0} connections with pools of {sizes}; {instance} takes {limit:.0}"),
        )
        .fact("ECS, task definition", "pool of a task", format!("{sizes} connections"))
        .fact("ECS and Application Auto Scaling", format!("tasks {when}"), tasks.to_string())
        .fact("CloudWatch, DocDB DatabaseConnectionsLimit", format!("limit of {instance}"), format!("{limit:.0} connections"))
        .against(format!("{all:.0} that the pools may open"))
        .next(
            Development,
            format!(
                "set maxPoolSize so that {tasks} tasks stay below {limit:.0} in all, with room for a deployment's second set of tasks; or take a larger instance class"
            ),
        ),
    )
}

fn connection_leak(evidence: &Evidence) -> Option<Finding> {
    /// A morning's rise is over sooner, and follows the load.
    const ENOUGH_HOURS: f64 = 3.0;
    /// Less may be a pool that fills up to what it needs.
    const TIMES: f64 = 1.5;
    const AT_LEAST: f64 = 50.0;
    /// A straight line explains a leak and hardly anything else.
    const STRAIGHT: f64 = 0.85;
    const TOGETHER: f64 = 0.8;
    /// What is left is gone within the hour or two.
    const FULL: f64 = 0.9;
    let requests = evidence.recent(name::ALB_REQUESTS)?;
    let leaks = evidence.by_instance(name::DB_CONNECTIONS).into_iter().filter_map(|(instance, series)| {
        let (first, last, hours, slope) = rise(&series.by_hour(), ENOUGH_HOURS, STRAIGHT, |first, last| {
            last >= first * TIMES && last - first >= AT_LEAST
        })?;
        let follows_load = correlation(series, requests)? > TOGETHER;
        (!follows_load).then_some((instance, series, hours, first, last, slope))
    });
    let (instance, series, hours, first, last, slope) =
        leaks.max_by(|one, other| one.5.total_cmp(&other.5))?;
    let limit = limit(evidence, instance);
    let is_full = limit.is_some_and(|limit| last >= limit * FULL);
    let finding = Finding::new(
        Likely,
        if is_full { Degraded } else { Risk },
        format!("connections to {instance} rise by {slope:.0} an hour, whatever the load: they are opened and never closed"),
    )
    .fact(CONNECTIONS, format!("connections to {instance}"), format!("{last:.0}"))
    .against(format!("{first:.0} some {hours:.0} h ago"))
    .at(series.newest_at());
    let finding = match limit {
        Some(limit) => finding
            .fact(LIMIT, format!("limit of {instance}"), format!("{limit:.0} connections"))
            .fact(CONNECTIONS, "full in", format!("{:.0} h", (limit - last).max(0.0) / slope)),
        None => finding,
    };
    Some(if is_full {
        finding
            .next(
                Development,
                "fresh tasks close them all and gain time: restart; then look for clients that are made for each request, and sessions or cursors that nobody closes",
            )
            .send("restart", serde_json::json!({ "reason": "connections leak, and are near the limit" }))
    } else {
        finding.next(
            Development,
            "look for clients that are made for each request, and sessions or cursors that nobody closes; a new deployment of the same release closes them all and gains time",
        )
    })
}

fn writer_failed_over(evidence: &Evidence) -> Option<Finding> {
    /// What drivers say of a writer that is gone, or is a reader now.
    const WORDS: &[&str] = &[
        "not primary",
        "notwritableprimary",
        "not master",
        "notprimary",
        "primarysteppeddown",
        "interruptedatshutdown",
        "interruptedduetoreplstatechange",
        "no primary",
        "mongonetwork",
        "mongoserverselection",
        "server selection",
        "poolcleared",
        "pool for",
    ];
    const MINUTES: i64 = 60;
    /// A failover takes about half a minute, a driver a minute more.
    const SETTLED_MINUTES: i64 = 5;
    let (event, at) = failover(evidence, MINUTES)?;
    let since = |group: &&LogGroup| group.last.is_some_and(|last| last >= at);
    let groups = evidence.logs.iter().flat_map(|logs| &logs.groups);
    let logs = Logs { groups: groups.filter(since).cloned().collect(), ..Logs::default() };
    let errors = logs.with(WORDS);
    let minutes = evidence.ago(at).as_mins();
    let dropped = evidence
        .by_instance(name::DB_CONNECTIONS)
        .into_iter()
        .find_map(|(instance, series)| Some((instance, dropped(series, minutes)?)));
    let confidence = match (errors, dropped) {
        (Some(_), _) => Certain,
        (None, Some(_)) => Likely,
        (None, None) => return None,
    };
    let goes_on =
        |group: &LogGroup| group.last.is_some_and(|last| evidence.within_minutes(last, SETTLED_MINUTES));
    let still = errors.is_some_and(|(_, group)| goes_on(group));
    let writer = evidence.database.as_ref().and_then(|database| database.writer());
    let now = writer.map_or_else(String::new, |writer| format!(", its writer is {} now", writer.name));
    let end = match (still, &evidence.logs) {
        (true, _) => "errors of the driver go on",
        (false, Some(_)) => "its driver's errors have ended",
        (false, None) => "errors in the log were not seen",
    };
    let mut finding = Finding::new(
        confidence,
        if still { Degraded } else { Untidy },
        format!("the database failed over {minutes} min ago{now}; {end}"),
    )
    .since(Some(at))
    .fact("DocumentDB events", format!("event of {}", event.source), event.message.clone())
    .at(Some(at));
    if let Some((count, group)) = errors {
        finding = finding
            .fact("CloudWatch Logs", group.shape.clone(), format!("{count} errors of this kind"))
            .at(group.last);
    }
    if let Some((instance, (before, after))) = dropped {
        finding = finding
            .fact(CONNECTIONS, format!("fewest connections to {instance} since"), format!("{after:.0}"))
            .against(format!("{before:.0} before"));
    }
    Some(if still && minutes >= SETTLED_MINUTES {
        finding
            .next(
                DevOps,
                "the driver has not found the new writer, and fresh tasks will: restart; then see that the connection string names the cluster endpoint with replicaSet=rs0",
            )
            .send("restart", serde_json::json!({ "reason": "the driver has not found the new writer" }))
    } else if still {
        finding.next(
            DevOps,
            "wait: the driver finds the new writer within some minutes; if errors go on, restart the service",
        )
    } else {
        finding.next(DevOps, "nothing now; by day, find out why the writer went (DocumentDB events, its CPU and memory before)")
    })
}

/// The newest failover of the last so many minutes.
pub(super) fn failover(evidence: &Evidence, minutes: i64) -> Option<(&DatabaseEvent, jiff::Timestamp)> {
    let events = evidence.database_events.as_ref()?.iter();
    events
        .filter(|event| event.categories.iter().any(|category| category == "failover"))
        .filter_map(|event| Some((event, event.at?)))
        .filter(|(_, at)| evidence.within_minutes(*at, minutes))
        .max_by_key(|(_, at)| *at)
}

/// What the connections were at, and to how few they fell within so many minutes, where that is less than half.
fn dropped(series: &Series, minutes: i64) -> Option<(f64, f64)> {
    const HALF: f64 = 0.5;
    /// Fewer come and go.
    const ENOUGH: f64 = 20.0;
    let minutes = minutes.saturating_add(5);
    let before = median(series.before_minutes(minutes))?;
    let after = smallest(series.last_minutes(minutes))?;
    (before >= ENOUGH && after < before * HALF).then_some((before, after))
}

const CONNECTIONS: &str = "CloudWatch, DocDB DatabaseConnections";
const LIMIT: &str = "CloudWatch, DocDB DatabaseConnectionsLimit";

/// The instance that is nearest to its limit of connections.
pub(super) struct Full<'a> {
    instance: &'a str,
    series: &'a Series,
    open: f64,
    limit: f64,
}

impl Full<'_> {
    pub(super) fn share(&self) -> f64 {
        self.open / self.limit
    }

    pub(super) fn fact(&self, finding: Finding) -> Finding {
        let Full { instance, series, open, limit } = self;
        finding
            .fact(CONNECTIONS, format!("connections to {instance}"), format!("{open:.0} of {limit:.0}"))
            .at(series.newest_at())
    }
}

pub(super) fn fullest(evidence: &Evidence) -> Option<Full<'_>> {
    let all = evidence.by_instance(name::DB_CONNECTIONS).into_iter().filter_map(|(instance, series)| {
        let open = largest(series.last_minutes(15))?;
        Some(Full { instance, series, open, limit: limit(evidence, instance)? })
    });
    all.max_by(|one, other| one.share().total_cmp(&other.share()))
}

fn limit(evidence: &Evidence, instance: &str) -> Option<f64> {
    let limit = evidence.recent(&format!("{}/{instance}", name::DB_CONNECTIONS_LIMIT))?;
    limit.newest().filter(|limit| *limit > 0.0)
}
