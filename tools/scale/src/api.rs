//! What AWS lets one account ask in a second, in one region.

use crate::time::Micros;

/// AWS's operations, by the rate that they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Api {
    EcsServices,
    EcsTasks,
    EcsDefinitions,
    EcsUpdate,
    DescribeAlarms,
    AlarmHistory,
    GetMetricData,
    GetMetricStatistics,
    ListMetrics,
    PutMetricData,
    FilterLogEvents,
    StartExecution,
    Publish,
    /// Each deployment's own table.
    Ledger,
    /// Those whose rate AWS does not publish: load balancers, DocumentDB, CloudFront, Application Auto Scaling, `CodeBuild`,
    /// ECR, EC2, Secrets Manager.
    Unpublished,
}

/// A rate, and where it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub a_second: u32,
    /// Where AWS tells none, it is the rate.
    pub burst: u32,
    pub page: &'static str,
    /// What of it was found in no source; empty where all of it was.
    pub unconfirmed: &'static str,
    pub can_be_raised: bool,
}

const ECS: &str = "Amazon ECS API reference, Request throttling";
const CLOUDWATCH: &str = "CloudWatch user guide, Service quotas";
const LOGS: &str = "CloudWatch Logs user guide, quotas";
const STEP_FUNCTIONS: &str = "Step Functions developer guide, Quotas";
const SNS: &str = "SNS endpoints and quotas";

impl Api {
    pub const LIMITED: [Self; 13] = [
        Self::EcsServices,
        Self::EcsTasks,
        Self::EcsDefinitions,
        Self::EcsUpdate,
        Self::DescribeAlarms,
        Self::AlarmHistory,
        Self::GetMetricData,
        Self::GetMetricStatistics,
        Self::ListMetrics,
        Self::PutMetricData,
        Self::FilterLogEvents,
        Self::StartExecution,
        Self::Publish,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::EcsServices => "ECS DescribeServices and the reading of deployments",
            Self::EcsTasks => "ECS ListTasks and DescribeTasks",
            Self::EcsDefinitions => "ECS DescribeTaskDefinition",
            Self::EcsUpdate => "ECS UpdateService",
            Self::DescribeAlarms => "CloudWatch DescribeAlarms",
            Self::AlarmHistory => "CloudWatch DescribeAlarmHistory",
            Self::GetMetricData => "CloudWatch GetMetricData",
            Self::GetMetricStatistics => "CloudWatch GetMetricStatistics",
            Self::ListMetrics => "CloudWatch ListMetrics",
            Self::PutMetricData => "CloudWatch PutMetricData",
            Self::FilterLogEvents => "Logs FilterLogEvents",
            Self::StartExecution => "Step Functions StartExecution",
            Self::Publish => "SNS Publish",
            Self::Ledger => "DynamoDB, a table for each deployment",
            Self::Unpublished => "operations whose rate AWS does not publish",
        }
    }

    /// Nothing where no rate is known.
    pub fn rate(self) -> Option<Rate> {
        let rate = |a_second, burst, page, unconfirmed, can_be_raised| {
            Some(Rate { a_second, burst, page, unconfirmed, can_be_raised })
        };
        match self {
            Self::EcsServices => rate(20, 100, ECS, "burst; that deployments share it", true),
            Self::EcsTasks => rate(20, 100, ECS, "", true),
            Self::EcsDefinitions => rate(20, 50, ECS, "rate and burst", true),
            Self::EcsUpdate => rate(5, 50, ECS, "rate and burst", true),
            Self::DescribeAlarms => rate(9, 9, CLOUDWATCH, "", true),
            Self::AlarmHistory => rate(3, 3, CLOUDWATCH, "", false),
            Self::GetMetricData => rate(50, 50, CLOUDWATCH, "", true),
            Self::GetMetricStatistics => rate(400, 400, CLOUDWATCH, "", true),
            Self::ListMetrics => rate(25, 25, CLOUDWATCH, "", true),
            Self::PutMetricData => rate(500, 500, CLOUDWATCH, "", true),
            Self::FilterLogEvents => rate(5, 5, LOGS, "that it is no more today", true),
            Self::StartExecution => rate(300, 1_300, STEP_FUNCTIONS, "", true),
            Self::Publish => rate(30_000, 30_000, SNS, "rate", true),
            Self::Ledger | Self::Unpublished => None,
        }
    }

    /// How long an answer takes: 30 ms, as in the benchmark, and a table's a few.
    pub(crate) fn answers_in(self) -> Micros {
        match self {
            Self::Ledger => 8_000,
            _ => 30_000,
        }
    }
}
