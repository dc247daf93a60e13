//! Looks at the sandbox again and again, and tells what is new.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricAlarm, StateValue, Statistic};
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use sandbox::Sandbox;
use sandbox::clients::Clients;
use sandbox::standin::Now;
use serde_json::Value;

use super::screen::{Mark, Screen};
use super::words::call_words;

const PREFIX: &str = "lendpeak2-production-";
pub(super) const CPU_ALARM: &str = "lendpeak2-production-ecs-cpu";
pub(super) const ERROR_ALARM: &str = "lendpeak2-production-alb-5xx-rate";
const LEDGER: &str = "lendpeak2-production-ledger";
const CHECKS: [&str; 6] = ["health", "health-db", "health-redis", "page", "asset", "cors"];
/// A change of the CPU that is worth a line.
const CPU_STEP: f64 = 12.0;

pub(super) struct Watch<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) clients: &'a Clients,
    pub(super) screen: &'a Screen,
    /// Whose calls and records are told.
    function: &'static str,
    alarms: BTreeMap<String, StateValue>,
    shown: Now,
    calls_seen: usize,
    told_reads: Vec<String>,
    /// Whether the last write that was told was a record alone.
    told_record: bool,
    outcomes: Vec<Value>,
    /// Runs of the probe that put their metrics.
    pub(super) probes: usize,
    /// The front end's main asset as CloudFront serves it.
    pub(super) asset: Asset,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asset {
    pub(super) etag: String,
    pub(super) x_cache: String,
    pub(super) age: u64,
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        sandbox: &'a Sandbox,
        clients: &'a Clients,
        screen: &'a Screen,
        function: &'static str,
    ) -> Self {
        Self {
            sandbox,
            clients,
            screen,
            function,
            alarms: BTreeMap::new(),
            shown: Now::default(),
            calls_seen: 0,
            told_reads: Vec::new(),
            told_record: false,
            outcomes: Vec::new(),
            probes: 0,
            asset: Asset::default(),
        }
    }

    /// The state of an alarm, as in `OK`.
    pub(super) fn alarm(&self, name: &str) -> String {
        self.alarms.get(name).map_or_else(String::new, |state| state.as_str().to_owned())
    }

    pub(super) fn is(&self, alarm: &str, state: &str) -> bool {
        self.alarm(alarm) == state
    }

    /// Whether a run of the function ended with this decision.
    pub(super) fn decided(&self, decision: &str) -> bool {
        self.outcomes.iter().any(|outcome| text(outcome, "/decision") == decision)
    }

    /// The last outcome with this decision.
    pub(super) fn last(&self, decision: &str) -> Option<&Value> {
        self.outcomes.iter().rev().find(|outcome| text(outcome, "/decision") == decision)
    }

    /// The outcome that tells most: the one that acted or would have, else the last.
    pub(super) fn outcome(&self) -> Option<&Value> {
        let told = |outcome: &&Value| ["applied", "observed"].contains(&text(outcome, "/decision"));
        self.outcomes.iter().find(told).or(self.outcomes.last())
    }

    pub(super) async fn look(&mut self) -> anyhow::Result<()> {
        self.look_at_service();
        self.look_at_asset().await?;
        self.look_at_alarms().await?;
        self.look_at_calls().await?;
        self.look_at_ledger().await
    }

    fn look_at_service(&mut self) {
        let now = self.sandbox.standin.now();
        if now.broken != self.shown.broken {
            let (mark, what) =
                if now.broken { (Mark::Bad, "answers 500") } else { (Mark::Good, "answers 200 again") };
            self.screen.line(mark, "backend", what);
            self.shown.broken = now.broken;
        }
        let settled = now.cpu >= 99.9 && self.shown.cpu < 99.9;
        if now.running_tasks == self.shown.running_tasks
            && (now.cpu - self.shown.cpu).abs() < CPU_STEP
            && !settled
        {
            return;
        }
        let mark = if now.cpu > 80.0 { Mark::Bad } else { Mark::Good };
        let text = format!("CPU {:>3.0} % in each of {} tasks", now.cpu, now.running_tasks);
        self.screen.line(mark, "backend", &text);
        self.shown = now;
    }

    async fn look_at_asset(&mut self) -> anyhow::Result<()> {
        let asset = asset(&self.sandbox.standin.url()).await?;
        let known = !self.asset.etag.is_empty();
        if known && (&asset.etag, &asset.x_cache) != (&self.asset.etag, &self.asset.x_cache) {
            let what = format!("serves {}: {}", asset.etag, asset.x_cache);
            self.screen.line(Mark::Good, "CloudFront", &what);
        }
        self.asset = asset;
        Ok(())
    }

    async fn look_at_alarms(&mut self) -> anyhow::Result<()> {
        for alarm in alarms(self.clients).await? {
            let (Some(name), Some(state)) = (alarm.alarm_name(), alarm.state_value()) else {
                continue;
            };
            let before = self.alarms.insert(name.to_owned(), state.clone());
            let is_new = before.as_ref() != Some(state);
            let is_alarm = *state == StateValue::Alarm;
            if !is_new || (before.is_none() && !is_alarm) {
                continue;
            }
            self.tell_alarm(&alarm, is_alarm);
        }
        Ok(())
    }

    fn tell_alarm(&self, alarm: &MetricAlarm, is_alarm: bool) {
        let mark = if is_alarm { Mark::Bad } else { Mark::Good };
        let name = alarm.alarm_name().unwrap_or_default().trim_start_matches(PREFIX);
        let state = alarm.state_value().map_or("", StateValue::as_str);
        let reason = short_numbers(alarm.state_reason().unwrap_or_default());
        self.screen.line(mark, "alarm", &format!("{name} is {state}. {reason}"));
        for action in alarm.alarm_actions().iter().filter(|_| is_alarm) {
            let topic = action.rsplit(':').next().unwrap_or(action);
            let what = format!("the alarm's message goes to topic {topic}");
            self.screen.line(Mark::Info, "SNS", &what);
        }
    }

    /// What the functions called since the last look: reads on one line, each write on its own.
    async fn look_at_calls(&mut self) -> anyhow::Result<()> {
        let all = self.sandbox.gateway.calls();
        let new = all.get(self.calls_seen..).unwrap_or_default();
        self.calls_seen = all.len();
        let (mut reads, function) = (Vec::new(), self.function);
        for call in new.iter().filter(|call| call.caller == function) {
            if call.is_read() {
                reads.push(call.name());
                continue;
            }
            // Who looks again and again, and waits, records that each time.
            let records = call.operation == "PutItem";
            if records && std::mem::replace(&mut self.told_record, records) {
                continue;
            }
            self.told_record = records;
            self.tell_reads(std::mem::take(&mut reads));
            self.screen.call(Mark::Writes, self.function, &call_words(call));
            self.told_reads.clear();
        }
        self.tell_reads(reads);
        if new.iter().any(|call| call.caller == "health-probe" && call.operation == "PutMetricData") {
            self.probes += 1;
            let times = probe_times(self.clients).await?;
            self.screen.line(Mark::Good, "health-probe", &format!("ran by its schedule: {times}"));
        }
        Ok(())
    }

    /// A read that is repeated until it shows what is hoped for is told once.
    fn tell_reads(&mut self, mut reads: Vec<String>) {
        reads.dedup();
        if !reads.is_empty() && reads != self.told_reads {
            let what = format!("reads {}", reads.join(", "));
            self.screen.call(Mark::Reads, self.function, &what);
            self.told_reads = reads;
        }
    }

    async fn look_at_ledger(&mut self) -> anyhow::Result<()> {
        let outcomes = audit_records(self.clients, self.function).await?;
        let mut before = self.outcomes.last();
        for outcome in outcomes.iter().skip(self.outcomes.len()) {
            let again = before.is_some_and(|before| text(before, "/code") == text(outcome, "/code"));
            if !again || text(outcome, "/decision") == "applied" {
                self.tell(outcome);
            }
            before = Some(outcome);
        }
        self.outcomes = outcomes;
        Ok(())
    }

    /// First what a person wants to know; the rest for whoever wants to see how it is done.
    fn tell(&self, outcome: &Value) {
        let mark = match text(outcome, "/decision") {
            "applied" => Mark::Good,
            "failed" => Mark::Bad,
            _ => Mark::Info,
        };
        self.screen.line(mark, self.function, &short_numbers(text(outcome, "/summary")));
        let say = |mark, what: String| self.screen.call(mark, self.function, &what);
        for step in outcome.get("steps").and_then(Value::as_array).into_iter().flatten() {
            let failed = text(step, "/result") == "failed";
            let mark = if failed { Mark::Bad } else { Mark::Good };
            say(mark, format!("{}: {}", text(step, "/result"), text(step, "/action")));
        }
        if let Some(verified) = outcome.pointer("/verification/verified").and_then(Value::as_bool) {
            let (mark, word) = if verified { (Mark::Good, "verified") } else { (Mark::Bad, "not verified") };
            say(mark, format!("{word}: {}", text(outcome, "/verification/what")));
        }
        let reason = short(&short_numbers(text(outcome, "/reason")));
        say(Mark::Info, format!("recorded as {}: {reason}", text(outcome, "/decision")));
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// As much as a line or two can take.
pub(super) fn short(text: &str) -> String {
    const LONG: usize = 240;
    if text.chars().count() <= LONG {
        return text.to_owned();
    }
    text.chars().take(LONG).chain(['…']).collect()
}

/// `80.1366602994` as `80.1`.
fn short_numbers(text: &str) -> String {
    let short = |word: &str| match word.parse::<f64>() {
        Ok(number) if word.contains('.') => format!("{number:.1}"),
        _ => word.to_owned(),
    };
    text.split(' ').map(short).collect::<Vec<_>>().join(" ")
}

async fn alarms(clients: &Clients) -> anyhow::Result<Vec<MetricAlarm>> {
    let described = clients.cloudwatch.describe_alarms().alarm_name_prefix(PREFIX).send().await?;
    Ok(described.metric_alarms.unwrap_or_default())
}

/// What a browser gets from CloudFront.
async fn asset(front_end: &str) -> anyhow::Result<Asset> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let answer = client.get(format!("{front_end}/assets/main.js").parse()?).await?;
    let header = |name: &str| {
        answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let age = header("age").parse().unwrap_or_default();
    Ok(Asset { etag: header("etag"), x_cache: header("x-cache"), age })
}

/// The outcomes in a function's audit records, oldest first.
async fn audit_records(clients: &Clients, function: &str) -> anyhow::Result<Vec<Value>> {
    let query = clients
        .dynamodb
        .query()
        .table_name(LEDGER)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(format!("audit#{function}")));
    let outcomes = query
        .send()
        .await?
        .items()
        .iter()
        .filter_map(|item| {
            let outcome = item.get("outcome")?.as_s().ok()?;
            serde_json::from_str(outcome).ok()
        })
        .collect();
    Ok(outcomes)
}

/// The probe's latest total time of each check, from its metrics.
async fn probe_times(clients: &Clients) -> anyhow::Result<String> {
    let mut times = Vec::new();
    for check in CHECKS {
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        let now = SystemTime::now();
        let statistics = clients
            .cloudwatch
            .get_metric_statistics()
            .namespace("LendPeak2")
            .metric_name("TotalTime")
            .dimensions(dimension("Environment", "production"))
            .dimensions(dimension("Check", check))
            .start_time(DateTime::from(now - Duration::from_mins(5)))
            .end_time(DateTime::from(now))
            .period(300)
            .statistics(Statistic::Maximum)
            .send()
            .await?;
        let time = statistics.datapoints().first().and_then(aws_sdk_cloudwatch::types::Datapoint::maximum);
        times.push(time.map_or_else(|| format!("{check} ?"), |time| format!("{check} {time:.0} ms")));
    }
    Ok(times.join(", "))
}
