//! Which account and region an event is from. One from elsewhere is not a reason to touch this stack.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// CloudFront is everywhere, and its metrics, with the alarms on them, are here. Such an alarm is ours wherever the
/// stack is; whether it is about our distribution is looked up.
pub const CLOUDFRONT_REGION: &str = "us-east-1";

/// An account in one region, as an ARN names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    pub partition: String,
    pub region: String,
    pub account: String,
}

/// Where a trigger says it comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The topic that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Why it is not of this stack's account and region.
    #[serde(skip)]
    pub foreign: Option<String>,
    /// Where the function is that was called; unknown for what an earlier run left.
    #[serde(skip)]
    pub here: Option<Here>,
}

impl Here {
    /// From the ARN of anything in an account and a region.
    pub fn of_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.split(':');
        let (Some("arn"), Some(partition), Some(_), Some(region), Some(account), Some(_)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let is_full = !partition.is_empty() && !region.is_empty() && !account.is_empty();
        is_full.then(|| Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
        })
    }

    /// What an ARN names elsewhere, if it does: `account 999999999999 in eu-west-1`. Parts that it leaves out, as a
    /// distribution's region, fit everywhere.
    pub fn elsewhere(&self, arn: &str) -> Option<String> {
        let parts: Vec<&str> = arn.split(':').collect();
        let ["arn", partition, _, region, account, ..] = parts.as_slice() else { return None };
        let fits = |part: &str, ours: &str| part.is_empty() || part == ours;
        if *partition == self.partition && fits(region, &self.region) && fits(account, &self.account) {
            return None;
        }
        let place = |part: &str| if part.is_empty() { "no region".to_owned() } else { part.to_owned() };
        Some(format!("account {account} in {}", place(region)))
    }
}

impl std::fmt::Display for Here {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "account {} in {}", self.account, self.region)
    }
}

impl Origin {
    pub fn is_plain(&self) -> bool {
        self.topic.is_none()
    }

    /// Of an event, and of the SNS record that it came in.
    pub(super) fn of(event: &Map<String, Value>, topic: Option<&str>, here: Option<&Here>) -> Self {
        Self {
            topic: topic.map(str::to_owned),
            foreign: here.and_then(|here| foreign(event, topic, here)),
            here: here.cloned(),
        }
    }
}

/// Where an event comes from, if that is not here. The messages of alarms write their region as a title
/// (`US East (N. Virginia)`): their ARN has it.
fn foreign(event: &Map<String, Value>, topic: Option<&str>, here: &Here) -> Option<String> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let account = ["account", "accountId", "AWSAccountId"].into_iter().find_map(|name| {
        text(name).filter(|account| *account != here.account).map(|account| format!("account {account}"))
    });
    let is_alarm = event.contains_key("AlarmName")
        || event.contains_key("alarmArn")
        || text("source") == Some("aws.cloudwatch");
    let moved = Here { region: CLOUDFRONT_REGION.to_owned(), ..here.clone() };
    let elsewhere = |arn: &str| {
        let elsewhere = here.elsewhere(arn)?;
        if is_alarm && moved.elsewhere(arn).is_none() { None } else { Some(elsewhere) }
    };
    let is_ours = |region: &str| region == here.region || (is_alarm && region == CLOUDFRONT_REGION);
    let region = || text("region").filter(|region| !is_ours(region)).map(|region| format!("region {region}"));
    let detail = |name: &str| event.get("detail")?.get(name)?.as_str();
    let resources = event.get("resources").and_then(Value::as_array).into_iter().flatten();
    let mut arns = ["alarmArn", "AlarmArn"]
        .into_iter()
        .filter_map(text)
        .chain(resources.filter_map(Value::as_str))
        .chain(["build-id", "clusterArn", "taskArn"].into_iter().filter_map(detail))
        .chain(topic)
        .filter(|arn| arn.starts_with("arn:"));
    account.or_else(region).or_else(|| arns.find_map(elsewhere))
}
