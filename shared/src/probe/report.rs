//! What the health probe answers: for a person in the middle of the night, and for the functions that ask it.
//!
//! What is read may be of another version. Only what says whether a check passed must be there.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    lenient::{if_known, or_default},
    outcome::Next,
    status::{Level, is_success},
};

/// Grows when a field changes its meaning or goes.
pub const VERSION: u32 = 1;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// One sentence.
    #[serde(default)]
    pub summary: String,
    #[serde(default)]
    pub healthy: bool,
    /// What a person should do; absent when there is nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_known")]
    pub next: Option<Next>,
    pub checks: Vec<Check>,
    /// How many data points go to the metrics; 0 for a dry run.
    #[serde(default)]
    pub metrics: usize,
    #[serde(default)]
    pub version: u32,
    #[serde(default)]
    pub function: Cow<'static, str>,
    #[serde(default)]
    pub execution_id: String,
    #[serde(default)]
    pub environment: String,
    /// When the run began.
    #[serde(default)]
    pub at: Timestamp,
    #[serde(default)]
    pub duration_ms: u64,
}

/// One address that was asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// `health`, `health-db`, `health-redis`, `page`, `asset` or `cors`; `url-1` for the first address that a person asked
    /// for.
    pub name: String,
    #[serde(default)]
    pub method: String,
    /// Without its query.
    #[serde(default)]
    pub url: String,
    pub healthy: bool,
    /// The HTTP status; absent when none came.
    #[serde(default)]
    pub status: Option<u16>,
    /// By what a health check that was answered with success was judged.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_known")]
    pub judged_by: Option<JudgedBy>,
    #[serde(default)]
    pub meaning: String,
    #[serde(default)]
    pub action: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_known")]
    pub level: Option<Level>,
    #[serde(default)]
    pub tries: u32,
    /// Of the last try.
    #[serde(default)]
    pub phases: Phases,
    /// Of the body, as far as it was read; absent when it was not read to its end or limit.
    #[serde(default)]
    pub bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Address and port.
    #[serde(default)]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    #[serde(default)]
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgedBy {
    /// The body says nothing that is known, or was not to be read.
    Status,
    StatusAndBody,
}

/// How long each step of one exchange took, in milliseconds; a step that was not reached is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Phases {
    pub dns_ms: Option<f64>,
    pub connect_ms: Option<f64>,
    pub tls_ms: Option<f64>,
    pub send_ms: Option<f64>,
    pub first_byte_ms: Option<f64>,
    /// Until the body was read (or given up), also when the exchange failed.
    pub total_ms: Option<f64>,
}

/// The certificate that the server showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Certificate {
    /// Whole days until `not_after`, rounded down: below 0 once it has passed.
    pub days_left: i64,
    pub not_after: Timestamp,
    #[serde(deserialize_with = "or_default")]
    pub state: State,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    #[default]
    Ok,
    Warning,
    Critical,
    Expired,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cache {
    pub cache_control: Option<String>,
    /// Seconds that the answer had lain in a cache.
    pub age: Option<String>,
    pub etag: Option<String>,
    /// CloudFront's word on it: `Hit from cloudfront`, `Miss from cloudfront`, …
    pub x_cache: Option<String>,
}

/// Whether a browser would let the front end's login through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "four separate answers, each reported")]
pub struct Cors {
    /// What was answered to the question which origin is allowed.
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
    #[serde(deserialize_with = "if_known")]
    pub kind: Option<Kind>,
    /// What was under way; absent where a whole answer came and it was not a good one, and where nothing was asked.
    #[serde(deserialize_with = "if_known")]
    pub step: Option<Step>,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Dns,
    Connect,
    Tls,
    Timeout,
    Http,
}

/// Where in an exchange something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Dns,
    Connect,
    Tls,
    Send,
    FirstByte,
    Body,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    #[default]
    Warning,
    /// Users are served today and soon will not be.
    Critical,
    /// Users are not served: the check is unhealthy.
    Failure,
}

/// Something a person should know about a check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Finding {
    #[serde(deserialize_with = "or_default")]
    pub severity: Severity,
    /// For programs, where they tell one failure from another: `not_the_file`, `content_type`, `empty`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Cow<'static, str>>,
    pub message: String,
}

