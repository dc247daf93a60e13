//! Tasks that start and end at once: killed for memory, by their own exit, or by a health check.

use jiff::{SignedDuration, Timestamp};

use super::{
    broken::{redeployment, release},
    failed_starts::{
        Failures, START, age, failure, fargate_has, goes_on, impact, is_gone, is_over, line, meaning, says,
        short_of_tasks, span, stopped, tasks,
    },
    steps::new_revision,
    targets::codes,
};
use crate::{
    evidence::{Definition, Evidence, RunningTask, StoppedTask},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Level::{DevOps, Development},
    },
};

pub(super) fn out_of_memory_at_start(evidence: &Evidence) -> Option<Finding> {
    // A task that was stopped for its health checks ends with 137 too, if it ignores the signal.
    let failed = stopped(evidence, |task| {
        let told = task.reasons().contains("OutOfMemory");
        let killed = task.exit_code() == Some(137) && task.stop_code == "EssentialContainerExited";
        (told || killed) && age(task).is_none_or(|age| age < START)
    });
    let told = failed.iter().any(|task| task.reasons().contains("OutOfMemory"));
    let newest = failed.first()?;
    let what = format!("{} did not survive the start: killed for memory within 2 min", tasks(failed.len()));
    let finding = failure(evidence, &failed, what);
    let finding = Finding { confidence: if told { Certain } else { Likely }, ..finding };
    let finding = match newest.exit_code() {
        Some(code) => finding.fact("ECS, stopped tasks", "exit code", code.to_string()).at(newest.stopped_at),
        None => finding,
    };
    let memory = evidence.definition.as_ref().and_then(|definition| definition.memory_mib);
    let finding = match memory {
        Some(memory) => finding.fact("ECS, task definition", "memory of a task", format!("{memory} MiB")),
        None => finding,
    };
    let failed = Failures { tasks: failed, event: None };
    let change = evidence.definition.as_ref().map_or_else(|| "with more memory".to_owned(), twice_the_memory);
    Some(failed.next(evidence, finding, &new_revision(&change)))
}

/// Twice the memory, with as many CPU units as Fargate gives to it.
pub(super) fn twice_the_memory(definition: &Definition) -> String {
    let size = definition.cpu.zip(definition.memory_mib).and_then(|(cpu, memory)| {
        let memory = memory.checked_mul(2)?;
        let mut cpus = [Some(cpu), cpu.checked_mul(2)].into_iter().flatten();
        Some((cpus.find(|cpu| !definition.is_fargate || fargate_has(*cpu, memory))?, memory))
    });
    let size = match size {
        Some((cpu, memory)) if definition.cpu == Some(cpu) => format!("with memory {memory}"),
        Some((cpu, memory)) => format!("with cpu {cpu} and memory {memory}"),
        None => "with more memory".to_owned(),
    };
    // More for the task is no more for a container that has a limit of its own.
    let limit = definition.containers.iter().find_map(|one| Some((one.memory_mib?, &one.name)));
    match limit {
        Some((limit, name)) => format!("{size} and a limit above {limit} for the container {name}"),
        None => size,
    }
}

pub(super) fn container_exits(evidence: &Evidence) -> Option<Finding> {
    let ended = loops(evidence, |task| {
        matches!(task.stop_code.as_str(), "EssentialContainerExited" | "TaskFailedToStart")
            && !task.reasons().contains("OutOfMemory")
    })?;
    let newest = *ended.first()?;
    let code =
        newest.exit_code().or_else(|| newest.containers.iter().find_map(|container| container.exit_code));
    let Some(code) = code else {
        let what = format!("{} failed before they began: {}", tasks(ended.len()), line(&newest.reasons()));
        let finding = Finding::new(Certain, impact(evidence), what)
            .since(ended.iter().filter_map(|task| task.stopped_at).min())
            .fact("ECS, stopped tasks", format!("task {}", newest.id), newest.stop_code.clone())
            .at(newest.stopped_at);
        let failed = Failures { tasks: ended, event: None };
        let read = format!(
            "correct what ECS names, since a task that never ran has no log; its words in full: {}",
            failed.in_full()
        );
        return Some(failed.next(evidence, finding, &read));
    };
    let what = match age(newest) {
        Some(age) => {
            let last = if ended.len() == 1 { "" } else { ", the last one" };
            let (tasks, after) = (tasks(ended.len()), span(age));
            format!("{tasks} ended with exit code {code}{last} after {after}: {}", meaning(code))
        }
        None => format!("{} ended with exit code {code}: {}", tasks(ended.len()), meaning(code)),
    };
    let finding = failure(evidence, &ended, what);
    let finding = finding.fact("ECS, stopped tasks", "exit code", code.to_string()).at(newest.stopped_at);
    let finding = match &newest.last_log {
        Some(log) if !log.trim().is_empty() => finding.fact("CloudWatch Logs", "its last line", line(log)),
        _ => finding,
    };
    Some(finding.next(
        Development,
        format!(
            "read its last lines and correct what they name: aws logs tail <log-group> --since 1h | grep {} \
             | tail -n 20",
            newest.id
        ),
    ))
}

