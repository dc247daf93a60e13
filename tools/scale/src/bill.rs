//! A month's bill.

use crate::{amounts::grouped_number, price, usage::Usage};

/// CloudFront's first paths of a month are free, for an account.
const FREE_PATHS: f64 = 1_000.0;

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub what: &'static str,
    /// Of one service.
    pub quantity: String,
    pub dollars: f64,
    /// What it depends on, and how it becomes less.
    pub depends_on: &'static str,
    pub less_by: &'static str,
}

/// So many services of one account, or of so many that pay one bill together; the largest line first.
pub fn of(usage: &Usage, services: u32, accounts: u32) -> Vec<Line> {
    let many = f64::from(services);
    let mut lines = watching(usage, many);
    lines.extend(running(usage, many));
    let paths = (usage.invalidated_paths * many - FREE_PATHS * f64::from(accounts)).max(0.0);
    lines.push(line(
        "invalidations",
        format!("{} paths", usage.invalidated_paths),
        price::INVALIDATION.of(paths),
        "releases; 1,000 paths a month of an account are free",
        "`/*` is one path",
    ));
    lines.sort_by(|one, other| other.dollars.total_cmp(&one.dollars));
    lines
}

fn line(
    what: &'static str,
    quantity: String,
    dollars: f64,
    depends_on: &'static str,
    less_by: &'static str,
) -> Line {
    Line { what, quantity, dollars, depends_on, less_by }
}

/// What is seen, and what a restore leaves.
fn watching(usage: &Usage, many: f64) -> Vec<Line> {
    vec![
        line(
            "custom metrics",
            format!("{} metrics", usage.custom_metrics),
            price::of_metrics(usage.custom_metrics * many),
            "names × checks; a metric that has a value in an hour is billed for the hour, so a slower `ProbeSchedule` \
             saves nothing",
            "leave out the probe's six step times but the total: 49 metrics become 19",
        ),
        line(
            "dashboard",
            format!("{} dashboard", usage.dashboards),
            price::DASHBOARD.of(usage.dashboards * many),
            "one for each deployment",
            "one dashboard for an account, with a variable for the environment",
        ),
        line(
            "alarms",
            format!("{} metrics of alarms, {} composite", usage.alarm_metrics, usage.composite_alarms),
            price::ALARM_METRIC.of(usage.alarm_metrics * many)
                + price::COMPOSITE_ALARM.of(usage.composite_alarms * many),
            "the template; the 5xx rate is five metrics, incident's errors two",
            "none to leave out: each wakes a function or tells people",
        ),
        line(
            "restored clusters",
            format!("{:.1} instance-hours, {:.2} GB-months", usage.instance_hours, usage.restored_gb_months),
            (price::INSTANCE_HOUR.of(usage.instance_hours)
                + price::DATABASE_STORED.of(usage.restored_gb_months))
                * many,
            "restores, how long their clusters live, and the instance class",
            "`{\"discard\": …}` on the same day; one instance until the cut-over",
        ),
        line(
            "CloudWatch requests",
            format!("{} requests", grouped_number(usage.cloudwatch_requests)),
            price::CLOUDWATCH_REQUEST.of(usage.cloudwatch_requests * many),
            "`ProbeSchedule`",
            "write the probe's metrics in the embedded format: then there is no request to pay for",
        ),
        line(
            "the CDN's answers to the probe",
            format!("{:.1} GB, {} requests", usage.cdn_gb, grouped_number(usage.cdn_requests)),
            (price::CDN_GB.of(usage.cdn_gb) + price::CDN_REQUEST.of(usage.cdn_requests)) * many,
            "`ProbeSchedule`, and the size of the asset at `AssetPath`",
            "name a small asset",
        ),
        line(
            "KMS",
            format!("at most {} requests", grouped_number(usage.key_uses)),
            price::KEY_USE.of(usage.key_uses * many),
            "the ledger's `SSESpecification`; the key is kept for five minutes",
            "`SSEEnabled: false`: the table is encrypted all the same, by a key of AWS's own that costs nothing",
        ),
    ]
}

/// What runs, and what it writes.
fn running(usage: &Usage, many: f64) -> Vec<Line> {
    vec![
        line(
            "logs",
            format!("{:.2} GB, {:.2} GB kept", usage.log_gb, usage.log_gb_kept),
            (price::LOG_INGESTED.of(usage.log_gb) + price::LOG_STORED.of(usage.log_gb_kept)) * many,
            "the schedules, what was observed, `LogRetentionDays`",
            "`SystemLogLevel: WARN`: Lambda's own two lines of a run go",
        ),
        line(
            "schedules",
            format!("{} invocations", grouped_number(usage.scheduled)),
            price::SCHEDULE.of(usage.scheduled * many),
            "`ProbeSchedule`, `IncidentSchedule`, `FollowUpSchedule`",
            "`FollowUpSchedule` of ten minutes",
        ),
        line(
            "ledger",
            format!(
                "{} read units, {} write units",
                grouped_number(usage.read_units),
                grouped_number(usage.write_units)
            ),
            price::READ_UNIT.of(usage.read_units * many)
                + price::WRITE_UNIT.of(usage.write_units * many)
                + price::TABLE_STORED.of(usage.ledger_gb * many),
            "the schedules: nearly all of it is looking",
            "`FollowUpSchedule` of ten minutes",
        ),
        line(
            "Lambda",
            format!("{} runs, {} GB-seconds", grouped_number(usage.runs), grouped_number(usage.gb_seconds)),
            price::LAMBDA_REQUEST.of(usage.runs * many) + price::LAMBDA_GB_SECOND.of(usage.gb_seconds * many),
            "the schedules and how long the site takes to answer",
            "`MemorySize: 128`, if half the processor is enough",
        ),
        line(
            "Secrets Manager",
            format!("{} calls", grouped_number(usage.secret_calls)),
            price::SECRET_CALL.of(usage.secret_calls * many),
            "`FollowUpSchedule`",
            "`FollowUpSchedule` of ten minutes",
        ),
        line(
            "the queue of approvals",
            format!("{} requests", grouped_number(usage.queue_requests)),
            price::QUEUE_REQUEST.of(usage.queue_requests * many),
            "Lambda asks it all the time; nothing depends on how much is approved",
            "none to leave out: the first million requests a month of an account are free",
        ),
        line(
            "notices and state machines",
            format!("{:.0} e-mails, {:.0} transitions", usage.emails, usage.transitions),
            price::PUBLISH.of(usage.publishes * many)
                + price::EMAIL.of(usage.emails * many)
                + price::TRANSITION.of(usage.transitions * many),
            "incidents",
            "fewer incidents",
        ),
    ]
}

pub fn total(lines: &[Line]) -> f64 {
    lines.iter().map(|line| line.dollars).sum()
}
