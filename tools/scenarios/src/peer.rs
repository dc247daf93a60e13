//! A second opinion: the functions against moto, another local AWS, whose authors have read AWS's API by themselves. What
//! both answer alike is less likely to be the mistake of one.

mod play;
mod table;

use aws_sdk_applicationautoscaling::types::{
    MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ServiceNamespace,
    TargetTrackingScalingPolicyConfiguration,
};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use sandbox::clients::Clients;
use sandbox::deploy::{self, CLUSTER, LEVELS, SERVICE, TARGET_CPU};
use sandbox::gateway::Gateway;
use sandbox::moto::Moto;
use sandbox::stack::LEDGER;
use sandbox::{Emulator, Sandbox};

use crate::definition::Scenario;

pub use crate::row::Row;
pub use table::{differences, table};

pub(crate) use play::{Play, a_moment_ago, count, sample, text};

/// Plays a function's scenario, in a moto of its own. Adds a row for each thing that it tried, also where it cannot go on.
pub async fn play(scenario: &Scenario, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    match scenario.peer {
        Some(peer) => peer(rows).await,
        None => Ok(()),
    }
}

/// LendPeak2 in a new moto, and of this project what functions need: moto deploys no serverless template.
async fn start() -> anyhow::Result<Sandbox> {
    let moto = Moto::start().await?;
    let gateway = Gateway::start_before_moto(moto.address()).await?;
    let sandbox = Sandbox::with_lendpeak2(Emulator::Moto(moto), gateway, false).await?;
    let clients = &sandbox.clients;
    create_ledger(clients).await?;
    for level in LEVELS {
        clients.sns.create_topic().name(format!("lendpeak2-production-{level}")).send().await?;
    }
    deploy::listen(clients).await?;
    put_scaling_policy(clients).await?;
    Ok(sandbox)
}

async fn create_ledger(clients: &Clients) -> anyhow::Result<()> {
    let mut create =
        clients.dynamodb.create_table().table_name(LEDGER).billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let attribute =
            AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder().attribute_name(name).key_type(kind);
        create = create.attribute_definitions(attribute.build()?).key_schema(key.build()?);
    }
    create.send().await?;
    Ok(())
}

async fn put_scaling_policy(clients: &Clients) -> anyhow::Result<()> {
    let metric = PredefinedMetricSpecification::builder()
        .predefined_metric_type(MetricType::EcsServiceAverageCpuUtilization)
        .build()?;
    let tracking = TargetTrackingScalingPolicyConfiguration::builder()
        .target_value(TARGET_CPU)
        .predefined_metric_specification(metric)
        .build()?;
    clients
        .autoscaling
        .put_scaling_policy()
        .policy_name("cpu")
        .policy_type(PolicyType::TargetTrackingScaling)
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(format!("service/{CLUSTER}/{SERVICE}"))
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .target_tracking_scaling_policy_configuration(tracking)
        .send()
        .await?;
    Ok(())
}
