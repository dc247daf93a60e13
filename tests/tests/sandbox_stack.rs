//! The whole sandbox: what is in it, and that nothing of it stays.

use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use aws_sdk_lambda::primitives::Blob;
use tests::deploy::{CLUSTER, SERVICE};
use tests::sandbox::{Options, Sandbox};

/// A sandbox whose metrics come from the test.
async fn start() -> anyhow::Result<Sandbox> {
    Sandbox::start(Options { metrics: false, ..Options::default() }).await
}

async fn put_cpu(sandbox: &Sandbox, percent: f64) -> anyhow::Result<()> {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let datum = MetricDatum::builder()
        .metric_name("CPUUtilization")
        .dimensions(dimension("ClusterName", CLUSTER))
        .dimensions(dimension("ServiceName", SERVICE))
        .value(percent)
        .build();
    sandbox.clients.cloudwatch.put_metric_data().namespace("AWS/ECS").metric_data(datum).send().await?;
    Ok(())
}

#[tokio::test]
async fn cpu_data_wakes_scale_up_through_the_templates_alarm_and_topic() -> anyhow::Result<()> {
    let sandbox = start().await?;
    put_cpu(&sandbox, 95.0).await?;
    let record = sandbox.gateway.record();
    assert!(record.wait_for("scale-up", "ecs", "UpdateService", Duration::from_secs(20)).await);
    assert_eq!(sandbox.desired_count().await?, 3);
    Ok(())
}

#[tokio::test]
async fn too_few_tasks_mean_high_cpu_and_a_broken_definition_means_errors() -> anyhow::Result<()> {
    let sandbox = start().await?;
    sandbox.standin.set_load(300.0, Duration::ZERO);
    eventually(|| sandbox.standin.now().cpu > 99.0).await?;
    let ecs = &sandbox.clients.ecs;
    let update = || ecs.update_service().cluster(CLUSTER).service(SERVICE);
    update().desired_count(6).send().await?;
    eventually(|| (sandbox.standin.now().cpu - 50.0).abs() < 1.0).await?;
    let container = aws_sdk_ecs::types::ContainerDefinition::builder()
        .name("backend")
        .image("lendpeak2/backend:2")
        .environment(aws_sdk_ecs::types::KeyValuePair::builder().name("BROKEN").value("true").build());
    let family = "lendpeak2-backend-production";
    ecs.register_task_definition().family(family).container_definitions(container.build()).send().await?;
    update().task_definition(family).send().await?;
    eventually(|| sandbox.standin.now().broken).await
}

#[tokio::test]
async fn nothing_outlives_the_sandbox() -> anyhow::Result<()> {
    let sandbox = start().await?;
    let directory = sandbox.ministack.directory().to_path_buf();
    let invoke = sandbox.clients.lambda.invoke().function_name(Sandbox::function_name("health-probe"));
    let answer = invoke.payload(Blob::new("{}")).send().await?;
    assert_eq!(answer.function_error(), None);
    assert!(!functions_under(&directory).is_empty());
    drop(sandbox);
    assert!(!directory.exists());
    eventually(|| functions_under(&directory).is_empty()).await
}

async fn eventually(reached: impl Fn() -> bool) -> anyhow::Result<()> {
    for _ in 0..200 {
        if reached() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("not within ten seconds")
}

/// The programs that run from files in `directory`.
fn functions_under(directory: &std::path::Path) -> Vec<PathBuf> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| std::fs::read_link(process.path().join("exe")).ok())
        .filter(|program| program.starts_with(directory))
        .collect()
}
