//! JSON logs, and one line for every decision that is also its metric.
//!
//! The metric is written in `CloudWatch`'s embedded format: Lambda's log takes it along, so that counting
//! decisions costs no AWS call, and `observe` mode writes nothing but its record.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::{self, Write};

use serde_json::{Value, json};
use tracing::Level;

use crate::{
    outcome::Outcome,
    settings::{Environment, SettingsError, invalid},
};

pub const NAMESPACE: &str = "LendPeak2";

/// Starts logging to standard output. `LOG_LEVEL` is error, warn, info (unless said) or debug.
pub fn init(environment: &Environment) -> Result<(), SettingsError> {
    let level = match environment.optional("LOG_LEVEL") {
        None | Some("info") => Level::INFO,
        Some("error") => Level::ERROR,
        Some("warn") => Level::WARN,
        Some("debug") => Level::DEBUG,
        Some(other) => return Err(invalid("LOG_LEVEL", other, "error, warn, info or debug")),
    };
    // A second start in one process keeps the first one's logging.
    let _ = tracing_subscriber::fmt().json().flatten_event(true).with_max_level(level).with_target(false).try_init();
    Ok(())
}

/// Logs and counts a decision.
pub fn decided(outcome: &Outcome) {
    // A full or closed standard output must not keep a run from answering.
    let _ = writeln!(io::stdout().lock(), "{}", line(outcome));
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
