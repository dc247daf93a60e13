//! What people and state machines send.

use super::*;

#[test]
fn a_step_functions_task_is_told_by_execution_and_state() {
    let event = json!({ "step_functions": { "execution": "arn:aws:states:x", "state": "ScaleUp" }, "request": { "by": 1, "dry_run": true } });
    let trigger = one(&event);
    assert_eq!(trigger.id, "arn:aws:states:x/ScaleUp");
    let asked = trigger.asked().unwrap();
    assert!(asked.dry_run);
    assert_eq!(Value::Object(asked.request.clone()), json!({ "by": 1 }));
}

#[test]
fn a_persons_request_keeps_its_own_fields_apart() {
    let trigger = one(&json!({ "desired_count": 6, "reason": "sale", "dry_run": true }));
    assert_eq!(trigger.id, "request-1");
    let expected = Asked {
        dry_run: true,
        approve: None,
        reason: Some("sale".to_owned()),
        request: [("desired_count".to_owned(), json!(6))].into_iter().collect(),
        ..Asked::default()
    };
    assert_eq!(trigger.kind, Kind::Person(expected));
}

/// `by` is a number of `scale-up`'s own, or a name.
#[test]
fn who_asks_is_kept_with_the_request_and_is_no_field_of_a_remedys_own() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Own {
        by: Option<i64>,
    }
    let read = |body: Value| {
        let trigger = one(&body);
        let asked = trigger.asked().unwrap().clone();
        let own = asked.request::<Own>().map(|own| own.by).map_err(|error| error.to_string());
        (asked.asker(), own, trigger.words())
    };
    let some = |by: &str| Some(by.to_owned());
    let asked = |words: &str| words.to_owned();
    assert_eq!(
        read(json!({ "by": "claude-code for alice", "reason": "memory grows" })),
        (some("claude-code for alice"), Ok(None), asked("asked by claude-code for alice: memory grows"))
    );
    assert_eq!(read(json!({ "by": 2 })), (None, Ok(Some(2)), asked("asked by hand")));
    let both = json!({ "by": 2, "asked_by": "alice" });
    assert_eq!(read(both), (some("alice"), Ok(Some(2)), asked("asked by alice")));
    // A number in quotes was meant to be one.
    let (by, own, _) = read(json!({ "by": "2" }));
    assert_eq!((by, own.is_err_and(|error| error.contains("`by` must be a whole number"))), (None, true));
    // It is there when the plan is carried out.
    let trigger = one(&json!({ "by": "alice", "ask": true }));
    let kept: Trigger = serde_json::from_value(serde_json::to_value(&trigger).unwrap()).unwrap();
    let kept = kept.asked().unwrap();
    assert_eq!((kept.ask, kept.asker()), (true, some("alice")));
}

#[test]
fn what_makes_no_plans_has_nothing_to_ask_about() {
    let asked = one(&json!({ "ask": true })).asked().unwrap().clone();
    let refused = asked.request_without_plan::<serde_json::Map<String, Value>>().unwrap_err();
    assert!(refused.to_string().contains("makes no plans"), "{refused}");
}

#[test]
fn a_person_writes_no_more_than_2000_characters() {
    let longest = "ä".repeat(2_000);
    assert!(parsed(&json!({ "reason": longest })).is_ok());
    for body in
        [json!({ "reason": format!("{longest}x") }), json!({ "approve": "1", "by": format!("{longest}x") })]
    {
        refuses(&body.to_string(), "InvalidRequest", "has 2001 characters, but may have 2000 at most");
    }
}
