//! The stack that the runbook manages, as it is, and what the runbook did to it.

use std::collections::BTreeMap;

use anyhow::Context;
use sandbox::Sandbox;
use sandbox::changes::changes_the_stack;
use sandbox::deploy::{CLUSTER, SERVICE};
use sandbox::functions;
use sandbox::gateway::SECRET;
use serde_json::{Value, json};

use super::intents::took_effect;

/// Everything in it that a function could change.
pub(super) async fn state(sandbox: &Sandbox) -> anyhow::Result<Value> {
    let (ecs, gateway) = (&sandbox.clients.ecs, &sandbox.gateway);
    let deployments = ecs.list_service_deployments().cluster(CLUSTER).service(SERVICE).send().await?;
    let definitions = ecs.list_task_definitions().send().await?;
    let secret = sandbox.clients.secrets.get_secret_value().secret_id(SECRET).send().await?;
    let invalidations = gateway.cloudfront().invalidations();
    let targets = gateway.scalable_targets();
    let restored = gateway.docdb().restored();
    let state = json!({
        "desired count": sandbox.desired_count().await?,
        "runs": sandbox.runs().await?,
        "deployments": deployments.service_deployments().len(),
        "task definitions": definitions.task_definition_arns().len(),
        "secret": secret.secret_string().context("the secret is empty")?,
        "invalidations": invalidations.iter().map(|one| &one.paths).collect::<Vec<_>>(),
        "scalable targets": targets.iter().map(|one| json!([one.resource, one.minimum, one.maximum])).collect::<Vec<_>>(),
        "restored": restored.iter().map(|one| json!([one.name, one.fields, one.instances])).collect::<Vec<_>>(),
    });
    nameless(&names(sandbox).await?, &state)
}

/// Which changes of the stack took effect, and how often.
pub(super) async fn effects(sandbox: &Sandbox) -> anyhow::Result<BTreeMap<String, usize>> {
    let (ours, names) = (functions()?, names(sandbox).await?);
    let mut effects = BTreeMap::new();
    for call in sandbox.gateway.calls() {
        if ours.contains(&call.caller) && took_effect(&call) && changes_the_stack(&call) {
            let effect = nameless(&names, &json!([call.name(), call.request]))?.to_string();
            *effects.entry(effect).or_default() += 1;
        }
    }
    Ok(effects)
}

/// Names that are another in every sandbox, each with what stands for it: snapshots and restored clusters have the time
/// in theirs, snapshots are taken at another one, and AWS makes up the end of a secret's ARN and its versions' ids.
async fn names(sandbox: &Sandbox) -> anyhow::Result<Vec<(String, String)>> {
    let secret = sandbox.clients.secrets.describe_secret().secret_id(SECRET).send().await?;
    let versions = secret.version_ids_to_stages.unwrap_or_default().into_keys();
    let versions = versions.map(|version| (version, "a version".to_owned()));
    let secret = (secret.arn.context("a secret without an ARN")?, "the secret".to_owned());
    let docdb = sandbox.gateway.docdb();
    let numbered = |names: Vec<String>, word: &'static str| {
        names.into_iter().enumerate().map(move |(n, name)| (name, format!("{word} {n}")))
    };
    let restored = docdb.restored().into_iter().map(|cluster| cluster.name).collect();
    let snapshots = numbered(docdb.snapshots(), "snapshot");
    let times = docdb.snapshot_times().into_iter().map(|at| (at.to_string(), "its time".to_owned()));
    Ok(snapshots.chain(times).chain(numbered(restored, "restored")).chain(versions).chain([secret]).collect())
}

/// A restored cluster is a target of its own in the ledger.
pub(super) async fn without_names(sandbox: &Sandbox, value: &Value) -> anyhow::Result<Value> {
    nameless(&names(sandbox).await?, value)
}

fn nameless(names: &[(String, String)], value: &Value) -> anyhow::Result<Value> {
    let text = names.iter().fold(value.to_string(), |text, (name, word)| text.replace(name, word));
    let mut value: Value = serde_json::from_str(&text)?;
    // A map has no order on the wire.
    value.sort_all_objects();
    Ok(value)
}
