//! What `restart` reads before it decides: everything at once, then what new tasks would need.

use aws_sdk_ecs::types::{CreatedAt, ServiceDeploymentStatus};
use aws_smithy_types::{DateTime, error::metadata::ProvideErrorMetadata};
use jiff::Timestamp;
use serde::Serialize;
use shared::{
    alarms::{self, AlarmNow, Asking, NotAReason},
    aws, clock,
    ecs::{self, Service, StoppedTask, TaskDefinition, timestamp},
    error::Error,
};

use crate::{
    Clients,
    needs::{self, Missing},
    request::{Goal, Request},
    settings::Settings,
};

/// The states of a service deployment that has not ended.
const UNDER_WAY: [ServiceDeploymentStatus; 5] = [
    ServiceDeploymentStatus::Pending,
    ServiceDeploymentStatus::InProgress,
    ServiceDeploymentStatus::StopRequested,
    ServiceDeploymentStatus::RollbackRequested,
    ServiceDeploymentStatus::RollbackInProgress,
];

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// `None` if the cluster has no such service.
    pub service: Option<Service>,
    /// The task definition that the service runs; nothing if it is being deleted.
    pub task_definition: Option<TaskDefinition>,
    /// What new tasks need but does not exist.
    pub missing: Vec<Missing>,
    /// The service deployments under way; for the scheduled run, all of late. The newest first.
    pub deployments: Vec<ServiceDeployment>,
    #[serde(serialize_with = "ecs::few_stopped_tasks")]
    pub stopped_tasks: Vec<StoppedTask>,
    /// The alarm that asks, as it is now.
    pub alarms: Vec<AlarmNow>,
    /// Why the alarm that asks is not a reason to restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<NotAReason>,
}

/// A deployment in ECS's history of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceDeployment {
    pub arn: String,
    /// As in `IN_PROGRESS`.
    pub status: String,
    pub created_at: Option<Timestamp>,
}

pub(crate) async fn observe(
    clients: &Clients,
    settings: &Settings,
    request: &Request,
) -> Result<Observed, Error> {
    match request.goal {
        Goal::FreshTasks => observe_all(clients, settings, request).await,
        Goal::LookAfter => look_after(clients, settings).await,
    }
}

async fn observe_all(clients: &Clients, settings: &Settings, request: &Request) -> Result<Observed, Error> {
    let (found, deployments, stopped_tasks, alarms) = tokio::join!(
        service_and_needs(clients, settings),
        deployments(clients, settings, Which::UnderWay),
        ecs::stopped_tasks(clients.ecs(), &settings.cluster, &settings.service),
        alarms(clients, settings, request),
    );
    let (service, task_definition, missing) = found?;
    let Asking { now, refused } = alarms?;
    // Of a service that others deploy, ECS may not answer it, and it does not matter.
    let is_others = service.as_ref().is_some_and(|service| service.deployment_controller != "ECS");
    let deployments = if is_others { Vec::new() } else { deployments? };
    Ok(Observed {
        service,
        task_definition,
        missing,
        deployments,
        stopped_tasks: stopped_tasks?,
        alarms: now,
        refused,
    })
}

/// Only what tells how a restart went: this runs every few minutes.
async fn look_after(clients: &Clients, settings: &Settings) -> Result<Observed, Error> {
    // A restart is followed up no longer than it takes to settle.
    let young = clock::now() - settings.settle.saturating_mul(2);
    let (service, deployments, stopped_tasks) = tokio::join!(
        ecs::staged_service(clients.ecs(), &settings.cluster, &settings.service),
        deployments(clients, settings, Which::Since(young)),
        ecs::stopped_tasks(clients.ecs(), &settings.cluster, &settings.service),
    );
    Ok(Observed {
        service: service?,
        deployments: deployments?,
        stopped_tasks: stopped_tasks?,
        ..Observed::default()
    })
}

/// The service, its task definition, and what that names but does not exist.
async fn service_and_needs(
    clients: &Clients,
    settings: &Settings,
) -> Result<(Option<Service>, Option<TaskDefinition>, Vec<Missing>), Error> {
    let Some(service) = ecs::staged_service(clients.ecs(), &settings.cluster, &settings.service).await?
    else {
        return Ok((None, None, Vec::new()));
    };
    // ECS does not deploy a service without a task definition.
    let registered = match service.task_definition.as_str() {
        "" => None,
        name => ecs::registered(clients.ecs(), name).await?,
    };
    let missing = match &registered {
        Some(registered) => needs::missing(clients, registered.definition.container_definitions()).await,
        None => Vec::new(),
    };
    let summary = registered.and_then(|registered| registered.summary());
    Ok((Some(service), summary, missing))
}

/// Trust the alarm's wiring, unless it watches somebody else's resource.
async fn alarms(clients: &Clients, settings: &Settings, request: &Request) -> Result<Asking, Error> {
    match &request.alarm {
        Some(alarm) => {
            let about = settings.stack.about(&settings.cluster, &settings.service, &[]);
            alarms::ask(clients.cloudwatch(), alarm, &about).await
        }
        None => Ok(Asking::default()),
    }
}

/// Which service deployments are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    UnderWay,
    Since(Timestamp),
}

/// The newest first. Of one page: more than a hundred are not under way, nor made within the time that a restart takes.
async fn deployments(
    clients: &Clients,
    settings: &Settings,
    which: Which,
) -> Result<Vec<ServiceDeployment>, Error> {
    const PAGE: i32 = 100;
    let Settings { cluster, service, .. } = settings;
    let list = clients.ecs().list_service_deployments().cluster(cluster).service(service).max_results(PAGE);
    let list = match which {
        Which::UnderWay => list.set_status(Some(UNDER_WAY.to_vec())),
        Which::Since(since) => {
            let after = DateTime::from_secs(since.as_second());
            list.created_at(CreatedAt::builder().after(after).build())
        }
    };
    let listed = match list.send().await {
        Ok(answer) => answer.service_deployments.unwrap_or_default(),
        // DescribeServices answers that the service is missing.
        Err(error) if error.code() == Some("ServiceNotFoundException") => return Ok(Vec::new()),
        Err(error) => {
            let whose = format!("{service} in cluster {cluster}");
            return Err(aws::failed("list the deployments of", whose, &error));
        }
    };
    let mut deployments: Vec<ServiceDeployment> = listed
        .into_iter()
        .map(|deployment| ServiceDeployment {
            created_at: deployment.created_at.as_ref().and_then(timestamp),
            arn: deployment.service_deployment_arn.unwrap_or_default(),
            status: deployment.status.map_or_else(String::new, |status| status.as_str().to_owned()),
        })
        .collect();
    deployments.sort_by_key(|deployment| std::cmp::Reverse(deployment.created_at));
    Ok(deployments)
}
