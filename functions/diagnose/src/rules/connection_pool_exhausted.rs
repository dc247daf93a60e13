//! Connection pool exhausted: how many connections there are, may be, and are left open.

use jiff::SignedDuration;

use super::{
    Rule,
    database::{LARGER_WRITER, NO_WRITER, larger},
    high_memory::rise,
};
use crate::{
    ask::Ask,
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

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "connections_near_limit",
        find: connections_near_limit,
        looks_at: "DatabaseConnections of each instance in the last 15 minutes, against its \
                   DatabaseConnectionsLimit: 80 % or more; at 95 % the next task is refused. It says that \
                   connections run out; a leak, or pools that are too large, have rules of their own, which \
                   explain it.",
        otherwise: LARGER_WRITER,
        helped: "the instance's DatabaseConnections (CloudWatch, AWS/DocDB) is below 80 % of its \
                 DatabaseConnectionsLimit within 10 minutes",
    },
    Rule {
        cause: "pool_exceeds_limit",
        find: pool_exceeds_limit,
        looks_at: "The tasks times what each may open (its pool, and two connections more by which a driver \
                   watches the server), against the smallest DatabaseConnectionsLimit of the instances. With \
                   the tasks of now it is certain; with the maximum of scaling, possible. It needs no \
                   trouble yet: it counts what the pools may open.",
        otherwise: LARGER_WRITER,
        helped: "every instance's DatabaseConnections (CloudWatch, AWS/DocDB) stays below 80 % of its \
                 DatabaseConnectionsLimit through the deployment and the next peak",
    },
    Rule {
        cause: "connection_leak",
        find: connection_leak,
        looks_at: "DatabaseConnections of each instance: over at least 3 hours it rises in a straight line \
                   (R² 0.85 or more), by half and by 50 connections at least, and does not move with \
                   RequestCount (correlation 0.8 or less). A busy hour's connections follow the load and go \
                   again; these are opened and never closed.",
        otherwise: "gain time with fresh tasks, which closes them all: send restart {\"reason\": \
                    \"connections leak\"}",
        helped: "the instance's DatabaseConnections (CloudWatch, AWS/DocDB) falls by more than half within \
                 10 minutes, and stays flat for 3 hours once the leak is mended",
    },
    Rule {
        cause: "writer_failed_over",
        find: writer_failed_over,
        looks_at: "A failover among DocumentDB's events of the last hour, and the driver's words for a lost \
                   writer in the log since (such as \"not primary\", \"MongoNetworkError\"), which makes it \
                   certain, or connections that fell to less than half since, which makes it likely. A \
                   failover that the application did not feel is not reported.",
        otherwise: "see that the connection string names the cluster's own endpoint and replicaSet=rs0: aws \
                    docdb describe-db-clusters --db-cluster-identifier <db-cluster> --query \
                    'DBClusters[0].Endpoint'",
        helped: "aws logs tail <log-group> --since 2m --filter-pattern '%Mongo|[Pp]rimary%' shows no new \
                 error within 5 minutes",
    },
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
    let larger = larger(evidence, instance);
    let next = fewer_connections(evidence, limit, NEAR / full.share());
    let finding = full.fact(finding).against(format!("{:.0} ({:.0} %)", limit * NEAR, NEAR * 100.0));
    Some(finding.next(DevOps, next).otherwise(larger))
}

/// The step that frees connections, if this share of the tasks may stay.
fn fewer_connections(evidence: &Evidence, limit: f64, share: f64) -> String {
    let service = evidence.service.as_ref();
    let tasks = service.map(|service| f64::from(service.desired.max(service.running)));
    let containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    let pools: Vec<u32> = containers.filter_map(|container| container.pool_size).collect();
    let largest = pools.iter().max().copied().map(f64::from);
    let pool = tasks.and_then(|tasks| fitting_pool(limit, tasks, pools.len()));
    let pool = match pool.filter(|pool| largest.is_some_and(|largest| *pool < largest)) {
        Some(pool) => format!("set maxPoolSize to {pool:.0}"),
        None => "make maxPoolSize smaller".to_owned(),
    };
    let fewer = tasks.map(|tasks| (tasks * share).floor().min(tasks - 1.0)).filter(|fewer| *fewer >= 1.0);
    let fewer = fewer.map_or_else(String::new, |fewer| {
        format!("run fewer tasks, if their CPU allows it: aws ecs update-service --cluster <cluster> --service <service> --desired-count {fewer:.0}; then ")
    });
    format!("do not scale up, each task opens more; {fewer}{pool} in the task definition and deploy that")
}

