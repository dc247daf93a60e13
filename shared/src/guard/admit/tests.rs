use jiff::SignedDuration;

use super::*;
use crate::{
    guard::next_claim,
    ledger::{ALL, Claim, Intent, Switch},
    settings::Environment,
    trigger::Origin,
};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const HASH: &str = "hash";

fn policy(mode: &str) -> Policy {
    Policy::from_environment(&Environment::from_pairs([
        ("ENVIRONMENT", "production"),
        ("LEDGER_TABLE", "ledger"),
        ("MODE", mode),
    ]))
    .unwrap()
}

fn by_hand(dry_run: bool) -> Trigger {
    let asked = Asked { dry_run, ..Asked::default() };
    Trigger { id: "request".to_owned(), at: NOW, kind: Kind::Person(asked), origin: Origin::default() }
}

fn plan() -> Plan<&'static str, ()> {
    Plan { by_hand: Some(json!({ "count": 4 })), ..Plan::act(vec!["set the count to 4"], "the queue grows") }
}

fn nothing() -> Plan<&'static str, ()> {
    Plan::skip(Stop::nothing_to_do(&code::NOTHING_TO_LOOK_AFTER, "nothing waits"))
}

/// Another run has acted five minutes ago.
fn acted_on() -> Memory {
    let intent = Intent {
        trigger: by_hand(false),
        actions: Value::Null,
        reason: String::new(),
        limits: Limits::Apply,
        units: 0,
        about: Vec::new(),
        notes: Vec::new(),
        approved: None,
        instead_of: None,
    };
    let at = NOW - SignedDuration::from_mins(5);
    let claim = next_claim(&Memory::default(), intent, "set the count to 2", "run-1", at, at);
    Memory { claim: Some(Claim { open: false, ..claim }), ..Memory::default() }
}

fn switched_off() -> Memory {
    let switch = Switch { name: ALL.to_owned(), stops: ALL.to_owned(), ..Switch::default() };
    Memory { kill_switch: Some(switch), ..Memory::default() }
}

fn decided(
    mode: &str,
    memory: &Memory,
    dry_run: bool,
    plan: &Plan<&'static str, ()>,
) -> Result<Admitted, Stop> {
    decided_for(&by_hand(dry_run), mode, memory, plan)
}

fn decided_for(
    trigger: &Trigger,
    mode: &str,
    memory: &Memory,
    plan: &Plan<&'static str, ()>,
) -> Result<Admitted, Stop> {
    let case = Case {
        policy: &policy(mode),
        memory,
        trigger,
        approval: None,
        function: "scale-up",
        asks_first: false,
        is_urgent: false,
        now: NOW,
    };
    admit(&case, plan, HASH)
}

#[track_caller]
fn refused(mode: &str, memory: &Memory, plan: &Plan<&'static str, ()>, code: &str) {
    assert_eq!(decided(mode, memory, false, plan).unwrap_err().code.name(), code);
}

#[track_caller]
fn shown(mode: &str, memory: &Memory, dry_run: bool) -> (Stop, String) {
    let Ok(Admitted::Show { stop, refused }) = decided(mode, memory, dry_run, &plan()) else {
        panic!("the plan is not only shown");
    };
    assert_eq!((stop.decision, stop.code.name()), (Decision::Observed, "would_act"));
    (stop, refused.unwrap_or_default())
}

#[test]
fn the_mode_says_whether_it_acts_asks_or_only_looks() {
    let reason = "the queue grows".to_owned();
    let free = Memory::default();
    assert_eq!(decided("auto", &free, false, &plan()), Ok(Admitted::Act { reason: reason.clone() }));
    assert_eq!(decided("approve", &free, false, &plan()), Ok(Admitted::Ask { reason: reason.clone() }));
    // Whoever approved an action approved that it is put back.
    let back = Plan { limits: Limits::Exempt, ..plan() };
    assert_eq!(decided("approve", &free, false, &back), Ok(Admitted::Act { reason }));
    assert_eq!(shown("observe", &free, false).1, "");
}

