//! Whether a drill may be held now. One that begins while something is wrong would measure nothing, and make it worse.

use aws_sdk_ecs::{
    Client,
    types::{DeploymentController, DeploymentControllerType, DeploymentRolloutState, Service},
};
use serde_json::{Value, json};

use super::{
    record::Records,
    release::{self, Registered, short},
};
use crate::{answer::text, failure::Failure, function::Function, runbook::Runbook};

/// The stack's output that says whether drills may be held there.
const DRILLS: &str = "DrillsAllowed";

/// What was found where all is well.
pub(crate) struct Ready {
    pub(crate) cluster: String,
    pub(crate) service: String,
    pub(crate) runs: Registered,
    /// The incidents that ended last.
    pub(crate) over: Vec<String>,
    /// The mode of the remedy that is to help.
    pub(crate) mode: String,
}

/// Asked before anything else: whoever types this at the wrong environment hears no more.
pub(crate) fn marked(runbook: &Runbook<'_>) -> Result<(), Failure> {
    if runbook.stack.output(DRILLS).is_ok_and(|marked| marked == "true") {
        return Ok(());
    }
    let environment = &runbook.stack.environment;
    Err(Failure::refused(
        "not_for_drills",
        format!("{environment} is not for drills: a drill breaks its service on purpose"),
        format!("if that is what you want there, deploy {} with Drills=true", runbook.stack.name),
    ))
}

/// No drill of this stack has anything left to put back.
pub(crate) fn none_open(runbook: &Runbook<'_>, records: &Records) -> Result<(), Failure> {
    match records.open(&runbook.stack.id)?.first() {
        None => Ok(()),
        Some(open) => Err(Failure::refused(
            "drill_open",
            format!("the drill {} by {} is not over", open.id, open.by),
            "wait until it has ended; if it was killed, `lendpeak2 drill undo` puts back what it left",
        )),
    }
}

/// Everything is well, nothing is under way, and the loop may act.
pub(crate) async fn look(runbook: &Runbook<'_>, client: &Client) -> Result<Ready, Failure> {
    let (cluster, service) =
        (runbook.stack.parameter("ClusterName")?, runbook.stack.parameter("ServiceName")?);
    let found = release::service(client, cluster, service).await?;
    settled(&found)?;
    let runs = release::registered(client, found.task_definition().unwrap_or_default()).await?;
    if let Some(drill) = runs.drill() {
        return Err(Failure::refused(
            "drill_open",
            format!("{service} runs the bad release of the drill {drill}"),
            "whoever holds it puts it back; if nobody does: `lendpeak2 rollback`",
        ));
    }
    if runs.is_frozen() {
        return Err(Failure::refused(
            "frozen",
            "writes are frozen: this is no time for a drill",
            "`lendpeak2 freeze off` lets them through again",
        ));
    }
    let incidents = runbook.look(Function::Incident, &json!({})).await?;
    calm(&incidents)?;
    // Without metrics: the schedule's own look has them.
    let health = runbook.look(Function::HealthProbe, &json!({ "dry_run": true })).await?;
    if health.get("healthy") != Some(&Value::Bool(true)) {
        return Err(Failure::refused(
            "unhealthy",
            format!("it is not healthy: {}", text(&health, "summary")),
            "`lendpeak2 diagnose` says why",
        ));
    }
    let mode = ["RollbackMode", "Mode"].into_iter().find_map(|name| runbook.stack.parameter(name).ok());
    Ok(Ready {
        cluster: cluster.to_owned(),
        service: service.to_owned(),
        runs,
        over: ids(&incidents, "over"),
        mode: mode.unwrap_or("observe").to_owned(),
    })
}

/// The ids of incidents in a list.
pub(crate) fn ids(list: &Value, name: &str) -> Vec<String> {
    let incidents = list.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    incidents.iter().map(|incident| text(incident, "incident")).filter(|id| !id.is_empty()).collect()
}

