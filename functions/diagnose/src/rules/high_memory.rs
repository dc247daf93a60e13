//! High memory usage: a leak, the load, a limit too near, or tasks that were killed for it.

use super::{
    Rule,
    auto_scaling::{BY_HAND, by_hand, raise_maximum},
    ended_tasks::twice_the_memory,
    failed_starts::says,
    steps::new_revision,
};
use crate::{
    ask::Ask,
    evidence::{Evidence, StoppedTask, Tasks, correlation, largest, mean, name, trend},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Impact::{Degraded, Risk},
        Level::{DevOps, Development},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "out_of_memory_kills",
        find: out_of_memory_kills,
        looks_at: "The tasks that stopped in the last hour and had run for two minutes or more: certain where ECS says OutOfMemory, likely where an essential container ended with exit code 137 and ECS says nothing of memory. Or two or more of them ended by themselves at the limit of their own heap, by exit code 134 or their last line, and the log says so. Tasks that die sooner are for Application Won't Start, and those that a health check gave up are left out.",
        otherwise: "see what takes the memory with a heap snapshot by ECS Exec: aws ecs execute-command --cluster <cluster> --task <task-id> --container <container> --interactive --command /bin/sh",
        helped: "aws ecs list-tasks --cluster <cluster> --service-name <service> --desired-status STOPPED shows no new task within an hour, and the service's MemoryUtilization stays below 85 %",
    },
    Rule {
        cause: "memory_leak",
        find: memory_leak,
        looks_at: "MemoryUtilization of 12 hours since it last fell by a tenth: a straight rise (R² of 0.85) over 3 hours or more, by 10 points and by 1.5 points an hour or more; or, where tasks were killed for memory, a rise by 25 points (R² of 0.95). Its correlation with the number of requests is 0.8 at most: it grows whatever the load.",
        otherwise: "go back to the last good release if the leak began with the newest one: send rollback {\"to\": \"previous\"}",
        helped: "the service's MemoryUtilization stays level, under the usual load, for three hours after the tasks were replaced (CloudWatch, AWS/ECS)",
    },
    Rule {
        cause: "memory_follows_load",
        find: memory_follows_load,
        looks_at: "MemoryUtilization of 85 % or more in the last 15 minutes, and its correlation with the number of requests: 0.8 or more over 12 hours. A leak grows without requests too.",
        otherwise: BY_HAND,
        helped: "the service's MemoryUtilization falls below 85 % within 10 minutes of the new tasks' start (CloudWatch, AWS/ECS)",
    },
    Rule {
        cause: "memory_limit_near_normal",
        find: memory_limit_near_normal,
        looks_at: "MemoryUtilization of 12 hours (6 at least): a mean of 85 % or more, and no value more than 5 points above it. Memory that neither grows nor follows the load is what the tasks need.",
        otherwise: "see what takes the memory with a heap snapshot by ECS Exec, in one task and at a quiet hour: aws ecs execute-command --cluster <cluster> --task <task-id> --container <container> --interactive --command /bin/sh",
        helped: "the service's MemoryUtilization is below 85 % when the deployment has ended, and stays there (CloudWatch, AWS/ECS)",
    },
];

/// ECS and Fargate kill a task at 100 %, and averages hide the task that gets there first.
const HIGH_PERCENT: f64 = 85.0;
/// The next large request may end a task.
const FULL_PERCENT: f64 = 95.0;
/// A leak that takes longer than a working day to matter can wait for the day.
const LEAK_PERCENT_AN_HOUR: f64 = 1.5;
/// A straight line means a leak, and hardly ever anything else.
const STRAIGHT: f64 = 0.85;
const TOGETHER: f64 = 0.8;

fn out_of_memory_kills(evidence: &Evidence) -> Option<Finding> {
    let all = evidence.tasks.as_ref()?;
    if let Some(finding) = heap_limit(evidence, all) {
        return Some(finding);
    }
    let stopped = all.stopped.iter();
    // If there are many stopped tasks, only the newest were read.
    let more = usize::try_from(all.stopped_in_all).is_ok_and(|count| count > all.stopped.len());
    let at_least = if more { "at least " } else { "" };
    // A task that dies at once is for the chapter on starting.
    let killed: Vec<&StoppedTask> = stopped.filter(|task| was_killed(task) && ran_a_while(task)).collect();
    let said: Vec<&StoppedTask> = killed.iter().copied().filter(|task| says_memory(task)).collect();
    let newest = said.first().or_else(|| killed.first())?;
    let finding = Finding::new(
        // Exit code 137 alone says only that something killed the task.
        if said.is_empty() { Likely } else { Certain },
        Degraded,
        format!("{at_least}{} killed in the last hour because memory ran out", tasks(killed.len())),
    )
    .since(killed.iter().filter_map(|task| task.stopped_at).min())
    .fact("ECS, stopped tasks", format!("task {}", newest.id), end_of(newest))
    .at(newest.stopped_at);
    let finding = match memory_limit(evidence) {
        Some(limit) => finding.fact("ECS, task definition", "memory of a task", format!("{limit} MiB")),
        None => finding,
    };
    Some(
        finding
            .next(Development, format!("give the tasks more memory: {}", more_memory(evidence)))
            .otherwise(format!(
                "see what takes the memory with a heap snapshot by ECS Exec: {}",
                shell(evidence)
            )),
    )
}

