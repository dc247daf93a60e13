//! List prices of us-east-1 in US dollars, November 2026, without free tiers, savings plans or support.
//!
//! Each as it is on the AWS page that it names, read in published copies of it or in public price tables that quote it.

/// So much for so many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    pub what: &'static str,
    pub dollars: f64,
    pub per: f64,
    pub unit: &'static str,
    /// The AWS pricing page it is from.
    pub page: &'static str,
    pub confirmed: bool,
}

impl Price {
    pub fn of(&self, quantity: f64) -> f64 {
        quantity * self.dollars / self.per
    }
}

const fn price(
    what: &'static str,
    dollars: f64,
    per: f64,
    unit: &'static str,
    page: &'static str,
    confirmed: bool,
) -> Price {
    Price { what, dollars, per, unit, page, confirmed }
}

const MILLION: f64 = 1e6;

pub const LAMBDA_GB_SECOND: Price =
    price("Lambda, arm64, first 7.5 billion", 0.000_013_333_4, 1.0, "GB-second", "AWS Lambda", true);
pub const LAMBDA_REQUEST: Price = price("Lambda", 0.20, MILLION, "requests", "AWS Lambda", true);
pub const ALARM_METRIC: Price =
    price("alarm of standard resolution", 0.10, 1.0, "metric of an alarm", "Amazon CloudWatch", true);
pub const COMPOSITE_ALARM: Price = price("composite alarm", 0.50, 1.0, "alarm", "Amazon CloudWatch", true);
pub const DASHBOARD: Price = price("dashboard", 3.00, 1.0, "dashboard", "Amazon CloudWatch", true);
pub const CLOUDWATCH_REQUEST: Price = price(
    "PutMetricData, GetMetricStatistics, ListMetrics",
    0.01,
    1_000.0,
    "requests",
    "Amazon CloudWatch",
    true,
);
pub const LOG_INGESTED: Price = price("logs taken in", 0.50, 1.0, "GB", "Amazon CloudWatch", true);
pub const LOG_STORED: Price = price("logs kept", 0.03, 1.0, "GB-month", "Amazon CloudWatch", true);
pub const WRITE_UNIT: Price =
    price("DynamoDB on demand, writes", 0.625, MILLION, "units", "Amazon DynamoDB", true);
pub const READ_UNIT: Price =
    price("DynamoDB on demand, reads", 0.125, MILLION, "units", "Amazon DynamoDB", true);
pub const TABLE_STORED: Price =
    price("DynamoDB, storage and point-in-time recovery", 0.45, 1.0, "GB-month", "Amazon DynamoDB", true);
pub const KEY_USE: Price =
    price("KMS requests, key aws/dynamodb too", 0.03, 10_000.0, "requests", "AWS KMS", true);
pub const SCHEDULE: Price =
    price("EventBridge Scheduler", 1.00, MILLION, "invocations", "Amazon EventBridge", true);
pub const TRANSITION: Price =
    price("Step Functions, standard", 0.025, 1_000.0, "state transitions", "AWS Step Functions", true);
pub const PUBLISH: Price = price("SNS", 0.50, MILLION, "requests", "Amazon SNS", true);
pub const QUEUE_REQUEST: Price = price("SQS, standard", 0.40, MILLION, "requests", "Amazon SQS", true);
pub const OBJECT_PUT: Price = price("S3, PUT", 0.005, 1_000.0, "requests", "Amazon S3", true);
pub const EMAIL: Price = price("SNS, e-mail", 2.00, 100_000.0, "notifications", "Amazon SNS", true);
pub const SECRET_CALL: Price = price("Secrets Manager", 0.05, 10_000.0, "calls", "AWS Secrets Manager", true);
pub const INVALIDATION: Price =
    price("invalidation, past 1,000 a month of an account", 0.005, 1.0, "path", "Amazon CloudFront", false);
pub const CDN_GB: Price =
    price("CloudFront, first 10 TB", 0.085, 1.0, "GB to the internet", "Amazon CloudFront", true);
pub const CDN_REQUEST: Price =
    price("CloudFront, HTTPS", 0.01, 10_000.0, "requests", "Amazon CloudFront", true);
pub const INSTANCE_HOUR: Price =
    price("DocumentDB, db.r6g.large", 0.263_15, 1.0, "instance-hour", "Amazon DocumentDB", true);
pub const DATABASE_STORED: Price =
    price("DocumentDB, storage", 0.10, 1.0, "GB-month", "Amazon DocumentDB", true);

/// Custom metrics cost less, the more of them one bill has.
pub const METRIC_TIERS: [(f64, f64); 4] =
    [(10_000.0, 0.30), (240_000.0, 0.10), (750_000.0, 0.05), (f64::INFINITY, 0.02)];

/// So many custom metrics on one bill.
pub fn of_metrics(mut metrics: f64) -> f64 {
    let mut dollars = 0.0;
    for (tier, price) in METRIC_TIERS {
        let of_tier = metrics.min(tier);
        dollars += of_tier * price;
        metrics -= of_tier;
    }
    dollars
}

pub const ALL: [Price; 24] = [
    LAMBDA_GB_SECOND,
    LAMBDA_REQUEST,
    ALARM_METRIC,
    COMPOSITE_ALARM,
    DASHBOARD,
    CLOUDWATCH_REQUEST,
    LOG_INGESTED,
    LOG_STORED,
    WRITE_UNIT,
    READ_UNIT,
    TABLE_STORED,
    KEY_USE,
    SCHEDULE,
    TRANSITION,
    PUBLISH,
    QUEUE_REQUEST,
    OBJECT_PUT,
    EMAIL,
    SECRET_CALL,
    INVALIDATION,
    CDN_GB,
    CDN_REQUEST,
    INSTANCE_HOUR,
    DATABASE_STORED,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_past_the_first_ten_thousand_cost_a_third() {
        let cents = |metrics| (of_metrics(metrics) * 100.0).round();
        assert!((cents(55.0) - 1_650.0).abs() < f64::EPSILON);
        assert!((cents(10_000.0) - 300_000.0).abs() < f64::EPSILON);
        assert!((cents(55_000.0) - 750_000.0).abs() < f64::EPSILON);
    }
}
