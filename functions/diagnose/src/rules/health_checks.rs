//! Health checks of a target group with a wrong path, port, codes or times.

use std::fmt::Arguments;

use jiff::SignedDuration;

use super::failed_starts::{age, line, says};
use super::targets::{
    FAILED, MISMATCH, TARGET_GROUP, TIMEOUT, Targets, bad, by_reason, checked_port, codes, impact, register,
    serves, told,
};
use crate::{
    evidence::{Evidence, HealthCheck, StoppedTask, Target, TargetGroup},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Impact::{Degraded, Risk},
        Level::DevOps,
    },
};

pub(super) fn health_check_path_wrong(evidence: &Evidence) -> Option<Finding> {
    /// The codes of an application that has no such path, has it elsewhere, or protects it.
    const ELSEWHERE: &[u16] = &[301, 302, 303, 307, 308, 401, 403, 404, 405];
    let (bad, codes) = all_answer(evidence, |code| ELSEWHERE.contains(&code))?;
    let (group, _) = *bad.first()?;
    let answered = evidence.check("health").filter(|check| check.healthy).map(|check| path(&check.url));
    let answered = answered.filter(|path| *path != group.path);
    let asked = own_check(evidence).filter(|path| *path != group.path);
    let finding = by_reason(
        evidence,
        &bad,
        format!(
            "the health check asks for {}, which the application answers with {}",
            group.path,
            told(&codes)
        ),
    )?;
    let finding = match (answered, asked) {
        (Some(path), _) => finding.fact("health probe", format!("GET {path}"), "passes").next(
            DevOps,
            format!("check the path that works: {}", set(group, format_args!("--health-check-path {path}"))),
        ),
        (None, Some(path)) => Finding { confidence: Likely, ..finding }
            .fact("ECS, task definition", "the container's own check, which passes", path)
            .next(
                DevOps,
                format!(
                    "check the path that the container's own health check uses: {}",
                    set(group, format_args!("--health-check-path {path}"))
                ),
            ),
        (None, None) => return None,
    };
    Some(finding.fact(TARGET_GROUP, "path of the health check", group.path.clone()))
}

pub(super) fn health_check_port_wrong(evidence: &Evidence) -> Option<Finding> {
    // On instances, the port of a target is one of the host's.
    let definition = evidence.definition.as_ref().filter(|definition| definition.is_fargate)?;
    let ports: Vec<u16> =
        definition.containers.iter().flat_map(|container| &container.ports).copied().collect();
    let bad = [bad(evidence, FAILED), bad(evidence, TIMEOUT)].concat();
    // A container may listen on a port that its definition does not name: then the check passes.
    let is_wrong = |(group, target): &&(&TargetGroup, &Target)| {
        !serves(group) && !ports.contains(&checked_port(group, target))
    };
    let (group, target) = *bad.iter().find(is_wrong)?;
    if ports.is_empty() {
        return None;
    }
    let port = checked_port(group, target);
    let next = if ports.contains(&target.port) {
        format!(
            "check the port that receives the requests: {}",
            set(group, format_args!("--health-check-port traffic-port"))
        )
    } else {
        // The tasks are registered with a port that they do not have.
        format!("have the tasks registered with their own port: {}", register(evidence, group))
    };
    let listed = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let finding = by_reason(
        evidence,
        &[(group, target)],
        format!("the health check asks port {port}, and the containers have {listed}"),
    )?;
    Some(
        Finding { confidence: if target.reason == FAILED { Certain } else { Likely }, ..finding }
            .fact(TARGET_GROUP, "port of the health check", format!("{} ({port})", group.health_port))
            .fact("ECS, task definition", "ports of the containers", listed)
            .next(DevOps, next),
    )
}

pub(super) fn health_check_matcher_wrong(evidence: &Evidence) -> Option<Finding> {
    let (bad, codes) = all_answer(evidence, |code| (200..300).contains(&code))?;
    let (group, _) = *bad.first()?;
    Some(
        by_reason(
            evidence,
            &bad,
            format!(
                "the tasks answer the health check with {}, a success, but the target group accepts only {}",
                told(&codes),
                group.matcher
            ),
        )?
        .fact(TARGET_GROUP, "codes that count as healthy", group.matcher.clone())
        .next(
            DevOps,
            format!("accept every 2xx: {}", set(group, format_args!("--matcher HttpCode=200-299"))),
        ),
    )
}