/// Tasks that end so, the newest first: several lately, or the last one while tasks are wanting. One task that ended
/// and was replaced is no loop.
fn loops(evidence: &Evidence, is: impl Fn(&StoppedTask) -> bool) -> Option<Vec<&StoppedTask>> {
    const FEW: usize = 2;
    let ended: Vec<&StoppedTask> =
        evidence.tasks.as_ref()?.stopped.iter().filter(|task| is(task) && !is_gone(evidence, task)).collect();
    let newest = ended.first()?;
    let lately = |task: &&&StoppedTask| task.stopped_at.is_none_or(|at| goes_on(evidence, at));
    let is_loop = ended.iter().filter(lately).count() >= FEW;
    (is_loop || short_of_tasks(evidence) && !is_over(evidence, newest)).then_some(ended)
}

pub(super) fn health_check_in_grace(evidence: &Evidence) -> Option<Finding> {
    /// A task that ended later than this had started well, and broke afterwards.
    const YOUNG: SignedDuration = SignedDuration::from_mins(10);
    let is_killed = |task: &StoppedTask| {
        says(&task.reason, &["task failed elb health checks", "task failed container health checks"])
    };
    let killed = loops(evidence, |task| is_killed(task) && age(task).is_some_and(|age| age < YOUNG))?;
    // Where those that had been up for long fail as well, it is not the start.
    let tasks_now = evidence.tasks.as_ref()?;
    let is_old = |started: Option<Timestamp>| started.is_some_and(|at| evidence.ago(at) >= YOUNG);
    let targets = evidence.target_groups.iter().flatten().flat_map(|group| &group.targets);
    let ill: Vec<&str> =
        targets.filter(|target| target.state == "unhealthy").map(|target| target.id.as_str()).collect();
    let is_ill = |task: &RunningTask| {
        task.health == "UNHEALTHY" || task.address.as_deref().is_some_and(|address| ill.contains(&address))
    };
    let old_killed = |task: &&StoppedTask| is_killed(task) && age(task).is_some_and(|age| age >= YOUNG);
    if tasks_now.running.iter().any(|task| is_old(task.started_at) && is_ill(task))
        || tasks_now.stopped.iter().any(|task| old_killed(&task))
    {
        return None;
    }
    // Tasks that answer with an error are up: where nothing was deployed, starts take no longer than they did.
    let answers = evidence.target_groups.iter().flatten().flat_map(|group| &group.targets);
    let mut answers = answers.filter(|target| target.state == "unhealthy");
    let answers = answers.any(|target| codes(&target.description).iter().any(|code| *code >= 500));
    if answers && release(evidence).is_none() && redeployment(evidence).is_none() {
        return None;
    }
    let newest = *killed.first()?;
    let whose = if says(&newest.reason, &["elb"]) { "the load balancer's" } else { "the container's" };
    let longest = killed.iter().filter_map(|task| age(task)).max()?;
    let what = format!(
        "{} failed {whose} health checks within {} of their start",
        tasks(killed.len()),
        span(longest)
    );
    let finding = Finding { confidence: Likely, ..failure(evidence, &killed, what) };
    let grace = evidence.service.as_ref().and_then(|service| service.grace_seconds);
    let finding = match grace {
        Some(grace) => {
            finding.fact("ECS, service", "grace period for the load balancer's checks", format!("{grace} s"))
        }
        None => finding,
    };
    let mut containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    let finding = match containers.find_map(|container| container.health_check.as_ref()) {
        Some(check) => finding.fact(
            "ECS, task definition",
            "start period of the container's check",
            format!("{} s", check.start_period_seconds),
        ),
        None => finding,
    };
    // ECS's grace period holds for the container's check as well.
    let twice = longest.as_secs().max(i64::from(grace.unwrap_or_default())).saturating_mul(2);
    let seconds = (twice / 60 + 1) * 60;
    Some(finding.next(
        DevOps,
        format!(
            "give starts more time, which begins no deployment: aws ecs update-service --cluster <cluster> \
             --service <service> --health-check-grace-period-seconds {seconds}; see in the log whether a \
             start ends well: aws logs tail <log-group> --since 30m | grep {}",
            newest.id
        ),
    ))
}
