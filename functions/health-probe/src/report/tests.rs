use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::*;
use crate::http::{Answer, Measured};
use crate::phases::{Phases, Step};
use crate::settings::tests::settings;
use crate::verdict;

const NOW: &str = "2026-01-31T12:00:00Z";

pub(crate) fn phases() -> Phases {
    let ms = Duration::from_millis;
    Phases {
        dns: Some(ms(1)),
        connect: Some(ms(2)),
        tls: Some(ms(3)),
        send: Some(ms(4)),
        first_byte: Some(ms(50)),
        total: ms(61),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what an exchange gives")]
pub(crate) fn answered(status: u16, headers: &[(&'static str, &'static str)]) -> Result<Answer, Failure> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    Ok(Answer { status, headers, bytes: 15, truncated: false, is_blank: false, verdict: None })
}

/// A health check's answer with this body.
pub(crate) fn with_body(status: u16, body: &str) -> Result<Answer, Failure> {
    let verdict = verdict::read(body.as_bytes());
    answered(status, &[]).map(|answer| Answer { verdict, ..answer })
}

pub(crate) fn tried(answer: Result<Answer, Failure>, not_after: Option<&str>) -> Tried {
    let last = Measured {
        phases: phases(),
        address: Some("192.0.2.1:443".parse().unwrap()),
        certificate_not_after: not_after.map(|at| at.parse().unwrap()),
        answer,
    };
    Tried { last, tries: 1, earlier: vec![], gave_up: None }
}

pub(crate) fn judged(name: Name, tried: Tried) -> CheckReport {
    let settings = settings();
    of(&Check::named(name, &settings), tried, &settings, NOW.parse().unwrap())
}

#[test]
fn a_healthy_check_is_reported_whole() {
    let report = judged(Name::Health, tried(answered(200, &[]), Some("2026-05-01T00:00:00Z")));
    assert_eq!(
        serde_json::to_value(report).unwrap(),
        json!({
            "name": "health",
            "method": "GET",
            "url": "https://api.lendpeak.com/health",
            "healthy": true,
            "status": 200,
            "judged_by": "status",
            "meaning": "Success",
            "action": "None",
            "tries": 1,
            "phases": {
                "dns_ms": 1.0, "connect_ms": 2.0, "tls_ms": 3.0, "send_ms": 4.0,
                "first_byte_ms": 50.0, "total_ms": 61.0
            },
            "bytes": 15,
            "address": "192.0.2.1:443",
            "certificate": { "days_left": 89, "not_after": "2026-05-01T00:00:00Z", "state": "ok" },
            "findings": [],
        })
    );
}

#[test]
fn a_bad_status_is_an_error_with_its_advice() {
    let report = judged(Name::HealthDb, tried(answered(503, &[]), None));
    assert!(!report.healthy);
    assert_eq!(
        (report.meaning.as_str(), report.action.as_str()),
        ("Service Unavailable", "Check ALB targets")
    );
    assert_eq!(report.level, Some(Level::DevOps));
    assert_eq!(report.error.unwrap().message, "answered 503 Service Unavailable");
}

#[test]
fn a_redirect_is_a_finding_that_keeps_its_secrets() {
    let location = [("location", "https://me:hunter2@login.example.com/a?token=hunter2#hunter2")];
    let report = judged(Name::Health, tried(answered(302, &location), None));
    assert!(!report.healthy);
    assert_eq!(report.error.unwrap().message, "answered 302 Redirect to https://login.example.com/a?…");
}

#[test]
fn no_answer_has_advice_by_the_step_that_failed() {
    let failure = Failure::timeout(Step::FirstByte, Duration::from_secs(10));
    let report = judged(Name::Health, tried(Err(failure), None));
    assert!(!report.healthy);
    assert_eq!((report.status, report.meaning.as_str()), (None, "No answer"));
    assert_eq!(
        serde_json::to_value(&report.error).unwrap(),
        json!({
            "kind": "timeout",
            "step": "first_byte",
            "message": "not finished within 10.0 s: it was still waiting for the first byte of the answer"
        })
    );
}

#[track_caller]
fn certificate(not_after: &str, healthy: bool, severity: Option<Severity>) {
    let report = judged(Name::Health, tried(answered(200, &[]), Some(not_after)));
    assert_eq!(report.healthy, healthy);
    assert_eq!(report.findings.first().map(|found| found.severity), severity);
}

#[test]
fn a_certificate_near_its_end_is_a_finding_and_an_expired_one_a_failure() {
    certificate("2026-05-01T00:00:00Z", true, None);
    certificate("2026-02-15T00:00:00Z", true, Some(Severity::Warning));
    certificate("2026-02-03T00:00:00Z", true, Some(Severity::Critical));
    certificate("2026-01-30T00:00:00Z", false, Some(Severity::Failure));
}

#[test]
fn earlier_tries_are_a_warning() {
    let mut tried = tried(answered(200, &[]), None);
    tried.tries = 2;
    tried.earlier = vec!["502 Bad Gateway".to_owned()];
    let report = judged(Name::Health, tried);
    assert!(report.healthy);
    assert_eq!(report.findings, [Finding::warning("asked 2 times; earlier: 502 Bad Gateway")]);
}

#[test]
fn a_blocked_preflight_is_unhealthy_though_its_status_is_good() {
    let report = judged(Name::Cors, tried(answered(204, &[]), None));
    assert!(!report.healthy);
    assert_eq!(report.status, Some(204));
    assert!(report.action.contains("CORS_ORIGIN"), "{}", report.action);
    assert!(report.cors.is_some());
}

#[test]
fn page_and_asset_show_their_cache_headers() {
    let headers = |kind| [("cache-control", "max-age=86400"), ("etag", "\"1\""), ("content-type", kind)];
    let page = judged(Name::Page, tried(answered(200, &headers("text/html")), None));
    assert!(page.healthy);
    assert_eq!(page.cache.unwrap().etag.as_deref(), Some("\"1\""));
    assert_eq!(page.findings.len(), 1);
    let asset = judged(Name::Asset, tried(answered(200, &headers("text/javascript")), None));
    assert_eq!(asset.findings, []);
}

#[test]
fn an_asset_that_browsers_refuse_is_unhealthy_though_its_status_is_good() {
    let headers = [("cache-control", "max-age=1"), ("content-type", "binary/octet-stream")];
    let report = judged(Name::Asset, tried(answered(200, &headers), None));
    assert_eq!((report.healthy, report.status, report.level), (false, Some(200), Some(Level::Development)));
    assert!(report.action.contains("is sent as `binary/octet-stream`"), "{}", report.action);
    assert_eq!(
        serde_json::to_value(&report.findings).unwrap(),
        json!([{
            "severity": "failure",
            "code": "content_type",
            "message": "the script is sent as `binary/octet-stream`: browsers run a module only as `text/javascript`"
        }])
    );
}

#[test]
fn a_body_that_says_that_something_is_down_is_unhealthy() {
    let body = r#"{"status":"unhealthy","database":"disconnected"}"#;
    let report = judged(Name::HealthDb, tried(with_body(200, body), None));
    assert_eq!((report.healthy, report.status), (false, Some(200)));
    assert_eq!(report.judged_by, Some(JudgedBy::StatusAndBody));
    assert_eq!(report.error.unwrap().message, "answered 200, and in its body `status` is `unhealthy`");
    assert_eq!((report.meaning.as_str(), report.level), ("Unhealthy by its body", Some(Level::Development)));
}

#[test]
fn a_body_that_says_that_it_is_well_or_nothing_changes_nothing() {
    for (body, judged_by) in [
        (r#"{"status":"ok"}"#, JudgedBy::StatusAndBody),
        ("OK", JudgedBy::Status),
        ("<html>Down for maintenance", JudgedBy::Status),
    ] {
        let report = judged(Name::Health, tried(with_body(200, body), None));
        assert_eq!((report.healthy, report.judged_by), (true, Some(judged_by)), "{body}");
        assert_eq!(report.findings, [], "{body}");
    }
}

#[test]
fn a_degraded_part_is_a_warning() {
    let report = judged(Name::Health, tried(with_body(200, r#"{"status":"degraded"}"#), None));
    assert!(report.healthy);
    assert_eq!(report.findings, [Finding::warning("not all is well: in its body `status` is `degraded`")]);
}

#[test]
fn the_body_of_a_bad_status_is_told_by_the_status() {
    let report = judged(Name::Health, tried(with_body(503, r#"{"status":"down"}"#), None));
    assert_eq!(report.error.unwrap().message, "answered 503 Service Unavailable");
    assert_eq!(report.judged_by, None);
}

#[test]
fn the_query_of_an_address_is_not_shown() {
    let settings = settings();
    let url = "https://api.lendpeak.com/other?token=hunter2#x".parse().unwrap();
    let report = of(&Check::url(1, url), tried(answered(200, &[]), None), &settings, NOW.parse().unwrap());
    assert_eq!((report.name.as_str(), report.url.as_str()), ("url-1", "https://api.lendpeak.com/other?…"));
}
