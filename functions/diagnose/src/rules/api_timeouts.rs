//! API timeouts: what keeps the answers waiting.

use super::{Rules, connection_pool_exhausted::fullest, slow_answers::SlowAnswers};
use crate::{
    evidence::{
        Evidence, LogGroup, Logs, RunningTask, Series, SlowQuery, StoppedTask, Target, correlation, largest,
        name, size,
    },
    finding::{
        Confidence::{Certain, Likely, Possible},
        Finding,
        Impact::Degraded,
        Level::{DevOps, Development},
    },
};

pub(super) const RULES: Rules = &[
    ("slow_database", slow_database),
    ("no_spare_tasks", no_spare_tasks),
    ("connection_pool_waits", connection_pool_waits),
    ("idle_timeout_too_short", idle_timeout_too_short),
    ("one_bad_target", one_bad_target),
    ("keep_alive_too_short", keep_alive_too_short),
];

fn slow_database(evidence: &Evidence) -> Option<Finding> {
    /// Less is work, more is a queue.
    const BUSY_PERCENT: f64 = 80.0;
    /// `DocumentDB` keeps its free memory about even; it falls so far when queries take it.
    const MEMORY_LEFT: f64 = 0.25;
    const TOGETHER: f64 = 0.7;
    let slow = SlowAnswers::of(evidence)?;
    let busiest = evidence
        .by_instance(name::DB_CPU)
        .into_iter()
        .filter_map(|(instance, series)| Some((instance, series, series.now()?)))
        .filter(|(_, _, percent)| *percent >= BUSY_PERCENT)
        .max_by(|(_, _, one), (_, _, other)| one.total_cmp(other));
    let shortest = evidence
        .by_instance(name::DB_MEMORY)
        .into_iter()
        // Of what falls, the newest value counts.
        .filter_map(|(instance, series)| Some((instance, series, series.newest()?, series.usual()?)))
        .filter(|(_, _, now, usual)| *now < usual * MEMORY_LEFT)
        .min_by(|(_, _, one, _), (_, _, other, _)| one.total_cmp(other));
    let slowest = slow_enough(evidence, slow.now);
    // A database that was busy before the answers became slow is a coincidence, as far as can be seen.
    let together = busiest
        .is_some_and(|(_, cpu, _)| correlation(cpu, slow.series).is_some_and(|together| together > TOGETHER));
    let sign = match (busiest, shortest, slowest) {
        (Some((instance, _, percent)), _, _) => format!("CPU of {instance} is {percent:.0} %"),
        (_, _, Some(query)) => {
            format!("{} of {} takes up to {} ms", query.operation, query.collection, query.longest_ms)
        }
        (_, Some((instance, ..)), _) => format!("{instance} is short of memory"),
        (None, None, None) => return None,
    };
    let is_likely = together || shortest.is_some() || slowest.is_some();
    let mut finding = slow.shown(Finding::new(
        if is_likely { Likely } else { Possible },
        Degraded,
        format!("answers wait for the database: {sign}"),
    ));
    if let Some((instance, series, percent)) = busiest {
        finding = finding
            .fact("CloudWatch, DocDB CPUUtilization", format!("CPU of {instance}"), format!("{percent:.0} %"))
            .against(format!("{BUSY_PERCENT} %"))
            .at(series.newest_at());
    }
    if let Some((instance, series, now, usual)) = shortest {
        finding = finding
            .fact("CloudWatch, DocDB FreeableMemory", format!("free memory of {instance}"), size(now))
            .against(format!("usually {}", size(usual)))
            .at(series.newest_at());
    }
    if let Some(query) = slowest {
        finding = finding.fact(
            "DocumentDB profiler",
            format!("{} of {}", query.operation, query.collection),
            format!("{} in the last hour, up to {} ms, {}", query.count, query.longest_ms, query.plan),
        );
    }
    Some(finding.next(
        Development,
        if slowest.is_some() {
            "make the slow queries fast, or stop what sends them; a larger instance class gains time"
        } else {
            "see which queries run (currentOp, Performance Insights, or the profiler from 100 ms on); a larger instance class gains time"
        },
    ))
}

