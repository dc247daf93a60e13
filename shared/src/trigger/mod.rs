//! What woke a function: any event, read into one [`Trigger`].
//!
//! An event is a hint. Nothing here names what may be changed: that is for the settings.
//!
//! The envelopes are those of the crate `aws_lambda_events`. They are read from a [`Value`] that [`json`] has read before:
//! the crate would take the last of two fields with one name. What comes by SQS is no trigger but a [`Message`]: only
//! `incident` takes those.

mod alarm;
mod ecs;
mod envelope;
mod json;
mod message;
mod mistake;
mod origin;
mod person;
mod pipeline;
mod schedule;

use aws_lambda_events::sns::SnsRecord;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use alarm::{Alarm, AlarmState, Metric};
pub use ecs::EcsEvent;
pub use message::{Message, Sender, messages};
pub use origin::{CLOUDFRONT_REGION, Here, Origin};
pub use person::Asked;
pub use pipeline::{PipelineEvent, PipelineService};

use crate::{error::Error, invocation::Invocation};

/// One reason to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// The same for every delivery of the same event, and for an alarm by each of its three routes.
    pub id: String,
    /// When it happened, by the sender's clock.
    pub at: Timestamp,
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Origin::is_plain")]
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Alarm(Alarm),
    Schedule { schedule: String },
    Ecs(EcsEvent),
    Pipeline(PipelineEvent),
    StepFunctions { execution: String, state: String, asked: Asked },
    Person(Asked),
}

impl Trigger {
    /// What a person or a state machine asked for; events ask for nothing in particular.
    pub fn asked(&self) -> Option<&Asked> {
        match &self.kind {
            Kind::Person(asked) | Kind::StepFunctions { asked, .. } => Some(asked),
            Kind::Alarm(_) | Kind::Schedule { .. } | Kind::Ecs(_) | Kind::Pipeline(_) => None,
        }
    }
}

impl Trigger {
    /// Whether AWS reports something: what it asks for is still wanted when it cannot be done yet.
    pub fn is_an_event(&self) -> bool {
        matches!(self.kind, Kind::Alarm(_) | Kind::Ecs(_) | Kind::Pipeline(_))
    }

    pub fn is_scheduled(&self) -> bool {
        matches!(self.kind, Kind::Schedule { .. })
    }

    /// Whether the whole answer is wanted. A state machine takes what it needs from it.
    pub fn is_verbose(&self) -> bool {
        matches!(self.kind, Kind::StepFunctions { .. }) || self.asked().is_some_and(|asked| asked.verbose)
    }

    /// Whether it asks for a dry run.
    pub fn only_looks(&self) -> bool {
        self.asked().is_some_and(|asked| asked.dry_run)
    }

    /// Who asks, for a plan's reason.
    pub fn words(&self) -> String {
        let because =
            |asked: &Asked| asked.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        match &self.kind {
            Kind::Alarm(alarm) => format!("alarm {} rang", alarm.name),
            Kind::Schedule { .. } => "the schedule asks".to_owned(),
            Kind::Ecs(event) => event.event_name.clone().unwrap_or_else(|| event.detail_type.clone()),
            Kind::Pipeline(event) => format!("{} is {}", event.name, event.state),
            Kind::StepFunctions { execution, asked, .. } => {
                // arn:aws:states:region:account:execution:machine:name
                let mut parts = execution.rsplit(':');
                let (name, machine) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                let of = if machine.is_empty() { "a state machine" } else { machine };
                let whom = asked.asker().map(|by| format!(" for {by}")).unwrap_or_default();
                format!("{of} asks{whom}, in its execution {name}{}", because(asked))
            }
            Kind::Person(asked) => {
                format!("asked by {}{}", asked.asker().as_deref().unwrap_or("hand"), because(asked))
            }
        }
    }
}

/// What Step Functions hands over at most. Nothing longer fits with its plan into an item of the ledger, which holds
/// 400 KB; only somebody who sends it by hand can send 6 MB.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// More than any event has. What is asked stands some levels deeper in the ledger, where no more than 128 can be read.
const MAX_DEPTH: usize = 64;

/// Every trigger in an invocation: one, unless SNS sends a batch.
pub fn parse(invocation: &Invocation) -> Result<Vec<Trigger>, Error> {
    let length = invocation.body.len();
    if length > MAX_BODY_BYTES {
        return Err(Error::InvalidRequest(format!(
            "the request has {length} bytes, but may have {MAX_BODY_BYTES} at most"
        )));
    }
    if invocation.body.trim().is_empty() {
        return Err(Error::EmptyRequest);
    }
    let too_deep =
        || Error::InvalidRequest(format!("the request is nested more than {MAX_DEPTH} levels deep"));
    let value = json::read(&invocation.body).map_err(|error| {
        // `serde_json` gives up at 128 levels, before it knows whether the rest is JSON.
        if depth_of_text(&invocation.body) > MAX_DEPTH { too_deep() } else { unreadable(error) }
    })?;
    if depth(&value) > MAX_DEPTH {
        return Err(too_deep());
    }
    let object = match value {
        Value::Object(object) => object,
        Value::Null => return Err(Error::NotAnObject("null")),
        Value::Bool(_) => return Err(Error::NotAnObject("true or false")),
        Value::Number(_) => return Err(Error::NotAnObject("a number")),
        Value::String(_) => return Err(Error::NotAnObject("text")),
        Value::Array(_) => return Err(Error::NotAnObject("a list")),
    };
    let here = Here::of_arn(&invocation.function_arn);
    if let Some(records) = object.get("Records") {
        return records
            .as_array()
            .filter(|records| !records.is_empty())
            .ok_or_else(|| unknown(&object, " with empty Records"))?
            .iter()
            .map(|record| sns_record(record, here.as_ref()).ok_or_else(|| unknown(&object, " in Records"))?)
            .collect();
    }
    match event(&object) {
        Some(trigger) => {
            let origin = Origin::of(&object, None, here.as_ref());
            Ok(vec![Trigger { origin, ..trigger? }])
        }
        None => person::parse(object, invocation).map(|trigger| vec![trigger]),
    }
}

