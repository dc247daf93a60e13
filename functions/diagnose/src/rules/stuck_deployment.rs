//! A deployment that neither ends nor fails.

use jiff::SignedDuration;
use shared::clock::readable;

use super::failed_starts::{event_facts, impact, says, span, stands};
use crate::{
    evidence::{Evidence, Service, Stage},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Level::{DevOps, Development},
    },
};

pub(super) fn deployment_stuck(evidence: &Evidence) -> Option<Finding> {
    let service = evidence.service.as_ref()?;
    if !service.deployments.iter().any(|deployment| deployment.rollout == "IN_PROGRESS") {
        return None;
    }
    let in_stage = service.stage.as_ref().and_then(|stage| in_stage(evidence, service, stage));
    in_stage.or_else(|| without_room(evidence, service)).or_else(|| protected(evidence, service))
}

/// Blue/green, linear and canary deployments wait for hooks and for their bake time.
fn in_stage(evidence: &Evidence, service: &Service, stage: &Stage) -> Option<Finding> {
    /// A hook that runs tests takes minutes; ECS waits for its answer for hours.
    const HOOK: SignedDuration = SignedDuration::from_mins(30);
    /// Tasks that start, and traffic that moves step by step.
    const LONG: SignedDuration = SignedDuration::from_hours(2);
    /// ECS ends the bake time within minutes of its end.
    const BAKED: SignedDuration = SignedDuration::from_mins(15);
    // A canary may wait there for 24 hours, a linear deployment as long at each step.
    let shifts =
        stage.name == "PRODUCTION_TRAFFIC_SHIFT" && ["CANARY", "LINEAR"].contains(&stage.strategy.as_str());
    if !["PENDING", "IN_PROGRESS"].contains(&stage.status.as_str()) || shifts && stage.hooks.is_empty() {
        return None;
    }
    let since = stage.since?;
    let lasts = evidence.ago(since);
    let is_stuck = match stage.ends_at {
        Some(end) if !stage.pauses => evidence.at.duration_since(end) > BAKED,
        _ if stage.hooks.is_empty() => lasts > LONG,
        _ => lasts > HOOK,
    };
    if !is_stuck {
        return None;
    }
    let revision = &service.task_definition;
    let name = if stage.name.is_empty() { "its first stage" } else { &stage.name };
    let hooks = stage.hooks.join(", ");
    let waits = match stage.ends_at {
        Some(end) if stage.pauses => format!(", waiting for a person until {}", readable(end)),
        _ if stage.pauses => ", waiting for a person".to_owned(),
        _ if stage.hooks.is_empty() => String::new(),
        _ => format!(", waiting for {hooks}"),
    };
    let what = format!("the deployment of {revision} has been in {name} for {}{waits}", span(lasts));
    // The old tasks still serve the users.
    let finding = Finding::new(Likely, impact(evidence), what)
        .since(Some(since))
        .fact("ECS, service deployment", format!("{} deployment", stage.strategy), stage.status.clone())
        .fact("ECS, service deployment", "stage", name)
        .at(Some(since));
    let finding = if stage.hooks.is_empty() {
        finding
    } else {
        finding.fact("ECS, service deployment", "hooks without an answer", hooks.clone())
    };
    Some(match stage.hooks.first() {
        Some(hook) if stage.pauses => finding
            .next(
                DevOps,
                format!(
                    "let it go on, if the new tasks are right: aws ecs continue-service-deployment --hook-id {hook} --action CONTINUE --service-deployment-arn $(aws ecs list-service-deployments --cluster <cluster> --service <service> --query 'serviceDeployments[0].serviceDeploymentArn' --output text)"
                ),
            )
            .otherwise("end the deployment: send rollback {\"to\": \"previous\"}"),
        Some(hook) => finding
            .next(
                Development,
                format!("see why the hook does not answer: aws logs tail /aws/lambda/{hook} --since 1h"),
            )
            .otherwise("end the deployment: send rollback {\"to\": \"previous\"}"),
        None => finding.next(
            DevOps,
            "see the service's newest events (aws ecs describe-services --cluster <cluster> --services <service> --query 'services[0].events[:5]'), or end the deployment: send rollback {\"to\": \"previous\"}",
        ),
    })
}

/// ECS may neither start a task before it stops one, nor stop one before it starts one.
fn without_room(evidence: &Evidence, service: &Service) -> Option<Finding> {
    let event = service
        .events
        .iter()
        .find(|event| says(&event.message, &["because of the service deployment configuration"]))
        .filter(|event| event.at.is_some_and(|at| stands(evidence, at)))?;
    let finding = Finding::new(
        Certain,
        impact(evidence),
        "the deployment cannot go on: its minimum and maximum percent leave ECS no task to start or stop",
    );
    Some(event_facts(evidence, finding.since(event.at), event).next(
        DevOps,
        "give it room: aws ecs update-service --cluster <cluster> --service <service> --deployment-configuration minimumHealthyPercent=100,maximumPercent=200, and set the same where the service is defined, as the next deployment puts the old values back",
    ))
}

/// Tasks that protect themselves from scale-in are not stopped by a deployment either.
fn protected(evidence: &Evidence, service: &Service) -> Option<Finding> {
    const WORDS: &[&str] = &["task protection", "protected task", "scale-in protection", "under protection"];
    let event = service
        .events
        .iter()
        .find(|event| says(&event.message, WORDS))
        .filter(|event| event.at.is_some_and(|at| stands(evidence, at)))?;
    let finding = Finding::new(
        Likely,
        impact(evidence),
        "the deployment waits for old tasks that are protected from scale-in",
    );
    let tasks = evidence.tasks.iter().flat_map(|tasks| &tasks.running);
    let old: Vec<&str> = tasks
        .filter(|task| task.task_definition != service.task_definition)
        .map(|task| task.id.as_str())
        .take(5)
        .collect();
    let old = if old.is_empty() { "<task-ids>".to_owned() } else { old.join(" ") };
    Some(event_facts(evidence, finding.since(event.at), event).next(
        DevOps,
        format!(
            "see which are protected and until when: aws ecs get-task-protection --cluster <cluster> --tasks {old}; lift it where their work may be cut off: aws ecs update-task-protection --cluster <cluster> --tasks {old} --no-protection-enabled"
        ),
    ))
}
