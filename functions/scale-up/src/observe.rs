//! What `scale-up` reads before it decides: everything at once.

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use serde::Serialize;
use shared::{
    alarms::{AlarmNow, alarms_now},
    aws,
    ecs::{self, Service, StoppedTask, count},
    error::Error,
};

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
pub struct ScalableTarget {
    pub min_capacity: u32,
    pub max_capacity: u32,
}

pub(crate) async fn observe(
    clients: &Clients,
    settings: &Settings,
    request: &Request,
) -> Result<Observed, Error> {
    let bearing = match (&request.alarm, request.goal) {
        (Some(alarm), _) => vec![alarm.name.clone()],
        (None, Goal::LookAfter) => settings.load_alarms.clone(),
        (None, _) => Vec::new(),
    };
    let resource_id = settings.resource_id(&request.service);
    let (service, scalable_target, stopped_tasks, alarms) = tokio::join!(
        ecs::service(clients.ecs(), &settings.cluster, &request.service),
        scalable_target(clients.scaling(), &resource_id),
        ecs::stopped_tasks(clients.ecs(), &settings.cluster, &request.service),
        alarms(clients, bearing),
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

async fn alarms(clients: &Clients, names: Vec<String>) -> Result<Vec<AlarmNow>, Error> {
    if names.is_empty() { Ok(Vec::new()) } else { alarms_now(clients.cloudwatch(), names).await }
}