#[test]
fn a_request_that_asks_waits_in_each_mode_that_acts() {
    let asked = Asked { ask: true, ..Asked::default() };
    let trigger = Trigger { kind: Kind::Person(asked), ..by_hand(false) };
    let decided =
        |mode: &str, plan: &Plan<&'static str, ()>| decided_for(&trigger, mode, &Memory::default(), plan);
    let asks = Ok(Admitted::Ask { reason: "the queue grows".to_owned() });
    assert_eq!(decided("auto", &plan()), asks);
    assert_eq!(decided("approve", &plan()), asks);
    // Also for what would be put back without.
    assert_eq!(decided("auto", &Plan { limits: Limits::Exempt, ..plan() }), asks);
    assert!(matches!(decided("observe", &plan()), Ok(Admitted::Show { .. })));
}

#[test]
fn the_kill_switch_stops_a_plan_and_a_plan_that_only_settles() {
    for mode in ["auto", "approve", "observe"] {
        refused(mode, &switched_off(), &plan(), "kill_switch");
        refused(mode, &switched_off(), &nothing(), "kill_switch");
    }
}

#[test]
fn nothing_to_do_may_settle_what_is_looked_after_unless_it_only_looks() {
    let stop = nothing().skipped.unwrap();
    let free = Memory::default();
    assert_eq!(decided("auto", &free, false, &nothing()), Ok(Admitted::Settle(stop.clone())));
    assert_eq!(decided("observe", &free, false, &nothing()), Err(stop.clone()));
    assert_eq!(decided("auto", &free, true, &nothing()), Err(stop));
}

#[test]
fn a_dry_run_shows_the_plan_and_says_what_would_refuse_it_now() {
    let (stop, refusal) = shown("auto", &Memory::default(), true);
    assert_eq!((stop.reason.as_str(), refusal.as_str()), ("would set the count to 4: the queue grows", ""));

    refused("auto", &acted_on(), &plan(), "cooldown");
    let (stop, refusal) = shown("auto", &acted_on(), true);
    assert!(refusal.starts_with("cooling down until ") && !refusal.contains("did this"), "{refusal}");
    let expected = "would set the count to 4: the queue grows; it would be refused now: cooling down until ";
    assert!(stop.reason.starts_with(expected), "{}", stop.reason);
    let send = stop.next.unwrap().send.unwrap();
    assert_eq!(
        (send.get("count"), send.get("override"), send.get("dry_run")),
        (Some(&json!(4)), Some(&json!(true)), None)
    );

    let (stop, refusal) = shown("auto", &switched_off(), true);
    assert!(refusal.starts_with("the kill switch `all` is on"), "{refusal}");
    assert!(stop.reason.contains("; it would be refused now: the kill switch `all`"), "{}", stop.reason);
}

#[test]
fn a_look_at_an_approval_approves_nothing_and_says_so() {
    let approval = json!({
        "id": "a", "trigger": { "id": "a", "at": "2026-11-28T19:56:45Z", "kind": { "person": {} } },
        "target": "t", "plan_hash": HASH, "plan": [], "expires": "9999-01-01T00:00:00Z",
    });
    let approval: Approval = serde_json::from_value(approval).unwrap();
    let decided = |dry_run: bool| {
        let asked = Asked { dry_run, by: Some("Ana".to_owned()), ..Asked::default() };
        let trigger = Trigger { kind: Kind::Person(asked), ..by_hand(false) };
        let case = Case {
            policy: &policy("approve"),
            memory: &Memory::default(),
            trigger: &trigger,
            approval: Some(&approval),
            function: "scale-up",
            asks_first: false,
            is_urgent: false,
            now: NOW,
        };
        admit(&case, &plan(), HASH)
    };
    let Ok(Admitted::Act { reason }) = decided(false) else { panic!("it is not carried out") };
    assert!(reason.starts_with("the queue grows; approved by Ana (not verified) at "), "{reason}");
    let Ok(Admitted::Show { stop, .. }) = decided(true) else { panic!("it is not only shown") };
    assert_eq!(
        stop.reason,
        "would set the count to 4: the queue grows; this was only a look, which approves nothing"
    );
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
