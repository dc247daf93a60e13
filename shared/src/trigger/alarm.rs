//! A CloudWatch alarm, by each of its three routes: straight to Lambda, through EventBridge, through SNS.
//! Metric-math alarms have metrics without a `metricStat`; composite alarms have no metrics at all.
//!
//! `aws_lambda_events` has types for them. Its `CloudWatchAlarm` and `CloudWatchAlarmData` are used with a
//! [`Configuration`] of our own, since the crate's own types refuse what CloudWatch sends (`tests.rs` has each):
//!
//! - `CloudWatchMetricAlarmConfiguration`: metric math, as an expression has no `metricStat`, and a period of 86,400
//!   seconds, as it reads a period as a `u16`.
//! - `CloudWatchCompositeAlarmConfiguration`: a composite alarm without a suppressor.
//! - `CloudWatchAlarmPayload`, what SNS brings: a composite alarm, which has no `Trigger`, and an alarm whose description
//!   is null, as it has none.
//!
//! Times with the zone `+0000` need no type of our own: the crate reads them.

use std::collections::BTreeMap;

use aws_lambda_events::cloudwatch_alarms::{CloudWatchAlarm, CloudWatchAlarmData, CloudWatchAlarmStateValue};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Kind, Origin, Trigger,
    envelope::{Envelope, moment},
    missing, read, time,
};
use crate::{error::Error, text};

/// What errors call it.
const WHAT: &str = "alarm";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    pub name: String,
    pub arn: String,
    pub state: AlarmState,
    /// The state's reason in CloudWatch's words.
    pub reason: String,
    /// Whether it was `INSUFFICIENT_DATA` before, as an alarm is that was only just made. Of use to whoever hears it, and
    /// in no record.
    #[serde(skip)]
    pub from_no_data: bool,
    /// What the alarm watches; empty for a composite alarm.
    pub metrics: Vec<Metric>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlarmState {
    Alarm,
    Ok,
    InsufficientData,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    pub namespace: String,
    pub name: String,
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
}

/// The state of an alarm that has seen nothing yet.
const NO_DATA: &str = "INSUFFICIENT_DATA";

impl Alarm {
    /// Whether it rings without ever having had a value: it is new, and treats missing data as breaching.
    pub fn is_newborn(&self) -> bool {
        self.from_no_data && self.reason.contains("no datapoints were received")
    }

    /// A dimension's value, when the alarm's metrics agree on it.
    pub fn dimension(&self, name: &str) -> Option<&str> {
        let mut values = self.metrics.iter().filter_map(|metric| metric.dimensions.get(name));
        let first = values.next()?;
        values.all(|value| value == first).then_some(first)
    }
}

/// What is read of an alarm's data: its configuration as far as it is used, and its reason's data as it is.
type Data = CloudWatchAlarmData<Option<Configuration>, Value>;

#[derive(Default, Deserialize, Serialize)]
struct Configuration {
    #[serde(default)]
    metrics: Vec<Query>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    metric_stat: Option<MetricStat>,
}

#[derive(Deserialize, Serialize)]
struct MetricStat {
    metric: Metric,
}

pub(super) fn direct(mut event: Value) -> Result<Trigger, Error> {
    let from_no_data = event.get_mut("alarmData").map(checked).transpose()?.unwrap_or_default();
    let event: CloudWatchAlarm<Option<Configuration>, Value> = read(WHAT, &event)?;
    let arn = event.alarm_arn.ok_or_else(|| missing(WHAT, "alarmArn"))?;
    of_data(event.alarm_data, arn, from_no_data)
}

pub(super) fn event_bridge(event: &Value) -> Result<Trigger, Error> {
    let mut event = Envelope::read("EventBridge alarm", event)?;
    let arn = event.resource().ok_or_else(|| {
        Error::InvalidRequest("this EventBridge alarm names no alarm in `resources`".to_owned())
    })?;
    let mut detail = event.detail_as_it_is()?;
    let from_no_data = checked(&mut detail)?;
    of_data(read("EventBridge alarm", &detail)?, arn, from_no_data)
}

