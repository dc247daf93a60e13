//! What remedies read of an ECS service.

mod copy;
mod needs;
pub mod ready;
mod running;
mod stage;
mod starts;
mod stopped;
mod task_definition;
mod tasks;

use aws_sdk_ecs::{
    Client,
    config::{self, retry::RetryConfig},
    operation::update_service::builders::UpdateServiceFluentBuilder,
    types::{DeploymentConfiguration, DeploymentRolloutState, DeploymentStrategy, SchedulingStrategy},
};
use jiff::Timestamp;
use serde::Serialize;

pub use copy::{Copy, copy_of};
pub use needs::Needs;
pub use running::{RunningTask, running_tasks};
pub use stage::{Stage, stage, staged_service};
pub use starts::some_of;
pub use stopped::{StoppedTask, few_stopped_tasks, stopped_tasks};
pub use task_definition::{
    COPY_OF, FROZEN_FROM, Offers, Registered, TaskDefinition, believed, newest_revisions, registered,
};
pub use tasks::{Tasks, tasks};

use crate::{aws, error::Error, once::send_once};

/// For a call that the SDK is not to repeat: see [`once`](crate::once).
pub fn not_repeated() -> config::Builder {
    config::Config::builder().retry_config(RetryConfig::disabled())
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Service {
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    pub desired_count: u32,
    pub running_count: u32,
    pub pending_count: u32,
    /// The ARN of the task definition that the service is set to.
    pub task_definition: String,
    /// `ECS`, `CODE_DEPLOY` or `EXTERNAL`: who carries out its deployments.
    pub deployment_controller: String,
    /// The primary one first.
    pub deployments: Vec<Deployment>,
    /// The newest first.
    pub events: Vec<String>,
    /// Of the desired count, how much a deployment leaves running, in percent, rounded up to tasks.
    pub minimum_healthy_percent: u32,
    /// Of the desired count, how much a deployment lets run at once, in percent, rounded down to tasks.
    pub maximum_percent: u32,
    /// Whether it has a task on each container instance, and no count that could be set.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_daemon: bool,
    /// As in `BLUE_GREEN`; empty where new tasks take the place of old ones step by step.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub strategy: String,
    /// Where a deployment that moves traffic stands, while one is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// What it names of its task definition.
    #[serde(skip)]
    pub needs: Needs,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// As in `ecs-svc/1234`.
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    pub task_definition: String,
    /// `COMPLETED`, `FAILED` or `IN_PROGRESS`; empty where ECS does not say, as behind a Classic Load Balancer.
    pub rollout: String,
    pub created_at: Option<Timestamp>,
    pub running_count: u32,
    pub failed_tasks: u32,
}

impl Service {
    /// The deployment that the service is set to.
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.status == "PRIMARY")
    }

    /// Whether a deployment is under way.
    pub fn is_deploying(&self) -> bool {
        self.deployments.len() > 1 || self.deployments.iter().any(Deployment::is_in_progress)
    }

    /// Whether all its tasks run, and its one deployment has ended well, or has moved all traffic.
    pub fn is_steady(&self) -> bool {
        let Some(primary) = self.primary() else {
            return false;
        };
        match &self.stage {
            Some(stage) => stage.has_moved_traffic() && self.running() >= self.desired_count,
            None => {
                self.deployments.len() == 1
                    && (primary.is_completed() || primary.rollout.is_empty())
                    && self.running_count >= self.desired_count
            }
        }
    }

    /// How many tasks run of what the service is set to; beside them, those run on that it is moved away from.
    pub fn running(&self) -> u32 {
        match (&self.stage, self.primary()) {
            (Some(_), Some(primary)) => primary.running_count,
            _ => self.running_count,
        }
    }

    /// How many of its tasks a deployment leaves running.
    pub fn kept_by_a_deployment(&self) -> u32 {
        self.desired_count.saturating_mul(self.minimum_healthy_percent).div_ceil(100)
    }

    /// How many of its tasks a deployment lets run at once, old and new.
    pub fn room_for_a_deployment(&self) -> u32 {
        self.desired_count.saturating_mul(self.maximum_percent) / 100
    }

    /// How far its deployment is, for people.
    pub fn progress(&self) -> String {
        let (running_count, desired_count) = (self.running(), self.desired_count);
        let runs = revision(&self.task_definition);
        let rollout = self.primary().map(|primary| primary.rollout.to_lowercase()).unwrap_or_default();
        let deployment = match &self.stage {
            Some(stage) => stage.said(),
            None if rollout.is_empty() => format!("it is set to {runs}"),
            None => format!("the deployment of {runs} is {rollout}"),
        };
        format!("{running_count} of {desired_count} tasks run, {deployment}")
    }
}

