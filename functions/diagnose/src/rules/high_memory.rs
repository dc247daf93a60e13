//! High memory usage: a leak, the load, a limit too near, or tasks that were killed for it.

use super::Rules;
use crate::{
    evidence::{Evidence, StoppedTask, correlation, largest, mean, name, trend},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Impact::{Degraded, Risk},
        Level::{DevOps, Development},
    },
};

pub(super) const RULES: Rules = &[
    ("out_of_memory_kills", out_of_memory_kills),
    ("memory_leak", memory_leak),
    ("memory_follows_load", memory_follows_load),
    ("memory_limit_near_normal", memory_limit_near_normal),
];

/// ECS and Fargate kill at 100 %, and averages hide the task that gets there first.
const HIGH_PERCENT: f64 = 85.0;
/// The next large request may end a task.
const FULL_PERCENT: f64 = 95.0;
/// A leak that takes longer than a working day to matter can wait for the day.
const LEAK_PERCENT_AN_HOUR: f64 = 1.5;
/// A straight line explains a leak and hardly anything else.
const STRAIGHT: f64 = 0.85;
const TOGETHER: f64 = 0.8;

fn out_of_memory_kills(evidence: &Evidence) -> Option<Finding> {
    let all = evidence.tasks.as_ref()?;
    let stopped = all.stopped.iter();
    // Of many, only the newest were looked at.
    let more = usize::try_from(all.stopped_in_all).is_ok_and(|count| count > all.stopped.len());
    let at_least = if more { "at least " } else { "" };
    // A task that dies at once is for the chapter on starting.
    let killed: Vec<&StoppedTask> = stopped.filter(|task| was_killed(task) && ran_a_while(task)).collect();
    let said: Vec<&StoppedTask> = killed.iter().copied().filter(|task| says_memory(task)).collect();
    let newest = said.first().or_else(|| killed.first())?;
    let finding = Finding::new(
        // Of 137 alone it is known only that something killed it.
        if said.is_empty() { Likely } else { Certain },
        Degraded,
        format!("{at_least}{} killed in the last hour for want of memory", tasks(killed.len())),
    )
    .since(killed.iter().filter_map(|task| task.stopped_at).min())
    .fact("ECS, stopped tasks", format!("task {}", newest.id), end_of(newest))
    .at(newest.stopped_at);
    let finding = match memory_limit(evidence) {
        Some(limit) => finding.fact("ECS, task definition", "memory of a task", format!("{limit} MiB")),
        None => finding,
    };
    Some(finding.next(
        Development,
        "find what takes the memory (a heap snapshot by ECS Exec); until then give the tasks more memory in a new revision",
    ))
}

fn memory_leak(evidence: &Evidence) -> Option<Finding> {
    /// New tasks fill their caches for an hour or two.
    const ENOUGH_HOURS: f64 = 3.0;
    const ENOUGH_PERCENT: f64 = 10.0;
    /// Where tasks were killed for it, it may be as fast as it likes.
    const FAST_HOURS: f64 = 0.3;
    const FAST_PERCENT: f64 = 25.0;
    const VERY_STRAIGHT: f64 = 0.95;
    let memory = evidence.recent(name::ECS_MEMORY)?;
    let points = memory.by_hour();
    let slow = || {
        let enough = |first: f64, last: f64| last - first >= ENOUGH_PERCENT;
        rise(&points, ENOUGH_HOURS, STRAIGHT, enough).filter(|(.., slope)| *slope >= LEAK_PERCENT_AN_HOUR)
    };
    let fast = || {
        let killed = evidence.tasks.iter().flat_map(|tasks| &tasks.stopped).any(says_memory);
        let enough = |first: f64, last: f64| last - first >= FAST_PERCENT;
        killed.then(|| rise(&points, FAST_HOURS, VERY_STRAIGHT, enough)).flatten()
    };
    let (_, _, hours, slope) = slow().or_else(fast)?;
    let now = memory.newest()?;
    let requests = evidence.recent(name::ALB_REQUESTS)?;
    if correlation(memory, requests)? > TOGETHER {
        return None;
    }
    let left = (100.0 - now).max(0.0) / slope;
    let finding = Finding::new(
        Likely,
        if now > FULL_PERCENT { Degraded } else { Risk },
        format!("memory of the tasks grows by {slope:.1} % an hour, whatever the load: a leak"),
    )
    .fact("CloudWatch, ECS MemoryUtilization", "memory of the tasks", format!("{now:.0} %"))
    .at(memory.newest_at())
    .fact(
        "CloudWatch, ECS MemoryUtilization",
        format!("growth over {hours:.1} h"),
        format!("{slope:.1} % an hour"),
    )
    .against(format!("{LEAK_PERCENT_AN_HOUR} % an hour"))
    .fact("CloudWatch, ECS MemoryUtilization", "full in", format!("{left:.1} h"));
    Some(if now >= HIGH_PERCENT {
        finding
            .next(
                Development,
                "fresh tasks gain time before the limit ends these: restart; then find the leak with two heap snapshots by ECS Exec, an hour apart",
            )
            .send("restart", serde_json::json!({ "reason": "memory leaks, and is near the limit" }))
    } else {
        finding.next(
            Development,
            "find the leak with two heap snapshots by ECS Exec, an hour apart; a new deployment of the same release gains time",
        )
    })
}

