//! The jobs: what each is set up with, asked, and has to answer.

use serde_json::{Value, json};

use super::canned::{
    ALARM_PREFIX, BUILD_PROJECT, LOAD_BALANCER, LOG_GROUP, MACHINE, REDIS_SECURITY_GROUP, RESTORE, SOURCE,
    TABLE,
};
use super::endpoint::Endpoint;

/// The job that reads a large stack. As commands it would be some 60, and a script that judges their answers, which
/// nobody has: there is no such row.
pub(super) const LARGE: &str = "diagnose";

/// The probe's own checks, which each of its jobs makes.
const CHECKS: [&str; 6] = ["health", "health-db", "health-redis", "page", "asset", "cors"];

type Setting = (&'static str, String);

#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) name: &'static str,
    /// Whose binary does it; the scripts are named after it too.
    pub(super) function: &'static str,
    pub(super) environment: Vec<Setting>,
    /// [`super::variant::NOW`] in it becomes the time at which it is sent.
    pub(super) event: Value,
    /// What an answer must hold, beside whatever else, or the job was not done.
    pub(super) expected: Value,
    pub(super) aws: String,
    /// Whether it is also done on threads with boto3: where it waits for many answers.
    pub(super) threads: bool,
    pub(super) commands: bool,
    pub(super) needs_curl: bool,
}

pub(super) fn all(endpoint: &Endpoint) -> Vec<Job> {
    let applied = || json!({ "decision": "applied", "verification": { "verified": true } });
    let job = |name, environment, event, expected| Job {
        name,
        function: name,
        environment,
        event,
        expected,
        aws: endpoint.aws.clone(),
        threads: false,
        commands: true,
        needs_curl: false,
    };
    vec![
        job("scale-up", scale_up(), json!({ "by": 2, "reason": "benchmark" }), applied()),
        job("rollback", rollback(), json!({ "to": "previous", "reason": "benchmark" }), applied()),
        job("restart", restart(), json!({ "reason": "benchmark" }), applied()),
        Job {
            needs_curl: true,
            ..job(
                "cache-invalidation",
                cache_invalidation(endpoint),
                json!({ "paths": ["/assets/*"], "reason": "benchmark" }),
                applied(),
            )
        },
        job("write-freeze", write_freeze(), json!({ "state": "on", "reason": "benchmark" }), applied()),
        // Of a restore's many runs, the one that it has most of and that writes: one more instance. The restore
        // was approved before, so this asks nobody.
        job("snapshot-restore", snapshot_restore(), json!({ "continue": RESTORE }), applied()),
        job("incident", incident(), alarm(), json!({ "did": "opened" })),
        Job {
            needs_curl: true,
            ..job("health-probe", health_probe(&endpoint.pages), json!({}), json!({ "healthy": true }))
        },
        probe_of("health-probe of 10", 10, endpoint, job),
        probe_of("health-probe of 200", 200, endpoint, job),
        Job {
            aws: endpoint.large.clone(),
            threads: true,
            commands: false,
            ..job(LARGE, diagnose(), json!({}), all_seen())
        },
    ]
}

