//! The managed stack that the functions look after, as far as they see it.

use anyhow::Context;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, StateValue, Statistic};
use aws_sdk_ecs::types::{
    AwsVpcConfiguration, Compatibility, ContainerDefinition, KeyValuePair, LaunchType, LoadBalancer,
    LogConfiguration, LogDriver, NetworkConfiguration, NetworkMode, PortMapping, Secret, Tag,
};

use crate::clients::Clients;
use crate::gateway::{BACKEND_PORT, DATABASE_USER, SECRET, SOURCE, TARGET_GROUP, TASKS_GROUP, endpoint};
use crate::names::{ACCOUNT, REGION};
use crate::standin::{LOAD_BALANCER, REQUESTS_A_SECOND};

pub use crate::names::{CLUSTER, PASSWORD, SCALING_ALARMS, SERVICE, TARGET_CPU};

/// How many tasks run at first.
pub const TASKS: i32 = 2;
pub const FAMILY: &str = "lendpeak2-backend-production";
/// What task definitions of the backend may name as their roles.
const TASK_ROLES: [&str; 2] = ["lendpeak2-production-task", "lendpeak2-production-task-execution"];
const MAXIMUM_TASKS: i32 = 10;
/// What the backend's tasks run.
pub const IMAGE: &str = "000000000000.dkr.ecr.us-east-1.amazonaws.com/lendpeak2/backend:1";
/// Where the backend logs.
pub const LOG_GROUP: &str = "/ecs/lendpeak2-production";
/// Where the database's profiler logs.
pub const PROFILER_LOG_GROUP: &str = "/aws/docdb/lendpeak2-production/profiler";
/// How long ECS leaves a new task alone.
const GRACE_SECONDS: i32 = 60;

/// The roles of the backend's tasks, as a parameter takes them.
pub fn task_role_arns() -> String {
    TASK_ROLES.map(|role| format!("arn:aws:iam::{ACCOUNT}:role/{role}")).join(",")
}

/// Creates the logs, the database's secret, the cluster, the service with its tasks, and its scaling.
pub async fn create_lendpeak2(clients: &Clients) -> anyhow::Result<()> {
    let credentials = serde_json::json!({ "username": DATABASE_USER, "password": PASSWORD, "engine": "mongo",
        "host": endpoint(SOURCE), "port": 27018, "ssl": true });
    let secret = clients.secrets.create_secret().name(SECRET).secret_string(credentials.to_string());
    secret.send().await.context("cannot create the database's secret")?;
    for group in [LOG_GROUP, PROFILER_LOG_GROUP] {
        let create = clients.logs.create_log_group().log_group_name(group);
        create.send().await.with_context(|| format!("cannot create the log group {group}"))?;
    }
    clients.ecs.create_cluster().cluster_name(CLUSTER).send().await.context("cannot create the cluster")?;
    register_release(clients, &[]).await?;
    clients
        .ecs
        .create_service()
        .cluster(CLUSTER)
        .service_name(SERVICE)
        .task_definition(FAMILY)
        .desired_count(TASKS)
        .launch_type(LaunchType::Fargate)
        .health_check_grace_period_seconds(GRACE_SECONDS)
        .load_balancers(
            LoadBalancer::builder()
                .target_group_arn(TARGET_GROUP)
                .container_name(SERVICE)
                .container_port(i32::from(BACKEND_PORT))
                .build(),
        )
        .network_configuration(network()?)
        .send()
        .await
        .context("cannot create the service")?;
    create_scaling(clients).await
}

fn network() -> anyhow::Result<NetworkConfiguration> {
    let network = AwsVpcConfiguration::builder().subnets("subnet-0a").security_groups(TASKS_GROUP).build()?;
    Ok(NetworkConfiguration::builder().awsvpc_configuration(network).build())
}

/// The scalable target, and the alarms of its policy, which the gateway has.
async fn create_scaling(clients: &Clients) -> anyhow::Result<()> {
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
    for name in SCALING_ALARMS {
        let is_high = name.ends_with("High");
        let (threshold, comparison) = if is_high {
            (TARGET_CPU, ComparisonOperator::GreaterThanThreshold)
        } else {
            (TARGET_CPU * 0.9, ComparisonOperator::LessThanThreshold)
        };
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        clients
            .cloudwatch
            .put_metric_alarm()
            .alarm_name(name)
            .namespace("AWS/ECS")
            .metric_name("CPUUtilization")
            .dimensions(dimension("ClusterName", CLUSTER))
            .dimensions(dimension("ServiceName", SERVICE))
            .statistic(Statistic::Average)
            .period(60)
            .evaluation_periods(if is_high { 3 } else { 15 })
            .threshold(threshold)
            .comparison_operator(comparison)
            .send()
            .await
            .with_context(|| format!("cannot put the alarm {name}"))?;
    }
    Ok(())
}

