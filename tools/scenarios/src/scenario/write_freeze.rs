//! `write-freeze`: a check of the data has found loans below zero.

use std::collections::BTreeSet;

use anyhow::Context;
use jiff::Timestamp;
use sandbox::Sandbox;
use sandbox::clients::ACCOUNT;
use sandbox::deploy::{CLUSTER, FAMILY, SERVICE};
use sandbox::stack::{self, TARGET};
use serde_json::{Value, json};

use super::{Flow, LocalWork, NOTICES, STILL_BROKEN, Scenario, already};
use crate::job::{Addresses, Job};
use crate::peer::{Play, Row};

pub(super) static SCENARIO: Scenario = Scenario {
    subject: &subject::write_freeze::SUBJECT,
    settings: &[("NOTICE_TOPIC_ARN", NOTICES)],
    make_needed: already,
    flow: Flow::Acts { alarm, by_hand },
    peer: Some(peer),
    jobs,
};

fn alarm(since: Timestamp) -> Value {
    stack::alarm("lendpeak2-production-negative-loans", ["LendPeak2/Data", "NegativeLoans"], &[], since)
}

fn by_hand() -> Value {
    json!({ "state": "on", "reason": STILL_BROKEN })
}

fn peer(rows: &mut Vec<Row>) -> LocalWork<'_> {
    Box::pin(async move {
        let mut play = Play::start(&SCENARIO, &[], rows).await?;
        let release = register_full_release(play.sandbox()).await?;
        let before = definition(play.sandbox(), &release).await;
        play.ask("on", &json!({ "state": "on", "reason": "loans are negative" }), "applied applied").await?;
        let copy = definition(play.sandbox(), &play.sandbox().runs().await?).await;
        let mut changed = Vec::new();
        differing(&before, &copy, "", &mut changed);
        let expected = "tags/1, taskDefinition/containerDefinitions/0/environment/1, taskDefinition/revision, \
                        taskDefinition/taskDefinitionArn";
        play.row("fields that its copy changes", expected, changed.join(", "));
        let variable = copy.pointer("/taskDefinition/containerDefinitions/0/environment/1").cloned();
        let expected = json!({ "name": "READONLY_MODE", "value": "true" });
        play.row("the variable", expected, variable.unwrap_or_default());
        play.ask("on again", &json!({ "state": "on" }), "nothing_to_do already_frozen").await?;
        play.ask("off", &json!({ "state": "off", "reason": "mended" }), "applied applied").await?;
        play.row_of_what_runs("what runs then", &release).await?;
        let frozen = play.stack.item(&format!("target#{TARGET}"), "freeze").await?;
        play.row("the freeze on record", "null", json!(frozen));
        play.ask("off again", &json!({ "state": "off" }), "nothing_to_do not_frozen").await?;
        Ok(())
    })
}

/// A release whose task definition has more in it than the first one, deployed.
async fn register_full_release(sandbox: &Sandbox) -> anyhow::Result<String> {
    let mut described = definition(sandbox, FAMILY).await;
    let more = json!({
        "cpu": "512", "memory": "1024", "volumes": [{ "name": "scratch" }],
        "taskRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/lendpeak2-production-task"),
        "executionRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/lendpeak2-production-task-execution"),
        "ephemeralStorage": { "sizeInGiB": 30 }, "pidMode": "task",
        "runtimePlatform": { "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" },
    });
    let more_of_container = json!({
        "cpu": 256, "memory": 512, "memoryReservation": 256, "command": ["serve"], "entryPoint": ["/bin/sh"],
        "dependsOn": [], "dockerLabels": { "team": "loans" }, "stopTimeout": 30, "startTimeout": 60,
        "healthCheck": { "command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3 },
        "linuxParameters": { "initProcessEnabled": true }, "readonlyRootFilesystem": true, "user": "1000",
        "mountPoints": [{ "sourceVolume": "scratch", "containerPath": "/tmp", "readOnly": false }],
        "ulimits": [{ "name": "nofile", "softLimit": 4096, "hardLimit": 8192 }], "workingDirectory": "/srv",
        "systemControls": [{ "namespace": "net.core.somaxconn", "value": "1024" }],
    });
    let tags = described.get("tags").cloned().unwrap_or_default();
    let task =
        described.pointer_mut("/taskDefinition").and_then(Value::as_object_mut).context("no release")?;
    let container = task.get_mut("containerDefinitions").and_then(|containers| containers.get_mut(0));
    let container = container.and_then(Value::as_object_mut).context("no container")?;
    container.extend(more_of_container.as_object().cloned().unwrap_or_default());
    let request: Value = ["family", "networkMode", "requiresCompatibilities", "containerDefinitions"]
        .into_iter()
        .filter_map(|field| Some((field.to_owned(), task.get(field)?.clone())))
        .chain(more.as_object().cloned().unwrap_or_default())
        .chain([("tags".to_owned(), tags)])
        .collect();
    let registered = sandbox.gateway.ask_ecs("RegisterTaskDefinition", &request).await;
    let revision = registered.pointer("/taskDefinition/revision").and_then(Value::as_u64);
    let release = format!("{FAMILY}:{}", revision.with_context(|| format!("refused: {registered}"))?);
    let update = sandbox.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
    update.task_definition(&release).send().await?;
    Ok(release)
}

/// All that moto says of a task definition, with its tags.
async fn definition(sandbox: &Sandbox, name: &str) -> Value {
    let request = json!({ "taskDefinition": name, "include": ["TAGS"] });
    sandbox.gateway.ask_ecs("DescribeTaskDefinition", &request).await
}

/// The places in which two values differ, such as `containerDefinitions/0/environment/1`.
fn differing(one: &Value, other: &Value, place: &str, found: &mut Vec<String>) {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") };
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            let field = |fields: &serde_json::Map<String, Value>, name| fields.get(name).cloned();
            for name in names {
                let values = [field(one, name), field(other, name)].map(Option::unwrap_or_default);
                differing(&values[0], &values[1], &below(name), found);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for number in 0..one.len().max(other.len()) {
                let item = |items: &[Value]| items.get(number).cloned().unwrap_or_default();
                differing(&item(one), &item(other), &below(&number.to_string()), found);
            }
        }
        _ if one == other => {}
        _ => found.push(place.to_owned()),
    }
}

fn jobs(endpoint: &Addresses) -> Vec<Job> {
    let own = [
        ("CLUSTER", "lendpeak2-production"),
        ("SERVICE", "backend"),
        ("CONTAINER", "backend"),
        ("VARIABLE", "READONLY_MODE"),
        ("VALUE", "true"),
    ];
    let request = json!({ "state": "on", "reason": "benchmark" });
    vec![Job::of_remedy(&subject::write_freeze::SUBJECT, endpoint, &own, request)]
}
