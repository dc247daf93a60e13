//! A release that answers 500, among a lot else that looks wrong: a person asks `diagnose`, and does what it says.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use sandbox::Sandbox;
use sandbox::deploy::{self, LOG_GROUP};
use serde_json::{Value, json};
use subject::Subject;

use super::{Facts, Story, fact};
use crate::Mode;
use crate::screen::Mark;
use crate::watch::Watch;

/// The stack has run for so long.
const BEFORE: Duration = Duration::from_hours(48);
/// The release was deployed that long ago, and the first errors came two minutes later. CloudWatch's periods of five
/// minutes have to be over before they show.
const RELEASED: Duration = Duration::from_mins(24);
const ERRORS_MINUTES: f64 = 22.0;
const ERRORS: [&str; 2] = ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"];
/// What a busy backend logs when it fails: many lines, none of which is the cause.
const NOISE: [&str; 4] = [
    "ERROR unhandled rejection in GET /api/loans: TypeError: Cannot read properties of undefined",
    "ERROR could not send e-mail: queue is full",
    "ERROR slow request: POST /api/loans took 1204 ms",
    "ERROR rate limit of the credit bureau is near",
];

#[derive(Default)]
pub(crate) struct Diagnose {
    /// Whether `diagnose` has found nothing any more.
    is_well: Cell<bool>,
}

impl Story for Diagnose {
    const NAME: &'static str = "diagnose";
    const FUNCTION: &'static Subject = &subject::rollback::SUBJECT;
    /// No alarm comes before the person.
    const METRICS: bool = false;

    async fn prepare(&self, sandbox: &Sandbox) -> anyhow::Result<()> {
        sandbox.release(&[("FEATURE", "new")]).await?;
        deploy::calm_alarms(&sandbox.clients).await?;
        age(sandbox, BEFORE);
        Ok(())
    }

    fn is_quiet(&self, watch: &Watch<'_>) -> bool {
        watch.sandbox.standin.now().running_tasks > 0
    }

    async fn go_wrong(&self, watch: &Watch<'_>) -> anyhow::Result<()> {
        let sandbox = watch.sandbox;
        let release = sandbox.release(&[("BROKEN", "true")]).await?;
        age(sandbox, RELEASED);
        let [namespace, metric] = ERRORS;
        let rise = [(ERRORS_MINUTES + 0.01, 1.0), (ERRORS_MINUTES, 25_000.0)];
        sandbox.gateway.cloudwatch().set(namespace, metric, &rise);
        log_noise(sandbox).await?;
        let bad = |who, what: &str| watch.screen.line(Mark::Bad, who, what);
        bad("release", &format!("{release} was deployed {} minutes ago", RELEASED.as_secs() / 60));
        bad("load balancer", "answers 5xx to most requests; no target is healthy");
        bad("log", &format!("{} kinds of errors, hundreds of lines", NOISE.len()));
        Ok(())
    }

    fn is_wrong(&self, watch: &Watch<'_>) -> bool {
        watch.sandbox.standin.now().broken
    }

    async fn respond(&self, watch: &mut Watch<'_>, mode: Mode) -> anyhow::Result<()> {
        let report = ask(watch).await?;
        let remedy = report.pointer("/findings/0/remedy").context("diagnose found nothing")?;
        let (Some(function), Some(send)) =
            (remedy.get("function").and_then(Value::as_str), remedy.get("send"))
        else {
            anyhow::bail!("diagnose names no function: {remedy:#}");
        };
        say(watch, &format!("does that: sends {function} {send}"));
        watch.clients.ask(function, send).await?;
        if mode == Mode::Observe {
            return Ok(());
        }
        watch.look().await?;
        while watch.sandbox.standin.now().broken {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        watch.look().await?;
        age(watch.sandbox, RELEASED);
        let [namespace, metric] = ERRORS;
        watch.sandbox.gateway.cloudwatch().set(namespace, metric, &[(0.0, 1.0)]);
        watch.screen.line(Mark::Info, "CloudWatch", "as some periods later, without errors in them");
        let report = ask(watch).await?;
        ensure!(report.get("nothing_found") == Some(&Value::Bool(true)), "diagnose still finds: {report:#}");
        self.is_well.set(true);
        Ok(())
    }

    fn is_well(&self, watch: &Watch<'_>) -> bool {
        self.is_well.get() && !watch.sandbox.standin.now().broken
    }

    fn facts(&self, watch: &Watch<'_>) -> Facts {
        let runs = watch.sandbox.standin.runs();
        let release = runs.rsplit(':').next().unwrap_or_default();
        let health = if watch.sandbox.standin.now().broken { "500" } else { "200" };
        vec![("set to", format!("revision {release}")), ("/health answers", health.to_owned())]
    }

    fn lesson(&self, _before: &Facts, after: &Facts) -> String {
        format!("One question, one cause, one next step: {} runs again.", fact(after, "set to"))
    }
}

/// A person sends `{}`; what it read and its text are shown as they are.
async fn ask(watch: &Watch<'_>) -> anyhow::Result<Value> {
    say(watch, "sends diagnose {}");
    let record = watch.sandbox.gateway.record();
    let before = record.by("diagnose").len();
    let report = watch.clients.ask("diagnose", &json!({})).await?;
    let calls = record.by("diagnose");
    let mut services: BTreeMap<&str, u32> = BTreeMap::new();
    for call in calls.iter().skip(before) {
        *services.entry(call.service.as_str()).or_default() += 1;
    }
    let services: Vec<String> = services.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let sources = report.get("looked_at").and_then(Value::as_array).map_or(0, Vec::len);
    let took = report.get("duration_ms").and_then(Value::as_u64).unwrap_or_default();
    let calls = calls.len() - before;
    let read =
        format!("reads {sources} sources at once in {took} ms, {calls} calls: {}", services.join(", "));
    watch.screen.call(Mark::Reads, "diagnose", &read);
    watch.screen.say("");
    let text = report.get("text").and_then(Value::as_array);
    for line in text.into_iter().flatten().filter_map(Value::as_str) {
        watch.screen.say(&format!("    {line}"));
    }
    watch.screen.say("");
    Ok(report)
}

/// As if all that runs and was deployed so far had begun that much earlier.
fn age(sandbox: &Sandbox, by: Duration) {
    sandbox.gateway.ecs().age_deployments(by);
    sandbox.gateway.ecs().age_tasks(by);
}

async fn log_noise(sandbox: &Sandbox) -> anyhow::Result<()> {
    let logs = &sandbox.clients.logs;
    let stream = "ecs/backend/noise";
    logs.create_log_stream().log_group_name(LOG_GROUP).log_stream_name(stream).send().await?;
    let at = jiff::Timestamp::now().as_millisecond();
    let lines = NOISE.iter().cycle().take(NOISE.len() * 60);
    let events = lines.map(|line| InputLogEvent::builder().timestamp(at).message(*line).build());
    let events = events.collect::<Result<Vec<_>, _>>()?;
    let put = logs.put_log_events().log_group_name(LOG_GROUP).log_stream_name(stream);
    put.set_log_events(Some(events)).send().await?;
    Ok(())
}

fn say(watch: &Watch<'_>, what: &str) {
    watch.screen.line(Mark::Info, "a person", what);
}
