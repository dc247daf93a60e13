use std::io;
use std::time::Duration;

use super::*;
use crate::failure::{Failure, TlsError};
use crate::http::Answer;
use crate::phases::Step;
use crate::report::tests::{answered, judged, tried, with_body};

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

fn good(name: Name) -> End {
    let kind = if name == Asset { "text/javascript" } else { "text/html" };
    let headers: Vec<_> = GOOD.into_iter().chain([("content-type", kind)]).collect();
    answered(200, &headers)
}

/// All checks; those that `failing` names end so, the others well.
fn checks(failing: &Failing) -> Vec<CheckReport> {
    Name::ALL
        .map(|name| {
            let answer = failing
                .iter()
                .find(|(failing, _)| *failing == name)
                .map_or_else(|| good(name), |(_, end)| end());
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
    assert_eq!(diagnosis.next.unwrap().level, level);
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
    assert_eq!(
        (next.level, next.what.as_str(), next.function, next.send),
        (
            2,
            "DevOps Team: Check the Redis cluster: status, memory, connections, and its security group; Check that the \
             deployment uploaded its assets, then invalidate CloudFront's cache; health-redis: Check ALB targets; \
             asset: Verify endpoint/resource",
            None,
            None
        )
    );
}

#[test]
fn nothing_reachable_leads_to_aws_as_well() {
    let all = Name::ALL.map(|name| (name, not_found as fn() -> _));
    check(&all, "nothing can be reached", 2);
    let next = diagnose(&checks(&all)).next.unwrap();
    assert!(next.what.contains("Level 3: AWS Support"), "{next:?}");
}

/// Only what was asked can be told.
#[test]
fn one_side_alone_that_is_not_reached_says_nothing_of_the_other() {
    let summary = |names: &[Name], end: fn() -> End| {
        let reports: Vec<_> = names.iter().map(|name| judged(*name, tried(end(), None))).collect();
        diagnose(&reports).summary
    };
    let api = [Health, HealthDb, HealthRedis];
    assert_eq!(
        summary(&api, not_found),
        "Unhealthy: 3 of 3 checks failed (health, health-db, health-redis); likely cause: the API's name is not found."
    );
    for end in [not_found, refused, no_tls, silent, cut] as [fn() -> End; 5] {
        assert!(!summary(&api, end).contains("front end"), "{}", summary(&api, end));
        assert!(!summary(&[Page, Asset], end).contains("API"), "{}", summary(&[Page, Asset], end));
    }
}

#[test]
fn what_was_reached_is_not_said_to_be_out_of_reach() {
    for end in [no_tls, silent, cut] as [fn() -> End; 3] {
        let summary = diagnose(&checks(&Name::ALL.map(|name| (name, end)))).summary;
        assert!(!summary.contains("reached"), "{summary}");
        assert!(summary.contains("the front end"), "{summary}");
    }
    let summary = diagnose(&checks(&Name::ALL.map(|name| (name, cut as fn() -> End)))).summary;
    assert!(summary.contains("the API's answers, which break off or cannot be read"), "{summary}");
}

/// What hyper does not tell apart comes from a connection: `http/tests.rs` has those.
fn cut() -> End {
    Err(Failure { kind: Kind::Http, step: Some(Step::Body), ..silent().unwrap_err() })
}

#[test]
fn what_browsers_refuse_is_the_deployment() {
    let empty = || good(Page).map(|answer| Answer { is_blank: true, ..answer });
    check(&[(Page, empty)], "the page is answered, and browsers cannot use it", 1);
    check(&[(Asset, || good(Page))], "an asset is answered, and browsers cannot use it", 1);
}

#[test]
fn a_database_that_says_by_its_body_that_it_is_down_is_named() {
    let down = || with_body(200, r#"{"status":"down"}"#);
    check(&[(HealthDb, down)], "the database layer (DocumentDB)", 2);
    check(&[(Health, down), (HealthDb, down), (HealthRedis, down)], "the backend itself", 1);
}

#[test]
fn a_chain_or_a_policy_is_not_mended_by_a_renewal() {
    let of = |error: rustls::Error| {
        let reports = [judged(Health, tried(Err(Failure::tls(&error.into())), None))];
        let report = &reports[0];
        (report.error.clone().unwrap().message, report.action.clone(), diagnose(&reports))
    };
    let alert = |description| of(rustls::Error::AlertReceived(description));
    let policies = [
        alert(rustls::AlertDescription::ProtocolVersion),
        alert(rustls::AlertDescription::HandshakeFailure),
        alert(rustls::AlertDescription::InsufficientSecurity),
        of(rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13.into()),
        of(rustls::PeerIncompatible::NoCipherSuitesInCommon.into()),
        of(rustls::PeerMisbehaved::SelectedUnofferedCipherSuite.into()),
    ];
    for (message, action, diagnosis) in policies {
        let told = format!("{message} {action} {diagnosis:?}");
        assert!(message.starts_with("TLS was not agreed: the server takes none of the "), "{message}");
        assert!(action.starts_with("Check the security policy of the HTTPS listener"), "{action}");
        assert!(!told.contains("renew") && !told.contains("Renew") && !told.contains("ertificate"), "{told}");
    }
    let (message, action, diagnosis) = of(rustls::CertificateError::UnknownIssuer.into());
    assert_eq!(
        message,
        "the server's certificate was refused: its issuer is not a public certificate authority, or the chain is not \
         sent whole"
    );
    assert!(action.contains("intermediate") && !action.contains("enew"), "{action}");
    let what = diagnosis.next.unwrap().what;
    assert!(what.contains("intermediate"), "{what}");
    let (message, action, _) = of(rustls::CertificateError::Expired.into());
    assert!(message.ends_with("it has expired") && action.starts_with("Renew"), "{message}: {action}");
    let (_, action, _) = of(rustls::CertificateError::NotValidForName.into());
    assert!(action.contains("for this host name"), "{action}");
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
    reports[0] = judged(Health, tried(good(Health), Some("2026-02-02T00:00:00Z")));
    let diagnosis = diagnose(&reports);
    assert_eq!(diagnosis.summary, "Healthy: all 6 checks passed, with 1 urgent finding.");
    assert_eq!(diagnosis.next.unwrap().level, Level::DevOps as u8);
}
