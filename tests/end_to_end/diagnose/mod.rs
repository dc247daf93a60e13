//! `diagnose` from a question to its answer, against the sandbox with real SDK calls.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod causes;
mod events;
mod front_end;
mod input;
mod secrecy;
mod sight;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sandbox::{
    deploy::{self, CLUSTER, LOG_GROUP, SERVICE},
    gateway::{DISTRIBUTION, FRONT_END_BUILD, REDIS_GROUP, REDIS_PORT, SECRET, SOURCE},
    stack::{Stack, outcome, refuses},
    standin::LOAD_BALANCER,
};
use serde_json::{Value, json};

type Test = anyhow::Result<()>;

const LONG_AGO: Duration = Duration::from_hours(48);
/// In whole periods of five minutes, what began then shows in three or four.
const MINUTES_AGO: f64 = 22.0;

/// A stack that has run well for two days.
async fn start() -> anyhow::Result<Stack> {
    let probe = sandbox::names::function_name("health-probe");
    let settings = [
        ("LOG_GROUP", LOG_GROUP),
        ("LOAD_BALANCER", LOAD_BALANCER),
        ("DATABASE_CLUSTER", SOURCE),
        ("DATABASE_SECRET", SECRET),
        ("DISTRIBUTION_ID", DISTRIBUTION),
        ("BUILD_PROJECT", FRONT_END_BUILD),
        ("REDIS_SECURITY_GROUPS", REDIS_GROUP),
        ("REDIS_PORT", REDIS_PORT),
        ("PROBE_FUNCTION", &probe),
        ("ALARM_PREFIX", "lendpeak2-production-"),
    ];
    let stack = Stack::start("diagnose", &settings).await?;
    deploy::calm_alarms(&stack.sandbox.clients).await?;
    stack.sandbox.gateway.ecs().age_deployments(LONG_AGO);
    stack.sandbox.gateway.ecs().age_tasks(LONG_AGO);
    Ok(stack)
}

/// Asks for everything. Whatever was found, nothing was changed.
async fn report(stack: &Stack) -> anyhow::Result<Value> {
    answer(stack, &json!({})).await
}

async fn answer(stack: &Stack, event: &Value) -> anyhow::Result<Value> {
    let function = stack.function(&[]).await?;
    let report = outcome(&function, event).await?;
    anyhow::ensure!(stack.writes().is_empty(), "{:?}", stack.writes());
    Ok(report)
}

/// The first finding has this cause, and the text has what to do next. Answers the finding.
async fn finds(stack: &Stack, cause: &str) -> anyhow::Result<Value> {
    let report = report(stack).await?;
    let screen = screen(&report);
    anyhow::ensure!(
        text(&report, "/findings/0/cause") == cause,
        "not {cause}:\n{screen}\n{:#}",
        report["findings"]
    );
    let level = &report["findings"][0]["support_level"];
    anyhow::ensure!(screen.contains(&format!("\nNext (level {level}): ")), "no next step:\n{screen}");
    anyhow::ensure!(screen.contains("\nIt worked if: "), "no way to see that it helped:\n{screen}");
    Ok(report["findings"][0].clone())
}

/// What a person reads.
fn screen(report: &Value) -> String {
    let lines = report["text"].as_array().into_iter().flatten();
    lines.filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

fn text<'a>(report: &'a Value, pointer: &str) -> &'a str {
    report.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The causes of a list of findings.
fn causes(findings: &Value) -> Vec<&str> {
    findings.as_array().into_iter().flatten().map(|finding| text(finding, "/cause")).collect()
}

/// From one value to another, some minutes ago and at once.
fn step(from: f64, to: f64) -> [(f64, f64); 2] {
    [(MINUTES_AGO + 0.01, from), (MINUTES_AGO, to)]
}

fn ago(minutes: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_mins(minutes)
}

#[tokio::test]
async fn a_stack_that_is_well_has_nothing_to_be_found() -> Test {
    let stack = start().await?;
    let report = report(&stack).await?;
    assert_eq!(text(&report, "/summary"), "Nothing found.", "{report:#}");
    assert!(screen(&report).starts_with("Nothing found.\n"), "{report:#}");
    assert_eq!((&report["nothing_found"], &report["not_seen"]), (&json!(true), &json!([])));
    let seen = report["looked_at"].as_array().map(Vec::len);
    assert_eq!(seen, Some(20), "{:#}", report["looked_at"]);
    Ok(())
}
