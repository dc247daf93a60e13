//! What has to hold before a remedy changes a service, each said once; a remedy asks in the order that suits it.

use jiff::Timestamp;
use serde_json::json;

use super::{Deployment, Service, Stage, StoppedTask, revision, some_of, starts::why_tasks_fail_to_start};
use crate::{
    code,
    outcome::{Next, Stop},
};

/// The service, if there is one that is not deleted.
pub fn usable<'a>(found: Option<&'a Service>, name: &str) -> Result<&'a Service, Stop> {
    let service = found.ok_or_else(|| {
        Stop::refused(&code::SERVICE_MISSING, format!("there is no service {name}"))
            .next(Next::devops("correct ClusterName and ServiceName of the stack"))
    })?;
    if service.status == "ACTIVE" {
        return Ok(service);
    }
    let reason = format!("service {name} is {}, not ACTIVE", service.status);
    Err(Stop::refused(&code::SERVICE_INACTIVE, reason)
        .next(Next::devops("see who deleted the service, and create it again if that was a mistake")))
}

/// That ECS carries out its deployments. `by_hand` is what a person does where it does not.
pub fn deployed_by_ecs(service: &Service, name: &str, by_hand: &str) -> Result<(), Stop> {
    let controller = &service.deployment_controller;
    if controller == "ECS" {
        return Ok(());
    }
    let reason = format!("deployments of {name} are carried out by {controller}, not by ECS");
    Err(Stop::refused(&code::NOT_DEPLOYED_BY_ECS, reason).next(Next::devops(by_hand)))
}

/// Refuses a service that somebody stopped.
pub fn not_stopped(service: &Service, name: &str) -> Result<(), Stop> {
    if service.desired_count > 0 {
        return Ok(());
    }
    Err(Stop::refused(&code::SCALED_TO_ZERO, format!("{name} has a desired count of 0: somebody stopped it"))
        .next(Next::development("find out who stopped it and why before starting it again")))
}

/// That its last deployment has not failed.
pub fn not_failed(service: &Service, name: &str) -> Result<(), Stop> {
    if service.primary().is_some_and(Deployment::has_failed) {
        let release = revision(&service.task_definition);
        let reason = format!(
            "the last deployment of {name}, of {release}, has failed: another would fail the same way"
        );
        return Err(Stop::refused(&code::DEPLOYMENT_FAILED, reason)
            .next(roll_back("roll back first by the request below; then send this request again")));
    }
    Ok(())
}

/// Refuses while one of its deployments is under way.
pub fn still(service: &Service, name: &str) -> Result<(), Stop> {
    match &service.stage {
        Some(stage) => Err(stage.stop(deploying(service, name))),
        None if service.is_deploying() => Err(deployment_in_progress(service, name)),
        None => Ok(()),
    }
}

/// The same, or that its deployment only bakes: old and new tasks run, and nothing more is to come.
pub fn still_or_baking(service: &Service, name: &str) -> Result<(), Stop> {
    if service.stage.as_ref().is_some_and(Stage::is_bake_time) { Ok(()) } else { still(service, name) }
}

pub fn deployment_in_progress(service: &Service, name: &str) -> Stop {
    Stop::refused(&code::DEPLOYMENT_IN_PROGRESS, deploying(service, name)).next(
        Next::development(
            "wait for the deployment to end, then send the request again; if it fails, roll it back",
        )
        .again(),
    )
}

fn deploying(service: &Service, name: &str) -> String {
    format!("a deployment of {name} is under way: {}", service.progress())
}

/// That all its tasks run.
pub fn complete(service: &Service, name: &str) -> Result<(), Stop> {
    let (running, desired) = (service.running(), service.desired_count);
    if service.pending_count == 0 && running >= desired {
        return Ok(());
    }
    let reason = format!("{running} of {desired} tasks of {name} run: the others are still starting");
    Err(Stop::refused(&code::TASKS_PENDING, reason)
        .next(Next::development("wait for them; if they do not start, look at the service's events")))
}

/// That no pattern of failed starts shows in its stopped tasks.
pub fn tasks_start<'a>(
    stopped: impl IntoIterator<Item = &'a StoppedTask>,
    now: Timestamp,
    name: &str,
) -> Result<(), Stop> {
    let reasons = why_tasks_fail_to_start(stopped, now);
    if reasons.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "new tasks of {name} fail to start ({}): more of them, or others in their place, would fail the same way",
        some_of(&reasons)
    );
    Err(Stop::refused(&code::TASKS_FAIL_TO_START, reason)
        .next(roll_back("roll back to the last release that worked by the request below")))
}

fn roll_back(what: &str) -> Next {
    Next::development(what).send_to("rollback", json!({ "to": "previous" }))
}

pub fn task_definition_missing(service: &Service, name: &str) -> Stop {
    let release = revision(&service.task_definition);
    let reason =
        format!("{name} is set to {release}, which is being deleted: no task can be started from it");
    Stop::refused(&code::TASK_DEFINITION_MISSING, reason)
        .next(Next::development("deploy a release that exists, then send the request again").again())
}
