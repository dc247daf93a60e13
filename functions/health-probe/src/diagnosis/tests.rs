use std::io;
use std::time::Duration;

use super::*;
use crate::failure::{Failure, TlsError};
use crate::http::Answer;
use crate::phases::Step;
use crate::report::tests::{answered, judged, tried};

/// How an exchange ends.
type End = Result<Answer, Failure>;

/// The checks that fail, each with how its exchange ends.
type Failing = [(Name, fn() -> End)];

const GOOD: [(&str, &str); 5] = [
    ("access-control-allow-origin", "https://app.lendpeak.com"),
    ("access-control-allow-methods", "GET,POST"),
    ("access-control-allow-headers", "Content-Type"),
    ("access-control-allow-credentials", "true"),
    ("cache-control", "max-age=60"),
];

fn good() -> End {
    answered(200, &GOOD)
}

/// All checks; those that `failing` names end so, the others well.
fn checks(failing: &Failing) -> Vec<CheckReport> {
    Name::ALL
        .map(|name| {
            let answer =
                failing.iter().find(|(failing, _)| *failing == name).map_or_else(good, |(_, end)| end());
            judged(name, tried(answer, Some("2027-01-01T00:00:00Z")))
        })
        .into()
}

fn bad(status: u16) -> End {
    answered(status, &[])
}

fn refused() -> End {
    Err(Failure::connect(&io::ErrorKind::ConnectionRefused.into()))
}

fn not_found() -> End {
    Err(Failure::dns("api.lendpeak.com", &io::ErrorKind::NotFound.into()))
}

fn silent() -> End {
    Err(Failure::timeout(Step::FirstByte, Duration::from_secs(10)))
}

fn no_tls() -> End {
    Err(Failure::tls(&TlsError::Io(io::ErrorKind::UnexpectedEof.into())))
}

#[track_caller]
fn check(failing: &Failing, cause: &str, level: u8) {
    let diagnosis = diagnose(&checks(failing));
    assert!(!diagnosis.healthy);
    assert!(diagnosis.summary.contains(cause), "{}", diagnosis.summary);
    assert_eq!(diagnosis.next.unwrap().level as u8, level);
}

use Name::{Asset, Cors, Health, HealthDb, HealthRedis, Page};

#[test]
fn all_well_asks_for_nothing() {
    assert_eq!(
        diagnose(&checks(&[])),
        Diagnosis { healthy: true, summary: "Healthy: all 6 checks passed.".to_owned(), next: None }
    );
}

#[test]
fn a_failing_database_is_named_whether_or_not_health_follows_it() {
    check(&[(HealthDb, || bad(503))], "failed (health-db); likely cause: the database layer", 2);
    check(&[(Health, || bad(503)), (HealthDb, || bad(503))], "the database layer (DocumentDB)", 2);
    check(&[(Health, || bad(500)), (HealthDb, silent), (Cors, || bad(500))], "the database layer", 2);
}

#[test]
fn a_failing_redis_is_named() {
    check(&[(HealthRedis, || bad(503))], "the Redis layer", 2);
}

#[test]
fn both_data_stores_at_once_mean_the_way_to_them() {
    check(&[(HealthDb, || bad(503)), (HealthRedis, || bad(503))], "the way from the backend", 2);
}

#[test]
fn the_whole_api_failing_means_its_tasks_or_itself() {
    let all = |end: fn() -> End| [Health, HealthDb, HealthRedis, Cors].map(|name| (name, end));
    for end in [|| bad(502), || bad(503), || bad(504), silent] as [fn() -> _; 4] {
        check(&all(end), "the backend's tasks", 2);
    }
    check(&all(|| bad(500)), "the backend itself", 1);
    check(&all(|| bad(429)), "limits its callers' rate", 1);
    check(&all(not_found), "name is not found", 2);
    check(&all(refused), "load balancer cannot be reached", 2);
    check(&all(no_tls), "the API's TLS", 2);
}

#[test]
fn a_failing_front_end_is_told_from_a_failing_asset() {
    check(&[(Page, || bad(503)), (Asset, || bad(503))], "the front end (CloudFront", 2);
    check(&[(Asset, || bad(404))], "latest deployment", 1);
}

#[test]
fn cors_alone_is_the_configuration() {
    check(&[(Cors, || answered(204, &[]))], "CORS configuration", 1);
}

#[test]
fn separate_causes_are_both_named() {
    let diagnosis = diagnose(&checks(&[(HealthRedis, || bad(503)), (Asset, || bad(404))]));
    assert_eq!(
        diagnosis.summary,
        "Unhealthy: 2 of 6 checks failed (health-redis, asset); likely cause: the Redis layer; \
         and the front end's latest deployment (the page is there, an asset is not)."
    );
    let next = diagnosis.next.unwrap();
    assert_eq!(next.team, "Level 2: DevOps Team");
    assert_eq!(next.actions.len(), 4);
}

#[test]
fn nothing_reachable_leads_to_aws_as_well() {
    let all = Name::ALL.map(|name| (name, not_found as fn() -> _));
    check(&all, "nothing can be reached", 2);
    let next = diagnose(&checks(&all)).next.unwrap();
    assert!(next.actions[0].contains("Level 3: AWS Support"), "{next:?}");
}

#[test]
fn an_expired_certificate_explains_everything_else() {
    let mut reports = checks(&[(Health, || bad(500))]);
    reports[0] = judged(Health, tried(no_tls(), Some("2026-01-01T00:00:00Z")));
    assert!(diagnose(&reports).summary.contains("a certificate has expired"));
}

#[test]
fn a_warning_leaves_it_healthy_and_says_so() {
    let mut reports = checks(&[]);
    reports[0] = judged(Health, tried(good(), Some("2026-02-02T00:00:00Z")));
    let diagnosis = diagnose(&reports);
    assert_eq!(diagnosis.summary, "Healthy: all 6 checks passed, with 1 urgent finding.");
    assert_eq!(diagnosis.next.unwrap().level, Level::DevOps);
}
