use serde_json::{Value, json};
use shared::{lambda::Invocation, trigger};

use super::*;

fn read(body: &Value) -> Result<Request, Error> {
    let invocation = Invocation {
        body: body.to_string(),
        request_id: "r".to_owned(),
        deadline: jiff::Timestamp::MAX,
        function_arn: String::new(),
    };
    from_trigger(&trigger::parse(&invocation)?[0])
}

fn refuses(body: &Value, message: &str) {
    let error = read(body).unwrap_err();
    assert_eq!(error.kind(), "InvalidRequest");
    assert!(error.to_string().starts_with(message), "{error}");
}

#[test]
fn a_person_says_on_or_off_and_why() {
    let asked = |state| read(&json!({ "state": state, "reason": "loans are negative" })).unwrap();
    let because = Because::Person("asked by hand: loans are negative".to_owned());
    assert_eq!(because.words(), "asked by hand: loans are negative");
    assert_eq!(asked("on"), Request { goal: Goal::On, because: because.clone(), topic: None });
    assert_eq!(asked("off"), Request { goal: Goal::Off, because, topic: None });
    let without_reason = read(&json!({ "state": "on" })).unwrap().because;
    assert_eq!(without_reason.words(), "asked by hand");
    let named = read(&json!({ "state": "on", "asked_by": "night-watch for ana" })).unwrap().because;
    assert_eq!(named.words(), "asked by night-watch for ana");
}

#[test]
fn a_state_machine_asks_as_a_person_does() {
    let task = json!({ "step_functions": { "execution": "e", "state": "s" }, "request": { "state": "off" } });
    assert_eq!(read(&task).unwrap().goal, Goal::Off);
}

#[test]
fn a_stored_plan_is_approved_and_rejected_without_a_state() {
    for decision in ["approve", "reject"] {
        assert_eq!(read(&json!({ decision: "0123456789ab" })).unwrap().goal, Goal::On);
    }
}

#[test]
fn bad_requests_say_what_to_send() {
    refuses(&json!({}), "`state` is missing: send {\"state\": \"on\"");
    for state in ["", "On", "true", "freeze"] {
        refuses(&json!({ "state": state }), &format!("`state` is `{state}`: send"));
    }
    refuses(&json!({ "state": true }), "`state` must be text, not true");
    refuses(&json!({ "stat": "on" }), "unknown field `stat`");
}

#[test]
fn any_alarm_that_is_wired_here_freezes_and_a_schedule_looks_after() {
    let alarm = json!({
        "AlarmName": "negative-loans", "NewStateValue": "ALARM", "NewStateReason": "3 of them",
        "StateChangeTime": "2026-11-20T10:00:00.000+0000",
    });
    let request = read(&alarm).unwrap();
    assert_eq!((request.goal, request.because.words().as_str()), (Goal::On, "alarm negative-loans rang"));
    let tick = json!({ "source": "aws.scheduler", "detail-type": "Scheduled Event", "resources": [],
        "time": "2026-11-20T10:00:00Z" });
    assert_eq!(
        read(&tick).unwrap(),
        Request { goal: Goal::LookAfter, because: Because::Schedule, topic: None }
    );
}

#[test]
fn an_event_that_is_no_reason_says_so() {
    let event = json!({ "id": "1", "source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": {},
        "time": "2026-11-20T10:00:00Z", "resources": ["task"] });
    refuses(&event, "write-freeze is not woken by `ECS Task State Change`");
}
