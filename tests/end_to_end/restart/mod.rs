//! `restart` from an event to the ledger, against the sandbox with real SDK calls.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod crashes;
mod faults;
mod input;
mod limits;
mod modes;
mod refusals;
mod restarting;
mod settling;

use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use sandbox::{
    deploy::{CLUSTER, FAMILY, SERVICE},
    runtime_api::Bootstrap,
    stack::{DEADLINE, SHORT_DEADLINE, Stack, TARGET, decision, outcome, read, refuses, tick},
};
use serde_json::{Value, json};

type Test = anyhow::Result<()>;

const NOTICES: &str = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";
const FOLLOW_UP: &str = "restart#follow-up";

/// A stack that ran release 1 and runs release 2.
async fn start() -> anyhow::Result<Stack> {
    let stack = Stack::start("restart", &[]).await?;
    stack.sandbox.release(&[]).await?;
    Ok(stack)
}

fn release(revision: u32) -> String {
    format!("{FAMILY}:{revision}")
}

fn by_hand() -> Value {
    json!({ "reason": "memory grows" })
}

fn alarm_at(changed: Timestamp) -> Value {
    let dimensions = [("ClusterName", CLUSTER), ("ServiceName", SERVICE)];
    sandbox::stack::alarm(
        "lendpeak2-production-memory-leak",
        ["AWS/ECS", "MemoryUtilization"],
        &dimensions,
        changed,
    )
}

fn alarm() -> Value {
    alarm_at(Timestamp::now())
}

fn updates(stack: &Stack) -> usize {
    stack.count("ecs UpdateService")
}

/// The service's primary deployment.
async fn primary(stack: &Stack) -> anyhow::Result<String> {
    let describe = stack.sandbox.clients.ecs.describe_services().cluster(CLUSTER).services(SERVICE);
    let described = describe.send().await?;
    let deployments = described.services().first().context("there is no service")?.deployments();
    let primary = deployments.iter().find(|deployment| deployment.status() == Some("PRIMARY"));
    Ok(primary.and_then(|primary| primary.id()).unwrap_or_default().to_owned())
}

/// How many deployments the service has had.
async fn deployments(stack: &Stack) -> anyhow::Result<usize> {
    let list = stack.sandbox.clients.ecs.list_service_deployments().cluster(CLUSTER).service(SERVICE);
    Ok(list.send().await?.service_deployments().len())
}

fn claim() -> String {
    format!("target#{TARGET}")
}

/// As if the cooldown were over.
async fn end_cooldown(stack: &Stack) -> Test {
    stack.end_cooldown(&claim(), "restart").await
}

/// As if the time for it to settle were over.
async fn make_due(stack: &Stack) -> Test {
    const PAST: &str = "2026-01-01T00:00:00Z";
    let mut due = stack.data(&claim(), FOLLOW_UP).await?;
    due["due"] = json!(PAST);
    stack.put(&claim(), FOLLOW_UP, &[("due", PAST), ("data", &due.to_string())]).await
}
