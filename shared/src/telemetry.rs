//! JSON logs, and one line for every decision that is also its metric.
//!
//! The metric is written in CloudWatch's embedded format: Lambda's log takes it along, so that counting
//! decisions costs no AWS call, and `observe` mode writes nothing but its record.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    clock,
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

/// Counts a notice that reached nobody.
pub fn unheard(environment: &str, topic_arn: &str) {
    let line =
        json!({ "level": "ERROR", "message": "nobody is subscribed to this topic", "topic": topic_arn });
    count(environment, "NoticesUnheard", line);
}

/// Counts that the status page was written whole.
pub fn page_published(environment: &str, files: usize) {
    let line = json!({ "level": "INFO", "message": "the status page is written", "files": files });
    count(environment, "StatusPagePublished", line);
}

/// Writes a line that is also one count of a metric.
fn count(environment: &str, metric: &str, mut line: Value) {
    if !tracing::enabled!(tracing::Level::ERROR) {
        return;
    }
    if let Some(fields) = line.as_object_mut() {
        fields.insert("Environment".to_owned(), environment.into());
        fields.insert(metric.to_owned(), 1.into());
        let metrics = json!({
            "Timestamp": clock::now().as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["Environment"]],
                "Metrics": [{ "Name": metric, "Unit": "Count" }],
            }],
        });
        fields.insert("_aws".to_owned(), metrics);
    }
    write(line);
}

/// Counts a request that the function did not take. Lambda counts it as an error of the function, too.
pub fn not_taken(function: &str) {
    if !tracing::enabled!(tracing::Level::ERROR) {
        return;
    }
    write(line_of_not_taken(function, clock::now()));
}

fn line_of_not_taken(function: &str, at: Timestamp) -> Value {
    json!({
        "timestamp": at,
        "level": "INFO",
        "message": "a request was not taken",
        "FunctionName": function,
        "RequestsNotTaken": 1,
        "_aws": {
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["FunctionName"]],
                "Metrics": [{ "Name": "RequestsNotTaken", "Unit": "Count" }],
            }],
        },
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The template's alarm on the errors of `incident` asks for it by that name.
    #[test]
    fn a_request_that_was_not_taken_is_counted_by_the_name_that_lambda_counts_errors_by() {
        let line = line_of_not_taken("lendpeak2-production-incident", Timestamp::UNIX_EPOCH);
        let [namespace, dimension, name] = [
            "/_aws/CloudWatchMetrics/0/Namespace",
            "/_aws/CloudWatchMetrics/0/Dimensions/0/0",
            "/_aws/CloudWatchMetrics/0/Metrics/0/Name",
        ]
        .map(|place| line.pointer(place).and_then(Value::as_str).unwrap());
        assert_eq!([namespace, dimension, name], ["LendPeak2", "FunctionName", "RequestsNotTaken"]);
        assert_eq!((&line[dimension], &line[name]), (&json!("lendpeak2-production-incident"), &json!(1)));
        assert_eq!(line["_aws"]["Timestamp"], 0);
    }
}
