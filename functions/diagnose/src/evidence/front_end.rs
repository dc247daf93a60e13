//! The front end: its build, its distribution, and what the probe meets.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Distribution {
    pub id: String,
    pub is_enabled: bool,
    /// `Deployed` or `InProgress`.
    pub status: String,
    /// Those in progress.
    pub invalidations: Vec<Invalidation>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Invalidation {
    pub id: String,
    pub created_at: Option<Timestamp>,
}

/// A build of the front end, by CodeBuild.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Build {
    pub id: String,
    /// `SUCCEEDED`, `FAILED`, `FAULT`, `TIMED_OUT`, `IN_PROGRESS` or `STOPPED`.
    pub status: String,
    /// The phase that failed, as in `BUILD`, `INSTALL`, `DOWNLOAD_SOURCE`.
    pub phase: String,
    /// What CodeBuild says of it.
    pub reason: String,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// Lines of its log with errors, masked, the last ones; looked up for a build that failed.
    pub errors: Vec<String>,
}

/// What the health probe says now, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Probe {
    pub healthy: bool,
    pub at: Timestamp,
    pub checks: Vec<Check>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Check {
    /// `health`, `health-db`, `health-redis`, `page`, `asset` or `cors`.
    pub name: String,
    pub url: String,
    pub healthy: bool,
    pub status: Option<u16>,
    /// How long each step took, by `dns_ms`, `connect_ms`, `tls_ms`, `send_ms`, `first_byte_ms`, `total_ms`.
    pub phases: BTreeMap<String, Option<f64>>,
    pub certificate: Option<Certificate>,
    pub cache: Option<CacheHeaders>,
    pub cors: Option<Cors>,
    pub error: Option<Failure>,
    pub findings: Vec<ProbeFinding>,
}

/// What the probe remarked about an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeFinding {
    /// `failure` is what made the check fail.
    pub severity: String,
    /// `not_the_file`, `content_type` or `empty`.
    pub code: Option<String>,
    pub message: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Certificate {
    pub not_after: Timestamp,
    pub days_left: i64,
    /// `ok`, `warning`, `critical` or `expired`.
    pub state: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheHeaders {
    pub cache_control: Option<String>,
    /// Seconds.
    pub age: Option<String>,
    pub x_cache: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "four separate answers of the probe")]
pub struct Cors {
    pub allow_origin: Option<String>,
    pub origin_allowed: bool,
    pub method_allowed: bool,
    pub header_allowed: bool,
    pub credentials_allowed: bool,
}

/// Why there was no good answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// `dns`, `connect`, `tls`, `timeout` or `http`.
    pub kind: String,
    pub message: String,
}

impl Check {
    pub fn phase_ms(&self, name: &str) -> Option<f64> {
        *self.phases.get(name)?
    }

    /// Why an answer of success is of no use: what the probe says of its body, or of what browsers make of it.
    pub fn spoilt(&self) -> Option<&str> {
        if self.healthy || !self.status.is_some_and(shared::status::is_success) {
            return None;
        }
        let refused =
            |finding: &&ProbeFinding| matches!(finding.code.as_deref(), Some("content_type" | "empty"));
        let refused = self.findings.iter().find(refused).map(|finding| finding.message.as_str());
        self.error.as_ref().map(|error| error.message.as_str()).or(refused)
    }

    /// Whether there was no answer at all, for this reason.
    pub fn failed_by(&self, kind: &str) -> bool {
        !self.healthy && self.status.is_none() && self.error.as_ref().is_some_and(|error| error.kind == kind)
    }
}
