//! The stack's alarms and those of its scaling policies: how they are, how often they rang in the last day, and what
//! their metrics were in the last fortnight.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::{
    Client,
    types::{AlarmType, CompositeAlarm, HistoryItemType, MetricAlarm},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use shared::aws;

use super::{
    Reader, Seen, Why, cut, date_time,
    metrics::{FORTNIGHT, Query, read},
    seen, timestamp, why,
};
use crate::evidence::{Alarm, ListedMetric, NotSeen};

const MAX_PAGES: usize = 10;
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// So many alarms are held against their fortnight: one batch, and 56 values each.
const MAX_COMPARED: usize = 400;

pub(super) async fn alarms(reader: &Reader) -> Result<Option<Seen>, Why> {
    let client = Client::new(&reader.config);
    let settings = &reader.settings;
    let of_policies = format!("TargetTracking-service/{}/{}-", settings.cluster, settings.service);
    let (own, of_policies, rang) = tokio::join!(
        with_prefix(&client, &settings.alarm_prefix),
        with_prefix(&client, &of_policies),
        rang(&client, reader.at)
    );
    let ((mut found, own_cut), (of_policies, policies_cut)) = (own?, of_policies?);
    found.extend(of_policies);
    let (rang, rang_cut) = rang.unwrap_or_else(|why| {
        (BTreeMap::new(), Some(NotSeen { source: "the alarms' history".to_owned(), why }))
    });
    let mut unseen: Vec<NotSeen> = [own_cut, policies_cut, rang_cut].into_iter().flatten().collect();
    let mut queries: Vec<Query> = found.iter().filter_map(|(_, query)| query.clone()).collect();
    if queries.len() > MAX_COMPARED {
        unseen.push(cut("the last fortnight of some alarms", MAX_COMPARED));
        queries.truncate(MAX_COMPARED);
    }
    let fortnight = read(&client, &queries, FORTNIGHT, reader.at).await.unwrap_or_else(|why| {
        unseen.push(NotSeen { source: "the alarms' last fortnight".to_owned(), why });
        BTreeMap::new()
    });
    let alarms: Vec<Alarm> = found
        .into_iter()
        .map(|(alarm, _)| Alarm {
            rang: rang.get(&alarm.name).cloned().unwrap_or_default(),
            fortnight: fortnight.get(&alarm.name).cloned(),
            ..alarm
        })
        .collect();
    Ok(seen(move |evidence| {
        evidence.alarms = Some(alarms);
        evidence.not_seen.extend(unseen);
    }))
}

type Alarms = Vec<(Alarm, Option<Query>)>;

/// The alarms, and a note if there are more.
async fn with_prefix(client: &Client, prefix: &str) -> Result<(Alarms, Option<NotSeen>), Why> {
    let mut found = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .describe_alarms()
            .alarm_name_prefix(prefix)
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .max_records(100)
            .set_next_token(from)
            .send()
            .await
            .map_err(|error| why(&aws::failed("describe the alarms", format!("{prefix}*"), &error)))?;
        found.extend(page.metric_alarms.unwrap_or_default().into_iter().map(of_metric));
        found.extend(
            page.composite_alarms.unwrap_or_default().into_iter().map(|alarm| (composite(alarm), None)),
        );
        from = page.next_token;
        if from.is_none() {
            break;
        }
    }
    let cut = from.map(|_| cut(format!("some of the alarms {prefix}*"), found.len()));
    Ok((found, cut))
}

fn of_metric(alarm: MetricAlarm) -> (Alarm, Option<Query>) {
    let name = alarm.alarm_name.unwrap_or_default();
    let comparison = alarm.comparison_operator.map_or_else(String::new, |one| one.as_str().to_owned());
    let dimensions: BTreeMap<String, String> = alarm
        .dimensions
        .unwrap_or_default()
        .into_iter()
        .filter_map(|dimension| Some((dimension.name?, dimension.value?)))
        .collect();
    let metric = alarm.namespace.zip(alarm.metric_name);
    let metric = metric.map(|(namespace, name)| ListedMetric { namespace, name, dimensions });
    let statistic =
        alarm.statistic.map(|statistic| statistic.as_str().to_owned()).or(alarm.extended_statistic);
    let query = metric.clone().zip(statistic).and_then(|(metric, statistic)| {
        let statistic = match statistic.as_str() {
            // The sum of six hours cannot be compared with a threshold for five minutes.
            "Sum" | "SampleCount" => return None,
            "Average" if comparison.starts_with("Less") => "Minimum".to_owned(),
            "Average" => "Maximum".to_owned(),
            _ => statistic,
        };
        let ListedMetric { namespace, name: metric, dimensions } = metric;
        Some(Query { name: name.clone(), namespace, metric, dimensions, statistic })
    });
    let alarm = Alarm {
        state: alarm.state_value.map_or_else(String::new, |state| state.as_str().to_owned()),
        since: alarm
            .state_transitioned_timestamp
            .or(alarm.state_updated_timestamp)
            .as_ref()
            .and_then(timestamp),
        reason: alarm.state_reason.unwrap_or_default(),
        metric,
        threshold: alarm.threshold,
        comparison,
        missing_data: alarm.treat_missing_data.unwrap_or_else(|| "missing".to_owned()),
        actions_enabled: alarm.actions_enabled.unwrap_or_default(),
        actions: count(alarm.alarm_actions.unwrap_or_default().len()),
        name,
        ..Alarm::default()
    };
    (alarm, query)
}