fn memory_follows_load(evidence: &Evidence) -> Option<Finding> {
    let memory = evidence.recent(name::ECS_MEMORY)?;
    let requests = evidence.recent(name::ALB_REQUESTS)?;
    let now = largest(memory.last_minutes(15))?;
    let together = correlation(memory, requests)?;
    if now < HIGH_PERCENT || together < TOGETHER {
        return None;
    }
    Some(
        Finding::new(
            Likely,
            if now > FULL_PERCENT { Degraded } else { Risk },
            format!("memory of the tasks is at {now:.0} % because the load is high"),
        )
        .fact("CloudWatch, ECS MemoryUtilization", "memory of the tasks", format!("{now:.0} %"))
        .against(format!("{HIGH_PERCENT} %"))
        .at(memory.newest_at())
        .fact("CloudWatch, ECS and ALB", "correlation with the number of requests", format!("{together:.2}"))
        .against(format!("{TOGETHER}"))
        .next(DevOps, "more tasks share the load")
        .send("scale-up", serde_json::json!({ "reason": "memory follows the load" })),
    )
}

fn memory_limit_near_normal(evidence: &Evidence) -> Option<Finding> {
    /// A spread of a few percent is a level, not a movement.
    const LEVEL: f64 = 5.0;
    /// Less is not "at all times": a morning, or tasks that are new.
    const ENOUGH_HOURS: f64 = 6.0;
    let memory = evidence.recent(name::ECS_MEMORY)?;
    let points = memory.by_hour();
    let hours = points.last()?.0 - points.first()?.0;
    let normal = mean(memory.last_minutes(720))?;
    let highest = largest(memory.last_minutes(720))?;
    let limit = memory_limit(evidence)?;
    if hours < ENOUGH_HOURS || normal < HIGH_PERCENT || highest - normal > LEVEL {
        return None;
    }
    Some(
        Finding::new(
            Likely,
            Risk,
            format!("the tasks need {normal:.0} % of their {limit} MiB at all times: the limit is too near"),
        )
        .fact("CloudWatch, ECS MemoryUtilization", "mean of 12 h", format!("{normal:.0} %"))
        .against(format!("{HIGH_PERCENT} %"))
        .at(memory.newest_at())
        .fact("ECS, task definition", "memory of a task", format!("{limit} MiB"))
        .next(DevOps, "give the tasks more memory in a new revision"),
    )
}

fn memory_limit(evidence: &Evidence) -> Option<u32> {
    let definition = evidence.definition.as_ref()?;
    let mut containers = definition.containers.iter();
    definition.memory_mib.or_else(|| containers.try_fold(0_u32, |sum, one| sum.checked_add(one.memory_mib?)))
}

/// A straight rise that goes on: the longest one that ends now, with its first and last value, its hours and its slope
/// an hour. Before it the values may have been level, and it begins anew when something fell by a tenth, as memory and
/// connections do when tasks are new.
pub(super) fn rise(
    points: &[(f64, f64)],
    least_hours: f64,
    straight: f64,
    is_enough: impl Fn(f64, f64) -> bool,
) -> Option<(f64, f64, f64, f64)> {
    const FALL: f64 = 0.9;
    let fall = points
        .windows(2)
        .rposition(|pair| matches!(pair, [(_, before), (_, after)] if *after < before * FALL));
    let points = points.get(fall.map_or(0, |place| place + 1)..)?;
    let (last_hour, last) = *points.last()?;
    (0..points.len()).find_map(|from| {
        let points = points.get(from..)?;
        let (first_hour, first) = *points.first()?;
        let hours = last_hour - first_hour;
        let (slope, explained) = trend(points).filter(|_| hours >= least_hours)?;
        (explained >= straight && is_enough(first, last)).then_some((first, last, hours, slope))
    })
}

/// Not a task that the load balancer or a health check gave up: it ends with 137 too when it does not end in time.
fn was_killed(task: &StoppedTask) -> bool {
    says_memory(task) || task.stop_code == "EssentialContainerExited" && task.exit_code() == Some(137)
}

fn says_memory(task: &StoppedTask) -> bool {
    task.reasons().contains("OutOfMemory")
}

fn end_of(task: &StoppedTask) -> String {
    let code = task.exit_code().map_or_else(String::new, |code| format!(" (exit code {code})"));
    format!("{}{code}", task.reasons())
}

fn ran_a_while(task: &StoppedTask) -> bool {
    const MINUTES: i64 = 2;
    let times = task.started_at.zip(task.stopped_at);
    times.is_some_and(|(started, stopped)| stopped.duration_since(started).as_mins() >= MINUTES)
}

fn tasks(count: usize) -> String {
    if count == 1 { "one task was".to_owned() } else { format!("{count} tasks were") }
}
