//! Where in the console to look, by what a topic's ARN says of region and partition.

use super::facts::Facts;

/// Addresses of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Links {
    region: String,
    account: String,
    partition: String,
    environment: String,
    /// Who tells it, and so has the log.
    teller: String,
    /// Where the request goes that people are to send.
    asked: String,
}

impl Links {
    /// None where a part is not known, or has letters that belong to no name of ours.
    pub(super) fn of(topic_arn: &str, facts: &Facts) -> Option<Self> {
        let mut parts = topic_arn.split(':');
        let (Some("arn"), Some(partition), Some("sns"), Some(region), Some(account)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let teller = facts.function_name();
        let asked = facts.steps.iter().find_map(|step| Some(step.send.as_ref()?.function.as_str()));
        let all = [partition, region, account, &facts.environment, &teller, asked.unwrap_or(&teller)];
        let is_name = |part: &&str| {
            const LONGEST: usize = 64;
            !part.is_empty()
                && part.len() <= LONGEST
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        if !all.iter().all(is_name) {
            return None;
        }
        let [partition, region, account, environment, teller, asked] = all.map(str::to_owned);
        Some(Self { region, account, partition, environment, teller, asked })
    }

    /// The name of each, and its address.
    pub(super) fn all(&self) -> [(&'static str, String); 3] {
        let Self { region, environment, teller, asked, .. } = self;
        let console = self.console();
        // The console escapes a name within an address twice, and has `$` in place of `%`.
        let group = format!("$252Faws$252Flambda$252F{teller}");
        [
            (
                "Dashboard",
                format!(
                    "{console}/cloudwatch/home?region={region}#dashboards:name=lendpeak2-{environment}-runbook"
                ),
            ),
            ("Log", format!("{console}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{group}")),
            ("Function", format!("{console}/lambda/home?region={region}#/functions/{asked}?tab=testing")),
        ]
    }

    /// The function that tells it, as AWS names it.
    pub(super) fn function_arn(&self) -> String {
        let Self { partition, region, account, teller, .. } = self;
        format!("arn:{partition}:lambda:{region}:{account}:function:{teller}")
    }

    fn console(&self) -> String {
        let region = &self.region;
        match self.partition.as_str() {
            "aws-us-gov" => "https://console.amazonaws-us-gov.com".to_owned(),
            "aws-cn" => format!("https://{region}.console.amazonaws.cn"),
            _ => format!("https://{region}.console.aws.amazon.com"),
        }
    }
}
