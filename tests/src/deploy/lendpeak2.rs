//! The managed stack that the functions look after, as far as they see it.

use anyhow::Context;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_ecs::types::{ContainerDefinition, KeyValuePair};

use crate::clients::Clients;

pub const CLUSTER: &str = "lendpeak2-production";
pub const SERVICE: &str = "backend";
/// How many tasks run at first.
pub const TASKS: i32 = 2;
const FAMILY: &str = "lendpeak2-backend-production";
const MAXIMUM_TASKS: i32 = 10;

/// Creates the cluster, the service with its tasks, and its scalable target.
pub async fn create_lendpeak2(clients: &Clients) -> anyhow::Result<()> {
    clients.ecs.create_cluster().cluster_name(CLUSTER).send().await.context("cannot create the cluster")?;
    let container = ContainerDefinition::builder()
        .name("backend")
        .image("lendpeak2/backend:1")
        .essential(true)
        .environment(KeyValuePair::builder().name("APP_ENV").value("production").build())
        .build();
    let task = clients.ecs.register_task_definition().family(FAMILY).cpu("256").memory("512");
    task.container_definitions(container).send().await.context("cannot register the task definition")?;
    clients
        .ecs
        .create_service()
        .cluster(CLUSTER)
        .service_name(SERVICE)
        .task_definition(FAMILY)
        .desired_count(TASKS)
        .send()
        .await
        .context("cannot create the service")?;
    clients
        .autoscaling
        .register_scalable_target()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(format!("service/{CLUSTER}/{SERVICE}"))
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .min_capacity(TASKS)
        .max_capacity(MAXIMUM_TASKS)
        .send()
        .await
        .context("cannot register the scalable target")?;
    Ok(())
}