fn calm(incidents: &Value) -> Result<(), Failure> {
    if let Some(open) = ids(incidents, "open").first() {
        return Err(Failure::refused(
            "incident_open",
            format!("the incident {open} is open: this is no time for a drill"),
            format!("`lendpeak2 incident show {open}` says how it stands"),
        ));
    }
    if incidents.get("switches").and_then(Value::as_array).is_some_and(|switches| !switches.is_empty()) {
        return Err(Failure::refused(
            "kill_switch",
            "a kill switch is on: the loop could do nothing",
            "`lendpeak2 start` lifts it",
        ));
    }
    Ok(())
}

fn settled(service: &Service) -> Result<(), Failure> {
    let name = service.service_name().unwrap_or_default();
    let controller = service.deployment_controller().map(DeploymentController::r#type);
    if controller.is_some_and(|kind| *kind != DeploymentControllerType::Ecs) {
        return Err(Failure::refused(
            "not_deployed_by_ecs",
            format!("{name} is not deployed by ECS itself: a drill could not put it back"),
            "hold it on a service with the deployment controller ECS",
        ));
    }
    let completed = |state: &DeploymentRolloutState| *state == DeploymentRolloutState::Completed;
    let is_settled = match service.deployments() {
        [only] => only.rollout_state().is_none_or(completed),
        _ => false,
    };
    if !is_settled || service.running_count() != service.desired_count() || service.desired_count() == 0 {
        return Err(Failure::refused(
            "not_settled",
            format!(
                "{name} has not settled: {} of {} tasks run {}",
                service.running_count(),
                service.desired_count(),
                short(service.task_definition().unwrap_or_default())
            ),
            "`lendpeak2 events` says what is under way",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::Deployment;

    use super::*;

    fn service(deployments: &[DeploymentRolloutState], running: i32, desired: i32) -> Service {
        let deployments =
            deployments.iter().map(|state| Deployment::builder().rollout_state(state.clone()).build());
        Service::builder()
            .service_name("backend")
            .task_definition("arn:aws:ecs:r:a:task-definition/backend:1")
            .set_deployments(Some(deployments.collect()))
            .running_count(running)
            .desired_count(desired)
            .build()
    }

    #[track_caller]
    fn check(checked: Result<(), Failure>, expected: Option<&str>) {
        let refused = checked.err().map(|failure| (failure.exit().code(), failure.code().to_owned()));
        assert_eq!(refused, expected.map(|code| (3, code.to_owned())));
    }

    #[test]
    fn only_a_service_that_has_settled_is_broken() {
        use DeploymentRolloutState::{Completed, Failed, InProgress};
        check(settled(&service(&[Completed], 2, 2)), None);
        for (deployments, running, desired) in [
            (&[InProgress][..], 2, 2),
            (&[Failed], 2, 2),
            (&[Completed, Completed], 2, 2),
            (&[], 2, 2),
            (&[Completed], 1, 2),
            (&[Completed], 0, 0),
        ] {
            check(settled(&service(deployments, running, desired)), Some("not_settled"));
        }
    }

    #[test]
    fn what_ecs_does_not_deploy_a_drill_could_not_put_back() {
        let controller = DeploymentController::builder().r#type(DeploymentControllerType::CodeDeploy);
        let mut service = service(&[DeploymentRolloutState::Completed], 2, 2);
        service.deployment_controller = Some(controller.build().unwrap());
        check(settled(&service), Some("not_deployed_by_ecs"));
    }

    #[test]
    fn nothing_is_broken_while_something_is_wrong_or_the_loop_is_stopped() {
        check(calm(&json!({ "open": [], "switches": [], "over": [{ "incident": "a" }] })), None);
        check(calm(&json!({ "open": [{ "incident": "a" }] })), Some("incident_open"));
        check(calm(&json!({ "open": [], "switches": [{ "name": "all" }] })), Some("kill_switch"));
    }
}
