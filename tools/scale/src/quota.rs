//! What an account may have at once, and what one deployment has of it.

use crate::{
    plan::{DATABASE_METRICS, METRIC_PAGES},
    stack::Stack,
};

/// Of every account, so much concurrency cannot be reserved (Lambda developer guide, Configuring reserved concurrency).
const UNRESERVED: u32 = 100;
/// Runs at once of all functions of an account.
pub const CONCURRENCY: u32 = 1_000;
/// The zips together, by docs/benchmarks.md.
const ZIPS_MB: u32 = 26;
const METRICS_LISTED: u32 = METRIC_PAGES * 500;

/// Who is held up where a limit is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stops {
    /// One more deployment, or its runs.
    Deployment,
    /// LendPeak2 itself, with this runbook or without.
    LendPeak2,
    /// One source of `diagnose`, which names it as not seen.
    Source,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub what: &'static str,
    pub stops: Stops,
    pub most: u32,
    /// Of which so much is somebody else's.
    pub kept: u32,
    pub a_service: u32,
    pub page: &'static str,
    /// What was found in no source, or only in an old copy; empty where all was.
    pub unconfirmed: &'static str,
    pub then: &'static str,
}

impl Standing {
    /// How many services an account has room for.
    pub fn services(&self) -> u32 {
        self.most.saturating_sub(self.kept) / self.a_service.max(1)
    }

    /// What so many services need the quota to be.
    pub fn needed(&self, services: u32) -> u32 {
        self.kept + services * self.a_service
    }
}

/// The limit that the deployments of an account meet first.
pub fn first_of_deployments(standing: &[Standing]) -> Option<&Standing> {
    standing.iter().filter(|one| one.stops == Stops::Deployment).min_by_key(|one| one.services())
}

/// Those met first come first. A deployment has so many runs at once, at most.
pub fn standing(stack: &Stack, runs_at_once: u32) -> Vec<Standing> {
    let mut all = met_early(stack);
    all.push(concurrency(stack, runs_at_once));
    all.extend(met_late(stack));
    all.sort_by_key(Standing::services);
    all
}

fn one(
    what: &'static str,
    most: u32,
    a_service: u32,
    page: &'static str,
    unconfirmed: &'static str,
    then: &'static str,
) -> Standing {
    Standing { what, stops: Stops::Deployment, most, kept: 0, a_service, page, unconfirmed, then }
}

fn concurrency(stack: &Stack, runs_at_once: u32) -> Standing {
    match stack.reserved() {
        0 => one(
            "Lambda: concurrent runs",
            CONCURRENCY,
            runs_at_once,
            "Lambda quotas",
            "",
            "events wait, and Lambda tries them again. Can be raised; a new account may begin with 10",
        ),
        reserved => Standing {
            kept: UNRESERVED,
            ..one(
                "Lambda: reserved concurrency",
                CONCURRENCY,
                reserved,
                "Lambda quotas",
                "",
                "the deployment fails, and CloudFormation takes it back. Have the quota raised first; a new account may begin with 10",
            )
        },
    }
}

/// By some hundred deployments.
fn met_early(stack: &Stack) -> Vec<Standing> {
    vec![
        Standing {
            stops: Stops::LendPeak2,
            ..one(
                "DocumentDB: clusters of a region, the services' own",
                40,
                1,
                "DocumentDB quotas",
                "value",
                "LendPeak2 itself does not fit, nor a restore beside it. Have it raised, or restores fail",
            )
        },
        Standing {
            stops: Stops::Source,
            ..one(
                "`diagnose`: metrics of AWS/DocDB that it lists",
                METRICS_LISTED,
                DATABASE_METRICS,
                "`listed_metrics.rs`",
                "100 metrics of a database: assumed",
                "the list of metrics is *not seen*; everything else is told",
            )
        },
        one(
            "EventBridge: rules of a bus",
            300,
            stack.event_rules,
            "EventBridge quotas",
            "",
            "the deployment fails. Can be raised",
        ),
        one(
            "IAM: roles of an account, in all regions",
            1_000,
            stack.resources("AWS::IAM::Role"),
            "IAM and STS quotas",
            "",
            "the deployment fails. Can be raised to 5,000",
        ),
        one("CloudFormation: stacks", 2_000, 1, "CloudFormation quotas", "value", "can be raised"),
        one(
            "CloudWatch: alarms of a region",
            5_000,
            stack.alarms(),
            "CloudWatch quotas",
            "newer copies of the page know no limit",
            "can be raised",
        ),
    ]
}

fn met_late(stack: &Stack) -> Vec<Standing> {
    vec![
        one(
            "EventBridge Scheduler: schedule groups",
            500,
            stack.resources("AWS::Scheduler::ScheduleGroup"),
            "Scheduler quotas",
            "value",
            "can be raised",
        ),
        one(
            "Logs: log groups",
            5_000,
            stack.resources("AWS::Logs::LogGroup"),
            "CloudWatch Logs quotas",
            "an old copy; more today",
            "can be raised",
        ),
        one(
            "DynamoDB: tables of a region",
            2_500,
            stack.resources("AWS::DynamoDB::Table"),
            "DynamoDB quotas",
            "value; an old copy says 256",
            "can be raised",
        ),
        one("Lambda: storage of zips, MB", 75_000, ZIPS_MB, "Lambda quotas", "", "can be raised"),
        one(
            "Step Functions: state machines",
            10_000,
            stack.resources("AWS::Serverless::StateMachine"),
            "Step Functions quotas",
            "",
            "can be raised",
        ),
        one(
            "EventBridge Scheduler: invocations a second, all in one",
            1_000,
            stack.schedules(),
            "Scheduler quotas",
            "",
            "the others come a second later. Can be raised",
        ),
        one("SNS: topics", 100_000, stack.resources("AWS::SNS::Topic"), "SNS features", "", "can be raised"),
        one(
            "EventBridge Scheduler: schedules",
            10_000_000,
            stack.schedules(),
            "Scheduler quotas",
            "",
            "can be raised",
        ),
    ]
}