/// The usual checks, and so many addresses of the API that there are `endpoints` in all.
fn probe_of(
    name: &'static str,
    endpoints: usize,
    endpoint: &Endpoint,
    job: impl Fn(&'static str, Vec<Setting>, Value, Value) -> Job,
) -> Job {
    let pages = &endpoint.slow_pages;
    let urls: Vec<String> =
        (CHECKS.len()..endpoints).map(|number| format!("{pages}/api/loans/{number}")).collect();
    let passed = format!("Healthy: all {endpoints} checks passed.");
    let environment = [health_probe(pages), vec![("URLS", urls.join(" "))]].concat();
    let event = json!({ "checks": CHECKS, "urls": urls });
    Job {
        function: "health-probe",
        threads: true,
        needs_curl: true,
        ..job(name, environment, event, json!({ "healthy": true, "summary": passed }))
    }
}

fn scale_up() -> Vec<Setting> {
    let own = [
        ("CLUSTER", "lendpeak2-production"),
        ("SERVICE", "backend"),
        ("MAX_TASKS", "10"),
        ("LOAD_ALARMS", "lendpeak2-production-ecs-cpu"),
    ];
    [remedy(), settings(&own)].concat()
}

fn rollback() -> Vec<Setting> {
    let own = [
        ("CLUSTER", "lendpeak2-production"),
        ("SERVICE", "backend"),
        ("PROBE_FUNCTION", "lendpeak2-production-health-probe"),
    ];
    [remedy(), settings(&own)].concat()
}

fn restart() -> Vec<Setting> {
    [remedy(), settings(&[("CLUSTER", "lendpeak2-production"), ("SERVICE", "backend")])].concat()
}

fn cache_invalidation(endpoint: &Endpoint) -> Vec<Setting> {
    let own = [
        ("DISTRIBUTION_ID", "E1234567890ABC"),
        ("APP_URL", endpoint.pages.as_str()),
        ("ASSET_PATH", "/assets/main.js"),
    ];
    [remedy(), settings(&own)].concat()
}

fn write_freeze() -> Vec<Setting> {
    let own = [
        ("CLUSTER", "lendpeak2-production"),
        ("SERVICE", "backend"),
        ("CONTAINER", "backend"),
        ("VARIABLE", "READONLY_MODE"),
        ("VALUE", "true"),
    ];
    [remedy(), settings(&own)].concat()
}

fn snapshot_restore() -> Vec<Setting> {
    let own = [
        ("SOURCE_CLUSTER", SOURCE),
        ("DATABASE_SECRET", "lendpeak2-production-db-credentials"),
        ("CLUSTER", "lendpeak2-production"),
        ("SERVICE", "backend"),
        ("PROBE_FUNCTION", "lendpeak2-production-health-probe"),
    ];
    [remedy(), settings(&own)].concat()
}

fn incident() -> Vec<Setting> {
    let own = [
        ("SERVICE_DOWN_ALARMS", "lendpeak2-production-service-down,lendpeak2-production-probe-failing"),
        ("CRITICAL_ALARM", "lendpeak2-production-service-down"),
        ("STATE_MACHINE_ARN", MACHINE),
        ("REMEDIES", "rollback=auto,scale-up=auto,restart=auto"),
        ("FUNCTIONS", "rollback,scale-up,restart"),
    ];
    [remedy(), settings(&own)].concat()
}

/// As EventBridge brings it.
fn alarm() -> Value {
    use super::variant::NOW;

    json!({
        "version": "0",
        "id": "7c2a1d66-82e6-4d1f-9b7f-1a4b5c6d7e8f",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "000000000000",
        "time": NOW,
        "region": "us-east-1",
        "resources": ["arn:aws:cloudwatch:us-east-1:000000000000:alarm:lendpeak2-production-service-down"],
        "detail": {
            "alarmName": "lendpeak2-production-service-down",
            "state": { "value": "ALARM", "reason": "the probe fails", "timestamp": NOW },
            "previousState": { "value": "OK", "reason": "it passed", "timestamp": NOW },
            "configuration": { "alarmRule": "ALARM(\"lendpeak2-production-probe-failing\")" },
        },
    })
}

fn remedy() -> Vec<Setting> {
    settings(&[
        ("MODE", "auto"),
        ("LEDGER_TABLE", TABLE),
        ("NOTICE_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:lendpeak2-production-notices"),
        // The canned answers show a change at once: to wait for it would hide that it does not show.
        ("VERIFY_SECONDS", "0"),
    ])
}

fn health_probe(pages: &str) -> Vec<Setting> {
    settings(&[("API_URL", pages), ("APP_URL", pages), ("ASSET_PATH", "/assets/main.js")])
}

fn diagnose() -> Vec<Setting> {
    settings(&[
        ("CLUSTER", "lendpeak2-production"),
        ("SERVICE", "backend"),
        ("LOG_GROUP", LOG_GROUP),
        ("LOAD_BALANCER", LOAD_BALANCER),
        ("DATABASE_CLUSTER", SOURCE),
        ("DATABASE_SECRET", "lendpeak2-production-db-credentials"),
        ("DISTRIBUTION_ID", "E1234567890ABC"),
        ("BUILD_PROJECT", BUILD_PROJECT),
        ("REDIS_SECURITY_GROUPS", REDIS_SECURITY_GROUP),
        ("PROBE_FUNCTION", "lendpeak2-production-health-probe"),
        ("ALARM_PREFIX", ALARM_PREFIX),
    ])
}

fn settings(pairs: &[(&'static str, &str)]) -> Vec<Setting> {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

/// Everything was looked at, and what is wrong with the stack was found.
fn all_seen() -> Value {
    let looked_at = [
        "the service",
        "its tasks",
        "its task definition",
        "its images",
        "its secrets",
        "its errors in the log",
        "the target groups",
        "the load balancer",
        "the security groups",
        "the metrics",
        "the database",
        "the database's events",
        "slow queries",
        "auto scaling",
        "the alarms",
        "CloudFront",
        "the front end's builds",
        "the list of metrics",
        "the health probe",
    ];
    json!({ "nothing_found": false, "looked_at": looked_at, "not_seen": [] })
}
