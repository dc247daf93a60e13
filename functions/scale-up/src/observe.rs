//! What `scale-up` reads before it decides: everything at once.

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_ecs::{
    operation::list_tasks::ListTasksError,
    types::{DeploymentRolloutState, DesiredStatus, TaskStopCode},
};
use jiff::Timestamp;
use serde::Serialize;
use shared::{aws, error::Error};

use crate::{
    Clients,
    request::{Goal, Request},
    settings::Settings,
};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Observed {
    /// Nothing when the cluster has no such service.
    pub service: Option<Service>,
    pub scalable_target: Option<ScalableTarget>,
    pub stopped_tasks: Vec<StoppedTask>,
    /// The alarms that bear on the request, as they are now.
    pub alarms: Vec<AlarmNow>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    pub desired_count: u32,
    pub running_count: u32,
    pub pending_count: u32,
    pub task_definition: String,
    pub deployments: Vec<Deployment>,
    /// The newest first.
    pub events: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deployment {
    pub status: String,
    pub is_in_progress: bool,
    pub failed_tasks: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScalableTarget {
    pub min_capacity: u32,
    pub max_capacity: u32,
}

/// A task that ECS still remembers, for about an hour.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoppedTask {
    pub task: String,
    pub stopped_at: Option<Timestamp>,
    /// Nothing when it never ran.
    pub started_at: Option<Timestamp>,
    /// By its own fault, not by scaling or a deployment.
    pub failed: bool,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlarmNow {
    pub name: String,
    pub is_in_alarm: bool,
}

pub(crate) async fn observe(
    clients: &Clients,
    settings: &Settings,
    request: &Request,
) -> Result<Observed, Error> {
    let alarms = match (&request.alarm, request.goal) {
        (Some(alarm), _) => vec![alarm.name.clone()],
        (None, Goal::LookAfter) => settings.load_alarms.clone(),
        (None, _) => Vec::new(),
    };
    let resource_id = settings.resource_id(&request.service);
    let (service, scalable_target, stopped_tasks, alarms) = tokio::join!(
        service(clients.ecs(), &settings.cluster, &request.service),
        scalable_target(clients.scaling(), &resource_id),
        stopped_tasks(clients.ecs(), &settings.cluster, &request.service),
        alarms_now(clients, alarms),
    );
    Ok(Observed {
        service: service?,
        scalable_target: scalable_target?,
        stopped_tasks: stopped_tasks?,
        alarms: match alarms {
            // The event says ALARM; that it cannot be confirmed is no reason to leave a service short.
            Err(error) if request.alarm.is_some() => {
                tracing::warn!(
                    error = shared::error::chain(&error),
                    "the alarm's present state is not known"
                );
                Vec::new()
            }
            alarms => alarms?,
        },
    })
}

pub(crate) async fn service(
    ecs: &aws_sdk_ecs::Client,
    cluster: &str,
    service: &str,
) -> Result<Option<Service>, Error> {
    const EVENTS: usize = 5;
    let answer =
        ecs.describe_services().cluster(cluster).services(service).send().await.map_err(|error| {
            aws::failed("describe service", format!("{service} in cluster {cluster}"), &error)
        })?;
    Ok(answer.services.unwrap_or_default().into_iter().next().map(|service| Service {
        deployments: service
            .deployments()
            .iter()
            .map(|deployment| Deployment {
                status: deployment.status().unwrap_or_default().to_owned(),
                is_in_progress: deployment.rollout_state() == Some(&DeploymentRolloutState::InProgress),
                failed_tasks: count(deployment.failed_tasks()),
            })
            .collect(),
        events: service.events().iter().take(EVENTS).filter_map(|event| event.message.clone()).collect(),
        status: service.status.unwrap_or_default(),
        desired_count: count(service.desired_count),
        running_count: count(service.running_count),
        pending_count: count(service.pending_count),
        task_definition: service.task_definition.unwrap_or_default(),
    }))
}

pub(crate) async fn scalable_target(
    scaling: &aws_sdk_applicationautoscaling::Client,
    resource_id: &str,
) -> Result<Option<ScalableTarget>, Error> {
    let answer = scaling
        .describe_scalable_targets()
        .service_namespace(ServiceNamespace::Ecs)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .resource_ids(resource_id)
        .send()
        .await
        .map_err(|error| aws::failed("describe the scalable target of", resource_id, &error))?;
    Ok(answer.scalable_targets.unwrap_or_default().into_iter().next().map(|target| ScalableTarget {
        min_capacity: count(target.min_capacity),
        max_capacity: count(target.max_capacity),
    }))
}

/// The service's stopped tasks; one page of them is plenty to tell a crash loop.
async fn stopped_tasks(
    ecs: &aws_sdk_ecs::Client,
    cluster: &str,
    service: &str,
) -> Result<Vec<StoppedTask>, Error> {
    let whose = || format!("service {service} in cluster {cluster}");
    let listed = ecs
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
    let answer = ecs
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
            Some(TaskStopCode::TaskFailedToStart | TaskStopCode::EssentialContainerExited)
        ),
        reason: task.stopped_reason.unwrap_or_default(),
        task: task.task_arn.unwrap_or_default(),
    });
    Ok(stopped.collect())
}

/// Metric alarms only: to read a composite alarm takes a permission on every alarm of the account.
async fn alarms_now(clients: &Clients, names: Vec<String>) -> Result<Vec<AlarmNow>, Error> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let which = names.join(", ");
    let answer = clients
        .cloudwatch()
        .describe_alarms()
        .set_alarm_names(Some(names))
        .send()
        .await
        .map_err(|error| aws::failed("describe alarms", which, &error))?;
    let alarms = answer.metric_alarms.unwrap_or_default().into_iter();
    Ok(alarms
        .filter_map(|alarm| {
            Some(AlarmNow { name: alarm.alarm_name?, is_in_alarm: alarm.state_value? == StateValue::Alarm })
        })
        .collect())
}

/// ECS counts with signed numbers that are never negative.
fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

fn timestamp(at: &aws_sdk_ecs::primitives::DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.to_millis().ok()?).ok()
}