fn composite(alarm: CompositeAlarm) -> Alarm {
    Alarm {
        name: alarm.alarm_name.unwrap_or_default(),
        state: alarm.state_value.map_or_else(String::new, |state| state.as_str().to_owned()),
        since: alarm
            .state_transitioned_timestamp
            .or(alarm.state_updated_timestamp)
            .as_ref()
            .and_then(timestamp),
        reason: alarm.state_reason.unwrap_or_default(),
        actions_enabled: alarm.actions_enabled.unwrap_or_default(),
        actions: count(alarm.alarm_actions.unwrap_or_default().len()),
        ..Alarm::default()
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// When each alarm went into ALARM in the last day, the newest first, and a note if there is more.
async fn rang(
    client: &Client,
    now: Timestamp,
) -> Result<(BTreeMap<String, Vec<Timestamp>>, Option<NotSeen>), Why> {
    let mut rang: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    let (mut items, mut from) = (0, None);
    for _ in 0..MAX_PAGES {
        let page = client
            .describe_alarm_history()
            .history_item_type(HistoryItemType::StateUpdate)
            .start_date(date_time(now - DAY))
            .end_date(date_time(now))
            .max_records(100)
            .set_next_token(from)
            .send()
            .await
            .map_err(|error| why(&aws::failed("read", "the alarms' history", &error)))?;
        for item in page.alarm_history_items.unwrap_or_default() {
            items += 1;
            let into_alarm = item.history_data().is_some_and(went_into_alarm);
            if let (true, Some(name), Some(at)) =
                (into_alarm, item.alarm_name, item.timestamp.as_ref().and_then(timestamp))
            {
                rang.entry(name).or_default().push(at);
            }
        }
        from = page.next_token;
        if from.is_none() {
            break;
        }
    }
    for times in rang.values_mut() {
        times.sort_unstable_by(|one, other| other.cmp(one));
    }
    Ok((rang, from.map(|_| cut("some of the alarms' history", items))))
}

/// What CloudWatch notes of a change: JSON with the old and the new state.
fn went_into_alarm(data: &str) -> bool {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    data.pointer("/newState/stateValue").and_then(Value::as_str) == Some("ALARM")
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::{
        operation::{
            describe_alarm_history::DescribeAlarmHistoryOutput, describe_alarms::DescribeAlarmsOutput,
        },
        types::AlarmHistoryItem,
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    use super::*;

    #[tokio::test]
    async fn more_alarms_and_more_of_their_history_than_were_read_are_named() {
        let alarms = mock!(Client::describe_alarms).then_output(|| {
            DescribeAlarmsOutput::builder()
                .metric_alarms(MetricAlarm::builder().alarm_name("own-1").build())
                .next_token("n")
                .build()
        });
        let history = mock!(Client::describe_alarm_history).then_output(|| {
            DescribeAlarmHistoryOutput::builder()
                .alarm_history_items(AlarmHistoryItem::builder().build())
                .next_token("n")
                .build()
        });
        let client = mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, &[&alarms, &history]);
        let (found, not_seen) = with_prefix(&client, "own-").await.unwrap();
        assert_eq!((found.len(), not_seen), (MAX_PAGES, Some(cut("some of the alarms own-*", MAX_PAGES))));
        let (_, not_seen) = rang(&client, Timestamp::UNIX_EPOCH + DAY).await.unwrap();
        assert_eq!(not_seen, Some(cut("some of the alarms' history", MAX_PAGES)));
    }
}
