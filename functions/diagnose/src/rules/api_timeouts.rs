//! API timeouts: why the answers are slow.

use super::{
    Rule,
    auto_scaling::{BY_HAND, by_hand, raise_maximum},
    connection_pool_exhausted::fullest,
    database::{LARGER_WRITER, POOL_WAITS, larger},
    slow_answers::SlowAnswers,
    steps::new_revision,
};
use crate::{
    ask::Ask,
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

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "slow_database",
        find: slow_database,
        looks_at: "Slow answers (99th percentile of 15 minutes: 1 s and twice its usual, or 5 s) beside a busy database: an instance at 80 % CPU or with less than a quarter of its usual free memory, or a query that takes half as long as the answers and is frequent enough (20 an hour, and one for every hundred requests of 15 minutes). It is likely where a query is slow, memory is short or CPU moves with the answers (correlation above 0.7), else possible: the database may have been busy before.",
        otherwise: LARGER_WRITER,
        helped: "the 99th percentile of TargetResponseTime is back at its usual and CPUUtilization of the database below 80 % within 15 minutes (CloudWatch, AWS/ApplicationELB and AWS/DocDB)",
    },
    Rule {
        cause: "no_spare_tasks",
        find: no_spare_tasks,
        looks_at: "CPUUtilization of the service while its answers are slow: 80 % or more; or 65 % or more, if that is 1.3 times its usual, the median answer takes three times as long and no database instance is at 80 %. Tasks that wait for a database are slow as well, but have CPU to spare.",
        otherwise: BY_HAND,
        helped: "the service's CPUUtilization falls below 65 % and the 99th percentile of TargetResponseTime to its usual, within 10 minutes of the new tasks' start",
    },
    Rule {
        cause: "connection_pool_waits",
        find: connection_pool_waits,
        looks_at: "The log of the last hour: 5 errors or more in which a driver says that a request got no connection of its pool (WaitQueueTimeout, checking out a connection, no available connection, pool is exhausted), the last within 15 minutes. With slow answers it is certain, else likely. A database that is out of connections refuses them, and its errors say so.",
        otherwise: "send restart {\"reason\": \"the connection pool is exhausted\"}, as fresh tasks hold no connections yet",
        helped: "aws logs tail <log-group> --since 10m shows no such error 10 minutes later, and the 99th percentile of TargetResponseTime is back at its usual",
    },
    Rule {
        cause: "idle_timeout_too_short",
        find: idle_timeout_too_short,
        looks_at: "The last 30 minutes at the load balancer: three or more 504s of its own, and a longest answer of 90 % of its idle time-out or more. An answer that takes longer than that has no response time, and those just below it show how long answers take. Targets that cannot be reached make 504s without long answers.",
        otherwise: "find the slow requests: aws logs tail <log-group> --since 30m; if they began with the newest release, send rollback {\"to\": \"previous\"}",
        helped: "the metric HTTPCode_ELB_504_Count of <load-balancer> stays at 0 for 30 minutes (CloudWatch, AWS/ApplicationELB)",
    },
    Rule {
        cause: "one_bad_target",
        find: one_bad_target,
        looks_at: "Slow answers of which half are quick (the 99th percentile is ten times the median or more), and a target group with one unhealthy target beside healthy ones. A cause that all tasks share would slow down the median too.",
        otherwise: "replace that task alone: aws ecs stop-task --cluster <cluster> --task <task-id> --reason 'answers badly'",
        helped: "aws elbv2 describe-target-health --target-group-arn <target-group-arn> shows every target healthy within 5 minutes, and the 99th percentile of TargetResponseTime is back at its usual",
    },
    Rule {
        cause: "keep_alive_too_short",
        find: keep_alive_too_short,
        looks_at: "Three hours of the load balancer's own 5xx without its 504s: 0.1 to 5 % of the requests, in three of four 5-minute periods (12 or more with requests), while no target is unhealthy, the targets answer no more 5xx than that, connections are hardly rejected and no task failed. An outage has more of them and a deployment is over sooner: so few, so steadily, come from connections that the application closes as they are used again.",
        otherwise: "go back, if it began with a release: send rollback {\"to\": \"previous\"}",
        helped: "the metric HTTPCode_ELB_5XX_Count less HTTPCode_ELB_504_Count stays at 0 in the hour after the deployment (CloudWatch, AWS/ApplicationELB)",
    },
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
        // For a falling metric, the newest value counts.
        .filter_map(|(instance, series)| Some((instance, series, series.newest()?, series.usual()?)))
        .filter(|(_, _, now, usual)| *now < usual * MEMORY_LEFT)
        .min_by(|(_, _, one, _), (_, _, other, _)| one.total_cmp(other));
    let slowest = slow_enough(evidence, slow.now);
    // If the database was busy before the answers became slow, it is probably a coincidence.
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
    let busy = busiest.map(|(instance, ..)| instance).or(shortest.map(|(instance, ..)| instance));
    let finding = match busy {
        Some(instance) => finding.otherwise(larger(evidence, instance)),
        None => finding,
    };
    let what_runs = what_runs(busy);
    Some(finding.next(
        Development,
        match slowest {
            Some(query) => format!(
                "{what_runs}; then see by explain(\"executionStats\") why the {} of {} is slow, or stop what sends it",
                query.operation, query.collection
            ),
            None => format!("{what_runs}; the profiler (from 100 ms on) shows what comes back"),
        },
    ))
}