fn memory_leak(evidence: &Evidence) -> Option<Finding> {
    /// New tasks fill their caches for an hour or two.
    const ENOUGH_HOURS: f64 = 3.0;
    const ENOUGH_PERCENT: f64 = 10.0;
    /// If tasks were killed for memory, a fast rise is a leak too.
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
                "restart now, before the tasks run out of memory; then find the leak with two heap snapshots by ECS Exec, an hour apart (aws ecs execute-command --cluster <cluster> --task <new-task-id> --interactive --command /bin/sh)",
            )
            .send(Ask::restart("memory leaks, and is near the limit"))
    } else {
        finding.next(
            Development,
            format!(
                "find the leak with two heap snapshots by ECS Exec, an hour apart: {}; to gain time, send restart {{\"reason\": \"memory leaks\"}}",
                shell(evidence)
            ),
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
    let finding = Finding::new(
        Likely,
        if now > FULL_PERCENT { Degraded } else { Risk },
        format!("memory of the tasks is at {now:.0} % because the load is high"),
    )
    .fact("CloudWatch, ECS MemoryUtilization", "memory of the tasks", format!("{now:.0} %"))
    .against(format!("{HIGH_PERCENT} %"))
    .at(memory.newest_at())
    .fact("CloudWatch, ECS and ALB", "correlation with the number of requests", format!("{together:.2}"))
    .against(format!("{TOGETHER}"));
    let maximum = evidence.scaling.as_ref().and_then(|scaling| Some(scaling.target.as_ref()?.max));
    let desired = evidence.service.as_ref().map(|service| service.desired);
    if let Some(maximum) = maximum.filter(|maximum| desired.is_some_and(|desired| desired >= *maximum)) {
        let then = "then send scale-up {\"reason\": \"memory follows the load\"}";
        return Some(
            finding
                .next(DevOps, format!("raise the maximum: {}; {then}", raise_maximum(maximum)))
                .otherwise(more_memory(evidence)),
        );
    }
    Some(by_hand(
        finding.next(DevOps, "add tasks to share the load").send(Ask::scale_up("memory follows the load")),
        evidence,
    ))
}

fn memory_limit_near_normal(evidence: &Evidence) -> Option<Finding> {
    /// A spread of a few percent is a level, not a movement.
    const LEVEL: f64 = 5.0;
    /// A shorter time is not "at all times": it may be one morning, or new tasks.
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
        .next(DevOps, format!("give the tasks more memory: {}", more_memory(evidence)))
        .otherwise(format!(
            "see what takes the memory with a heap snapshot by ECS Exec, in one task and at a quiet hour: {}",
            shell(evidence)
        )),
    )
}

/// A revision with twice the memory, if Fargate has that much with this CPU.
fn more_memory(evidence: &Evidence) -> String {
    let change = evidence.definition.as_ref().map_or_else(|| "with more memory".to_owned(), twice_the_memory);
    new_revision(&change)
}

/// A shell in the oldest task, which has leaked most.
fn shell(evidence: &Evidence) -> String {
    let tasks = evidence.tasks.iter().flat_map(|tasks| &tasks.running);
    let oldest = tasks.min_by_key(|task| task.started_at.unwrap_or(evidence.at));
    let task = oldest.map_or("<task-id>", |task| task.id.as_str());
    let mut containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    let container = containers.find(|container| container.is_essential);
    let container = container.map_or("<container>", |container| container.name.as_str());
    format!(
        "aws ecs execute-command --cluster <cluster> --task {task} --container {container} --interactive --command /bin/sh (Node with --heapsnapshot-signal=SIGUSR2 writes one at kill -USR2 1)"
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
/// Programs that end by themselves at the limit of their own heap, whatever the task has left.
fn heap_limit(evidence: &Evidence, tasks_seen: &Tasks) -> Option<Finding> {
    const WORDS: &[&str] = &["heap out of memory", "reached heap limit", "java heap space"];
    /// Node's, by SIGABRT.
    const GIVEN_UP: i32 = 134;
    const FEW: usize = 2;
    let says_heap = |text: &str| says(text, WORDS);
    let groups = evidence.logs.iter().flat_map(|logs| &logs.groups);
    let logged = groups.clone().find(|group| says_heap(&group.shape));
    let ended: Vec<&StoppedTask> = tasks_seen
        .stopped
        .iter()
        .filter(|task| task.stop_code == "EssentialContainerExited" && ran_a_while(task))
        .filter(|task| task.exit_code() == Some(GIVEN_UP) || task.last_log.as_deref().is_some_and(says_heap))
        .collect();
    let newest = *ended.first()?;
    let line = ended.iter().find_map(|task| task.last_log.as_deref().filter(|line| says_heap(line)));
    let line = line.or(logged.map(|group| group.shape.as_str()))?;
    if ended.len() < FEW {
        return None;
    }
    let what = format!("{} ended by the limit of their own heap in the last hour", tasks(ended.len()));
    let finding = Finding::new(Certain, Degraded, what)
        .since(ended.iter().filter_map(|task| task.stopped_at).min())
        .fact("ECS, stopped tasks", format!("task {}", newest.id), end_of(newest))
        .at(newest.stopped_at)
        .fact("CloudWatch Logs", "its log", line);
    let finding = match memory_limit(evidence) {
        Some(limit) => finding.fact("ECS, task definition", "memory of a task", format!("{limit} MiB")),
        None => finding,
    };
    let heap = memory_limit(evidence).map_or("<MiB>".to_owned(), |limit| (limit / 4 * 3).to_string());
    Some(
        finding
            .next(
                Development,
                format!(
                    "give the program more of the task's memory: {}",
                    new_revision(&format!("with the variable NODE_OPTIONS=--max-old-space-size={heap} (Java: JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75)"))
                ),
            )
            .otherwise(format!("see what takes the heap with a snapshot by ECS Exec: {}", shell(evidence))),
    )
}

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
