use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{lambda::Invocation, trigger};

use super::*;

fn asked(body: &Value) -> Result<Request, Error> {
    let invocation = Invocation {
        body: body.to_string(),
        request_id: "r".to_owned(),
        deadline: Timestamp::UNIX_EPOCH,
        function_arn: String::new(),
    };
    from_triggers(&trigger::parse(&invocation)?)
}

#[track_caller]
fn goes_through(body: &Value, chapters: &[Chapter]) {
    assert_eq!(asked(body).unwrap().chapters, chapters);
}

#[track_caller]
fn refuses(body: &Value, words: &str) {
    let error = asked(body).unwrap_err();
    assert_eq!(error.kind(), "InvalidRequest");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn nothing_in_particular_means_everything() {
    goes_through(&json!({}), &Chapter::ALL);
    goes_through(&json!({ "reason": "slow", "format": "text" }), &Chapter::ALL);
    assert_eq!(asked(&json!({ "format": "markdown" })).unwrap().format, Format::Markdown);
}

#[test]
fn a_symptom_is_one_chapter_by_the_guides_heading() {
    for chapter in Chapter::ALL {
        goes_through(&json!({ "symptom": chapter.as_str() }), &[chapter]);
        assert_eq!(json!(chapter), json!(chapter.as_str()));
    }
}

#[test]
fn a_symptom_may_be_any_heading_of_the_guide_however_it_is_written() {
    goes_through(&json!({ "symptom": "Application Won't Start" }), &[Chapter::ApplicationWontStart]);
    goes_through(&json!({ "symptom": "high memory usage" }), &[Chapter::HighMemory]);
    goes_through(&json!({ "symptom": "High Memory" }), &[Chapter::HighMemory]);
    goes_through(&json!({ "symptom": "AUTO SCALING not working" }), &[Chapter::AutoScaling]);
    goes_through(
        &json!({ "symptom": "Database issues" }),
        &[Chapter::ConnectionPoolExhausted, Chapter::ReplicationLag, Chapter::StorageFull],
    );
    goes_through(&json!({ "symptom": "System Health Check" }), &Chapter::ALL);
}

#[test]
fn a_status_code_goes_where_the_guide_sends_it() {
    goes_through(
        &json!({ "status": 504 }),
        &[Chapter::ServiceDown, Chapter::ApiTimeouts, Chapter::StatusCode],
    );
    goes_through(&json!({ "status": 200 }), &[Chapter::StatusCode]);
}

#[test]
fn words_that_only_one_heading_has_are_enough() {
    for (symptom, chapter) in [
        ("memory", Chapter::HighMemory),
        ("CORS", Chapter::CorsErrors),
        ("slow", Chapter::SlowQueries),
        ("timeout", Chapter::ApiTimeouts),
        ("DOWN", Chapter::ServiceDown),
        ("unhealthy target", Chapter::AlbTargetUnhealthy),
    ] {
        goes_through(&json!({ "symptom": symptom }), &[chapter]);
    }
}

#[test]
fn what_cannot_be_asked_is_answered_with_what_can() {
    refuses(&json!({ "symptom": "high" }), "the nearest are ");
    refuses(&json!({ "symptom": "me" }), "which is no heading of the guide");
    refuses(&json!({ "symptom": "cors eror" }), "the nearest are cors-errors, ");
    refuses(&json!({ "symptom": "" }), "there are service-down, data-corruption,");
    refuses(&json!({ "symptom": 7 }), "`symptom` must be text, not the number 7");
    refuses(&json!({ "sympton": "high-memory" }), "unknown field `sympton`");
    refuses(&json!({ "format": "pdf" }), "must be text or markdown");
    refuses(&json!({ "status": 42 }), "from 100 to 599");
    refuses(&json!({ "status": 500, "symptom": "high-memory" }), "two questions");
    refuses(&json!({ "approve": "abc" }), "nothing to approve or reject");
    refuses(&json!({ "reject": "abc" }), "nothing to approve or reject");
    refuses(&json!({ "override": true, "reason": "at once" }), "nothing to override");
}

fn alarm(namespace: &str, metric: &str) -> Value {
    let message = json!({
        "AlarmName": "a", "AlarmArn": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a", "NewStateValue": "ALARM",
        "OldStateValue": "OK", "NewStateReason": "", "StateChangeTime": "2026-11-24T03:00:00.000+0000",
        "Trigger": { "MetricName": metric, "Namespace": namespace, "Dimensions": [] },
    });
    ::sandbox::stack::sns("arn:aws:sns:us-east-1:000000000000:alarms", &message.to_string())
}

#[test]
fn an_alarm_is_gone_through_by_its_metric() {
    goes_through(&alarm("AWS/DocDB", "FreeLocalStorage"), &[Chapter::StorageFull]);
    goes_through(
        &alarm("AWS/ECS", "MemoryUtilization"),
        &[Chapter::ApplicationWontStart, Chapter::HighMemory],
    );
    goes_through(&alarm("LendPeak2", "Healthy"), &Chapter::ALL);
}