/// Not JSON, or a field stands twice.
fn unreadable(error: serde_json::Error) -> Error {
    if error.is_data() { Error::InvalidRequest(error.to_string()) } else { Error::InvalidJson(error) }
}

/// Of what could not be read: how many lists and objects are open at once.
fn depth_of_text(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let (mut in_text, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => open += 1,
            b']' | b'}' if !in_text => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

/// Of what was read, and so is no deeper than `serde_json` reads.
fn depth(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(values) => values.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        _ => return 0,
    };
    deepest.unwrap_or_default() + 1
}

/// An SNS record carries its event as text. Another service's record is none, and not one with fields missing.
fn sns_record(record: &Value, here: Option<&Here>) -> Option<Result<Trigger, Error>> {
    record.get("Sns")?;
    let sns = match read::<SnsRecord>("SNS record", record) {
        Ok(record) => record.sns,
        Err(error) => return Some(Err(error)),
    };
    let object = match json::read(&sns.message) {
        Ok(Value::Object(object)) => object,
        // Text that is not JSON is not an event; the error says what is wrong with it.
        Err(error) if error.is_data() => return Some(Err(unreadable(error))),
        _ => return None,
    };
    let origin = Origin::of(&object, Some(sns.topic_arn.as_str()), here);
    Some(event(&object)?.map(|trigger| Trigger { origin, ..trigger }))
}

/// The event an object is, if it looks like one.
fn event(object: &Map<String, Value>) -> Option<Result<Trigger, Error>> {
    let value = || Value::Object(object.clone());
    if object.contains_key("alarmData") {
        return Some(alarm::direct(value()));
    }
    if object.contains_key("AlarmName") {
        return Some(alarm::sns(&value()));
    }
    if let Some(detail_type) = object.get("detail-type") {
        let source = object.get("source").and_then(Value::as_str).unwrap_or_default();
        return Some(match (source, detail_type.as_str().unwrap_or_default()) {
            ("aws.cloudwatch", "CloudWatch Alarm State Change") => alarm::event_bridge(&value()),
            ("aws.scheduler" | "aws.events", "Scheduled Event") => schedule::parse(&value()),
            ("aws.ecs", name) if name.starts_with("ECS ") => ecs::parse(&value()),
            ("aws.codebuild", "CodeBuild Build State Change") => pipeline::code_build(&value()),
            ("aws.codepipeline", "CodePipeline Pipeline Execution State Change") => {
                pipeline::code_pipeline(&value())
            }
            (source, name) => Err(unknown(object, &format!(" `{name}` from `{source}`"))),
        });
    }
    // Anything that looks like an AWS event is reported as an unknown event, not as a mistyped request.
    ["source", "detail", "eventSource", "Type", "TopicArn"]
        .iter()
        .any(|key| object.contains_key(*key))
        .then(|| Err(unknown(object, "")))
}

fn unknown(object: &Map<String, Value>, detail: &str) -> Error {
    const MAX_KEYS: usize = 20;
    let keys: Vec<&str> = object.keys().map(String::as_str).take(MAX_KEYS).collect();
    Error::UnknownEvent { detail: detail.to_owned(), keys: keys.join(", ") }
}

/// Reads an event of a known kind, and names the kind when a field is missing or mistyped.
fn read<'de, T: Deserialize<'de>>(what: &str, event: &'de Value) -> Result<T, Error> {
    T::deserialize(event)
        .map_err(|error| Error::InvalidRequest(format!("this {what} cannot be read: {error}")))
}

/// As `serde` says it.
fn missing(what: &str, field: &str) -> Error {
    Error::InvalidRequest(format!("this {what} cannot be read: missing field `{field}`"))
}

/// A time as AWS writes it: RFC 3339, with `+0000` for the zone (alarms), or without any.
fn time(what: &str, text: &str) -> Result<Timestamp, Error> {
    text.parse::<Timestamp>()
        .or_else(|_| text.parse::<DateTime>().and_then(|at| TimeZone::UTC.to_timestamp(at)))
        .map_err(|_| Error::InvalidRequest(format!("this {what} has a time that cannot be read: `{text}`")))
}

#[cfg(test)]
mod tests;
