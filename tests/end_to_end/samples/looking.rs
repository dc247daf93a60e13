//! Those who only look, at a stack that is well.

use std::time::Duration;

use super::{remedies::put_overloaded_alarm, *};

#[tokio::test]
async fn health_probe() -> Test {
    let mut fixture = Fixture::start("health-probe").await?;
    let function = fixture.function(&[]).await?;
    for sample in ["all", "dry-run", "named-checks", "schedule"] {
        fixture.expect(&function, (sample, "healthy"), None).await?;
    }
    fixture.end()
}

#[tokio::test]
async fn diagnose() -> Test {
    const LONG_AGO: Duration = Duration::from_hours(48);
    let mut fixture = Fixture::start("diagnose").await?;
    put_overloaded_alarm(&fixture.sandbox).await?;
    deploy::calm_alarms(&fixture.sandbox.clients).await?;
    fixture.sandbox.gateway.ecs().age_deployments(LONG_AGO);
    fixture.sandbox.gateway.ecs().age_tasks(LONG_AGO);
    let function = fixture.function(&[]).await?;
    for sample in [
        "alarm-5xx-sns",
        "alarm-composite-eventbridge",
        "alarm-direct",
        "all",
        "ecs-placement-failure",
        "ecs-task-stopped",
        "markdown",
        "status",
        "step-functions",
        "symptom",
    ] {
        fixture.expect(&function, (sample, "Nothing found."), None).await?;
    }
    fixture.end()
}
