//! The remedies: each sample finds an ordinary day, with the alarm in ALARM that it tells of.

use sandbox::{gateway::DISTRIBUTION, stack::put_alarm, standin::LOAD_BALANCER};
use serde_json::json;

use super::*;

const OF_BALANCER: [(&str, &str); 1] = [("LoadBalancer", LOAD_BALANCER)];
const CPU: [&str; 2] = ["AWS/ECS", "CPUUtilization"];
const MEMORY: [&str; 2] = ["AWS/ECS", "MemoryUtilization"];
const RESPONSE_TIME: [&str; 2] = ["AWS/ApplicationELB", "TargetResponseTime"];

#[tokio::test]
async fn scale_up() -> Test {
    const ROWS: [Row; 14] = [
        ("alarm-composite-eventbridge", "applied applied"),
        ("alarm-direct", "applied applied"),
        ("alarm-eventbridge", "applied applied"),
        ("alarm-metric-math-sns", "refused not_a_load_alarm"),
        ("alarm-ok-sns", "nothing_to_do alarm_not_in_alarm"),
        ("alarm-period-86400-direct", "applied applied"),
        ("alarm-sns", "applied applied"),
        ("by-hand", "applied applied"),
        ("by-hand-by", "applied applied"),
        ("by-hand-count", "applied applied"),
        ("dry-run", "observed would_act"),
        // An alarm that lasts is acted on once more.
        ("schedule", "applied applied"),
        // Two alarms at once, about one service.
        ("sns-batch", "applied applied, refused cooldown"),
        ("step-functions", "applied applied"),
    ];
    let mut fixture = Fixture::start("scale-up").await?;
    // It is in ALARM once those are that it is made of.
    put_overloaded_alarm(&fixture.sandbox).await?;
    for (name, metric, dimensions) in [
        ("ecs-cpu", CPU, &OF_SERVICE[..]),
        ("ecs-cpu-daily", CPU, &OF_SERVICE),
        ("ecs-memory", MEMORY, &OF_SERVICE),
        ("alb-response-time", RESPONSE_TIME, &OF_BALANCER),
    ] {
        put_alarm(&fixture.sandbox, &format!("lendpeak2-production-{name}"), metric, dimensions).await?;
    }
    let function = fixture.function(&[]).await?;
    for row in ROWS {
        fixture.forget(1).await?;
        fixture.expect(&function, row, None).await?;
    }
    fixture.forget(1).await?;
    fixture.approve(&json!({ "by": 1 })).await?;
    fixture.end()
}

#[tokio::test]
async fn rollback() -> Test {
    const ROWS: [Row; 8] = [
        ("alarm-direct", "applied applied"),
        ("alarm-eventbridge", "applied applied"),
        ("alarm-sns", "applied applied"),
        ("by-hand-previous", "applied applied"),
        ("deployment-completed", "nothing_to_do deployment_not_failed"),
        ("dry-run", "observed would_act"),
        ("schedule", "nothing_to_do nothing_to_look_after"),
        ("step-functions", "applied applied"),
    ];
    let mut fixture = Fixture::start("rollback").await?;
    let alarm = "lendpeak2-production-alb-5xx-rate";
    let errors = ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"];
    put_alarm(&fixture.sandbox, alarm, errors, &OF_BALANCER).await?;
    let good = fixture.sandbox.release(&[]).await?;
    let ecs = fixture.sandbox.clients.ecs.clone();
    let deployments = ecs.list_service_deployments().cluster(CLUSTER).service(SERVICE).send().await?;
    let newest = deployments.service_deployments().first().and_then(|one| one.service_deployment_arn());
    let deployment = newest.context("no deployment")?.to_owned();
    // Release 3 is the one that is gone back from.
    fixture.sandbox.release(&[("BROKEN", "true")]).await?;
    let function = fixture.function(&[]).await?;
    for row in ROWS {
        fixture.forget(3).await?;
        fixture.expect(&function, row, None).await?;
    }
    for (sample, id) in [("by-hand-deployment", &deployment), ("by-hand-revision", &good)] {
        fixture.forget(3).await?;
        fixture.expect(&function, (sample, "applied applied"), Some(id.as_str())).await?;
    }
    fixture.forget(3).await?;
    fixture.approve(&json!({ "to": "previous" })).await?;

    fixture.forget(3).await?;
    fixture.sandbox.release(&[("FAILS_TO_START", "exit 1")]).await?;
    let described = ecs.describe_services().cluster(CLUSTER).services(SERVICE).send().await?;
    let primary = described.services().first().and_then(|service| service.deployments().first());
    let primary = primary.and_then(|primary| primary.id()).context("no deployment")?;
    fixture.expect(&function, ("deployment-failed", "applied applied"), Some(primary)).await?;
    fixture.end()
}

