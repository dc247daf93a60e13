//! What one deployment is made of, read from `template.yaml` line by line: it is written by hand, in one layout.

use subject::Subject;

use crate::length;

const TEMPLATE: &str = include_str!("../../../template.yaml");
/// What the probe measures, and of which checks.
const PROBE_METRICS: &str = include_str!("../../../functions/health-probe/src/metrics.rs");
const PROBE_CHECKS: &str = include_str!("../../../functions/health-probe/src/check.rs");

/// One deployment: every condition of the template met, as for a stack in us-east-1 with a target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    functions: Vec<Lambda>,
    /// Each resource's type, in the template's order.
    kinds: Vec<String>,
    /// How many metrics each metric alarm is billed for.
    pub alarm_metrics: u32,
    pub event_rules: u32,
    /// Subscriptions of functions to topics.
    pub subscriptions: u32,
    /// Queues that Lambda takes messages from.
    pub queue_sources: u32,
    pub log_retention_days: u32,
    pub pays_per_request: bool,
    pub keeps_point_in_time: bool,
    /// Whether the ledger's key is the account's own `aws/dynamodb`, whose use is billed.
    pub uses_account_key: bool,
    pub poll_seconds: u32,
    pub recovery_seconds: u32,
    pub restore_poll_seconds: u32,
    probe_metrics: u32,
}

/// A function as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lambda {
    pub name: String,
    pub memory_mb: u32,
    pub timeout_seconds: u32,
    /// Concurrent runs that it reserves, and has at most; with 0 it takes what the account has left.
    pub reserved: u32,
    pub schedules: Vec<Schedule>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    pub every_minutes: u32,
    /// 0 where it has no flexible time window.
    pub window_minutes: u32,
}

impl Stack {
    pub fn read() -> Self {
        Self::of(TEMPLATE)
    }

    fn of(template: &str) -> Self {
        let resources = blocks(section(template, "Resources:"), 2);
        let globals = section(template, "Globals:");
        let global = |name| number(&globals, name);
        let default = |parameter| default_of(template, parameter).and_then(|text| text.parse().ok());
        let of_kind = |kind: &str| {
            let wanted = format!("Type: {kind}");
            resources
                .iter()
                .filter(move |(_, lines)| lines.iter().any(|line| *line == format!("    {wanted}")))
        };
        let functions = of_kind("AWS::Serverless::Function")
            .map(|(_, lines)| Lambda {
                name: value(lines, "FunctionName")
                    .and_then(|name| name.rsplit("${Environment}-").next())
                    .unwrap_or_default()
                    .to_owned(),
                memory_mb: number(lines, "MemorySize").or_else(|| global("MemorySize")).unwrap_or(128),
                timeout_seconds: number(lines, "Timeout").or_else(|| global("Timeout")).unwrap_or(3),
                reserved: number(lines, "ReservedConcurrentExecutions")
                    .or_else(|| default("ReservedConcurrency"))
                    .unwrap_or_default(),
                schedules: schedules(template, lines),
            })
            .collect();
        let events = |kind: &str| {
            let wanted = format!("          Type: {kind}");
            length(
                &resources
                    .iter()
                    .flat_map(|(_, lines)| lines)
                    .filter(|line| **line == wanted)
                    .collect::<Vec<_>>(),
            )
        };
        let alarm_metrics =
            of_kind("AWS::CloudWatch::Alarm").map(|(_, lines)| count(lines, "MetricStat:").max(1)).sum();
        let ledger =
            of_kind("AWS::DynamoDB::Table").flat_map(|(_, lines)| lines).copied().collect::<Vec<_>>();
        let ledger_has = |setting: &str| ledger.iter().any(|line| line.contains(setting));
        Self {
            functions,
            kinds: resources
                .iter()
                .filter_map(|(_, lines)| value(lines.get(..2)?, "Type").map(str::to_owned))
                .collect(),
            alarm_metrics,
            event_rules: events("EventBridgeRule"),
            subscriptions: events("SNS"),
            queue_sources: events("SQS"),
            log_retention_days: default("LogRetentionDays").unwrap_or_default(),
            pays_per_request: ledger_has("BillingMode: PAY_PER_REQUEST"),
            keeps_point_in_time: ledger_has("PointInTimeRecoveryEnabled: true"),
            uses_account_key: ledger_has("SSEEnabled: true"),
            poll_seconds: default("ServiceDownPollSeconds").unwrap_or_default(),
            recovery_seconds: default("RecoverySeconds").unwrap_or_default(),
            restore_poll_seconds: default("RestorePollSeconds").unwrap_or_default(),
            probe_metrics: probe_metrics(PROBE_METRICS, PROBE_CHECKS),
        }
    }

    /// With `ReservedConcurrency` set to so many.
    #[must_use]
    pub fn reserving(mut self, each: u32) -> Self {
        for lambda in &mut self.functions {
            lambda.reserved = each;
        }
        self
    }