/// The query that took most time in all, of those that are slow enough to be what these answers wait for.
fn slow_enough(evidence: &Evidence, answer_seconds: f64) -> Option<&SlowQuery> {
    /// Fewer an hour do not move the 99th percentile, however few requests there are.
    const MANY: f64 = 20.0;
    /// One in a hundred answers is that slow or slower.
    const HUNDREDTH: f64 = 0.01;
    let number = |count: u64| u32::try_from(count).map_or(f64::INFINITY, f64::from);
    let requests = evidence.recent(name::ALB_REQUESTS);
    let slow_answers = requests.map_or(0.0, |requests| requests.last_minutes(15).sum::<f64>() * HUNDREDTH);
    let queries = evidence.slow_queries.as_ref()?.iter();
    queries
        .filter(|query| number(query.count) >= slow_answers.max(MANY))
        .filter(|query| number(query.longest_ms) >= answer_seconds * 500.0)
        .max_by_key(|query| query.count.saturating_mul(query.longest_ms))
}

fn no_spare_tasks(evidence: &Evidence) -> Option<Finding> {
    /// The mean of all tasks: above this, requests wait for each other in the busiest of them.
    const FULL_PERCENT: f64 = 80.0;
    /// One task may be full at this mean; then half of the answers wait, not the slowest alone.
    const BUSY_PERCENT: f64 = 65.0;
    const RISEN: f64 = 1.3;
    const SLOWER: f64 = 3.0;
    let slow = SlowAnswers::of(evidence)?;
    let cpu = evidence.recent(name::ECS_CPU)?;
    let percent = cpu.now()?;
    let slower = |series: &Series, times: f64| {
        series.now().zip(series.usual()).is_some_and(|(now, usual)| now >= usual * times)
    };
    let half_waits = evidence.recent(name::ALB_P50).is_some_and(|half| slower(half, SLOWER));
    let of_database = evidence
        .by_instance(name::DB_CPU)
        .iter()
        .any(|(_, cpu)| cpu.now().is_some_and(|now| now >= FULL_PERCENT));
    let is_busy = percent >= BUSY_PERCENT && slower(cpu, RISEN) && half_waits && !of_database;
    if percent < FULL_PERCENT && !is_busy {
        return None;
    }
    let full = if is_busy { BUSY_PERCENT } else { FULL_PERCENT };
    let running = evidence.service.as_ref().map(|service| service.running);
    let tasks = running.map_or_else(|| "the tasks".to_owned(), |running| format!("the {running} tasks"));
    let finding = Finding::new(
        Likely,
        Degraded,
        format!("{tasks} have no CPU to spare ({percent:.0} %), and answers wait for it"),
    )
    .since(cpu.since_when(|percent| percent >= full))
    .fact("CloudWatch, ECS CPUUtilization", "CPU of the tasks", format!("{percent:.0} %"))
    .against(format!("{full} %"))
    .at(cpu.newest_at());
    let finding = slow.fact(finding);
    let maximum = evidence.scaling.as_ref().and_then(|scaling| scaling.target.as_ref()).map(|it| it.max);
    let desired = evidence.service.as_ref().map(|service| service.desired);
    Some(match maximum {
        Some(maximum) if desired.is_some_and(|desired| desired >= maximum) => {
            finding.fact("Application Auto Scaling", "maximum of tasks", maximum.to_string()).next(
                DevOps,
                format!(
                    "raise the scaling maximum above {maximum}, then scale up; or give the tasks more CPU"
                ),
            )
        }
        _ => finding.next(DevOps, "more tasks share the load").send(
            "scale-up",
            serde_json::json!({ "reason": "tasks have no CPU to spare, answers are slow" }),
        ),
    })
}

fn connection_pool_waits(evidence: &Evidence) -> Option<Finding> {
    /// What drivers and pools say. Not `pool`: a pool is also cleared, and there are pools of threads.
    const WORDS: &[&str] = &[
        "waitqueuetimeout",
        "checking out a connection",
        "no available connection",
        "connection pool exhausted",
        "pool is exhausted",
        "waiting for a connection from the pool",
    ];
    /// Fewer are one bad moment.
    const FEW: u64 = 5;
    const STILL_MINUTES: i64 = 15;
    /// From here on the database is the narrow place, not the pool.
    const ROOM: f64 = 0.5;
    let still =
        |group: &&LogGroup| group.last.is_some_and(|last| evidence.within_minutes(last, STILL_MINUTES));
    let logs = evidence.logs.as_ref()?;
    let logs = Logs { groups: logs.groups.iter().filter(still).cloned().collect(), ..Logs::default() };
    let (count, group) = logs.with(WORDS).filter(|(count, _)| *count >= FEW)?;
    let slow = SlowAnswers::of(evidence);
    let pool = evidence
        .definition
        .as_ref()
        .and_then(|definition| definition.containers.iter().find_map(|container| container.pool_size));
    let mut finding = Finding::new(
        if slow.is_some() { Certain } else { Likely },
        Degraded,
        format!("requests wait for a connection of the driver's pool: {count} gave up in the last hour"),
    )
    .since(group.first)
    .fact("CloudWatch Logs", group.shape.clone(), format!("{} times", group.count))
    .at(group.last);
    if let Some(slow) = &slow {
        finding = slow.fact(finding);
    }
    if let Some(pool) = pool {
        finding = finding.fact("ECS, task definition", "pool of a task", format!("{pool} connections"));
    }
    let fullest = fullest(evidence);
    if let Some(full) = &fullest {
        finding = full.fact(finding);
    }
    let has_room = fullest.is_some_and(|full| full.share() < ROOM);
    Some(finding.next(
        Development,
        if has_room {
            "find what holds the connections for long (slow queries, open transactions); the database has room for a larger maxPoolSize"
        } else {
            "find what holds the connections for long (slow queries, open transactions) before you make maxPoolSize larger"
        },
    ))
}

