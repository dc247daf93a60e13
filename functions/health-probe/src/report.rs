//! The probe's answer. Its types are in `shared`, for the functions that read it.
//!
//! It has no body of an answer, and addresses are without their query and without what redirects add.

use http::header::LOCATION;
use jiff::Timestamp;
pub use shared::probe::{Check as CheckReport, JudgedBy, Report, VERSION};
use shared::{
    probe::{Certificate, State},
    status::{Level, advice, is_success},
};
use url::Url;

use crate::check::{Check, Id, Name};
use crate::failure::Failure;
use crate::finding::{Finding, Severity};
use crate::http::Answer;
use crate::retry::Tried;
use crate::settings::Settings;
use crate::verdict::Verdict;
use crate::{cache, certificate, content, cors};

/// Judges what was measured.
pub fn of(check: &Check, tried: Tried, settings: &Settings, now: Timestamp) -> CheckReport {
    let measured = tried.last;
    let certificate =
        measured.certificate_not_after.map(|at| certificate::shown(at, now, settings.certificate));
    let mut report = CheckReport {
        name: check.id.to_string(),
        method: check.exchange.method.to_string(),
        url: shown(&check.exchange.url),
        tries: tried.tries,
        phases: measured.phases.into(),
        address: measured.address.map(|address| address.to_string()),
        certificate,
        ..CheckReport::default()
    };
    report.findings.extend(certificate.and_then(certificate_finding));
    match measured.answer {
        Ok(answer) => {
            report.status = Some(answer.status);
            report.bytes = Some(answer.bytes);
            report.truncated = answer.truncated;
            let advice = advice(answer.status);
            advise(&mut report, advice.meaning, advice.action, advice.level);
            if is_success(answer.status) {
                judge(&mut report, check.id, &answer, settings);
            } else {
                let mut message = format!("answered {} {}", answer.status, advice.meaning);
                if let Some(to) = redirect(&check.exchange.url, &answer.headers) {
                    message = format!("{message} to {to}");
                }
                report.error = Some(Failure::answered(answer.status, message).into());
            }
        }
        Err(failure) => {
            report.status = failure.status;
            let meaning = if failure.status.is_some() { "No whole answer" } else { "No answer" };
            advise(&mut report, meaning, failure.action, Some(Level::DevOps));
            report.error = Some(failure.into());
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

fn advise(report: &mut CheckReport, meaning: &str, action: &str, level: Option<Level>) {
    meaning.clone_into(&mut report.meaning);
    action.clone_into(&mut report.action);
    report.level = level;
}

/// Judges an answer with a status of success by its headers and body.
fn judge(report: &mut CheckReport, id: Id, answer: &Answer, settings: &Settings) {
    let Id::Named(name) = id else { return };
    let headers = &answer.headers;
    match name {
        Name::Health | Name::HealthDb | Name::HealthRedis => return judge_health(report, answer),
        Name::Page => {
            report.cache = Some(cache::read(headers));
            report.findings.extend(content::judge_page(answer));
            report.findings.extend(cache::judge_page(headers));
        }
        Name::Asset => {
            report.cache = Some(cache::read(headers));
            report.findings.extend(content::judge_asset(answer, &settings.asset_path));
            report.findings.extend(cache::judge_asset(headers));
        }
        Name::Cors => {
            let (cors, findings) = cors::judge(headers, &settings.app.origin().ascii_serialization());
            report.cors = Some(cors);
            report.findings.extend(findings);
        }
    }
    // A good status with a failure in the headers still asks somebody to act.
    if let Some(failure) = report.findings.iter().find(|found| found.severity == Severity::Failure) {
        report.action = failure.message.clone();
        report.level = Some(Level::Development);
    }
}

fn judge_health(report: &mut CheckReport, answer: &Answer) {
    report.judged_by =
        Some(if answer.verdict.is_some() { JudgedBy::StatusAndBody } else { JudgedBy::Status });
    match &answer.verdict {
        Some(Verdict::Unwell(said)) => {
            let message = format!("answered {}, and in its body {said}", answer.status);
            advise(
                report,
                "Unhealthy by its body",
                "See what this address answers, and the backend's logs: it works, and says that something does not",
                Some(Level::Development),
            );
            report.error = Some(Failure::answered(answer.status, message).into());
        }
        Some(Verdict::Degraded(said)) => {
            report.findings.push(Finding::warning(format!("not all is well: in its body {said}")));
        }
        Some(Verdict::Well) | None => {}
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
