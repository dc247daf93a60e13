use std::sync::Mutex;

use aws_sdk_cloudwatch::operation::put_metric_data::{PutMetricDataError, PutMetricDataOutput};
use aws_smithy_mocks::{Rule, mock, mock_client};
use aws_smithy_types::error::ErrorMetadata;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::loopback::{Behaviour, Server, answer, serve_by, status};
use crate::settings;

/// The API and the front end on one server; `decide` may change what a path answers.
async fn stack(decide: impl Fn(&str) -> Option<Behaviour> + Send + Sync + 'static) -> Server {
    serve_by(move |head| {
        let path = head.split(' ').nth(1).unwrap();
        decide(path).unwrap_or_else(|| good(path, head))
    })
    .await
}

fn good(path: &str, head: &str) -> Behaviour {
    match path {
        "/health" | "/health/db" | "/health/redis" => {
            answer(200, "", r#"{"status":"ok","password":"hunter2"}"#)
        }
        "/" => answer(200, "cache-control: no-cache\r\ncontent-type: text/html\r\n", "<html>"),
        "/assets/main.js" => answer(
            200,
            "cache-control: public, max-age=31536000\r\ncontent-type: text/javascript\r\nx-cache: Hit from cloudfront\r\n",
            "main()",
        ),
        "/api/auth/login" => {
            let origin = head.lines().find_map(|line| line.strip_prefix("origin: ")).unwrap_or_default();
            answer(
                204,
                &format!(
                    "access-control-allow-origin: {origin}\r\naccess-control-allow-methods: GET,POST\r\n\
                     access-control-allow-headers: Content-Type,Authorization\r\n\
                     access-control-allow-credentials: true\r\n"
                ),
                "",
            )
        }
        _ => status(404),
    }
}

fn taken() -> Rule {
    mock!(Client::put_metric_data).then_output(|| PutMetricDataOutput::builder().build())
}

fn probe(server: &Server, rules: &[&Rule]) -> Probe {
    let mut settings = settings::tests::settings();
    settings.api = server.http("/");
    settings.app = server.http("/");
    settings.waits = vec![Duration::from_millis(10)];
    Probe::with(settings, Engine::public(), mock_client!(aws_sdk_cloudwatch, rules))
}

fn invocation(body: &str) -> Invocation {
    Invocation {
        body: body.to_owned(),
        request_id: "7d9e".to_owned(),
        deadline: clock::now() + Duration::from_mins(1),
        function_arn: String::new(),
    }
}

async fn refuses(body: &str, kind: &str, words: &str) {
    let server = stack(|_| None).await;
    let error = probe(&server, &[]).handle(&invocation(body)).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(shared::error::chain(&error).contains(words), "{error}");
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn a_healthy_stack_is_reported_and_measured_in_one_call() {
    let server = stack(|_| None).await;
    let rule = taken();
    let report = probe(&server, &[&rule]).handle(&invocation("{}")).await.unwrap();
    assert_eq!(report["healthy"], true, "{report:#}");
    assert_eq!(report["summary"], "Healthy: all 6 checks passed.");
    assert_eq!((&report["version"], &report["function"]), (&json!(1), &json!("health-probe")));
    assert_eq!((&report["execution_id"], &report["environment"]), (&json!("7d9e"), &json!("production")));
    // Six checks with success, five times each (there is no TLS here), and the sum.
    assert_eq!(report["metrics"], 6 * 6 + 1);
    let names: Vec<&str> =
        report["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["health", "health-db", "health-redis", "page", "asset", "cors"]);
    assert_eq!(report["checks"][4]["cache"]["x_cache"], "Hit from cloudfront");
    assert_eq!(rule.num_calls(), 1);
    assert!(!report.to_string().contains("hunter2"), "a body was reported");
}

#[tokio::test]
async fn an_unhealthy_stack_is_a_report_and_not_an_error() {
    let server = stack(|path| path.starts_with("/health/db").then(|| status(503))).await;
    let rule = taken();
    let report = probe(&server, &[&rule]).handle(&invocation("{}")).await.unwrap();
    assert_eq!(report["healthy"], false);
    assert_eq!(
        report["summary"],
        "Unhealthy: 1 of 6 checks failed (health-db); likely cause: the database layer (DocumentDB)."
    );
    assert_eq!(report["next"]["level"], 2);
    assert_eq!(report["checks"][1]["tries"], 3);
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn a_body_that_says_that_something_is_down_is_unhealthy_unless_it_is_not_to_be_read() {
    let down = r#"{"status":"unhealthy","database":"disconnected"}"#;
    let server = stack(move |path| (path == "/health/db").then(|| answer(200, "", down))).await;
    let mut probe = probe(&server, &[]);
    let asked = invocation(r#"{"dry_run":true}"#);
    let report = probe.handle(&asked).await.unwrap();
    assert_eq!(
        report["summary"],
        "Unhealthy: 1 of 6 checks failed (health-db); likely cause: the database layer (DocumentDB)."
    );
    assert_eq!(report["checks"][1]["tries"], 3);
    assert!(!report.to_string().contains("disconnected"), "a body was reported");

    let mut settings = Settings::clone(&probe.settings);
    settings.read_health_bodies = false;
    probe.settings = Arc::new(settings);
    let report = probe.handle(&asked).await.unwrap();
    assert_eq!((&report["healthy"], &report["checks"][1]["judged_by"]), (&json!(true), &json!("status")));
}

#[tokio::test]
async fn the_checks_run_at_once() {
    let time = Duration::from_millis(300);
    let server = stack(move |_| {
        Some(Behaviour::Think(time, "HTTP/1.1 200 X\r\ncontent-length: 0\r\n\r\n".to_owned()))
    })
    .await;
    let rule = taken();
    let started = Instant::now();
    probe(&server, &[&rule]).handle(&invocation("{}")).await.unwrap();
    assert!(started.elapsed() < 3 * time, "{:?}", started.elapsed());
}

#[tokio::test]
async fn many_addresses_are_asked_some_at_once_and_hold_up_no_check() {
    const ADDRESSES: usize = 200;
    let time = Duration::from_millis(50);
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&arrivals);
    let server = stack(move |path| {
        path.starts_with("/api/loans/").then(|| {
            seen.lock().unwrap().push(Instant::now());
            Behaviour::Think(time, "HTTP/1.1 200 X\r\ncontent-length: 0\r\n\r\n".to_owned())
        })
    })
    .await;
    let urls: Vec<String> =
        (0..ADDRESSES).map(|number| server.http(&format!("/api/loans/{number}")).to_string()).collect();
    let request: Request =
        serde_json::from_value(json!({ "urls": urls, "checks": ["health", "page"] })).unwrap();
    let probe = probe(&server, &[]);
    let mut checks = request.checks(&probe.settings).unwrap();
    // Last in the row, and yet they are asked at once.
    checks.reverse();
    let report = probe.run(checks, 1, &invocation("{}")).await;
    assert_eq!(report.summary, "Healthy: all 202 checks passed.");
    assert_eq!(report.checks[0].name, "url-200");
    let arrivals = arrivals.lock().unwrap();
    assert_eq!(arrivals.len(), ADDRESSES);
    for some in arrivals.windows(URLS_AT_ONCE + 1) {
        // One of the others has been answered by then.
        assert!(some[URLS_AT_ONCE] - some[0] >= time, "more than {URLS_AT_ONCE} at once");
    }
    let first: Vec<String> = server.requests().into_iter().take(URLS_AT_ONCE + 2).collect();
    for path in ["/health ", "/ "] {
        assert!(first.iter().any(|head| head.starts_with(&format!("GET {path}"))), "{path} had to wait");
    }
}

#[tokio::test]
async fn an_outage_is_reported_before_the_run_ends() {
    let server = stack(|_| Some(Behaviour::Hang(String::new()))).await;
    let rule = taken();
    let invocation =
        Invocation { deadline: clock::now() + RESERVE + Duration::from_millis(300), ..invocation("{}") };
    let report = probe(&server, &[&rule]).handle(&invocation).await.unwrap();
    assert_eq!(report["checks"][0]["error"]["kind"], "timeout");
    assert!(clock::now() < invocation.deadline);
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn metrics_that_cannot_be_put_are_the_probes_own_failure() {
    let server = stack(|_| None).await;
    let rule = mock!(Client::put_metric_data)
        .then_error(|| PutMetricDataError::generic(ErrorMetadata::builder().code("AccessDenied").build()));
    let error = probe(&server, &[&rule]).handle(&invocation("{}")).await.unwrap_err();
    assert_eq!(error.kind(), "Aws");
}

#[tokio::test]
async fn named_checks_run_alone() {
    let server = stack(|_| None).await;
    let rule = taken();
    let body = json!({ "checks": ["cors", "health"] });
    let report = probe(&server, &[&rule]).handle(&invocation(&body.to_string())).await.unwrap();
    assert_eq!(report["summary"], "Healthy: all 2 checks passed.");
    assert_eq!(server.requests().len(), 2);
}

/// A client without rules panics on any call.
#[tokio::test]
async fn a_dry_run_and_an_address_put_no_metrics() {
    let server = stack(|_| None).await;
    for body in [json!({ "dry_run": true }), json!({ "urls": [server.http("/health").as_str()] })] {
        let report = probe(&server, &[]).handle(&invocation(&body.to_string())).await.unwrap();
        assert_eq!((&report["healthy"], &report["metrics"]), (&json!(true), &json!(0)));
    }
}

#[tokio::test]
async fn every_sample_event_runs() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/health-probe");
    for event in std::fs::read_dir(folder).unwrap() {
        let event = std::fs::read_to_string(event.unwrap().path()).unwrap();
        let server = stack(|_| None).await;
        let report = probe(&server, &[&taken()]).handle(&invocation(&event)).await.unwrap();
        assert_eq!(report["healthy"], true, "{event}");
        if event.contains("Scheduled Event") {
            assert_eq!(report["checks"].as_array().unwrap().len(), 6);
        }
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_meant_is_refused_before_anything_is_asked() {
    refuses("", "EmptyRequest", "the request is empty").await;
    refuses("{", "InvalidJson", "cannot be read as JSON").await;
    refuses("[]", "InvalidRequest", "must be a JSON object").await;
    refuses(r#"{"check":"health"}"#, "InvalidRequest", "unknown field `check`").await;
    refuses(r#"{"checks":["nothing"]}"#, "InvalidRequest", ", not `nothing`").await;
    refuses(r#"{"checks":7}"#, "InvalidRequest", "`checks` must be a list, not the number 7").await;
    refuses(r#"{"urls":["https://example.com/"]}"#, "InvalidRequest", "an address on https://example.com")
        .await;
    refuses(r#"{"approve":"1"}"#, "InvalidRequest", "nothing to approve").await;
    refuses(r#"{"reject":"1"}"#, "InvalidRequest", "nothing to approve or reject").await;
    refuses(r#"{"override":true,"reason":"x"}"#, "InvalidRequest", "nothing to override").await;
    refuses(r#"{"source":"aws.unknown","detail":{}}"#, "UnknownEvent", "top-level keys").await;
}

#[test]
fn a_missing_setting_is_named() {
    let error = Probe::new(&Environment::from_pairs([("ENVIRONMENT", "production")])).err().unwrap();
    assert_eq!(error, SettingsError::Missing { name: "API_URL" });
}

/// Text that often is nearly a request.
fn body() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just(":"),
        Just("null"),
        Just("-1"),
        Just("1e999"),
        Just("\"checks\""),
        Just("\"urls\""),
        Just("\"health\""),
        Just("\"dry_run\""),
        Just("\"https://[\""),
        Just("\"Records\""),
        Just("\"detail-type\""),
        Just("\u{feff}"),
        Just("\"\\ud800\""),
    ];
    prop_oneof![any::<String>(), prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())]
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in body()) {
        let settings = settings::tests::settings();
        if let Ok(triggers) = trigger::parse(&invocation(&body)) {
            for asked in triggers.iter().filter_map(trigger::Trigger::asked) {
                let _ = asked.request::<Request>().and_then(|request| request.checks(&settings));
            }
        }
    }
}