fn idle_timeout_too_short(evidence: &Evidence) -> Option<Finding> {
    /// What took longer has no response time: the load balancer gave up. Those just below are what is seen.
    const NEAR: f64 = 0.9;
    /// Fewer are single requests.
    const FEW: f64 = 3.0;
    const MINUTES: i64 = 30;
    let load_balancer = evidence.load_balancer.as_ref()?;
    let seconds = load_balancer.idle_timeout_seconds?;
    let response = evidence.recent(name::ALB_MAX)?;
    let given_up = evidence.recent(name::ALB_ELB_504)?;
    let longest = largest(response.last_minutes(MINUTES))?;
    let count: f64 = given_up.last_minutes(MINUTES).sum();
    if longest < f64::from(seconds) * NEAR || count < FEW {
        return None;
    }
    Some(
        Finding::new(
            Certain,
            Degraded,
            format!("answers take longer than the {seconds} s that the load balancer waits: {count:.0} ended in 504 within {MINUTES} min"),
        )
        .since(given_up.since_when(|count| count > 0.0))
        .fact("ELB, load balancer attributes", "idle time-out", format!("{seconds} s"))
        .fact("CloudWatch, ALB TargetResponseTime", "longest answer", format!("{longest:.1} s"))
        .against(format!("{seconds} s"))
        .at(response.newest_at())
        .fact("CloudWatch, ALB HTTPCode_ELB_504_Count", format!("504 in {MINUTES} min"), format!("{count:.0}"))
        .at(given_up.newest_at())
        .next(
            DevOps,
            "make what takes so long faster, or answer at once and do it afterwards; where it may take so long, raise idle_timeout.timeout_seconds of the load balancer (at most 4000 s) and the application's keep-alive above it",
        ),
    )
}

fn one_bad_target(evidence: &Evidence) -> Option<Finding> {
    /// Half of the requests do not meet the bad target: the median stays low.
    const APART: f64 = 10.0;
    let slow = SlowAnswers::of(evidence)?;
    let half = evidence.recent(name::ALB_P50)?;
    let median = half.now()?;
    if slow.now < median * APART {
        return None;
    }
    let (bad, healthy) = evidence.target_groups.as_ref()?.iter().find_map(|group| {
        let in_state = |state: &'static str| group.targets.iter().filter(move |target| target.state == state);
        let mut bad = in_state("unhealthy");
        let one = bad.next()?;
        let healthy = in_state("healthy").count();
        (bad.next().is_none() && healthy > 0).then_some((one, healthy))
    })?;
    let task = task_of(evidence, bad);
    let who = task
        .map_or_else(|| format!("the target {}", bad.id), |task| format!("task {} at {}", task.id, bad.id));
    let finding = Finding::new(
        Likely,
        Degraded,
        format!(
            "{who} is unhealthy: the slowest answers take {:.1} s, half of them {median:.2} s at most; other targets are fine ({healthy})",
            slow.now
        ),
    )
    .since(slow.since())
    .fact(
        "ELB, target health",
        who.clone(),
        [bad.state.as_str(), &bad.reason].join(" ").trim_end().to_owned(),
    );
    let finding = slow
        .fact(finding)
        .fact("CloudWatch, ALB TargetResponseTime", "median of the answers", format!("{median:.2} s"))
        .at(half.newest_at());
    Some(match task {
        Some(task) => finding
            .next(
                Development,
                format!(
                    "restart: a fresh task takes its place, and the others' too; to replace {} alone, stop it (aws ecs stop-task); keep its log",
                    task.id
                ),
            )
            .send("restart", serde_json::json!({ "reason": "one task answers badly" })),
        // What is no task of the service is not replaced with them.
        None => finding.next(Development, format!("see what {who} is, and take it out of its target group")),
    })
}

