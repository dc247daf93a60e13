//! What is compared: each job as our function, as a boto3 handler, and as commands of the AWS CLI.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::canned::{
    ALARM_PREFIX, BUILD_PROJECT, LOAD_BALANCER, LOG_GROUP, REDIS_SECURITY_GROUP, RESTORE, SOURCE, TABLE,
};
use super::endpoint::Endpoint;
use crate::clients::REGION;
use crate::ministack::virtual_environment;

/// The jobs that ask pages, which the AWS CLI cannot.
const NEED_CURL: [&str; 2] = ["cache-invalidation", "health-probe"];

/// The job that reads a large stack. As commands it would be some 60, and a script that judges their answers, which
/// nobody has: there is no such row.
pub(super) const LARGE: &str = "diagnose";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Hello,
    Rust,
    Boto3,
    /// The same on a pool of threads.
    Boto3Threads,
    Cli,
}

#[derive(Debug, Clone)]
pub(super) struct Variant {
    pub(super) name: String,
    /// The function's name, or `hello`.
    pub(super) job: &'static str,
    pub(super) kind: Kind,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) event: Value,
    /// What an answer must hold, beside whatever else, or the job was not done.
    pub(super) expected: Value,
}

/// All that this machine has the parts for.
pub(super) fn all(binaries: &Path, endpoint: &Endpoint) -> anyhow::Result<Vec<Variant>> {
    let python = virtual_environment().join("bin/python");
    ensure!(
        python.exists(),
        "{} is missing: run `make bench`, it prepares the environment",
        python.display()
    );
    let mut variants = vec![Variant {
        name: "hello (lambda_runtime alone)".to_owned(),
        program: binary(binaries, "hello")?,
        ..variant("hello", Kind::Hello, &[], json!({}), json!({ "hello": true }))
    }];
    let applied = || json!({ "decision": "applied", "verification": { "verified": true } });
    let jobs = [
        ("scale-up", scale_up(), json!({ "by": 2, "reason": "benchmark" }), applied()),
        ("rollback", rollback(), json!({ "to": "previous", "reason": "benchmark" }), applied()),
        ("restart", restart(), json!({ "reason": "benchmark" }), applied()),
        (
            "cache-invalidation",
            cache_invalidation(endpoint),
            json!({ "paths": ["/assets/*"], "reason": "benchmark" }),
            applied(),
        ),
        ("write-freeze", write_freeze(), json!({ "state": "on", "reason": "benchmark" }), applied()),
        // Of a restore's many runs, the one that it has most of and that writes: one more instance. The restore
        // was approved before, so this asks nobody.
        ("snapshot-restore", snapshot_restore(), json!({ "continue": RESTORE }), applied()),
        ("health-probe", health_probe(endpoint), json!({}), json!({ "healthy": true })),
        (LARGE, diagnose(), json!({}), all_seen()),
    ];
    for (job, environment, event, expected) in jobs {
        let of_kind = |kind| variant(job, kind, &environment, event.clone(), expected.clone());
        variants.push(Variant { program: binary(binaries, job)?, ..of_kind(Kind::Rust) });
        let handler = |kind, name| Variant {
            program: python.clone(),
            arguments: ["-m", "awslambdaric", &format!("{}_boto3.{name}", job.replace('-', "_"))]
                .map(str::to_owned)
                .into(),
            ..of_kind(kind)
        };
        variants.push(handler(Kind::Boto3, "handler"));
        if job == LARGE {
            variants.push(handler(Kind::Boto3Threads, "threads_handler"));
            continue;
        }
        if NEED_CURL.contains(&job) && !has_curl() {
            println!("{job} as CLI commands is left out: curl is not installed.");
            continue;
        }
        variants.push(Variant {
            program: python.clone(),
            arguments: ["measure.py".to_owned(), format!("{job}-cli.sh")]
                .map(|file| scripts().join(file).display().to_string())
                .into(),
            ..of_kind(Kind::Cli)
        });
    }
    for variant in &mut variants {
        variant.environment.extend(common(endpoint, &python));
        if variant.job == LARGE {
            variant.ask(&endpoint.large.url);
        }
    }
    Ok(variants)
}

fn variant(
    job: &'static str,
    kind: Kind,
    environment: &[(&str, &str)],
    event: Value,
    expected: Value,
) -> Variant {
    let how = match kind {
        Kind::Hello | Kind::Rust => "",
        Kind::Boto3 => ", boto3",
        Kind::Boto3Threads => ", boto3 threads",
        Kind::Cli => ", CLI commands",
    };
    Variant {
        name: format!("{job}{how}"),
        job,
        kind,
        program: PathBuf::new(),
        arguments: Vec::new(),
        environment: pairs(environment),
        event,
        expected,
    }
}

