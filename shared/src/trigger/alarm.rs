//! A CloudWatch alarm, by each of its three routes: straight to Lambda, through EventBridge, through SNS.
//! Metric-math alarms have metrics without a `metricStat`; composite alarms have no metrics at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Origin, Trigger, read, time};
use crate::{error::Error, text};

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
    /// Whether it rings although it never had a value: it was made a moment ago, and counts what is missing as trouble.
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Direct {
    alarm_arn: String,
    alarm_data: Data,
}

#[derive(Deserialize)]
struct EventBridge {
    resources: Vec<String>,
    detail: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    alarm_name: String,
    state: State,
    /// A hint, of whatever form: an alarm is heard without it.
    #[serde(default)]
    previous_state: Value,
    #[serde(default)]
    configuration: Configuration,
}

#[derive(Deserialize)]
struct State {
    value: AlarmState,
    #[serde(default)]
    reason: String,
    timestamp: String,
}

#[derive(Deserialize, Default)]
struct Configuration {
    #[serde(default)]
    metrics: Vec<Query>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    metric_stat: Option<MetricStat>,
}

#[derive(Deserialize)]
struct MetricStat {
    metric: Metric,
}

pub(super) fn direct(event: &Value) -> Result<Trigger, Error> {
    let Direct { alarm_arn, alarm_data } = read("alarm", event)?;
    alarm_data.into_trigger(alarm_arn)
}

pub(super) fn event_bridge(event: &Value) -> Result<Trigger, Error> {
    let EventBridge { resources, detail } = read("EventBridge alarm", event)?;
    let arn = resources.into_iter().next().ok_or_else(|| {
        Error::InvalidRequest("this EventBridge alarm names no alarm in `resources`".to_owned())
    })?;
    detail.into_trigger(arn)
}

impl Data {
    fn into_trigger(self, arn: String) -> Result<Trigger, Error> {
        let metrics =
            self.configuration.metrics.into_iter().filter_map(|query| Some(query.metric_stat?.metric));
        trigger(
            Alarm {
                name: self.alarm_name,
                arn,
                state: self.state.value,
                reason: text::line(&self.state.reason, text::PERSON),
                from_no_data: self.previous_state.get("value").is_some_and(|value| value == NO_DATA),
                metrics: metrics.collect(),
            },
            &self.state.timestamp,
        )
    }
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
    trigger(
        Alarm {
            arn: message.alarm_arn.unwrap_or_else(|| message.alarm_name.clone()),
            name: message.alarm_name,
            state: message.new_state_value,
            reason: text::line(&message.new_state_reason, text::PERSON),
            from_no_data: message.old_state_value == NO_DATA,
            metrics,
        },
        &message.state_change_time,
    )
}

fn trigger(alarm: Alarm, changed: &str) -> Result<Trigger, Error> {
    let at = time("alarm", changed)?;
    Ok(Trigger {
        id: format!("{}@{}", alarm.arn, at.as_millisecond()),
        at,
        kind: Kind::Alarm(alarm),
        origin: Origin::default(),
    })
}
