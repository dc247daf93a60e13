use proptest::prelude::*;
use serde_json::json;

use super::*;

fn of(body: &Value) -> Option<Verdict> {
    read(body.to_string().as_bytes())
}

#[track_caller]
fn is_unwell(body: &Value, said: &str) {
    assert_eq!(of(body), Some(Verdict::Unwell(said.to_owned())), "{body}");
}

#[track_caller]
fn is_degraded(body: &Value, said: &str) {
    assert_eq!(of(body), Some(Verdict::Degraded(said.to_owned())), "{body}");
}

#[track_caller]
fn is_well(body: &Value) {
    assert_eq!(of(body), Some(Verdict::Well), "{body}");
}

#[track_caller]
fn says_nothing(body: &Value) {
    assert_eq!(of(body), None, "{body}");
}

#[test]
fn a_status_that_is_not_well_is_read() {
    is_unwell(&json!({ "status": "unhealthy", "database": "disconnected" }), "`status` is `unhealthy`");
    for word in
        ["down", "DOWN", "Unhealthy", "error", "fail", "OUT_OF_SERVICE", "not ok", "NOT_SERVING", "false"]
    {
        is_unwell(&json!({ "status": word }), &format!("`status` is `{word}`"));
    }
    is_unwell(&json!({ "Status": "Unhealthy" }), "`status` is `Unhealthy`");
    is_unwell(&json!({ "status": false }), "`status` is `false`");
    is_unwell(&json!({ "status": 503 }), "`status` is `503`");
    is_unwell(&json!({ "status": "503" }), "`status` is `503`");
}

#[test]
fn healthy_and_ok_are_read_too() {
    is_unwell(&json!({ "healthy": false }), "`healthy` is `false`");
    is_unwell(&json!({ "healthy": "no" }), "`healthy` is `no`");
    is_unwell(&json!({ "ok": false, "status": "ok" }), "`ok` is `false`");
    is_unwell(&json!({ "ok": 0 }), "`ok` is `0`");
    is_unwell(&json!({ "healthy": true, "status": "down" }), "`status` is `down`");
}

#[test]
fn well_is_well() {
    for word in ["ok", "OK", "healthy", "UP", "pass", "green", "running"] {
        is_well(&json!({ "status": word }));
    }
    is_well(&json!({ "status": true, "healthy": 1, "ok": "yes" }));
    is_well(&json!({ "status": 200 }));
    is_well(&json!({ "status": "ok", "error": {}, "info": { "db": { "status": "up" } } }));
}

#[test]
fn degraded_is_less_than_down() {
    is_degraded(&json!({ "status": "degraded" }), "`status` is `degraded`");
    is_degraded(&json!({ "status": "warn" }), "`status` is `warn`");
}

#[test]
fn parts_speak_where_the_whole_does_not() {
    is_unwell(
        &json!({ "database": { "status": "down" }, "redis": { "status": "up" } }),
        "`status` is `down`",
    );
    is_unwell(
        &json!({ "checks": [{ "name": "db", "status": "ok" }, { "name": "redis", "healthy": false }] }),
        "`healthy` is `false`",
    );
    is_unwell(&json!({ "status": { "database": "down", "version": "1.2" } }), "`status` is `down`");
    is_unwell(&json!({ "status": { "database": { "healthy": false } } }), "`healthy` is `false`");
    is_well(&json!({ "status": { "code": 200, "text": "OK" } }));
}

#[test]
fn the_whole_knows_which_parts_it_can_do_without() {
    is_degraded(
        &json!({ "status": "ok", "checks": { "mail": { "status": "down" } } }),
        "of one of its parts `status` is `down`",
    );
    is_unwell(&json!({ "status": "down", "checks": { "db": { "status": "up" } } }), "`status` is `down`");
}

#[test]
fn what_is_not_known_says_nothing() {
    for status in
        [json!("starting"), json!("v1.2.3"), json!(0), json!(1), json!(null), json!("x".repeat(1000))]
    {
        says_nothing(&json!({ "status": status }));
    }
    says_nothing(&json!({ "status": { "uptime": 500, "maintenance": false } }));
    says_nothing(&json!({ "message": "the database is down", "error": "down" }));
    says_nothing(&json!("down"));
    says_nothing(&json!(["down"]));
    for body in
        ["", "down", "<html>Down for maintenance", "{\"status\":\"down\"", "{\"status\":\"down\"} and more"]
    {
        assert_eq!(read(body.as_bytes()), None, "{body}");
    }
    assert_eq!(read(b"\xff\xfe"), None);
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let body = "\u{feff}{\"status\":\"down\"}";
    assert_eq!(read(body.as_bytes()), Some(Verdict::Unwell("`status` is `down`".to_owned())));
}

#[test]
fn a_body_nested_without_end_says_nothing() {
    let deep = format!("{}{}", "{\"status\":".repeat(10_000), "}".repeat(10_000));
    assert_eq!(read(deep.as_bytes()), None);
}

proptest! {
    #[test]
    fn only_known_words_are_told(text in ".{0,40}") {
        match of(&json!({ "status": text })) {
            Some(Verdict::Unwell(said) | Verdict::Degraded(said)) => {
                prop_assert!(said.len() <= "`status` is ``".len() + 30);
            }
            Some(Verdict::Well) | None => {}
        }
    }
}
