use serde_json::json;

use super::*;

fn outcome(change: &Value) -> Outcome {
    let mut written = json!({
        "summary": "backend: 2 → 4 tasks, all run; asked by hand: queue grows", "decision": "applied",
        "code": "applied", "next": null, "reason": "asked by hand: queue grows, and 2 tasks run as they should",
        "target": "service/lendpeak2-production/backend",
        "steps": [{ "action": "set the desired count of backend to 4", "result": "done" }],
        "verification": { "verified": true, "what": "all run" }, "function": "scale-up",
        "environment": "production", "execution_id": "run-1", "at": "2026-11-24T14:00:00.123Z", "duration_ms": 1,
        "version": 1, "plan": null, "observed": null,
        "trigger": { "id": "a", "at": "2026-11-24T14:00:00Z", "kind": { "person": { "dry_run": false } } },
    });
    for (name, value) in change.as_object().into_iter().flatten() {
        written[name] = value.clone();
    }
    serde_json::from_value(written).unwrap()
}

#[track_caller]
fn titled(change: &Value, what: &str, expected: &str) {
    assert_eq!(Notice::of(&outcome(change), "topic", what).subject, format!("[production] {expected}"));
}

#[test]
fn a_title_says_what_was_done_and_who_asked() {
    titled(&json!({}), "backend: 2 → 4 tasks", "backend 2 -> 4 tasks (scale-up, by hand)");
    let alarm = json!({ "name": "cpu", "arn": "arn", "state": "ALARM", "reason": "crossed", "metrics": [] });
    let trigger = json!({ "id": "a", "at": "2026-11-24T14:00:00Z", "kind": { "alarm": alarm } });
    let change = json!({ "trigger": trigger, "decision": "awaiting_approval" });
    titled(&change, "backend: 2 → 4 tasks", "approve? backend 2 -> 4 tasks (scale-up, by an alarm)");
    titled(
        &json!({ "decision": "failed" }),
        "backend: 2 → 4 tasks",
        "failed: backend 2 -> 4 tasks (scale-up, by hand)",
    );
    let refused =
        json!({ "decision": "refused", "steps": [], "reason": "Cooling down until 20:26:45 UTC. At 19:56" });
    titled(&refused, "backend: 2 → 4 tasks", "scale-up refused: Cooling down until 20:26:45 UTC");
    let settled = json!({ "decision": "failed", "steps": [], "reason": "it has not settled. Now" });
    titled(&settled, "", "scale-up failed: it has not settled");
    titled(
        &json!({ "decision": "nothing_to_do", "reason": "it has settled" }),
        "",
        "scale-up: it has settled",
    );
}

#[test]
fn a_message_begins_with_the_summary_and_says_nothing_twice() {
    let next = json!({ "what": "look", "function": "lendpeak2-production-rollback", "send": { "to": "previous" },
        "level": 2 });
    let plan = json!({ "details": ["it costs $1 an hour"] });
    let notice =
        Notice::of(&outcome(&json!({ "next": next, "plan": plan })), "topic", "backend: 2 → 4 tasks");
    assert_eq!(
        notice.message,
        "backend: 2 → 4 tasks, all run; asked by hand: queue grows\n\
         asked by hand: queue grows, and 2 tasks run as they should\n\
         - set the desired count of backend to 4: done\n\
         - it costs $1 an hour\n\
         Next (level 2): look\n\
         Send to lendpeak2-production-rollback: {\"to\":\"previous\"}\n\
         Record: run-1 at 2026-11-24 14:00:00 UTC"
    );
}
