//! A page: an incident in the shape of CloudWatch's message about an alarm, which every pager reads.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html>

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ascii_subject, facts::Facts};
use crate::text;

/// CloudWatch's own limits.
const MAX_ALARM_NAME: usize = 255;
const MAX_REASON: usize = 1_023;

/// Whether somebody is called, or sent home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Alarm,
    Ok,
}

impl State {
    /// The words that CloudWatch has for it, and for the other one.
    fn words(self) -> [&'static str; 2] {
        match self {
            Self::Alarm => ["ALARM", "OK"],
            Self::Ok => ["OK", "ALARM"],
        }
    }
}

/// What a pager gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub subject: String,
    pub message: String,
}

impl Page {
    /// `reason` is the cause, or what is known in place of one. The alarm's name is the incident's as long as it lasts,
    /// also where it comes back: a pager knows by it what is over.
    pub fn new(
        facts: &Facts,
        state: State,
        title: &str,
        reason: &str,
        at: Timestamp,
        topic_arn: &str,
    ) -> Self {
        let [now, before] = state.words();
        let environment = text::line(&facts.environment, 40);
        let incident = facts.incident.as_deref().unwrap_or("incident");
        let alarm = text::line(&format!("lendpeak2-{environment}/{incident}"), MAX_ALARM_NAME);
        let mut parts = topic_arn.split(':').skip(1);
        let partition = parts.next().unwrap_or("aws");
        let region = parts.nth(1).unwrap_or_default();
        let account = parts.next().unwrap_or_default();
        let message = json!({
            "AlarmName": alarm,
            "AlarmDescription": facts.text(),
            "AWSAccountId": account,
            "NewStateValue": now,
            "NewStateReason": text::line(reason, MAX_REASON),
            "StateChangeTime": at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string(),
            "Region": region,
            "AlarmArn": format!("arn:{partition}:cloudwatch:{region}:{account}:alarm:{alarm}"),
            "OldStateValue": before,
            "Trigger": { "MetricName": "Incident", "Namespace": "LendPeak2", "Dimensions": Value::Array(Vec::new()) },
        });
        let title = text::line(title, MAX_ALARM_NAME);
        let subject = ascii_subject(&format!("{now}: lendpeak2-{environment}: {title}"));
        Self { subject, message: message.to_string() }
    }
}
