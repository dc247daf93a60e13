//! What remedies read of an ECS service.

mod starts;
mod task_definition;

use aws_sdk_ecs::{
    Client,
    config::{self, retry::RetryConfig},
    operation::list_tasks::ListTasksError,
    types::{DeploymentConfiguration, DeploymentRolloutState, DesiredStatus, TaskStopCode},
};
use jiff::Timestamp;
use serde::Serialize;

pub use starts::why_tasks_fail_to_start;
pub use task_definition::{
    COPY_OF, Copy, FROZEN_FROM, Registered, TaskDefinition, copy_of, newest_revisions, registered,
    task_definition,
};

use crate::{aws, error::Error};

/// For a call that the SDK is not to repeat: see [`once`](crate::once).
pub fn not_repeated() -> config::Builder {
    config::Config::builder().retry_config(RetryConfig::disabled())
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// As in `ecs-svc/1234`.
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    pub task_definition: String,
    /// `COMPLETED`, `FAILED` or `IN_PROGRESS`; empty where ECS does not say.
    pub rollout: String,
    pub created_at: Option<Timestamp>,
    pub failed_tasks: u32,
}

/// A task that ECS still remembers, for about an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoppedTask {
    pub task: String,
    pub task_definition: String,
    pub stopped_at: Option<Timestamp>,
    /// Nothing when it never ran.
    pub started_at: Option<Timestamp>,
    /// By its own fault, not by scaling or a deployment.
    pub failed: bool,
    pub reason: String,
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

    /// Whether its one deployment has ended well, and all its tasks run.
    pub fn is_steady(&self) -> bool {
        self.deployments.len() == 1
            && self.primary().is_some_and(Deployment::is_completed)
            && self.running_count >= self.desired_count
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
        let rollout = self.primary().map(|primary| primary.rollout.to_lowercase()).unwrap_or_default();
        let Self { running_count, desired_count, .. } = self;
        let runs = revision(&self.task_definition);
        format!("{running_count} of {desired_count} tasks run, the deployment of {runs} is {rollout}")
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
        status: service.status.unwrap_or_default(),
        desired_count: count(service.desired_count),
        running_count: count(service.running_count),
        pending_count: count(service.pending_count),
        task_definition: service.task_definition.unwrap_or_default(),
    }))
}

/// The service's stopped tasks; one page of them is plenty to tell a crash loop.
pub async fn stopped_tasks(client: &Client, cluster: &str, service: &str) -> Result<Vec<StoppedTask>, Error> {
    let whose = || format!("service {service} in cluster {cluster}");
    let listed = client
        .list_tasks()
        .cluster(cluster)
        .service_name(service)
        .desired_status(DesiredStatus::Stopped)
        .send()
        .await;
    let tasks = match listed {
        Ok(answer) => answer.task_arns.unwrap_or_default(),
        // DescribeServices answers that the service is missing.
        Err(error)
            if error.as_service_error().is_some_and(ListTasksError::is_service_not_found_exception) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(aws::failed("list the stopped tasks of", whose(), &error)),
    };
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let answer = client
        .describe_tasks()
        .cluster(cluster)
        .set_tasks(Some(tasks))
        .send()
        .await
        .map_err(|error| aws::failed("describe the stopped tasks of", whose(), &error))?;
    let stopped = answer.tasks.unwrap_or_default().into_iter().map(|task| StoppedTask {
        stopped_at: task.stopped_at.as_ref().and_then(timestamp),
        started_at: task.started_at.as_ref().and_then(timestamp),
        failed: matches!(
            task.stop_code,
            Some(TaskStopCode::TaskFailedToStart | TaskStopCode::EssentialContainerExited) // Health checks of the load balancer or of a container have no code of their own.
        ) || task.stopped_reason.as_ref().is_some_and(|reason| reason.starts_with("Task failed ")),
        reason: task.stopped_reason.unwrap_or_default(),
        task_definition: task.task_definition_arn.unwrap_or_default(),
        task: task.task_arn.unwrap_or_default(),
    });
    Ok(stopped.collect())
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