#[tokio::test]
async fn restart() -> Test {
    const ROWS: [Row; 9] = [
        ("alarm-direct", "applied applied"),
        ("alarm-eventbridge", "applied applied"),
        ("alarm-sns", "applied applied"),
        ("by-hand", "applied applied"),
        ("by-hand-reason", "applied applied"),
        ("dry-run", "observed would_act"),
        ("schedule", "nothing_to_do nothing_to_look_after"),
        ("step-functions", "applied applied"),
        ("step-functions-dry-run", "observed would_act"),
    ];
    let mut fixture = Fixture::start("restart").await?;
    for alarm in ["lendpeak2-production-memory-leak", "lendpeak2-production-ecs-memory"] {
        put_alarm(&fixture.sandbox, alarm, MEMORY, &OF_SERVICE).await?;
    }
    let function = fixture.function(&[]).await?;
    for row in ROWS {
        fixture.forget(1).await?;
        fixture.expect(&function, row, None).await?;
    }
    fixture.forget(1).await?;
    fixture.approve(&json!({})).await?;
    fixture.end()
}

#[tokio::test]
async fn write_freeze() -> Test {
    const ROWS: [Row; 7] = [
        ("alarm-direct", "applied applied"),
        ("alarm-eventbridge", "applied applied"),
        ("alarm-sns", "applied applied"),
        ("dry-run", "observed would_act"),
        ("schedule", "nothing_to_do nothing_to_look_after"),
        ("step-functions", "applied applied"),
        ("on", "applied applied"),
    ];
    let mut fixture = Fixture::start("write-freeze").await?;
    let alarm = "lendpeak2-production-negative-loans";
    put_alarm(&fixture.sandbox, alarm, ["LendPeak2/Data", "NegativeLoans"], &[]).await?;
    let function = fixture.function(&[]).await?;
    for row in ROWS {
        fixture.forget(1).await?;
        fixture.expect(&function, row, None).await?;
    }
    // Writes are frozen now.
    fixture.expect(&function, ("off", "applied applied"), None).await?;
    fixture.forget(1).await?;
    fixture.approve(&json!({ "state": "on" })).await?;
    fixture.end()
}

#[tokio::test]
async fn cache_invalidation() -> Test {
    const ROWS: [Row; 11] = [
        ("alarm-direct", "applied applied"),
        ("alarm-eventbridge", "applied applied"),
        ("alarm-sns", "applied applied"),
        ("by-hand", "applied applied"),
        ("by-hand-paths", "applied applied"),
        ("codebuild-failed", "nothing_to_do not_deployed"),
        ("codebuild-succeeded", "applied applied"),
        ("codepipeline-succeeded", "applied applied"),
        ("dry-run", "observed would_act"),
        ("schedule", "nothing_to_do nothing_awaited"),
        ("step-functions", "applied applied"),
    ];
    let mut fixture = Fixture::start("cache-invalidation").await?;
    let dimensions = [("DistributionId", DISTRIBUTION), ("Region", "Global")];
    let metric = ["AWS/CloudFront", "4xxErrorRate"];
    put_alarm(&fixture.sandbox, "lendpeak2-production-cloudfront-4xx-rate", metric, &dimensions).await?;
    let function = fixture.function(&[]).await?;
    for row in ROWS {
        fixture.clear_ledger().await?;
        // Three samples tell of one alarm, and of one second if they are sent in one.
        fixture.sandbox.gateway.cloudfront().clear();
        fixture.expect(&function, row, None).await?;
    }
    let known = fixture.sandbox.gateway.cloudfront().add("somebody", &["/assets/*"]);
    fixture.expect(&function, ("status", "listed status"), Some(known.as_str())).await?;
    fixture.clear_ledger().await?;
    fixture.approve(&json!({ "paths": ["/index.html"] })).await?;
    fixture.end()
}

/// The composite alarm that samples of `scale-up` and `diagnose` tell of.
pub(super) async fn put_overloaded_alarm(sandbox: &Sandbox) -> Test {
    const RULE: &str =
        r#"ALARM("lendpeak2-production-ecs-cpu") AND ALARM("lendpeak2-production-alb-response-time")"#;
    let put = sandbox.clients.cloudwatch.put_composite_alarm().alarm_name("lendpeak2-production-overloaded");
    put.alarm_rule(RULE).send().await?;
    Ok(())
}
