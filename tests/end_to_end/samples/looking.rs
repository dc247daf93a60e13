//! Those who only look, at a stack that is well.

use std::time::Duration;

use super::{remedies::put_overloaded_alarm, *};

#[tokio::test]
async fn health_probe() -> Test {
    let mut house = House::start("health-probe").await?;
    let function = house.function(&[]).await?;
    for sample in ["all", "dry-run", "named-checks", "schedule"] {
        house.expect(&function, (sample, "healthy"), None).await?;
    }
    house.end()
}

#[tokio::test]
async fn diagnose() -> Test {
    const LONG_AGO: Duration = Duration::from_hours(48);
    let mut house = House::start("diagnose").await?;
    put_overloaded_alarm(&house.sandbox).await?;
    deploy::calm_alarms(&house.sandbox.clients).await?;
    house.sandbox.gateway.ecs().age_deployments(LONG_AGO);
    house.sandbox.gateway.ecs().age_tasks(LONG_AGO);
    let function = house.function(&[]).await?;
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
        house.expect(&function, (sample, "Nothing found."), None).await?;
    }
    house.end()
}
