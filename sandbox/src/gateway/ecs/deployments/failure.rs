//! How the tasks of a deployment fail to start.

use jiff::Timestamp;
use serde_json::Value;

use super::deployment::Deployment;
use crate::gateway::ecs::{last_part, tasks::StoppedTask, text};

/// How a task definition's tasks fail to start, as its `FAILS_TO_START` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    Pull,
    Exit(i32),
    LoadBalancer,
}

impl Failure {
    pub(super) fn of(definition: &Value) -> Option<Self> {
        Self::named(variable(definition, "FAILS_TO_START")?)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "CannotPullContainerError" => Some(Self::Pull),
            "elb" => Some(Self::LoadBalancer),
            exit => exit.strip_prefix("exit ").and_then(|code| code.parse().ok()).map(Self::Exit),
        }
    }

    pub(super) fn stopped_task(self, number: u32, deployment: &Deployment) -> StoppedTask {
        let (stop_code, reason, exit_code) = match self {
            Self::Pull => (
                "TaskFailedToStart",
                "CannotPullContainerError: pull image manifest has been retried 5 time(s): not found",
                None,
            ),
            Self::Exit(137) => (
                "EssentialContainerExited",
                "OutOfMemoryError: Container killed due to memory usage",
                Some(137),
            ),
            Self::Exit(code) => {
                ("EssentialContainerExited", "Essential container in task exited", Some(code))
            }
            Self::LoadBalancer => (
                "ServiceSchedulerInitiated",
                "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:us-east-1:\
                 000000000000:targetgroup/backend/0123456789abcdef)",
                None,
            ),
        };
        StoppedTask {
            cluster: last_part(&deployment.cluster_arn).to_owned(),
            service: deployment.service.clone(),
            id: format!("{:024}{number:08}", deployment.created.as_second()),
            task_definition: deployment.task_definition.clone(),
            reason: reason.to_owned(),
            stop_code: stop_code.to_owned(),
            exit_code,
            ran: None,
            stopped_at: Timestamp::now(),
        }
    }
}

pub(super) fn containers(definition: &Value) -> impl Iterator<Item = &Value> {
    definition.pointer("/taskDefinition/containerDefinitions").and_then(Value::as_array).into_iter().flatten()
}

/// An environment variable of any container.
pub(super) fn variable<'a>(definition: &'a Value, name: &str) -> Option<&'a str> {
    containers(definition)
        .filter_map(|container| container.get("environment")?.as_array())
        .flatten()
        .find(|variable| text(variable, "name") == name)
        .map(|variable| text(variable, "value"))
}
