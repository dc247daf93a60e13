//! The managed stack that the functions look after, as far as they see it.

use anyhow::Context;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, Statistic};
use aws_sdk_ecs::types::{ContainerDefinition, KeyValuePair, Tag};

use crate::clients::{ACCOUNT, Clients, REGION};
use crate::gateway::{SECRET, SOURCE, endpoint};
use crate::standin::{LOAD_BALANCER, REQUESTS_A_SECOND};

pub const CLUSTER: &str = "lendpeak2-production";
pub const SERVICE: &str = "backend";
/// How many tasks run at first.
pub const TASKS: i32 = 2;
pub const FAMILY: &str = "lendpeak2-backend-production";
/// What no log, record or notice may ever hold.
pub const PASSWORD: &str = "Zy7-orchid-lantern-42";
const MAXIMUM_TASKS: i32 = 10;

/// Creates the database's secret, the cluster, the service with its tasks, and its scalable target.
pub async fn create_lendpeak2(clients: &Clients) -> anyhow::Result<()> {
    let credentials = serde_json::json!({ "username": "lendpeak", "password": PASSWORD, "engine": "mongo",
        "host": endpoint(SOURCE), "port": 27018, "ssl": true });
    let secret = clients.secrets.create_secret().name(SECRET).secret_string(credentials.to_string());
    secret.send().await.context("cannot create the database's secret")?;
    clients.ecs.create_cluster().cluster_name(CLUSTER).send().await.context("cannot create the cluster")?;
    register_release(clients, &[]).await?;
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

/// Registers a task definition of the backend with these variables; answers `family:revision`.
pub async fn register_release(clients: &Clients, environment: &[(&str, &str)]) -> anyhow::Result<String> {
    let variable = |(name, value): &(&str, &str)| KeyValuePair::builder().name(*name).value(*value).build();
    let variables = [("APP_ENV", "production")].iter().chain(environment).map(variable).collect();
    let container = ContainerDefinition::builder()
        .name("backend")
        .image("lendpeak2/backend:1")
        .essential(true)
        .set_environment(Some(variables))
        .build();
    let task = clients.ecs.register_task_definition().family(FAMILY).cpu("256").memory("512");
    let tag = Tag::builder().key("Project").value("LendPeak2").build();
    let registered = task
        .container_definitions(container)
        .tags(tag)
        .send()
        .await
        .context("cannot register the task definition")?;
    let revision = registered.task_definition().map_or(0, aws_sdk_ecs::types::TaskDefinition::revision);
    Ok(format!("{FAMILY}:{revision}"))
}

/// The template's alarm on the rate of 5xx answers is metric math, of which the local AWS knows nothing: here is
/// one of the same name on their number.
pub async fn put_5xx_alarm(clients: &Clients) -> anyhow::Result<()> {
    const NAME: &str = "lendpeak2-production";
    clients
        .cloudwatch
        .put_metric_alarm()
        .alarm_name(format!("{NAME}-alb-5xx-rate"))
        .namespace("AWS/ApplicationELB")
        .metric_name("HTTPCode_Target_5XX_Count")
        .dimensions(Dimension::builder().name("LoadBalancer").value(LOAD_BALANCER).build())
        .statistic(Statistic::Average)
        .period(10)
        .evaluation_periods(1)
        .threshold(REQUESTS_A_SECOND / 2.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .treat_missing_data("notBreaching")
        .alarm_actions(format!("arn:aws:sns:{REGION}:{ACCOUNT}:{NAME}-rollback-alarms"))
        .send()
        .await
        .context("cannot put the alarm on 5xx answers")?;
    Ok(())
}
