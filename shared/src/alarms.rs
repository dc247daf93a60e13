//! CloudWatch's alarms as `DescribeAlarms` tells them: whether one is in ALARM, what it watches, and whether that is
//! a reason to touch this stack. An event is a hint; its alarm is looked up.

mod describe;
mod expression;
mod reason;
mod rule;
mod stack;

use aws_sdk_cloudwatch::{
    Client,
    types::{AlarmType, StateValue},
};
use aws_types::{SdkConfig, region::Region};
use jiff::Timestamp;
use serde::Serialize;

pub use describe::{Described, Query, Watched, WatchedMetric, Watches, look};
pub use reason::{About, NotAReason, Reason, is_ours};
pub use stack::Stack;

use crate::{
    aws, code,
    error::Error,
    outcome::Stop,
    trigger::{Alarm, CLOUDFRONT_REGION, Here},
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmNow {
    pub name: String,
    pub is_in_alarm: bool,
}

/// The alarms of these names, as they are now. Metric alarms only: to read a composite alarm takes a
/// permission on every alarm of the account.
pub async fn alarms_now(client: &Client, names: Vec<String>) -> Result<Vec<AlarmNow>, Error> {
    let which = names.join(", ");
    let answer = client
        .describe_alarms()
        .set_alarm_names(Some(names))
        .send()
        .await
        .map_err(|error| aws::failed("describe alarms", which, &error))?;
    let alarms = answer.metric_alarms.unwrap_or_default().into_iter();
    Ok(alarms
        .filter_map(|alarm| {
            Some(AlarmNow { name: alarm.alarm_name?, is_in_alarm: alarm.state_value? == StateValue::Alarm })
        })
        .collect())
}

/// An alarm that is in ALARM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ringing {
    pub name: String,
    /// Since when, if CloudWatch says so.
    pub since: Option<Timestamp>,
    /// In CloudWatch's words.
    pub reason: String,
}

/// Those of the alarms of these names that are in ALARM, composite ones too. One call, which takes a permission on every
/// alarm of the account.
pub async fn ringing(client: &Client, names: Vec<String>) -> Result<Vec<Ringing>, Error> {
    let which = names.join(", ");
    let describe = client.describe_alarms().set_alarm_names(Some(names));
    let describe = describe.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
    let answer = describe.send().await.map_err(|error| aws::failed("describe alarms", which, &error))?;
    let metric = answer.metric_alarms.unwrap_or_default().into_iter().map(|alarm| {
        let since = alarm.state_transitioned_timestamp.or(alarm.state_updated_timestamp);
        (alarm.alarm_name, alarm.state_value, since, alarm.state_reason)
    });
    let composite = answer.composite_alarms.unwrap_or_default().into_iter().map(|alarm| {
        let since = alarm.state_transitioned_timestamp.or(alarm.state_updated_timestamp);
        (alarm.alarm_name, alarm.state_value, since, alarm.state_reason)
    });
    let rings = metric.chain(composite).filter_map(|(name, state, since, reason)| {
        let since = since.and_then(|at| Timestamp::from_millisecond(at.to_millis().ok()?).ok());
        (state? == StateValue::Alarm).then_some(())?;
        Some(Ringing { name: name?, since, reason: reason.unwrap_or_default() })
    });
    Ok(rings.collect())
}

/// Refuses if the alarm that asks was seen to have ended.
pub fn lasts(asking: &Alarm, seen: &[AlarmNow]) -> Result<(), Stop> {
    let is_over = seen.iter().any(|seen| seen.name == asking.name && !seen.is_in_alarm);
    if is_over { Err(ended(asking)) } else { Ok(()) }
}

/// The answer when the alarm that asks has ended.
pub fn ended(asking: &Alarm) -> Stop {
    let reason = format!("alarm {} is not in ALARM any more", asking.name);
    Stop::nothing_to_do(&code::ALARM_NOT_IN_ALARM, reason)
}

/// The alarm that asks, looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Asking {
    /// It as it is now, where CloudWatch knows it.
    pub now: Vec<AlarmNow>,
    /// Why it is not a reason to act.
    pub refused: Option<NotAReason>,
}

/// The same, for those who need no client for anything else: most runs ask nothing about alarms. CloudFront's are in
/// its own region.
pub async fn ask_over(config: &SdkConfig, alarm: &Alarm, about: &About) -> Result<Asking, Error> {
    ask(&client_of(config, alarm), alarm, about).await
}

/// Whether the alarm is in ALARM now, a composite one too.
pub async fn still_rings(config: &SdkConfig, alarm: &Alarm) -> Result<bool, Error> {
    let described = look(&client_of(config, alarm), &alarm.name).await?;
    Ok(described.is_some_and(|described| described.is_in_alarm))
}

/// Whether CloudWatch has such an alarm, in any state.
pub async fn is_known(config: &SdkConfig, alarm: &Alarm) -> Result<bool, Error> {
    let describe = client_of(config, alarm).describe_alarms().alarm_names(&alarm.name);
    let describe = describe.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
    let answer = describe.send().await.map_err(|error| aws::failed("describe alarm", &alarm.name, &error))?;
    Ok(!answer.metric_alarms().is_empty() || !answer.composite_alarms().is_empty())
}

fn client_of(config: &SdkConfig, alarm: &Alarm) -> Client {
    let region =
        Here::of_arn(&alarm.arn).map(|here| here.region).filter(|region| region == CLOUDFRONT_REGION);
    match region {
        Some(region) => Client::new(&config.clone().into_builder().region(Region::new(region)).build()),
        None => Client::new(config),
    }
}

/// Looks an alarm up, and judges it.
pub async fn ask(client: &Client, alarm: &Alarm, about: &About) -> Result<Asking, Error> {
    let described = look(client, &alarm.name).await?;
    let now =
        described.iter().map(|alarm| AlarmNow { name: alarm.name.clone(), is_in_alarm: alarm.is_in_alarm });
    let now: Vec<AlarmNow> = now.collect();
    // One that has calmed down needs no other reason.
    let is_over = now.iter().any(|alarm| !alarm.is_in_alarm);
    let judged = is_ours(alarm, described.as_ref(), about);
    Ok(Asking { now, refused: judged.err().filter(|_| !is_over) })
}
