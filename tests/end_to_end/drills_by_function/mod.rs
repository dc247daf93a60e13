//! The ten drills, by the deployed functions and without the machine that joins them: the
//! probe feels each one, `diagnose` names its cause and what helps, and that helps.

mod each;

use std::time::Duration;

use anyhow::{Context, ensure};
use drills::{Drill, End, Expected};
use sandbox::{
    Options, Sandbox,
    deploy::{CLUSTER, SERVICE},
};
use serde_json::{Value, json};

type Test = anyhow::Result<()>;

/// Whether the probe passes, asked once.
async fn passes(sandbox: &Sandbox) -> anyhow::Result<bool> {
    let report = sandbox.clients.ask("health-probe", &json!({ "tries": 1, "dry_run": true })).await?;
    report.get("healthy").and_then(Value::as_bool).context("no verdict of the probe")
}

/// A sandbox in which it has gone wrong; no alarm acts by itself.
async fn broken(drill: Drill) -> anyhow::Result<Sandbox> {
    let sandbox = Sandbox::start(Options { metrics: false, ..Options::default() }).await?;
    drill.prepare(&sandbox).await?;
    ensure!(passes(&sandbox).await?, "{} is not well before it goes wrong", drill.name());
    drill.go_wrong(&sandbox).await?;
    Ok(sandbox)
}

/// Plays a drill as far as a person could by hand. Answers the first finding.
async fn play(drill: Drill) -> anyhow::Result<Value> {
    let sandbox = broken(drill).await?;
    ensure!(passes(&sandbox).await? == drill.is_well(), "the probe of {}", drill.name());
    let Expected { first_cause, end } = drill.expected();
    let report = sandbox.clients.ask("diagnose", &json!({})).await?;
    let first = report.pointer("/findings/0").cloned().unwrap_or_default();
    let told = |name: &str| first.get(name).and_then(Value::as_str);
    ensure!(told("cause") == first_cause, "{}: {report:#}", drill.name());
    match end {
        End::Resolved { by: Some(function) } => {
            ensure!(["certain", "likely"].map(Some).contains(&told("confidence")), "{first:#}");
            help(&sandbox, function, &first).await?;
            recovers(&sandbox).await?;
        }
        End::Resolved { by: None } => ensure!(first.pointer("/remedy/function").is_none(), "{first:#}"),
        End::Escalated { level } => {
            ensure!(told("confidence") == Some("certain"), "{first:#}");
            ensure!(first.pointer("/remedy/function").is_none(), "{first:#}");
            ensure!(first.get("support_level") == Some(&json!(level)), "{first:#}");
        }
    }
    Ok(first)
}

/// Does what the finding says.
async fn help(sandbox: &Sandbox, function: &str, finding: &Value) -> Test {
    if function == "restart" && finding.pointer("/remedy/function").is_none() {
        // As a person does it who reads what comes next.
        let update = sandbox.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
        update.force_new_deployment(true).send().await?;
        return Ok(());
    }
    ensure!(finding.pointer("/remedy/function") == Some(&json!(function)), "{finding:#}");
    let send = finding.pointer("/remedy/send").context("nothing to send")?;
    let outcome = sandbox.clients.ask(function, send).await?;
    ensure!(outcome.get("decision") == Some(&json!("applied")), "{outcome:#}");
    Ok(())
}

async fn recovers(sandbox: &Sandbox) -> Test {
    for _ in 0..50 {
        if passes(sandbox).await? {
            ensure!(passes(sandbox).await?, "it passed once and not twice");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!("the probe still fails: {:?}", sandbox.standin.now())
}
