//! `snapshot-restore` from an event to the ledger, against the sandbox with real SDK calls.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod choice;
mod crashes;
mod cut_over;
mod discard;
mod input;
mod modes;
mod password;
mod refusals;
mod secrets;
mod state_machine;
mod steps;

use std::time::Duration;

use sandbox::{
    gateway::{ClusterNow, DocDb, SECRET, SOURCE, endpoint},
    runtime_api::Bootstrap,
    stack::{Stack, TARGET, decision, outcome, read, refuses, tick, whole},
};
use serde_json::{Value, json};

type Test = anyhow::Result<()>;

/// The source's name in the ledger.
const SOURCE_TARGET: &str = "cluster/lendpeak2-production";

async fn start() -> anyhow::Result<Stack> {
    let probe = sandbox::names::function_name("health-probe");
    let settings = [
        ("SOURCE_CLUSTER", SOURCE),
        ("DATABASE_SECRET", SECRET),
        ("PROBE_FUNCTION", &probe),
        ("COOLDOWN_SECONDS", "0"),
        ("ATTEMPTS_PER_DAY", "100"),
    ];
    Stack::start("snapshot-restore", &settings).await
}

fn docdb(stack: &Stack) -> &DocDb {
    stack.sandbox.gateway.docdb()
}

fn latest() -> Value {
    json!({ "snapshot": "latest", "reason": "negative amounts" })
}

fn text<'a>(outcome: &'a Value, pointer: &str) -> &'a str {
    outcome.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// What a plan says besides its reason.
fn details(outcome: &Value) -> String {
    let lines = outcome["plan"]["details"].as_array().into_iter().flatten().filter_map(Value::as_str);
    lines.collect::<Vec<_>>().join("\n")
}

/// Asks for something that needs an approval; answers the JSON to approve it with, and the plan.
async fn ask(function: &Bootstrap, request: &Value) -> anyhow::Result<(Value, Value)> {
    let asked = whole(function, request).await?;
    anyhow::ensure!(read(&asked) == "awaiting_approval approval_needed", "{asked:#}");
    Ok((asked["next"]["send"].clone(), asked["plan"]["actions"].clone()))
}

/// Asks, and approves; answers the plan.
async fn approved(function: &Bootstrap, request: &Value) -> anyhow::Result<Value> {
    let (approve, plan) = ask(function, request).await?;
    let done = outcome(function, &approve).await?;
    anyhow::ensure!(read(&done) == "applied applied", "{done:#}");
    Ok(plan)
}

/// The id of the restore that a plan begins.
fn id(plan: &Value) -> String {
    text(plan, "/0/create_cluster/id").to_owned()
}

/// Takes steps until there are no more to take; answers the last outcome.
async fn finish(function: &Bootstrap, id: &str) -> anyhow::Result<Value> {
    const MANY: usize = 200;
    for _ in 0..MANY {
        let step = outcome(function, &json!({ "continue": id })).await?;
        match read(&step).as_str() {
            "applied applied" => {}
            "nothing_to_do cluster_creating" | "nothing_to_do instances_creating" => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            _ => return Ok(step),
        }
    }
    anyhow::bail!("no end after {MANY} steps")
}

/// A restore that was approved and handed over; its id.
async fn restored(function: &Bootstrap, request: &Value) -> anyhow::Result<String> {
    let id = id(&approved(function, request).await?);
    let done = finish(function, &id).await?;
    anyhow::ensure!(read(&done) == "nothing_to_do handed_over", "{done:#}");
    Ok(id)
}

/// Names, classes and zones of a cluster's instances, all of them available.
fn instances(cluster: &ClusterNow) -> Vec<[&str; 3]> {
    let up = cluster.instances.iter().filter(|[.., status]| status == "available");
    up.map(|[name, class, zone, _]| [name.as_str(), class.as_str(), zone.as_str()]).collect()
}

/// Nothing but reads of the source, from everything that was called.
fn assert_source_untouched(stack: &Stack) {
    for call in stack.sandbox.gateway.calls() {
        if call.service != "rds" || call.is_read() {
            continue;
        }
        for field in ["DBClusterIdentifier", "DBInstanceIdentifier", "ResourceName"] {
            let named = text(&call.request, &format!("/{field}"));
            let name = named.rsplit(':').next().unwrap_or_default();
            assert!(name.is_empty() || name.starts_with("lendpeak2-production-restore-"), "{call:?}");
        }
    }
}

/// Host and everything else in the secret.
async fn secret(stack: &Stack) -> anyhow::Result<(String, Value)> {
    let get = stack.sandbox.clients.secrets.get_secret_value().secret_id(SECRET).send().await?;
    let mut fields: Value = serde_json::from_str(get.secret_string().unwrap_or_default())?;
    let host = fields.as_object_mut().and_then(|fields| fields.remove("host")).unwrap_or_default();
    Ok((host.as_str().unwrap_or_default().to_owned(), fields))
}
