//! The whole sandbox: what is in it, and that nothing of it stays.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use sandbox::deploy::{CLUSTER, SERVICE, binaries};
use sandbox::{Options, Sandbox};
use tokio::io::{AsyncBufReadExt, BufReader};

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
    eventually(|| sandbox.standin.now().running_tasks == 3).await
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
    sandbox.release(&[("BROKEN", "true")]).await?;
    eventually(|| sandbox.standin.now().broken).await
}

/// The probe's metric of ten minutes, then its run of the eleventh, as its schedule wakes it.
#[tokio::test]
async fn the_probe_notes_the_release_that_ran_for_ten_healthy_minutes() -> anyhow::Result<()> {
    let sandbox = start().await?;
    let event = sandbox.ten_healthy_minutes().await?;
    sandbox.clients.ask("health-probe", &event).await?;
    let text = |value: &str| aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned());
    let get = sandbox.clients.dynamodb.get_item().table_name("lendpeak2-production-ledger");
    let get = get.key("pk", text("release#service/lendpeak2-production/backend"));
    let item = get.key("sk", text("lendpeak2-backend-production:1")).send().await?.item;
    assert!(item.is_some_and(|release| release.contains_key("good_at")));
    Ok(())
}

/// As CloudFormation does on AWS, by the template's rule.
#[tokio::test]
async fn a_deployment_that_acts_and_tells_nobody_is_refused_and_says_what_to_fill_in() -> anyhow::Result<()> {
    for (mode, of_one) in [("auto", ""), ("observe", "approve")] {
        let parameters = [("ChatWebhookUrl", ""), ("RollbackMode", of_one)];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let refused = Sandbox::start(Options {
            mode: mode.to_owned(),
            metrics: false,
            parameters,
            functions: Some(Vec::new()),
            ..Options::default()
        });
        let error = refused.await.err().context("it was deployed")?;
        let words = format!("{error:#}");
        assert!(words.contains("Nobody would be told") && words.contains("fill in NoticeEmail"), "{words}");
    }
    Ok(())
}

/// What the demo shows, in short: release, alarm, SNS, rollback.
#[tokio::test]
async fn errors_wake_rollback_through_the_alarm_and_topic() -> anyhow::Result<()> {
    let sandbox = start().await?;
    let bad = sandbox.release(&[("BROKEN", "true")]).await?;
    let alarm = sandbox.clients.cloudwatch.set_alarm_state().alarm_name("lendpeak2-production-alb-5xx-rate");
    alarm.state_value(aws_sdk_cloudwatch::types::StateValue::Alarm).state_reason("test").send().await?;
    // The stand-in behaves as what the service is set to.
    eventually(|| !sandbox.standin.runs().ends_with(&bad)).await
}

#[tokio::test]
async fn nothing_outlives_the_sandbox() -> anyhow::Result<()> {
    let sandbox = start().await?;
    let directory = sandbox.emulator.directory().to_path_buf();
    sandbox.clients.ask("health-probe", &serde_json::json!({})).await?;
    assert!(!functions_under(&directory).is_empty());
    drop(sandbox);
    assert!(!directory.exists());
    eventually(|| functions_under(&directory).is_empty()).await
}

async fn eventually(reached: impl Fn() -> bool) -> anyhow::Result<()> {
    for _ in 0..600 {
        if reached() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("not within half a minute")
}

/// The programs that work in `directory`.
fn functions_under(directory: &std::path::Path) -> Vec<PathBuf> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| std::fs::read_link(process.path().join("cwd")).ok())
        .filter(|place| place.starts_with(directory))
        .collect()
}

/// The commands that people type: ready at the port that was asked for, and over after the time.
#[tokio::test]
async fn the_sandbox_command_says_when_it_is_ready_and_ends_by_itself() -> anyhow::Result<()> {
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let mut command = tokio::process::Command::new(binaries()?.join("sandbox"));
    command.args(["--port", &free, "--for", "1"]).kill_on_drop(true);
    let ended = tokio::time::timeout(Duration::from_mins(1), command.output()).await??;
    let printed = String::from_utf8(ended.stdout)?;
    anyhow::ensure!(ended.status.success(), "{printed}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(printed.contains(&format!("sandbox ready http://127.0.0.1:{free}\n")), "{printed}");
    Ok(())
}

#[tokio::test]
async fn a_sandbox_that_is_killed_leaves_nothing() -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let left = || std::fs::read_dir(place.path()).into_iter().flatten().count();
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let mut command = tokio::process::Command::new(binaries()?.join("sandbox"));
    command.args(["--port", &free]).env("TMPDIR", place.path()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut sandbox = command.spawn()?;
    let mut line = String::new();
    BufReader::new(sandbox.stdout.take().context("no output")?).read_line(&mut line).await?;
    assert!(line.starts_with("sandbox ready"), "{line}");
    assert_ne!(left(), 0);
    sandbox.kill().await?;
    eventually(|| left() == 0).await
}

#[tokio::test]
async fn the_demo_command_shows_a_story_to_its_end() -> anyhow::Result<()> {
    let mut command = tokio::process::Command::new(binaries()?.join("demo"));
    command.args(["--story", "stale-front-end", "--mode", "observe"]).kill_on_drop(true);
    let ended = tokio::time::timeout(Duration::from_mins(2), command.output()).await??;
    let printed = String::from_utf8(ended.stdout)?;
    anyhow::ensure!(ended.status.success(), "{printed}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(printed.contains("cache-invalidation wrote its audit record and nothing else"), "{printed}");
    Ok(())
}
