//! JSON logs, and one line for every decision that is also its metric.
//!
//! The metric is written in CloudWatch's embedded format: Lambda's log takes it along, so that counting
//! decisions costs no AWS call, and `observe` mode writes nothing but its record.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::{self, Write};

use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    outcome::Outcome,
    settings::{Environment, SettingsError, invalid},
    text,
};

pub const NAMESPACE: &str = "LendPeak2";

/// Starts logging to standard output. `LOG_LEVEL` is error, warn, info (unless said) or debug.
pub fn init(environment: &Environment) -> Result<(), SettingsError> {
    let level = match environment.optional("LOG_LEVEL") {
        None | Some("info") => LevelFilter::INFO,
        Some("error") => LevelFilter::ERROR,
        Some("warn") => LevelFilter::WARN,
        Some("debug") => LevelFilter::DEBUG,
        Some(other) => return Err(invalid("LOG_LEVEL", other, "error, warn, info or debug")),
    };
    // The runtime would log every error that we answer a second time, and as ERROR.
    let filter = Targets::new().with_default(level).with_target("lambda_runtime", LevelFilter::OFF);
    // The SDK tells requests and answers below WARN: not for a log that many people read.
    let filter = filter
        .with_target("aws", level.min(LevelFilter::WARN))
        .with_target("hyper", level.min(LevelFilter::WARN));
    let lines =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false).with_writer(|| Tidied);
    // A second start in one process keeps the first one's logging.
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
    Ok(())
}

/// Writes the decision line, whatever `LOG_LEVEL` is: it is also the metric. Does nothing before [`init`].
pub fn decided(outcome: &Outcome) {
    if !tracing::enabled!(tracing::Level::ERROR) {
        return;
    }
    write(line(outcome));
}

/// Writes a line of the log: one line, masked, and bounded, whatever others wrote into it.
pub fn write(mut line: Value) {
    text::tidy(&mut line);
    // A full or closed standard output must not keep a run from answering.
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Standard output for what is logged in passing. The layer hands over a line at a time.
struct Tidied;

impl Write for Tidied {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let value = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()));
        write(value);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().lock().flush()
    }
}

/// Counts a notice that nobody hears.
pub fn unheard(environment: &str, topic_arn: &str) {
    if !tracing::enabled!(tracing::Level::ERROR) {
        return;
    }
    let line = json!({
        "level": "ERROR",
        "message": "nobody is subscribed to this topic",
        "topic": topic_arn,
        "Environment": environment,
        "NoticesUnheard": 1,
        "_aws": {
            "Timestamp": crate::clock::now().as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["Environment"]],
                "Metrics": [{ "Name": "NoticesUnheard", "Unit": "Count" }],
            }],
        },
    });
    write(line);
}

fn line(outcome: &Outcome) -> Value {
    json!({
        "timestamp": outcome.at,
        "level": "INFO",
        "message": "decided",
        "Environment": outcome.environment,
        "Function": outcome.function,
        "Decision": outcome.decision,
        "Decisions": 1,
        "outcome": outcome,
        "_aws": {
            "Timestamp": outcome.at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["Environment", "Function", "Decision"]],
                "Metrics": [{ "Name": "Decisions", "Unit": "Count" }],
            }],
        },
    })
}
