//! What the health probe says right now: it is asked as a person would ask it.

use aws_sdk_lambda::primitives::Blob;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    aws::{self, Cause},
    error::Error,
};

use crate::{Clients, settings::Settings};

/// Which layers answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    pub api: bool,
    pub database: bool,
    pub redis: bool,
    /// The probe's own words.
    pub summary: String,
}

impl Health {
    /// Whether the database is what fails. An API that cannot answer for Redis either is itself at fault.
    pub(crate) fn is_the_database(&self) -> bool {
        !self.api && !self.database && self.redis
    }
}

#[derive(Deserialize)]
struct Report {
    summary: String,
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    name: String,
    healthy: bool,
}

/// Asks the probe once, without its retries and metrics: whoever asks needs a quick answer.
pub(crate) async fn ask(clients: &Clients, settings: &Settings) -> Result<Health, Error> {
    let probe = &settings.probe_function;
    let request =
        json!({ "checks": ["health", "health-db", "health-redis"], "tries": 1, "dry_run": true }).to_string();
    let answer = clients
        .lambda()
        .invoke()
        .function_name(probe)
        .payload(Blob::new(request))
        .send()
        .await
        .map_err(|error| aws::failed("invoke", probe, &error))?;
    let unusable =
        |what: &str| Error::Aws { operation: "ask", resource: probe.clone(), source: Cause::new(what) };
    if let Some(kind) = answer.function_error() {
        return Err(unusable(&format!("the probe itself failed ({kind})")));
    }
    let payload = answer.payload.unwrap_or_else(|| Blob::new([]));
    let report: Report = serde_json::from_slice(payload.as_ref())
        .map_err(|_| unusable("its answer is not a probe's report"))?;
    let passes = |name: &str| report.checks.iter().any(|check| check.name == name && check.healthy);
    Ok(Health {
        api: passes("health"),
        database: passes("health-db"),
        redis: passes("health-redis"),
        summary: report.summary,
    })
}
