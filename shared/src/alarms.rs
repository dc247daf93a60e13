//! The present state of CloudWatch's alarms.

use aws_sdk_cloudwatch::{Client, types::StateValue};
use serde::Serialize;

use crate::{aws, error::Error};

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
