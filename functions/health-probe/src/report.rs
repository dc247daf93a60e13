//! What the probe answers: for a person in the middle of the night, and for machines by its version.
//!
//! Holds no body of an answer, and of an address neither the query nor what redirects add to it.

use std::net::SocketAddr;

use http::header::LOCATION;
use jiff::Timestamp;
use serde::Serialize;
use shared::status::{Level, advice, is_success};
use url::Url;

use crate::cache::{self, Cache};
use crate::certificate::{Certificate, State};
use crate::check::{Check, Id, Name};
use crate::content;
use crate::cors::{self, Cors};
use crate::diagnosis::Next;
use crate::failure::Failure;
use crate::finding::{Finding, Severity};
use crate::http::Answer;
use crate::phases::Phases;
use crate::retry::Tried;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub healthy: bool,
    /// One sentence.
    pub summary: String,
    /// What a person should do; absent when there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    pub checks: Vec<CheckReport>,
    /// How many data points go to the metrics; 0 for a dry run.
    pub metrics: usize,
    pub version: u32,
    pub function: &'static str,
    pub execution_id: String,
    pub environment: String,
    /// When the run began.
    pub at: Timestamp,
    pub duration_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgedBy {
    /// The body says nothing that is known, or was not to be read.
    Status,
    StatusAndBody,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    pub name: String,
    #[serde(skip)]
    pub id: Id,
    pub method: String,
    pub url: String,
    pub healthy: bool,
    /// The HTTP status; absent when none came.
    pub status: Option<u16>,
    /// By what a health check that was answered with success was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged_by: Option<JudgedBy>,
    pub meaning: String,
    pub action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    pub tries: u32,
    /// Of the last try.
    pub phases: Phases,
    /// Of the body, as far as it was read; absent when it was not read to its end or limit.
    pub bytes: Option<u64>,
    #[serde(skip_serializing_if = "is_false")]
    pub truncated: bool,
    pub address: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    pub findings: Vec<Finding>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives the field by reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl CheckReport {
    /// Judges what was measured.
    pub fn new(check: &Check, tried: Tried, settings: &Settings, now: Timestamp) -> Self {
        let measured = tried.last;
        let certificate =
            measured.certificate_not_after.map(|at| Certificate::new(at, now, settings.certificate));
        let mut report = Self {
            name: check.id.to_string(),
            id: check.id,
            method: check.exchange.method.to_string(),
            url: shown(&check.exchange.url),
            healthy: false,
            status: None,
            judged_by: None,
            meaning: String::new(),
            action: String::new(),
            level: None,
            tries: tried.tries,
            phases: measured.phases,
            bytes: None,
            truncated: false,
            address: measured.address,
            certificate,
            cache: None,
            cors: None,
            error: None,
            findings: Vec::new(),
        };
        report.findings.extend(certificate.and_then(certificate_finding));
        match measured.answer {
            Ok(answer) => {
                report.status = Some(answer.status);
                report.bytes = Some(answer.bytes);
                report.truncated = answer.truncated;
                let advice = advice(answer.status);
                report.advise(advice.meaning, advice.action, advice.level);
                if is_success(answer.status) {
                    report.judge(check.id, &answer, settings);
                } else {
                    let mut message = format!("answered {} {}", answer.status, advice.meaning);
                    if let Some(to) = redirect(&check.exchange.url, &answer.headers) {
                        message = format!("{message} to {to}");
                    }
                    report.error = Some(Failure::answered(answer.status, message));
                }
            }
            Err(failure) => {
                report.status = failure.status;
                let meaning = if failure.status.is_some() { "No whole answer" } else { "No answer" };
                report.advise(meaning, failure.action, Some(Level::DevOps));
                report.error = Some(failure);
            }
        }
        if !tried.earlier.is_empty() {
            report.findings.push(Finding::warning(format!(
                "asked {} times; earlier: {}",
                tried.tries,
                tried.earlier.join("; ")
            )));
        }
        report.findings.extend(tried.gave_up.map(Finding::warning));
        report.healthy =
            report.error.is_none() && report.findings.iter().all(|found| found.severity < Severity::Failure);
        report
    }

    fn advise(&mut self, meaning: &str, action: &str, level: Option<Level>) {
        meaning.clone_into(&mut self.meaning);
        action.clone_into(&mut self.action);
        self.level = level;
    }

    /// Judges an answer of success by the rest of it.
    fn judge(&mut self, id: Id, answer: &Answer, settings: &Settings) {
        let Id::Named(name) = id else { return };
        let headers = &answer.headers;
        match name {
            Name::Health | Name::HealthDb | Name::HealthRedis => return self.judge_health(answer),
            Name::Page => {
                self.cache = Some(Cache::read(headers));
                self.findings.extend(content::judge_page(answer));
                self.findings.extend(cache::judge_page(headers));
            }
            Name::Asset => {
                self.cache = Some(Cache::read(headers));
                self.findings.extend(content::judge_asset(answer, &settings.asset_path));
                self.findings.extend(cache::judge_asset(headers));
            }
            Name::Cors => {
                let (cors, findings) = cors::judge(headers, &settings.app.origin().ascii_serialization());
                self.cors = Some(cors);
                self.findings.extend(findings);
            }
        }
        // A good status with a failure in the headers still asks somebody to act.
        if let Some(failure) = self.findings.iter().find(|found| found.severity == Severity::Failure) {
            self.action = failure.message.clone();
            self.level = Some(Level::Development);
        }
    }

    fn judge_health(&mut self, answer: &Answer) {
        self.judged_by =
            Some(if answer.verdict.is_some() { JudgedBy::StatusAndBody } else { JudgedBy::Status });
        match &answer.verdict {
            Some(Verdict::Unwell(said)) => {
                let message = format!("answered {}, and in its body {said}", answer.status);
                self.advise(
                    "Unhealthy by its body",
                    "See what this address answers, and the backend's logs: it works, and says that something does not",
                    Some(Level::Development),
                );
                self.error = Some(Failure::answered(answer.status, message));
            }
            Some(Verdict::Degraded(said)) => {
                self.findings.push(Finding::warning(format!("not all is well: in its body {said}")));
            }
            Some(Verdict::Well) | None => {}
        }
    }

    pub fn has_expired_certificate(&self) -> bool {
        self.certificate.is_some_and(|certificate| certificate.state == State::Expired)
    }
}

/// Days left never make a check unhealthy by themselves: its alarm would ring for a week and then be
/// silent when the service really goes down. `CertificateDaysLeft` is there to be watched.
fn certificate_finding(certificate: Certificate) -> Option<Finding> {
    let Certificate { days_left, not_after, state } = certificate;
    match state {
        State::Ok => None,
        State::Warning => {
            Some(Finding::warning(format!("the certificate expires in {days_left} days ({not_after})")))
        }
        State::Critical => Some(Finding::critical(format!(
            "the certificate expires in {days_left} days ({not_after}): renew it now"
        ))),
        State::Expired => Some(Finding::failure(format!(
            "the certificate expired at {not_after} ({days_left} days left): browsers refuse it"
        ))),
    }
}

/// An address without its query: that may hold what must not be logged.
fn shown(url: &Url) -> String {
    let base = &url[..url::Position::AfterPath];
    if url.query().is_some() { format!("{base}?…") } else { base.to_owned() }
}

fn redirect(from: &Url, headers: &http::HeaderMap) -> Option<String> {
    let mut to = from.join(headers.get(LOCATION)?.to_str().ok()?).ok()?;
    to.set_username("").ok()?;
    to.set_password(None).ok()?;
    Some(shown(&to))
}

#[cfg(test)]
pub(crate) mod tests;