/// Only reads: a write that is cut off may be half done.
fn what_runs(instance: Option<&str>) -> String {
    let instance = instance.unwrap_or("<writer>");
    format!(
        "see what runs long, in mongosh on {instance}: db.adminCommand({{aggregate: 1, pipeline: [{{$currentOp: {{}}}}, {{$match: {{secs_running: {{$gt: 10}}}}}}], cursor: {{}}}}); end reads by db.adminCommand({{killOp: 1, op: <opid>}})"
    )
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
                    "if the database has connections for more tasks, raise the maximum: {}; then send scale-up {{\"reason\": \"tasks have no CPU to spare\"}}",
                    raise_maximum(maximum)
                ),
            ).otherwise(new_revision("with more CPU for each task"))
        }
        _ => by_hand(finding, evidence).next(DevOps, "add tasks to share the load").send(Ask::scale_up("tasks have no CPU to spare, answers are slow")),
    })
}

fn connection_pool_waits(evidence: &Evidence) -> Option<Finding> {
    /// Fewer are one bad moment.
    const FEW: u64 = 5;
    const STILL_MINUTES: i64 = 15;
    /// From here on the database is the bottleneck, not the pool.
    const ROOM: f64 = 0.5;
    let still =
        |group: &&LogGroup| group.last.is_some_and(|last| evidence.within_minutes(last, STILL_MINUTES));
    let logs = evidence.logs.as_ref()?;
    let logs = Logs { groups: logs.groups.iter().filter(still).cloned().collect(), ..Logs::default() };
    let (count, group) = logs.with(POOL_WAITS).filter(|(count, _)| *count >= FEW)?;
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
    let has_room = fullest.as_ref().is_some_and(|full| full.share() < ROOM);
    let pool_size = match (pool, fullest) {
        (Some(pool), _) if has_room => {
            format!(
                "the database has room, so raise maxPoolSize from {pool} to {}",
                pool.saturating_add(pool / 2)
            )
        }
        (None, _) if has_room => "the database has room, so raise maxPoolSize by half".to_owned(),
        (_, Some(full)) => format!(
            "leave maxPoolSize as it is, as {:.0} % of the database's connections are in use",
            full.share() * 100.0
        ),
        (_, None) => "see the database's DatabaseConnections before you raise maxPoolSize".to_owned(),
    };
    Some(finding.next(Development, format!("{}; {pool_size}", what_runs(None))))
}

fn idle_timeout_too_short(evidence: &Evidence) -> Option<Finding> {
    /// A longer request has no response time, because the load balancer gave up. Those just below the limit are seen.
    const NEAR: f64 = 0.9;
    /// Fewer are single requests.
    const FEW: f64 = 3.0;
    const MINUTES: i64 = 30;
    /// A load balancer waits no longer.
    const MOST_SECONDS: u32 = 4_000;
    let load_balancer = evidence.load_balancer.as_ref()?;
    let seconds = load_balancer.idle_timeout_seconds?;
    let response = evidence.recent(name::ALB_MAX)?;
    let given_up = evidence.recent(name::ALB_ELB_504)?;
    let longest = largest(response.last_minutes(MINUTES))?;
    let count: f64 = given_up.last_minutes(MINUTES).sum();
    if longest < f64::from(seconds) * NEAR || count < FEW {
        return None;
    }
    let longer = seconds.saturating_mul(2).min(MOST_SECONDS);
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
            format!(
                "if answers may take that long, deploy a keep-alive above {longer} s (Node: server.keepAliveTimeout), then aws elbv2 modify-load-balancer-attributes --load-balancer-arn $(aws elbv2 describe-load-balancers --names <load-balancer> --query 'LoadBalancers[0].LoadBalancerArn' --output text) --attributes Key=idle_timeout.timeout_seconds,Value={longer}"
            ),
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
    let (group, bad, healthy) = evidence.target_groups.as_ref()?.iter().find_map(|group| {
        let in_state = |state: &'static str| group.targets.iter().filter(move |target| target.state == state);
        let mut bad = in_state("unhealthy");
        let one = bad.next()?;
        let healthy = in_state("healthy").count();
        (bad.next().is_none() && healthy > 0).then_some((group, one, healthy))
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
            .next(Development, "restart: fresh tasks take the place of all, this one among them; its log stays")
            .otherwise(format!(
                "replace {0} alone: aws ecs stop-task --cluster <cluster> --task {0} --reason 'answers badly'",
                task.id
            ))
            .send(Ask::restart("one task answers badly")),
        // A target that is not a task of the service is not replaced with the tasks.
        None => finding
            .next(
                Development,
                format!(
                    "see what has this address: aws ec2 describe-network-interfaces --filters Name=addresses.private-ip-address,Values={0}; if that is no task of the service, aws elbv2 deregister-targets --target-group-arn {1} --targets Id={0},Port={2}",
                    bad.id, group.arn, bad.port
                ),
            )
            .otherwise("if it is a task of the service after all, send restart {\"reason\": \"one target answers badly\"}"),
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
    const LEAST_SHARE: f64 = 0.0005;
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
            "deploy an application that keeps idle connections for {above} s, longer than the load balancer does (Node: server.keepAliveTimeout = {above}_000 and server.headersTimeout = {}_000; gunicorn: --keep-alive {above})",
            above.saturating_add(1)
        ),
    ))
}
