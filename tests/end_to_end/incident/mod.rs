//! `incident` from an event to the ledger, the notices and OpsCenter, against the sandbox with real SDK calls.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod bodies;
mod crashes;
mod digest;
mod first_hour;
mod input;
mod levels;
mod machine;
mod maintenance;
mod opening;
mod ops_center;
mod outages;
mod report;
mod requests;
mod secrecy;
mod status_page;
mod switches;
mod unheard;
mod unreadable;

use std::ops::Deref;

use anyhow::Context;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Statistic};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use sandbox::{
    Options, Sandbox,
    notices::text_of,
    runtime_api::Bootstrap,
    stack::{self, LEDGER, outcome, tick},
};
use serde_json::{Value, json};

type Test = anyhow::Result<()>;

const COMPOSITE: &str = "lendpeak2-production-service-down";
const PROBE: &str = "lendpeak2-production-probe-failing";
/// Other alarms that open an incident of their own.
const OTHERS: [&str; 4] = [
    "lendpeak2-production-dead-letters",
    "lendpeak2-production-negative-loans",
    "lendpeak2-production-high-cpu",
    "errors",
];
const MACHINE: &str = "arn:aws:states:us-east-1:000000000000:stateMachine:lendpeak2-production-service-down";

struct Stack(stack::Stack);

impl Deref for Stack {
    type Target = stack::Stack;

    fn deref(&self) -> &stack::Stack {
        &self.0
    }
}

/// CloudWatch knows it, and nothing of its state.
async fn put_alarm(sandbox: &Sandbox, name: &str) -> Test {
    let put = sandbox.clients.cloudwatch.put_metric_alarm().alarm_name(name);
    let put = put.namespace("LendPeak2").metric_name("Healthy").statistic(Statistic::Minimum);
    let put = put.period(60).evaluation_periods(3).threshold(1.0);
    put.comparison_operator(ComparisonOperator::LessThanThreshold).send().await?;
    Ok(())
}

impl Stack {
    /// No state machine, unless a test wants it: people handle what is opened.
    async fn start() -> anyhow::Result<Self> {
        Self::with(&[]).await
    }

    /// The same with more settings.
    async fn with(more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let (one, two, three) = (topic("notices"), topic("level-2"), topic("level-3"));
        let alarms = format!("{COMPOSITE},{PROBE}");
        let own = [
            ("NOTICE_TOPIC_ARN", one.as_str()),
            ("LEVEL_2_TOPIC_ARN", two.as_str()),
            ("LEVEL_3_TOPIC_ARN", three.as_str()),
            ("SERVICE_DOWN_ALARMS", alarms.as_str()),
            ("CRITICAL_ALARM", COMPOSITE),
            ("REMEDIES", "rollback=auto,scale-up=approve,restart=observe"),
            ("FUNCTIONS", "scale-up,rollback"),
            ("RUNBOOK_FUNCTIONS", "scale-up,rollback,restart,incident"),
        ];
        // Its state machine calls the others.
        let sandbox = Sandbox::start(Options { metrics: false, ..Options::default() }).await?;
        for name in [COMPOSITE, PROBE].into_iter().chain(OTHERS) {
            put_alarm(&sandbox, name).await?;
        }
        Ok(Self(stack::Stack::in_sandbox(sandbox, "incident", &[&own, more].concat())))
    }

    /// What people were told, in order: the topic's last word and the subject's first.
    fn told(&self) -> Vec<String> {
        let published = self.published().into_iter();
        let short = published.filter_map(|call| {
            let topic = call["TopicArn"].as_str()?.rsplit("production-").next()?.to_owned();
            let subject = call["Subject"].as_str()?;
            let word = subject.strip_prefix("[production] ")?.split_whitespace().next()?;
            Some(format!("{topic} {word}"))
        });
        short.collect()
    }

    /// The notices themselves, with the text of each as its message.
    fn published(&self) -> Vec<Value> {
        let mut published = self.requests();
        for notice in &mut published {
            notice["Message"] = json!(text_of(notice));
        }
        published
    }

    /// The notices as they were handed to SNS.
    fn requests(&self) -> Vec<Value> {
        let calls = self.sandbox.gateway.record().by("incident").into_iter();
        calls.filter(|call| call.name() == "sns Publish").map(|call| call.request).collect()
    }

    /// The incidents that are open, as a person sees them.
    async fn open(&self, function: &Bootstrap) -> anyhow::Result<Vec<String>> {
        let list = outcome(function, &json!({})).await?;
        let open = list["open"].as_array().context("no list")?;
        Ok(open.iter().filter_map(|incident| Some(incident["incident"].as_str()?.to_owned())).collect())
    }

    async fn incident(&self, id: &str) -> anyhow::Result<Value> {
        self.data("incidents", id).await
    }

    /// As if it had been so for that long.
    async fn age(&self, id: &str, field: &str, minutes: i64) -> Test {
        let at = Timestamp::now() - SignedDuration::from_mins(minutes);
        self.change("incidents", id, field, json!(at)).await
    }
}

fn topic(name: &str) -> String {
    format!("arn:aws:sns:us-east-1:000000000000:lendpeak2-production-{name}")
}

/// An alarm as SNS delivers it.
fn alarm(name: &str, changed: Timestamp) -> Value {
    stack::alarm(name, ["LendPeak2", "Healthy"], &[], changed)
}

fn alarm_in(state: &str, name: &str, changed: Timestamp) -> Value {
    let mut event = alarm(name, changed);
    let message = event["Records"][0]["Sns"]["Message"].as_str().unwrap_or_default();
    let changed = message.replace(r#""NewStateValue":"ALARM""#, &format!(r#""NewStateValue":"{state}""#));
    event["Records"][0]["Sns"]["Message"] = json!(changed);
    event
}

/// What a person reads of an answer: its summary and its lines.
fn for_people(answer: &Value) -> String {
    let lines = answer["lines"].as_array().into_iter().flatten();
    let all = std::iter::once(&answer["summary"]).chain(lines);
    all.filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// A step of the state machine.
fn step(state: &str, step: &Value) -> Value {
    json!({ "step_functions": { "execution": format!("{MACHINE}:one"), "state": state }, "request": { "step": step } })
}

/// Opens one by alarm; answers its id.
async fn opened(function: &Bootstrap) -> anyhow::Result<String> {
    let answer = outcome(function, &alarm(COMPOSITE, Timestamp::now())).await?;
    anyhow::ensure!(answer["did"] == "opened", "{answer:#}");
    Ok(answer["incident"].as_str().context("no id")?.to_owned())
}

/// What the probe found some minutes ago.
async fn minute(stack: &Stack, ago: i64, failed: &[&str]) -> Test {
    let at = Timestamp::now() - SignedDuration::from_mins(ago);
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let update = stack.sandbox.clients.dynamodb.update_item().table_name(LEDGER);
    update
        .key("pk", text("minutes"))
        .key("sk", text(&at.strftime("%Y-%m-%dT%H").to_string()))
        .update_expression("SET #minute = :found")
        .expression_attribute_names("#minute", at.strftime("m%M").to_string())
        .expression_attribute_values(":found", text(&json!({ "failed": failed, "ms": 120 }).to_string()))
        .send()
        .await?;
    Ok(())
}
