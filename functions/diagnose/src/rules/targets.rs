//! The targets of a load balancer: which ones are unhealthy and why, and the words for that.

use crate::{
    evidence::{Evidence, Target, TargetGroup},
    finding::{
        Confidence::Certain,
        Finding,
        Impact::{self, Degraded, Down},
    },
};

/// Targets with their groups.
pub(super) type Targets<'a> = Vec<(&'a TargetGroup, &'a Target)>;

pub(super) const TARGET_HEALTH: &str = "ALB, target health";
pub(super) const TARGET_GROUP: &str = "ALB, target group";
pub(super) const MISMATCH: &str = "Target.ResponseCodeMismatch";
pub(super) const TIMEOUT: &str = "Target.Timeout";
pub(super) const FAILED: &str = "Target.FailedHealthChecks";

/// The targets that are unhealthy for this reason. ECS does not mind those of tasks in their grace period.
pub(super) fn bad<'a>(evidence: &'a Evidence, reason: &str) -> Targets<'a> {
    let grace = evidence.service.as_ref().and_then(|service| service.grace_seconds).unwrap_or_default();
    let in_grace = |target: &Target| {
        let mut running = evidence.tasks.iter().flat_map(|tasks| &tasks.running);
        running.any(|task| {
            task.address.as_ref() == Some(&target.id)
                && task.started_at.is_some_and(|at| evidence.ago(at).as_secs() < i64::from(grace))
        })
    };
    let groups = evidence.target_groups.iter().flatten();
    let all = groups.flat_map(|group| group.targets.iter().map(move |target| (group, target)));
    all.filter(|(_, target)| target.state == "unhealthy" && target.reason == reason && !in_grace(target))
        .collect()
}

pub(super) fn serves(group: &TargetGroup) -> bool {
    group.targets.iter().any(|target| target.state == "healthy")
}

pub(super) fn by_reason(
    evidence: &Evidence,
    bad: &[(&TargetGroup, &Target)],
    what: String,
) -> Option<Finding> {
    let (group, target) = bad.first()?;
    let description = if target.description.is_empty() { &target.reason } else { &target.description };
    Some(Finding::new(Certain, impact(evidence, group), what).fact(
        TARGET_HEALTH,
        format!("target {}:{} of {}", target.id, target.port, group.name),
        format!("unhealthy, {description}"),
    ))
}

/// A load balancer without a healthy target sends to all of them, and some may answer.
pub(super) fn impact(evidence: &Evidence, group: &TargetGroup) -> Impact {
    if serves(group) || evidence.check("health").is_some_and(|check| check.healthy) { Degraded } else { Down }
}

/// `Health checks failed with these codes: [502, 503]`.
pub(super) fn codes(description: &str) -> Vec<u16> {
    let codes = description.rsplit_once('[').and_then(|(_, rest)| rest.split_once(']'));
    codes.iter().flat_map(|(codes, _)| codes.split(',')).filter_map(|code| code.trim().parse().ok()).collect()
}

pub(super) fn told(codes: &[u16]) -> String {
    codes.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) fn checked_port(group: &TargetGroup, target: &Target) -> u16 {
    group.health_port.parse().unwrap_or(target.port)
}

/// The command that names a target group in the service, and the port of its tasks. What it does not name is lost.
pub(super) fn register(evidence: &Evidence, group: &TargetGroup) -> String {
    let mut containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    let (name, port) = containers
        .find_map(|container| Some((container.name.as_str(), container.ports.first()?.to_string())))
        .unwrap_or_else(|| ("<container>", "<port>".to_owned()));
    let has_others = evidence.target_groups.as_ref().is_some_and(|groups| groups.len() > 1);
    let others = if has_others { " (with its other target groups, each named so)" } else { "" };
    format!(
        "aws ecs update-service --cluster <cluster> --service <service> --load-balancers targetGroupArn={},containerName={name},containerPort={port}{others}",
        group.arn
    )
}