/// Registers a task definition of the backend with these variables; answers `family:revision`.
pub async fn register_release(clients: &Clients, environment: &[(&str, &str)]) -> anyhow::Result<String> {
    let variable = |(name, value): &(&str, &str)| KeyValuePair::builder().name(*name).value(*value).build();
    let variables = [("APP_ENV", "production")].iter().chain(environment).map(variable).collect();
    let secret = clients.secrets.describe_secret().secret_id(SECRET).send().await;
    let secret = secret.context("the database's secret is gone")?.arn.unwrap_or_default();
    let log = LogConfiguration::builder()
        .log_driver(LogDriver::Awslogs)
        .options("awslogs-group", LOG_GROUP)
        .options("awslogs-region", REGION)
        .options("awslogs-stream-prefix", "ecs")
        .build()?;
    let container = ContainerDefinition::builder()
        .name(SERVICE)
        .image(IMAGE)
        .essential(true)
        .port_mappings(PortMapping::builder().container_port(i32::from(BACKEND_PORT)).build())
        .secrets(Secret::builder().name("DB_CREDENTIALS").value_from(secret).build()?)
        .log_configuration(log)
        .set_environment(Some(variables))
        .build();
    let task = clients.ecs.register_task_definition().family(FAMILY).cpu("256").memory("512");
    let task = task.network_mode(NetworkMode::Awsvpc).requires_compatibilities(Compatibility::Fargate);
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

/// The template's alarm on the errors of `incident`, without its metric math: here requests that it does not take count.
pub async fn put_incident_errors_alarm(clients: &Clients) -> anyhow::Result<()> {
    const NAME: &str = "lendpeak2-production";
    let topic = |name: &str| format!("arn:aws:sns:{REGION}:{ACCOUNT}:{NAME}-{name}");
    clients
        .cloudwatch
        .put_metric_alarm()
        .alarm_name(format!("{NAME}-incident-errors"))
        .namespace("AWS/Lambda")
        .metric_name("Errors")
        .dimensions(Dimension::builder().name("FunctionName").value(format!("{NAME}-incident")).build())
        .statistic(Statistic::Sum)
        .period(60)
        .evaluation_periods(3)
        .datapoints_to_alarm(2)
        .threshold(0.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .treat_missing_data("notBreaching")
        .alarm_actions(topic("notices"))
        .alarm_actions(topic("level-2"))
        .send()
        .await
        .context("cannot put the alarm on incident's errors")?;
    Ok(())
}

/// The rule of the template's composite alarm.
pub const SERVICE_DOWN_RULE: &str = r#"ALARM("lendpeak2-production-probe-failing") AND (ALARM("lendpeak2-production-alb-5xx-rate") OR ALARM("lendpeak2-production-no-healthy-target"))"#;
/// The topic of the alarms that open an incident.
const INCIDENT_ALARMS: &str = "lendpeak2-production-incident-alarms";

fn incident_alarms() -> String {
    format!("arn:aws:sns:{REGION}:{ACCOUNT}:{INCIDENT_ALARMS}")
}

/// The template's composite alarm, which CloudFormation in the local AWS cannot make.
pub async fn put_service_down_alarm(clients: &Clients) -> anyhow::Result<()> {
    let put = clients.cloudwatch.put_composite_alarm().alarm_name("lendpeak2-production-service-down");
    let put =
        put.alarm_rule(SERVICE_DOWN_RULE).alarm_actions(incident_alarms()).ok_actions(incident_alarms());
    put.send().await.context("cannot put the composite alarm")?;
    Ok(())
}

/// Whether `incident` hears the alarms, and so starts the state machine.
pub async fn let_incident_hear(clients: &Clients, on: bool) -> anyhow::Result<()> {
    let topic = incident_alarms();
    if on {
        let function = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:lendpeak2-production-incident");
        clients.sns.subscribe().topic_arn(topic).protocol("lambda").endpoint(function).send().await?;
        return Ok(());
    }
    let listed = clients.sns.list_subscriptions_by_topic().topic_arn(topic).send().await?;
    for subscription in listed.subscriptions() {
        let end = clients.sns.unsubscribe().set_subscription_arn(subscription.subscription_arn.clone());
        end.send().await?;
    }
    Ok(())
}

/// The topics of the three levels, without the environment's prefix.
pub const LEVELS: [&str; 3] = ["notices", "level-2", "level-3"];

/// Somebody subscribes to each level's topic: a queue, whose messages nobody reads.
pub async fn listen(clients: &Clients) -> anyhow::Result<()> {
    for level in LEVELS {
        let topic = format!("arn:aws:sns:{REGION}:{ACCOUNT}:lendpeak2-production-{level}");
        clients.sqs.create_queue().queue_name(format!("people-{level}")).send().await?;
        let queue = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:people-{level}");
        clients.sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(queue).send().await?;
    }
    Ok(())
}

/// Nobody is left who hears a level's topic.
pub async fn unsubscribe(clients: &Clients, level: &str) -> anyhow::Result<()> {
    let topic = format!("arn:aws:sns:{REGION}:{ACCOUNT}:lendpeak2-production-{level}");
    let listed = clients.sns.list_subscriptions_by_topic().topic_arn(topic).send().await?;
    for subscription in listed.subscriptions() {
        let end = clients.sns.unsubscribe().set_subscription_arn(subscription.subscription_arn.clone());
        end.send().await?;
    }
    Ok(())
}

/// Alarms that have not had data come to be OK, as they are in a stack that has run for a while.
pub async fn calm_alarms(clients: &Clients) -> anyhow::Result<()> {
    let described =
        clients.cloudwatch.describe_alarms().state_value(StateValue::InsufficientData).send().await?;
    for alarm in described.metric_alarms() {
        let calm = clients.cloudwatch.set_alarm_state().set_alarm_name(alarm.alarm_name.clone());
        calm.state_value(StateValue::Ok).state_reason("Threshold not crossed").send().await?;
    }
    Ok(())
}