pub(super) fn health_check_timing_wrong(evidence: &Evidence) -> Option<Finding> {
    /// Seconds, of an application load balancer.
    const LEAST_TIMEOUT: u32 = 2;
    const MOST_TIMEOUT: f64 = 120.0;
    let groups = evidence.target_groups.as_ref()?;
    let timed_out = bad(evidence, TIMEOUT);
    if let Some(group) = groups
        .iter()
        .find(|group| group.interval_seconds > 0 && group.timeout_seconds >= group.interval_seconds)
    {
        return Some(
            Finding::new(
                Certain,
                if timed_out.is_empty() { Risk } else { impact(evidence, group) },
                format!(
                    "the health check of {} waits {} s for an answer, and the next one comes after {} s",
                    group.name, group.timeout_seconds, group.interval_seconds
                ),
            )
            .fact(TARGET_GROUP, "timeout of the health check", format!("{} s", group.timeout_seconds))
            .against(format!("every {} s", group.interval_seconds))
            .next(
                DevOps,
                format!(
                    "make the timeout shorter than the interval: {}",
                    set(
                        group,
                        format_args!(
                            "--health-check-timeout-seconds {}",
                            group.interval_seconds.saturating_sub(1).max(LEAST_TIMEOUT)
                        )
                    )
                ),
            ),
        );
    }
    let Some((group, _)) = timed_out.first().copied() else {
        return too_strict(evidence);
    };
    let check = evidence.check("health").filter(|check| check.healthy && path(&check.url) == group.path)?;
    let seconds = check.phases.first_byte_ms? / 1_000.0;
    if seconds <= f64::from(group.timeout_seconds) {
        return None;
    }
    // Twice as long as it took now. The interval must be longer.
    let timeout = (seconds * 2.0).ceil().min(MOST_TIMEOUT);
    let interval = f64::from(group.interval_seconds).max(timeout + 5.0);
    let finding = by_reason(
        evidence,
        &timed_out,
        format!(
            "{} answers well after {seconds:.1} s, and the health check of {} waits only {} s",
            group.path, group.name, group.timeout_seconds
        ),
    )?;
    Some(
        Finding { confidence: Likely, ..finding }
            .fact("health probe", format!("first byte of {}", group.path), format!("{seconds:.1} s"))
            .against(format!("{} s", group.timeout_seconds))
            .next(
                DevOps,
                format!(
                    "give the health check a longer timeout now: {}; then make the check itself cheap, without the database",
                    set(
                        group,
                        format_args!(
                            "--health-check-timeout-seconds {timeout:.0} --health-check-interval-seconds {interval:.0}"
                        )
                    )
                ),
            ),
    )
}

/// A check that gives a task a few seconds, while tasks that had run well are replaced one after the other.
fn too_strict(evidence: &Evidence) -> Option<Finding> {
    const SHORT_SECONDS: u32 = 15;
    const FEW: usize = 3;
    const MINUTES: i64 = 120;
    /// Later than this a task had come up.
    const WELL: SignedDuration = SignedDuration::from_mins(10);
    let seconds = |group: &TargetGroup| group.interval_seconds.saturating_mul(group.unhealthy_threshold);
    let short = |group: &&TargetGroup| serves(group) && (1..=SHORT_SECONDS).contains(&seconds(group));
    let group = evidence.target_groups.iter().flatten().find(short)?;
    let replaced = |task: &&StoppedTask| {
        says(&task.reason, &["task failed elb health checks"])
            && age(task).is_some_and(|age| age >= WELL)
            && task.stopped_at.is_some_and(|at| evidence.within_minutes(at, MINUTES))
    };
    let replaced: Vec<&StoppedTask> =
        evidence.tasks.iter().flat_map(|tasks| &tasks.stopped).filter(replaced).collect();
    let events = evidence.service.iter().flat_map(|service| &service.events);
    let timed_out = events.filter(|event| says(&event.message, &["request timed out"])).count();
    if replaced.len() < FEW || timed_out < FEW {
        return None;
    }
    let what = format!(
        "the health check of {} ends a task after {} s without an answer: {} tasks that had run well were replaced",
        group.name,
        seconds(group),
        replaced.len()
    );
    let finding = replaced.iter().take(FEW).fold(Finding::new(Likely, Degraded, what), |finding, task| {
        finding
            .fact("ECS, stopped tasks", format!("task {}", task.id), line(&task.reason))
            .at(task.stopped_at)
    });
    Some(
        finding
            .fact(
                TARGET_GROUP,
                "unhealthy after",
                format!("{} checks of {} s", group.unhealthy_threshold, group.interval_seconds),
            )
            .since(replaced.iter().filter_map(|task| task.stopped_at).min())
            .next(
                DevOps,
                format!(
                    "let the check tolerate a pause of a few seconds: {}",
                    set(
                        group,
                        format_args!(
                            "--health-check-timeout-seconds 5 --health-check-interval-seconds 15 --unhealthy-threshold-count 3"
                        )
                    )
                ),
            )
            .otherwise(
                "find what makes tasks pause, such as garbage collection or one long request: aws logs tail <log-group> --since 1h",
            ),
    )
}

/// The targets of a group of which none is healthy and all answer such codes, and the codes.
fn all_answer(evidence: &Evidence, is: impl Fn(u16) -> bool) -> Option<(Targets<'_>, Vec<u16>)> {
    let answers = |(_, target): &&(&TargetGroup, &Target)| {
        let codes = codes(&target.description);
        !codes.is_empty() && codes.into_iter().all(&is)
    };
    let bad = bad(evidence, MISMATCH);
    let (group, target) = *bad.iter().filter(|(group, _)| !serves(group)).find(answers)?;
    let all: Targets = bad.iter().filter(|(other, _)| *other == group).filter(answers).copied().collect();
    Some((all, codes(&target.description)))
}

/// The command that changes a target group's health check; what is not named stays as it is.
fn set(group: &TargetGroup, what: Arguments<'_>) -> String {
    format!("aws elbv2 modify-target-group --target-group-arn {} {what}", group.arn)
}

/// As in `/health`, of `https://api.lendpeak.com/health?full=1`.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|place| rest.get(place..)).unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or(path)
}

/// The path of the container's own health check, where it passes.
fn own_check(evidence: &Evidence) -> Option<&str> {
    let running = &evidence.tasks.as_ref()?.running;
    if running.is_empty() || !running.iter().all(|task| task.health == "HEALTHY") {
        return None;
    }
    let containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    containers.filter_map(|container| container.health_check.as_ref()).find_map(HealthCheck::path)
}
