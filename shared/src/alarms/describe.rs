//! Reads an alarm, and the alarms that a composite alarm is made of.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::{
    Client,
    operation::describe_alarms::DescribeAlarmsOutput,
    types::{self, AlarmType, StateValue},
};
use serde_json::Value;

use super::rule;
use crate::{aws, error::Error};

/// An alarm as `DescribeAlarms` tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    pub name: String,
    pub arn: String,
    pub is_in_alarm: bool,
    /// Who keeps a composite alarm from calling anybody.
    pub suppressed_by: Option<String>,
    pub watches: Watches,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Watches {
    Metrics(Watched),
    /// Other alarms, by a rule.
    Alarms {
        rule: String,
        children: Vec<Described>,
    },
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Watched {
    /// As in `GreaterThanThreshold`.
    pub comparison: String,
    pub threshold: Option<f64>,
    /// Whether no data counts as trouble.
    pub missing_breaches: bool,
    pub state_reason: String,
    /// CloudWatch's numbers behind the state.
    pub state_data: Value,
    pub queries: Vec<Query>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    pub id: String,
    /// Whether the alarm compares this one.
    pub is_compared: bool,
    pub metric: Option<WatchedMetric>,
    pub expression: Option<String>,
    /// The metric's account, if it is given.
    pub account: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchedMetric {
    pub namespace: String,
    pub name: String,
    pub dimensions: BTreeMap<String, String>,
}

/// Composite alarms of composite alarms, and so on.
const DEEPEST: usize = 4;
/// AWS allows a hundred names a call, and a rule of so many alarms at most.
const MOST_CHILDREN: usize = 100;

/// The alarm of this name; none where CloudWatch knows none.
pub async fn look(client: &Client, name: &str) -> Result<Option<Described>, Error> {
    let found = named(client, vec![name.to_owned()], AlarmType::MetricAlarm).await?;
    if let Some(alarm) = found.metric_alarms.unwrap_or_default().into_iter().next() {
        return Ok(Some(metric_alarm(alarm)));
    }
    let found = named(client, vec![name.to_owned()], AlarmType::CompositeAlarm).await?;
    let Some(composite) = found.composite_alarms.unwrap_or_default().into_iter().next() else {
        return Ok(None);
    };
    let mut known: BTreeMap<String, Described> = BTreeMap::new();
    let mut wanted = names(composite.alarm_rule().unwrap_or_default(), &known);
    let mut composites = vec![composite.clone()];
    for _ in 0..DEEPEST {
        if wanted.is_empty() || known.len() + wanted.len() > MOST_CHILDREN {
            break;
        }
        let (metrics, nested) = tokio::join!(
            named(client, wanted.clone(), AlarmType::MetricAlarm),
            named(client, wanted.clone(), AlarmType::CompositeAlarm),
        );
        for alarm in metrics?.metric_alarms.unwrap_or_default() {
            let alarm = metric_alarm(alarm);
            known.insert(alarm.name.clone(), alarm);
        }
        let nested = nested?.composite_alarms.unwrap_or_default();
        wanted =
            nested.iter().flat_map(|alarm| names(alarm.alarm_rule().unwrap_or_default(), &known)).collect();
        composites.extend(nested);
    }
    // The innermost first, so that each finds its children.
    for alarm in composites.into_iter().rev() {
        let alarm = composite_alarm(&alarm, &known);
        known.insert(alarm.name.clone(), alarm);
    }
    Ok(known.remove(name))
}

fn names(rule: &str, known: &BTreeMap<String, Described>) -> Vec<String> {
    let mut names: Vec<String> = rule::alarms(rule)
        .into_iter()
        .map(|part| part.name)
        .filter(|name| !known.contains_key(name))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

async fn named(client: &Client, names: Vec<String>, kind: AlarmType) -> Result<DescribeAlarmsOutput, Error> {
    let which = names.join(", ");
    let answer = client.describe_alarms().set_alarm_names(Some(names)).alarm_types(kind).send().await;
    answer.map_err(|error| aws::failed("describe alarms", which, &error))
}

fn metric_alarm(alarm: types::MetricAlarm) -> Described {
    let single = alarm.metric_name.map(|name| Query {
        is_compared: true,
        metric: Some(WatchedMetric {
            namespace: alarm.namespace.unwrap_or_default(),
            name,
            dimensions: dimensions(alarm.dimensions.unwrap_or_default()),
        }),
        ..Query::default()
    });
    let queries = alarm.metrics.unwrap_or_default().into_iter().map(|query| {
        let metric = query.metric_stat.and_then(|stat| stat.metric);
        Query {
            id: query.id.unwrap_or_default(),
            is_compared: query.return_data.unwrap_or(true),
            metric: metric.map(|metric| WatchedMetric {
                namespace: metric.namespace.unwrap_or_default(),
                name: metric.metric_name.unwrap_or_default(),
                dimensions: dimensions(metric.dimensions.unwrap_or_default()),
            }),
            expression: query.expression,
            account: query.account_id,
        }
    });
    let band = alarm.threshold_metric_id.unwrap_or_default();
    let queries = single.into_iter().chain(queries);
    let state_data = alarm.state_reason_data.as_deref().and_then(|data| serde_json::from_str(data).ok());
    Described {
        name: alarm.alarm_name.unwrap_or_default(),
        arn: alarm.alarm_arn.unwrap_or_default(),
        is_in_alarm: alarm.state_value == Some(StateValue::Alarm),
        suppressed_by: None,
        watches: Watches::Metrics(Watched {
            comparison: alarm
                .comparison_operator
                .map(|operator| operator.as_str().to_owned())
                .unwrap_or_default(),
            threshold: alarm.threshold,
            missing_breaches: alarm.treat_missing_data.as_deref() == Some("breaching"),
            state_reason: alarm.state_reason.unwrap_or_default(),
            state_data: state_data.unwrap_or_default(),
            // The band is what is compared with.
            queries: queries
                .map(|query| Query {
                    is_compared: query.is_compared && (band.is_empty() || query.id != band),
                    ..query
                })
                .collect(),
        }),
    }
}

fn composite_alarm(alarm: &types::CompositeAlarm, known: &BTreeMap<String, Described>) -> Described {
    let rule = alarm.alarm_rule().unwrap_or_default();
    let parts = rule::alarms(rule);
    let suppressed = alarm
        .actions_suppressed_by()
        .map(|by| alarm.actions_suppressed_reason().map_or_else(|| by.as_str().to_owned(), str::to_owned));
    Described {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        arn: alarm.alarm_arn().unwrap_or_default().to_owned(),
        is_in_alarm: alarm.state_value() == Some(&StateValue::Alarm),
        suppressed_by: suppressed,
        watches: Watches::Alarms {
            rule: rule.to_owned(),
            children: parts.iter().filter_map(|part| known.get(&part.name).cloned()).collect(),
        },
    }
}

fn dimensions(dimensions: Vec<types::Dimension>) -> BTreeMap<String, String> {
    dimensions.into_iter().filter_map(|dimension| Some((dimension.name?, dimension.value?))).collect()
}