/// Makes an alarm's data ready for the crate's type, and tells whether the alarm had no data before.
///
/// The crate takes a state without its value for OK: that is an error here, as an alarm would be passed over. It refuses
/// an alarm for a previous state of any other form, and for a state without its reason: both are hints, and an alarm is
/// heard without them.
fn checked(data: &mut Value) -> Result<bool, Error> {
    let previous = data.as_object_mut().and_then(|data| data.remove("previousState"));
    if let Some(state) = data.get_mut("state").and_then(Value::as_object_mut) {
        if !state.contains_key("value") {
            return Err(missing(WHAT, "value"));
        }
        state.entry("reason").or_insert_with(|| Value::String(String::new()));
    }
    Ok(previous.is_some_and(|previous| previous.get("value").is_some_and(|value| value == NO_DATA)))
}

fn of_data(data: Data, arn: String, from_no_data: bool) -> Result<Trigger, Error> {
    let state = data.state.ok_or_else(|| missing(WHAT, "state"))?;
    let metrics = data.configuration.unwrap_or_default().metrics;
    let metrics = metrics.into_iter().filter_map(|query| Some(query.metric_stat?.metric));
    let value = match state.value {
        CloudWatchAlarmStateValue::Alarm => AlarmState::Alarm,
        CloudWatchAlarmStateValue::Ok => AlarmState::Ok,
        CloudWatchAlarmStateValue::InsufficientData => AlarmState::InsufficientData,
        _ => return Err(Error::InvalidRequest("this alarm is in a state that is not known here".to_owned())),
    };
    let alarm = Alarm {
        name: data.alarm_name,
        arn,
        state: value,
        reason: text::line(&state.reason, text::PERSON),
        from_no_data,
        metrics: metrics.collect(),
    };
    let at = state.timestamp;
    Ok(trigger(alarm, moment(WHAT, at.timestamp(), at.timestamp_subsec_nanos())?))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sns {
    alarm_name: String,
    /// Where it is missing, the name will do.
    alarm_arn: Option<String>,
    new_state_value: AlarmState,
    #[serde(default)]
    new_state_reason: String,
    /// A hint, of whatever form: an alarm is heard without it.
    #[serde(default)]
    old_state_value: Value,
    state_change_time: String,
    /// Absent for a composite alarm.
    trigger: Option<SnsTrigger>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnsTrigger {
    /// Absent for metric math, as are the next two.
    metric_name: Option<String>,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    dimensions: Vec<SnsDimension>,
    #[serde(default)]
    metrics: Vec<SnsQuery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnsQuery {
    metric_stat: Option<SnsMetricStat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnsMetricStat {
    metric: SnsMetric,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnsMetric {
    metric_name: String,
    namespace: String,
    #[serde(default)]
    dimensions: Vec<SnsDimension>,
}

#[derive(Deserialize)]
struct SnsDimension {
    /// AWS writes these two in lower case, unlike all else in the message.
    #[serde(alias = "Name")]
    name: String,
    #[serde(alias = "Value")]
    value: String,
}

impl SnsTrigger {
    fn metrics(self) -> Vec<Metric> {
        let Self { metric_name, namespace, dimensions, metrics } = self;
        let single = metric_name.map(|metric_name| SnsMetric { metric_name, namespace, dimensions });
        let math = metrics.into_iter().filter_map(|query| Some(query.metric_stat?.metric));
        single.into_iter().chain(math).map(Metric::from).collect()
    }
}

impl From<SnsMetric> for Metric {
    fn from(metric: SnsMetric) -> Self {
        let dimensions =
            metric.dimensions.into_iter().map(|dimension| (dimension.name, dimension.value)).collect();
        Self { namespace: metric.namespace, name: metric.metric_name, dimensions }
    }
}

pub(super) fn sns(message: &Value) -> Result<Trigger, Error> {
    let message: Sns = read("alarm message from SNS", message)?;
    let metrics = message.trigger.map_or_else(Vec::new, SnsTrigger::metrics);
    let alarm = Alarm {
        arn: message.alarm_arn.unwrap_or_else(|| message.alarm_name.clone()),
        name: message.alarm_name,
        state: message.new_state_value,
        reason: text::line(&message.new_state_reason, text::PERSON),
        from_no_data: message.old_state_value == NO_DATA,
        metrics,
    };
    Ok(trigger(alarm, time(WHAT, &message.state_change_time)?))
}

fn trigger(alarm: Alarm, at: Timestamp) -> Trigger {
    Trigger {
        id: format!("{}@{}", alarm.arn, at.as_millisecond()),
        at,
        kind: Kind::Alarm(alarm),
        origin: Origin::default(),
    }
}
