//! `rollback` from an event to the ledger, against the sandbox with real SDK calls.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod candidates;
mod choice;
mod crashes;
mod input;
mod limits;
mod modes;
mod names;
mod settling;
mod stages;

use std::time::Duration;

use jiff::Timestamp;
use sandbox::{
    deploy::FAMILY,
    runtime_api::Bootstrap,
    stack::{Stack, TARGET, decision, outcome, read, refuses, tick, whole},
};
use serde_json::{Value, json};

type Test = anyhow::Result<()>;

const SERVICE_ARN: &str = "arn:aws:ecs:us-east-1:000000000000:service/lendpeak2-production/backend";

/// A stack that ran release 1 and runs release 2; both are good.
async fn start() -> anyhow::Result<Stack> {
    let probe = sandbox::names::function_name("health-probe");
    let stack = Stack::start("rollback", &[("PROBE_FUNCTION", &probe)]).await?;
    stack.sandbox.release(&[]).await?;
    Ok(stack)
}

/// Then release 3 is deployed, which answers 500.
async fn start_broken() -> anyhow::Result<Stack> {
    let stack = start().await?;
    stack.sandbox.release(&[("BROKEN", "true")]).await?;
    Ok(stack)
}

fn release(revision: u32) -> String {
    format!("{FAMILY}:{revision}")
}

fn alarm() -> Value {
    alarm_at(Timestamp::now())
}

fn alarm_at(changed: Timestamp) -> Value {
    let metric = ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"];
    sandbox::stack::alarm("errors", metric, &[("LoadBalancer", sandbox::standin::LOAD_BALANCER)], changed)
}

/// The event of ECS that the service's last deployment has failed.
async fn deployment_failed(stack: &Stack) -> anyhow::Result<Value> {
    let describe = stack.sandbox.clients.ecs.describe_services().cluster("lendpeak2-production");
    let described = describe.services("backend").send().await?;
    let deployment = described.services()[0].deployments()[0].id().unwrap_or_default();
    Ok(json!({ "version": "0", "id": "failed-1", "detail-type": "ECS Deployment State Change",
        "source": "aws.ecs", "time": Timestamp::now().to_string(), "resources": [SERVICE_ARN],
        "detail": { "eventType": "ERROR", "eventName": "SERVICE_DEPLOYMENT_FAILED", "deploymentId": deployment,
            "reason": "ECS deployment circuit breaker: tasks failed to start." } }))
}

fn previous() -> Value {
    json!({ "to": "previous", "reason": "it answers 500" })
}
