use serde_json::json;

use super::*;
use crate::{ledger::Rejection, settings::Environment};

fn policy() -> Policy {
    let set = [("ENVIRONMENT", "production"), ("LEDGER_TABLE", "ledger"), ("COOLDOWN_SECONDS", "1800")];
    Policy::from_environment(&Environment::from_pairs(set)).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// `set the desired count of backend to 3` was done at 19:56:45 by run Z.
fn acted(counted: bool) -> Memory {
    let done = at("2026-11-28T19:56:45.5Z");
    let trigger = json!({ "id": "a", "at": done, "kind": { "person": {} } });
    let claim = json!({
        "execution_id": "Z", "open": false, "claimed_at": done, "lease_until": done,
        "attempts": [{ "at": done, "what": "set the desired count of backend to 3 (asked by hand: queue grows)" }],
        "counted": counted.then_some(done),
        "intent": { "trigger": trigger, "actions": [], "reason": "because", "weight": "full" },
    });
    Memory { claim: Some(serde_json::from_value(claim).unwrap()), ..Memory::default() }
}

#[test]
fn a_cooldown_says_until_when_it_lasts_and_what_was_done_by_which_run() {
    let now = at("2026-11-28T20:02:32.7Z");
    let stop = |memory: &Memory| check_limits(&policy(), memory, Weight::Full, &[], now).unwrap_err();
    assert_eq!(
        stop(&acted(true)).reason,
        "Cooling down until 20:26:45 UTC. At 19:56:45 UTC (5 min ago) run Z did this: set the desired count of backend \
         to 3 (asked by hand: queue grows)"
    );
    // It is not known whose it was.
    assert!(stop(&acted(false)).reason.contains("(5 min ago) this was done: set"));
    assert_eq!(*stop(&acted(true)).code, code::COOLDOWN);
    let over = at("2026-11-28T20:26:46Z");
    assert_eq!(check_limits(&policy(), &acted(true), Weight::Full, &[], over), Ok(()));
}

#[test]
fn a_kill_switch_is_told_with_the_request_that_lifts_it_and_with_its_key() {
    let switch = Switch { name: "all".to_owned(), stops: "all".to_owned(), ..Switch::default() };
    let memory = Memory { kill_switch: Some(switch), ..Memory::default() };
    let stop = check_kill_switch(&memory, Timestamp::UNIX_EPOCH).unwrap_err();
    let next = stop.next.unwrap().addressed("production", "rollback");
    assert_eq!(next.function.as_deref(), Some("lendpeak2-production-incident"));
    assert_eq!(next.send.as_ref().map(|send| &send["go"]), Some(&json!("all")));
    assert!(next.what.contains("pk=kill-switch, sk=all"), "{}", next.what);
}

#[test]
fn a_plan_that_changed_says_what_was_approved_and_what_it_would_be_now() {
    let approval = json!({
        "id": "a", "trigger": { "id": "a", "at": "2026-11-28T19:56:45Z", "kind": { "person": {} } },
        "target": "t", "plan_hash": "1", "plan": ["set the desired count to 4"], "expires": "2026-11-28T20:30:00Z",
    });
    let approval: Approval = serde_json::from_value(approval).unwrap();
    let stop = check_same_plan(&approval, "2", &["set the desired count to 6".to_owned()]).unwrap_err();
    assert_eq!(
        stop.reason,
        "the plan has changed since it was approved. Approved was: set the desired count to 4. Now it would be: set the \
         desired count to 6"
    );
    assert_eq!(check_same_plan(&approval, "1", &[]), Ok(()));
    let no = Rejection { by: "Ana".to_owned(), reason: "not now".to_owned(), at: "20:00".to_owned() };
    assert_eq!(rejected(&no), "the plan was rejected by Ana at 20:00: not now");
}

#[test]
fn without_the_ledger_the_cause_comes_first() {
    let source = crate::aws::Cause::new("AccessDenied");
    let error = Error::Aws { operation: "read the ledger", resource: "ledger".to_owned(), source };
    assert_eq!(
        no_ledger(&error).reason,
        "Cannot read the ledger ledger: AccessDenied. Nothing is changed without the ledger"
    );
}