impl Deployment {
    pub fn is_in_progress(&self) -> bool {
        self.rollout == DeploymentRolloutState::InProgress.as_str()
    }

    pub fn has_failed(&self) -> bool {
        self.rollout == DeploymentRolloutState::Failed.as_str()
    }

    pub fn is_completed(&self) -> bool {
        self.rollout == DeploymentRolloutState::Completed.as_str()
    }
}

/// The service, or nothing when the cluster has none of that name.
pub async fn service(client: &Client, cluster: &str, service: &str) -> Result<Option<Service>, Error> {
    const EVENTS: usize = 5;
    /// What ECS takes where a service does not say.
    /// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>)
    const MINIMUM_PERCENT: i32 = 100;
    const MAXIMUM_PERCENT: i32 = 200;
    let answer =
        client.describe_services().cluster(cluster).services(service).send().await.map_err(|error| {
            aws::failed("describe service", format!("{service} in cluster {cluster}"), &error)
        })?;
    Ok(answer.services.unwrap_or_default().into_iter().next().map(|service| Service {
        deployments: service
            .deployments()
            .iter()
            .map(|deployment| Deployment {
                id: deployment.id().unwrap_or_default().to_owned(),
                status: deployment.status().unwrap_or_default().to_owned(),
                task_definition: deployment.task_definition().unwrap_or_default().to_owned(),
                rollout: deployment
                    .rollout_state()
                    .map_or_else(String::new, |state| state.as_str().to_owned()),
                created_at: deployment.created_at().and_then(timestamp),
                running_count: count(deployment.running_count()),
                failed_tasks: count(deployment.failed_tasks()),
            })
            .collect(),
        deployment_controller: service
            .deployment_controller()
            .map_or_else(|| "ECS".to_owned(), |controller| controller.r#type().as_str().to_owned()),
        events: service.events().iter().take(EVENTS).filter_map(|event| event.message.clone()).collect(),
        minimum_healthy_percent: count(
            service
                .deployment_configuration()
                .and_then(DeploymentConfiguration::minimum_healthy_percent)
                .unwrap_or(MINIMUM_PERCENT),
        ),
        maximum_percent: count(
            service
                .deployment_configuration()
                .and_then(DeploymentConfiguration::maximum_percent)
                .unwrap_or(MAXIMUM_PERCENT),
        ),
        is_daemon: service.scheduling_strategy() == Some(&SchedulingStrategy::Daemon),
        strategy: service
            .deployment_configuration()
            .and_then(DeploymentConfiguration::strategy)
            .filter(|strategy| **strategy != DeploymentStrategy::Rolling)
            .map_or_else(String::new, |strategy| strategy.as_str().to_owned()),
        stage: None,
        needs: Needs::of(&service),
        status: service.status.unwrap_or_default(),
        desired_count: count(service.desired_count),
        running_count: count(service.running_count),
        pending_count: count(service.pending_count),
        task_definition: service.task_definition.unwrap_or_default(),
    }))
}

/// Changes a service, and waits while ECS is busy with another change. Nothing is sent but `change`, so that counts, load
/// balancers and network stay as they are; two of the same have the effect of one.
pub async fn update(
    client: &Client,
    cluster: &str,
    name: &str,
    to: &str,
    change: impl FnOnce(UpdateServiceFluentBuilder) -> UpdateServiceFluentBuilder,
) -> Result<(), Error> {
    let update = change(client.update_service().cluster(cluster).service(name));
    let send = async || update.clone().customize().config_override(not_repeated()).send().await.map(|_| ());
    let what = format!("{name} in cluster {cluster} to {to}");
    let answer = send_once("set service", &what, send, async || Ok(None)).await;
    match answer {
        Err(error) if error.is_refused() => Err(stage::refused_meanwhile(client, cluster, name, error).await),
        answer => answer,
    }
}

/// `family:revision` of a task definition's ARN, or of that name itself.
pub fn revision(task_definition: &str) -> &str {
    task_definition.rsplit('/').next().unwrap_or(task_definition)
}

/// The family of `family:revision`.
pub fn family(revision: &str) -> &str {
    revision.rsplit_once(':').map_or(revision, |(family, _)| family)
}

/// The service as Application Auto Scaling names it; also its name in the ledger.
pub fn resource_id(cluster: &str, service: &str) -> String {
    format!("service/{cluster}/{service}")
}

/// ECS counts with signed numbers that are never negative.
pub fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

pub fn timestamp(at: &aws_sdk_ecs::primitives::DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.to_millis().ok()?).ok()
}

#[cfg(test)]
mod tests;
