//! What `scale-up` reads before it decides: everything at once.

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use serde::Serialize;
use shared::{
    alarms::{self, AlarmNow, Asking, NotAReason, Reason, alarms_now},
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
    /// `None` if the cluster has no such service.
    pub service: Option<Service>,
    pub scalable_target: Option<ScalableTarget>,
    #[serde(serialize_with = "ecs::few_stopped_tasks")]
    pub stopped_tasks: Vec<StoppedTask>,
    /// The alarms that bear on the request, as they are now.
    pub alarms: Vec<AlarmNow>,
    /// Why the alarm that asks is not a reason for more tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<NotAReason>,
}

/// What more tasks help against.
const REASONS: [Reason; 2] = [
    Reason {
        namespace: "AWS/ECS",
        is_metric: |name| matches!(name, "CPUUtilization" | "MemoryUtilization"),
        dimensions: &["ClusterName", "ServiceName"],
    },
    Reason {
        namespace: "AWS/ApplicationELB",
        is_metric: |name| name == "TargetResponseTime",
        dimensions: &["LoadBalancer"],
    },
];

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
    let resource_id = settings.target();
    let (service, scalable_target, stopped_tasks, alarms) = tokio::join!(
        ecs::staged_service(clients.ecs(), &settings.cluster, &request.service),
        scalable_target(clients.scaling(), &resource_id),
        ecs::stopped_tasks(clients.ecs(), &settings.cluster, &request.service),
        alarms(clients, settings, request),
    );
    let Asking { now, refused } = alarms?;
    Ok(Observed {
        service: service?,
        scalable_target: scalable_target?,
        stopped_tasks: stopped_tasks?,
        alarms: now,
        refused,
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

/// The alarm that asks, and whether it is a reason; for the scheduled run, the load alarms.
async fn alarms(clients: &Clients, settings: &Settings, request: &Request) -> Result<Asking, Error> {
    match (&request.alarm, request.goal) {
        (Some(alarm), _) => {
            let about = settings.stack.about(&settings.cluster, &request.service, &REASONS);
            alarms::ask(clients.cloudwatch(), alarm, &about).await
        }
        (None, Goal::LookAfter) => {
            let now = alarms_now(clients.cloudwatch(), settings.load_alarms.clone()).await?;
            Ok(Asking { now, refused: None })
        }
        (None, _) => Ok(Asking::default()),
    }
}
