//! `write-freeze` from an event to the ledger, against the sandbox with real SDK calls.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod crashes;
mod deliveries;
mod freezing;
mod input;
mod modes;
mod others;
mod settling;

use std::time::Duration;

use anyhow::Context;
use aws_sdk_ecs::types::TaskDefinition;
use jiff::Timestamp;
use sandbox::{
    deploy::{CLUSTER, FAMILY, SERVICE},
    runtime_api::Bootstrap,
    stack::{Stack, TARGET, decision, outcome, read, refuses, tick},
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

type Test = anyhow::Result<()>;

/// A stack that runs release 1.
async fn start() -> anyhow::Result<Stack> {
    Stack::start("write-freeze", &[]).await
}

fn release(revision: u32) -> String {
    format!("{FAMILY}:{revision}")
}

fn on() -> Value {
    json!({ "state": "on", "reason": "loans are negative" })
}

fn off() -> Value {
    json!({ "state": "off", "reason": "mended" })
}

fn alarm() -> Value {
    alarm_at(Timestamp::now())
}

fn alarm_at(changed: Timestamp) -> Value {
    sandbox::stack::alarm("negative-loans", ["LendPeak2/Data", "NegativeLoans"], &[], changed)
}

/// The texts of the item that says that writes are frozen.
async fn freeze_on_record(stack: &Stack) -> anyhow::Result<Option<Value>> {
    stack.item(&format!("target#{TARGET}"), "freeze").await
}

/// What the service runs, and its tags.
async fn running(stack: &Stack) -> anyhow::Result<(TaskDefinition, Vec<(String, String)>)> {
    described(stack, &stack.sandbox.runs().await?).await
}

async fn described(stack: &Stack, name: &str) -> anyhow::Result<(TaskDefinition, Vec<(String, String)>)> {
    stack.sandbox.definition(name).await
}

/// The variables of the first container, as in `APP_ENV=production`.
fn variables(definition: &TaskDefinition) -> Vec<String> {
    let variables = definition.container_definitions()[0].environment();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    variables.iter().map(|variable| text(variable.name()) + "=" + &text(variable.value())).collect()
}

async fn is_frozen(stack: &Stack) -> anyhow::Result<bool> {
    Ok(variables(&running(stack).await?.0).contains(&"READONLY_MODE=true".to_owned()))
}

/// The status that a write is answered with, once the stand-in has seen what is deployed.
async fn write(stack: &Stack) -> anyhow::Result<String> {
    stack.sandbox.show_what_runs().await?;
    let url = stack.sandbox.standin.url();
    let host = url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(host).await?;
    let request =
        format!("POST /api/loans HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.split(' ').nth(1).unwrap_or_default().to_owned())
}
