//! What the health probe says right now: it is asked as a person would ask it.

mod report;

use std::time::Duration;

use aws_sdk_lambda::{Client, config::Builder, primitives::Blob};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use serde_json::{Value, json};

pub use report::*;

use crate::{
    aws,
    error::{Cause, Error},
};

/// The probe gives each check ten seconds. Asked again meanwhile, it would only start over.
const PROBE_TIME: Duration = Duration::from_secs(12);

/// Asks for these checks once, without the probe's retries and metrics: whoever asks needs a quick answer.
pub async fn ask(client: &Client, function: &str, checks: &[&str]) -> Result<Report, Error> {
    request(client, function, &json!({ "checks": checks, "tries": 1, "dry_run": true })).await
}

/// What the probe answers to a request.
pub async fn request(client: &Client, function: &str, request: &Value) -> Result<Report, Error> {
    let answer = client
        .invoke()
        .function_name(function)
        .payload(Blob::new(request.to_string()))
        .customize()
        .config_override(patient())
        .send()
        .await
        .map_err(|error| aws::failed("invoke", function, &error))?;
    let unusable =
        |what: &str| Error::Aws { operation: "ask", resource: function.to_owned(), source: Cause::new(what) };
    if let Some(kind) = answer.function_error() {
        return Err(unusable(&format!("the probe itself failed ({kind})")));
    }
    let payload = answer.payload.unwrap_or_else(|| Blob::new([]));
    serde_json::from_slice(payload.as_ref()).map_err(|_| unusable("its answer is not a probe's report"))
}

/// What was refused before it began is asked again, quickly; what took its time is not, as there is none left.
fn patient() -> Builder {
    const ATTEMPTS: u32 = 3;
    const BACKOFF: Duration = Duration::from_millis(200);
    let timeout =
        TimeoutConfig::builder().operation_attempt_timeout(PROBE_TIME).operation_timeout(PROBE_TIME).build();
    let retry = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACKOFF);
    Builder::new().timeout_config(timeout).retry_config(retry)
}