fn scale_up() -> Vec<(&'static str, &'static str)> {
    let own = [
        ("CLUSTER", "lendpeak2-production"),
        ("SERVICES", "backend"),
        ("MAX_TASKS", "10"),
        ("LOAD_ALARMS", "lendpeak2-production-ecs-cpu"),
    ];
    [remedy().as_slice(), &own].concat()
}

fn rollback() -> Vec<(&'static str, &'static str)> {
    let own = [
        ("CLUSTER", "lendpeak2-production"),
        ("SERVICE", "backend"),
        ("PROBE_FUNCTION", "lendpeak2-production-health-probe"),
    ];
    [remedy().as_slice(), &own].concat()
}

fn restart() -> Vec<(&'static str, &'static str)> {
    [remedy().as_slice(), &[("CLUSTER", "lendpeak2-production"), ("SERVICE", "backend")]].concat()
}

fn cache_invalidation(endpoint: &Endpoint) -> Vec<(&'static str, &str)> {
    let own = [
        ("DISTRIBUTION_ID", "E1234567890ABC"),
        ("APP_URL", endpoint.pages.as_str()),
        ("ASSET_PATH", "/assets/main.js"),
    ];
    [remedy().as_slice(), &own].concat()
}

fn write_freeze() -> Vec<(&'static str, &'static str)> {
    let own = [
        ("CLUSTER", "lendpeak2-production"),
        ("SERVICE", "backend"),
        ("CONTAINER", "backend"),
        ("VARIABLE", "READONLY_MODE"),
        ("VALUE", "true"),
    ];
    [remedy().as_slice(), &own].concat()
}

fn snapshot_restore() -> Vec<(&'static str, &'static str)> {
    let own = [
        ("SOURCE_CLUSTER", SOURCE),
        ("DATABASE_SECRET", "lendpeak2-production-db-credentials"),
        ("CLUSTER", "lendpeak2-production"),
        ("SERVICE", "backend"),
        ("PROBE_FUNCTION", "lendpeak2-production-health-probe"),
    ];
    [remedy().as_slice(), &own].concat()
}

fn remedy() -> [(&'static str, &'static str); 4] {
    [
        ("MODE", "auto"),
        ("LEDGER_TABLE", TABLE),
        ("NOTICE_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:lendpeak2-production-notices"),
        // The canned answers show a change at once: to wait for it would hide that it does not show.
        ("VERIFY_SECONDS", "0"),
    ]
}

fn health_probe(endpoint: &Endpoint) -> Vec<(&'static str, &str)> {
    vec![("API_URL", &endpoint.pages), ("APP_URL", &endpoint.pages), ("ASSET_PATH", "/assets/main.js")]
}

fn diagnose() -> Vec<(&'static str, &'static str)> {
    vec![
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
    ]
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

/// What Lambda would set, and where the canned AWS is.
fn common(endpoint: &Endpoint, python: &Path) -> Vec<(String, String)> {
    let authority = endpoint.authority();
    let text = |path: &Path| path.display().to_string();
    let mut environment = pairs(&[
        ("ENVIRONMENT", "production"),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_SESSION_TOKEN", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_PAGER", ""),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("AWS_ENDPOINT_URL", &endpoint.aws),
    ]);
    let aws = python.with_file_name("aws");
    let paths = [("AWS_CA_BUNDLE", text(&authority)), ("AWS", text(&aws)), ("PYTHONPATH", text(&scripts()))];
    environment.extend(paths.map(|(name, value)| (name.to_owned(), value)));
    // No profile of whoever runs this may change what is measured.
    environment.push(("HOME".to_owned(), authority.parent().map(text).unwrap_or_default()));
    environment.push(("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()));
    environment
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn scripts() -> PathBuf {
    crate::workspace().join("tests/bench")
}

fn binary(binaries: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let path = binaries.join(name);
    ensure!(path.exists(), "{} is missing: run `make bench`, it builds it", path.display());
    Ok(path)
}

fn has_curl() -> bool {
    let found = std::process::Command::new("curl").arg("--version").output();
    found.is_ok_and(|output| output.status.success())
}

impl Variant {
    /// Asks another AWS.
    pub(super) fn ask(&mut self, aws: &str) {
        self.environment.retain(|(name, _)| name != "AWS_ENDPOINT_URL");
        self.environment.push(("AWS_ENDPOINT_URL".to_owned(), aws.to_owned()));
    }

    /// The binary as it would be uploaded, in megabytes; none where Lambda or the machine brings the parts.
    pub(super) fn zip_mb(&self) -> anyhow::Result<Option<f64>> {
        const BEST: i64 = 9;
        if !matches!(self.kind, Kind::Hello | Kind::Rust) {
            return Ok(None);
        }
        let binary = std::fs::read(&self.program)
            .with_context(|| format!("cannot read {}", self.program.display()))?;
        let method = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(BEST));
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("bootstrap", method)?;
        zip.write_all(&binary)?;
        Ok(Some(super::measure::megabytes(zip.finish()?.into_inner().len() as u64)))
    }
}