/// The pool with which all tasks, and as many again during a deployment, stay below the limit; none, if that is not
/// even one connection.
fn fitting_pool(limit: f64, tasks: f64, pools: usize) -> Option<f64> {
    const SETS: f64 = 2.0;
    let pools = f64::from(u32::try_from(pools).ok()?);
    let pool = (limit / (tasks * SETS * pools) - WATCHING).floor();
    (pool.is_finite() && pool >= 1.0).then_some(pool)
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
            match fitting_pool(limit, f64::from(tasks), pools.len()) {
                Some(pool) => format!(
                    "set maxPoolSize to {pool:.0} in the task definition and deploy that: {tasks} tasks, and as many again during a deployment, then stay below {limit:.0} connections"
                ),
                None => format!("take a larger instance class: no pool is small enough for {tasks} tasks, and as many again during a deployment"),
            },
        )
        .otherwise(larger(evidence, instance)),
    )
}

fn connection_leak(evidence: &Evidence) -> Option<Finding> {
    /// A morning's rise is over sooner, and follows the load.
    const ENOUGH_HOURS: f64 = 3.0;
    /// Less may be a pool that fills up to what it needs.
    const TIMES: f64 = 1.5;
    const AT_LEAST: f64 = 50.0;
    /// A straight line means a leak, and hardly ever anything else.
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
                "fresh tasks close them all and gain time: restart; then look for clients that are made for each request, and for sessions or cursors that nobody closes",
            )
            .otherwise(
                "go back, if the rise began with a release: send rollback {\"to\": \"previous\"}",
            )
            .send(Ask::restart("connections leak, and are near the limit"))
    } else {
        finding.next(
            Development,
            "look for clients that are made for each request (new MongoClient, mongoose.connect), and for sessions and cursors that nobody closes (startSession without endSession)",
        )
    })
}

fn writer_failed_over(evidence: &Evidence) -> Option<Finding> {
    /// What drivers say of a writer that is gone, or is a reader now.
    const WORDS: &[&str] = &[
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
    let errors = logs.with(&[NO_WRITER, WORDS].concat());
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
                "the driver has not found the new writer, and fresh tasks will: restart; then see that the connection string names the cluster's own endpoint and replicaSet=rs0",
            )
            .send(Ask::restart("the driver has not found the new writer"))
    } else if still {
        finding.next(
            DevOps,
            format!(
                "the driver finds the new writer by itself; if its errors go on after {}, send restart {{\"reason\": \"the driver has not found the new writer\"}}",
                at.checked_add(SignedDuration::from_mins(SETTLED_MINUTES)).unwrap_or(at).strftime("%H:%M UTC")
            ),
        )
    } else {
        finding.next(
            DevOps,
            "nothing now; by day, see why the writer went: aws docdb describe-events --source-type db-instance --duration 1440, and its CPUUtilization and FreeableMemory before (CloudWatch, AWS/DocDB)",
        )
    })
}

/// The newest failover of the last `minutes`.
pub(super) fn failover(evidence: &Evidence, minutes: i64) -> Option<(&DatabaseEvent, jiff::Timestamp)> {
    let events = evidence.database_events.as_ref()?.iter();
    events
        .filter(|event| event.categories.iter().any(|category| category == "failover"))
        .filter_map(|event| Some((event, event.at?)))
        .filter(|(_, at)| evidence.within_minutes(*at, minutes))
        .max_by_key(|(_, at)| *at)
}

/// The level of connections before a drop, and the lowest value within `minutes` after it, if that is less than half.
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
