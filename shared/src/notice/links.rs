//! Where in the console to look, by what a topic's ARN says of region and partition.

/// Addresses of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Links {
    region: String,
    account: String,
    partition: String,
    environment: String,
    function: String,
}

impl Links {
    /// `function` is its full name. None where a part is not known, or has letters that belong to no name of ours.
    pub(super) fn of(topic_arn: &str, environment: &str, function: &str) -> Option<Self> {
        let mut parts = topic_arn.split(':');
        let (Some("arn"), Some(partition), Some("sns"), Some(region), Some(account)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let all = [partition, region, account, environment, function];
        let is_name = |part: &&str| {
            const LONGEST: usize = 64;
            !part.is_empty()
                && part.len() <= LONGEST
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        let [partition, region, account, environment, function] = all.map(str::to_owned);
        all.iter().all(is_name).then_some(Self { region, account, partition, environment, function })
    }

    /// The name of each, and its address.
    pub(super) fn all(&self) -> [(&'static str, String); 3] {
        let Self { region, environment, function, .. } = self;
        let console = self.console();
        // The console escapes a name within an address twice, and has `$` in place of `%`.
        let group = format!("$252Faws$252Flambda$252F{function}");
        [
            (
                "Dashboard",
                format!(
                    "{console}/cloudwatch/home?region={region}#dashboards:name=lendpeak2-{environment}-runbook"
                ),
            ),
            ("Log", format!("{console}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{group}")),
            ("Function", format!("{console}/lambda/home?region={region}#/functions/{function}?tab=testing")),
        ]
    }

    /// The function, as AWS names it.
    pub(super) fn function_arn(&self) -> String {
        let Self { partition, region, account, function, .. } = self;
        format!("arn:{partition}:lambda:{region}:{account}:function:{function}")
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