    pub fn functions(&self) -> &[Lambda] {
        &self.functions
    }

    /// A function's settings; none of its name is one with nothing reserved and no schedule.
    pub fn function(&self, function: &Subject) -> Lambda {
        self.functions.iter().find(|lambda| lambda.name == function.name).cloned().unwrap_or(Lambda {
            name: function.name.to_owned(),
            memory_mb: 128,
            timeout_seconds: 3,
            reserved: 0,
            schedules: Vec::new(),
        })
    }

    pub fn resources(&self, kind: &str) -> u32 {
        length(&self.kinds.iter().filter(|one| *one == kind).collect::<Vec<_>>())
    }

    pub fn resources_in_all(&self) -> u32 {
        length(&self.kinds)
    }

    pub fn reserved(&self) -> u32 {
        self.functions.iter().map(|lambda| lambda.reserved).sum()
    }

    pub fn schedules(&self) -> u32 {
        self.functions.iter().map(|lambda| length(&lambda.schedules)).sum()
    }

    pub fn alarms(&self) -> u32 {
        self.resources("AWS::CloudWatch::Alarm") + self.resources("AWS::CloudWatch::CompositeAlarm")
    }

    /// The remedies, each of which counts its decisions.
    pub fn remedies(&self) -> u32 {
        length(&subject::remedies().flat_map(|one| self.function(one).schedules).collect::<Vec<_>>())
    }

    /// Metrics that have values every few minutes: the probe's, and one decision of each remedy, that there is nothing
    /// to do.
    pub fn custom_metrics(&self) -> u32 {
        self.probe_metrics + self.remedies()
    }

    pub fn probe_metrics(&self) -> u32 {
        self.probe_metrics
    }
}

/// Each check's steps, its success and its certificate's days; and whether all is well.
fn probe_metrics(metrics: &str, checks: &str) -> u32 {
    let steps =
        metrics.lines().filter(|line| line.trim_start().starts_with("(\"") && line.contains("Time\", "));
    let steps = length(&steps.collect::<Vec<_>>());
    let all = checks
        .lines()
        .find_map(|line| line.split_once("ALL: [Self; ")?.1.split(']').next()?.parse::<u32>().ok());
    all.unwrap_or_default() * (steps + 2) + 1
}

fn schedules(template: &str, function: &[&str]) -> Vec<Schedule> {
    let expression = |line: &&str| line.trim().strip_prefix("ScheduleExpression: ").map(str::to_owned);
    let written: Vec<String> = function.iter().filter_map(expression).collect();
    let window = function.iter().find_map(|line| line.split_once("MaximumWindowInMinutes: "));
    let digits = window.map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
    let window = digits.and_then(|digits| digits.parse().ok()).unwrap_or_default();
    written
        .iter()
        .filter_map(|written| {
            let expression = match written.strip_prefix("!Ref ") {
                Some(parameter) => default_of(template, parameter)?,
                None => written,
            };
            let every = expression.strip_prefix("rate(")?.split(' ').next()?.parse().ok()?;
            Some(Schedule { every_minutes: every, window_minutes: window })
        })
        .collect()
}

/// The lines of a top-level part.
fn section<'a>(template: &'a str, name: &str) -> Vec<&'a str> {
    let mut lines = template.lines().skip_while(|line| *line != name);
    lines.next();
    lines.take_while(|line| line.is_empty() || line.starts_with([' ', '#'])).collect()
}

/// The named blocks that begin so far to the right, each with its lines.
fn blocks(lines: Vec<&str>, indent: usize) -> Vec<(&str, Vec<&str>)> {
    let mut blocks: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in lines {
        let begins = line.len() - line.trim_start().len() == indent
            && line.ends_with(':')
            && !line.trim_start().starts_with('#');
        if begins {
            blocks.push((line.trim().trim_end_matches(':'), Vec::new()));
        } else if let Some((_, of_block)) = blocks.last_mut() {
            of_block.push(line);
        }
    }
    blocks
}

fn value<'a>(lines: &[&'a str], name: &str) -> Option<&'a str> {
    lines.iter().find_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(':').map(str::trim))
}

fn number(lines: &[&str], name: &str) -> Option<u32> {
    value(lines, name)?.parse().ok()
}

fn count(lines: &[&str], what: &str) -> u32 {
    length(&lines.iter().filter(|line| line.trim() == what).collect::<Vec<_>>())
}

fn default_of<'a>(template: &'a str, parameter: &str) -> Option<&'a str> {
    let parameters = blocks(section(template, "Parameters:"), 2);
    let (_, lines) = parameters.into_iter().find(|(name, _)| *name == parameter)?;
    value(&lines, "Default")
}

#[cfg(test)]
mod tests;