/// The task behind a target.
fn task_of<'a>(evidence: &'a Evidence, target: &Target) -> Option<&'a RunningTask> {
    let mut tasks = evidence.tasks.iter().flat_map(|tasks| &tasks.running);
    tasks.find(|task| task.address.as_ref() == Some(&target.id))
}

/// The load balancer sends a request on a connection that the application closes at that moment: a 502 of its own,
/// few, all the time, and no target is ill.
fn keep_alive_too_short(evidence: &Evidence) -> Option<Finding> {
    const MINUTES: i64 = 180;
    /// Of the periods with requests, and of the requests: an outage has more, and a deployment is over sooner.
    const STEADY: f64 = 0.75;
    const LEAST_SHARE: f64 = 0.001;
    const MOST_SHARE: f64 = 0.05;
    const ENOUGH_PERIODS: usize = 12;
    let requests = evidence.recent(name::ALB_REQUESTS)?;
    let balancer = evidence.recent(name::ALB_ELB_5XX)?;
    let back = usize::try_from(MINUTES * 60 / i64::from(requests.period_seconds.max(1))).unwrap_or_default();
    let value = |name: &str, place: usize| {
        evidence.recent(name).and_then(|series| series.values.iter().rev().nth(place).copied().flatten())
    };
    let given_up = |place| value(name::ALB_ELB_504, place).unwrap_or(0.0);
    let periods: Vec<(f64, f64, f64)> = (0..back)
        .filter_map(|place| {
            let asked = value(name::ALB_REQUESTS, place).filter(|asked| *asked > 0.0)?;
            let own = (value(name::ALB_ELB_5XX, place).unwrap_or(0.0) - given_up(place)).max(0.0);
            Some((asked, own, value(name::ALB_TARGET_5XX, place).unwrap_or(0.0)))
        })
        .collect();
    let number = |count: usize| u32::try_from(count).map_or(f64::INFINITY, f64::from);
    let sum = |of: fn(&(f64, f64, f64)) -> f64| periods.iter().map(of).sum::<f64>();
    let (asked, own, targets) = (sum(|it| it.0), sum(|it| it.1), sum(|it| it.2));
    let share = own / asked;
    let with_some = periods.iter().filter(|(_, own, _)| *own > 0.0).count();
    let is_steady = periods.len() >= ENOUGH_PERIODS && number(with_some) >= number(periods.len()) * STEADY;
    let groups = evidence.target_groups.as_ref()?;
    let all_well = groups.iter().flat_map(|group| &group.targets).all(|target| target.state != "unhealthy");
    let rejected =
        evidence.recent(name::ALB_REJECTED).map_or(0.0, |series| series.last_minutes(MINUTES).sum());
    // Tasks that fail have 5xx of their own, a full load balancer rejects connections.
    let alone = targets <= own && rejected <= own * 0.1;
    // One that never began had no connection.
    let served = |task: &StoppedTask| task.failed() && task.started_at.is_some();
    let ended = evidence.tasks.iter().flat_map(|tasks| &tasks.stopped).any(served);
    if !is_steady || !(LEAST_SHARE..MOST_SHARE).contains(&share) || !all_well || !alone || ended {
        return None;
    }
    let finding = Finding::new(
        Likely,
        Degraded,
        format!(
            "{:.1} % of the answers are 502 of the load balancer's own, all the time, with healthy targets: the application closes kept-alive connections before the load balancer does",
            share * 100.0
        ),
    )
    .fact("CloudWatch, ALB HTTPCode_ELB_5XX_Count", format!("its own 5xx but 504, in {} h", MINUTES / 60), format!("{own:.0} of {asked:.0}"))
    .at(balancer.newest_at())
    .fact("CloudWatch, ALB HTTPCode_Target_5XX_Count", "5xx of the targets", format!("{targets:.0}"));
    let seconds = evidence.load_balancer.as_ref().and_then(|balancer| balancer.idle_timeout_seconds);
    let finding = match seconds {
        Some(seconds) => {
            finding.fact("ELB, load balancer attributes", "idle time-out", format!("{seconds} s"))
        }
        None => finding,
    };
    let above = seconds.unwrap_or(60).saturating_add(5);
    Some(finding.next(
        Development,
        format!(
            "make the application keep idle connections longer than the load balancer does, {above} s (Node: server.keepAliveTimeout = {above}_000, server.headersTimeout above that; gunicorn: --keep-alive {above})"
        ),
    ))
}