impl Report {
    /// Whether a check was made and passed.
    pub fn passes(&self, check: &str) -> bool {
        self.checks.iter().any(|made| made.name == check && made.healthy)
    }
}

impl Check {
    /// Why an answer of success is of no use: what the probe says of its body, or of what browsers make of it.
    pub fn spoilt(&self) -> Option<&str> {
        if self.healthy || !self.status.is_some_and(is_success) {
            return None;
        }
        let refused = |finding: &&Finding| matches!(finding.code.as_deref(), Some("content_type" | "empty"));
        let refused = self.findings.iter().find(refused).map(|finding| finding.message.as_str());
        self.error.as_ref().map(|error| error.message.as_str()).or(refused)
    }

    /// Whether there was no answer at all, for this reason.
    pub fn failed_by(&self, kind: Kind) -> bool {
        !self.healthy
            && self.status.is_none()
            && self.error.as_ref().is_some_and(|error| error.kind == Some(kind))
    }
}

impl Phases {
    /// A step by its field's name, as in `first_byte_ms`.
    pub fn named(&self, name: &str) -> Option<f64> {
        match name {
            "dns_ms" => self.dns_ms,
            "connect_ms" => self.connect_ms,
            "tls_ms" => self.tls_ms,
            "send_ms" => self.send_ms,
            "first_byte_ms" => self.first_byte_ms,
            "total_ms" => self.total_ms,
            _ => None,
        }
    }
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Http => "http",
        }
    }
}

impl Finding {
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message.into())
    }

    pub fn critical(message: impl Into<String>) -> Self {
        Self::new(Severity::Critical, message.into())
    }

    pub fn failure(message: impl Into<String>) -> Self {
        Self::new(Severity::Failure, message.into())
    }

    #[must_use]
    pub fn code(self, code: &'static str) -> Self {
        Self { code: Some(Cow::Borrowed(code)), ..self }
    }

    fn new(severity: Severity, message: String) -> Self {
        Self { severity, code: None, message }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_is_left_out_and_the_rest_is_read() {
        let report = json!({
            "healthy": false, "summary": "Unhealthy", "weather": "fair", "next": { "level": "two" },
            "checks": [{ "name": "health", "healthy": false, "judged_by": "tarot", "level": 7, "status": null,
                "error": { "kind": "quic", "step": "knock", "message": "no answer" },
                "certificate": { "days_left": 3, "not_after": "2026-12-01T00:00:00Z", "state": "revoked" },
                "findings": [{ "severity": "odd", "message": "m" }] }],
        });
        let report: Report = serde_json::from_value(report).unwrap();
        let check = &report.checks[0];
        assert_eq!((&report.next, check.judged_by, check.level), (&None, None, Some(Level::Aws)));
        // What the probe of an earlier version says.
        let next = json!({ "level": 2, "team": "Level 2: DevOps Team", "actions": ["look"] });
        let report = json!({ "checks": [], "next": next });
        let report: Report = serde_json::from_value(report).unwrap();
        assert_eq!(report.next.map(|next| next.level), Some(2));
        let expected = Failure { message: "no answer".to_owned(), ..Failure::default() };
        assert_eq!(check.error, Some(expected));
        assert_eq!(check.certificate.unwrap().state, State::Ok);
        assert_eq!(check.findings, [Finding::warning("m")]);
    }

    #[test]
    fn an_answer_that_does_not_say_what_passed_is_no_report() {
        for other in [json!(null), json!({}), json!({ "checks": [{ "name": "health" }] })] {
            assert!(serde_json::from_value::<Report>(other.clone()).is_err(), "{other}");
        }
        let least = json!({ "checks": [{ "name": "health", "healthy": true }] });
        assert!(serde_json::from_value::<Report>(least).unwrap().passes("health"));
    }

    #[test]
    fn a_step_is_named_as_its_field() {
        let phases: Phases = serde_json::from_value(json!({ "dns_ms": 1, "connect_ms": 2, "tls_ms": 3,
            "send_ms": 4, "first_byte_ms": 5, "total_ms": 6 }))
        .unwrap();
        let written = serde_json::to_value(phases).unwrap();
        for (name, value) in written.as_object().unwrap() {
            assert_eq!(phases.named(name), value.as_f64(), "{name}");
        }
    }
}
