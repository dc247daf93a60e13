use jiff::Timestamp;
use proptest::prelude::*;
use shared::{diagnosis::Sent, status::Level};

use super::*;

fn finding(cause: &str, function: Option<&str>) -> Finding {
    let sent = function.map(|function| Sent { function: function.to_owned().into(), request: json!({}) });
    Finding {
        cause: cause.to_owned().into(),
        remedy: Advice { what: "do something".to_owned(), sent, ..Advice::default() },
        support_level: 1,
        ..Finding::new(Confidence::Certain, Impact::Down, format!("{cause} is seen"))
    }
}

fn bad_release() -> Finding {
    finding("bad_release", Some("rollback"))
}

fn short_of_tasks() -> Finding {
    finding("no_spare_tasks", Some("scale-up"))
}

fn database_down() -> Finding {
    Finding { support_level: 3, ..finding("database_down", None) }
}

fn modes(rollback: Mode, scale_up: Mode) -> BTreeMap<String, Mode> {
    [("rollback".to_owned(), rollback), ("scale-up".to_owned(), scale_up)].into()
}

fn tried(function: &str, decision: &str) -> Attempt {
    let remedy = Remedy { function: function.to_owned(), request: json!({}), cause: "some".to_owned() };
    Attempt { decision: Some(decision.to_owned()), ..Attempt::new(remedy, Timestamp::UNIX_EPOCH) }
}

/// An attempt of a remedy that cannot act yet.
fn not_yet(function: &str, code: &str, waits: u32) -> Attempt {
    Attempt { code: Some(code.to_owned()), waits, ..tried(function, "refused") }
}

fn chosen(
    findings: &[Finding],
    remedies: &BTreeMap<String, Mode>,
    tried: &[Attempt],
    waited: bool,
) -> String {
    let diagnosis = Diagnosis { findings: findings.to_vec(), ..Diagnosis::default() };
    match choose(&diagnosis, remedies, tried, waited) {
        Choice::Remedy(remedy) => format!("{} for {}", remedy.function, remedy.cause),
        Choice::Wait { .. } => "wait".to_owned(),
        Choice::HandOver { level, .. } => format!("level {level}"),
    }
}

#[track_caller]
fn check(findings: &[Finding], tried: &[Attempt], expected: &str) {
    assert_eq!(chosen(findings, &modes(Mode::Auto, Mode::Auto), tried, false), expected);
}

#[test]
fn the_first_cause_is_treated_first() {
    check(&[bad_release(), short_of_tasks()], &[], "rollback for bad_release");
    check(&[short_of_tasks(), bad_release()], &[], "scale-up for no_spare_tasks");
}

#[test]
fn what_did_not_help_is_not_done_again() {
    let before = [tried("rollback", "applied")];
    check(&[bad_release(), short_of_tasks()], &before, "scale-up for no_spare_tasks");
    check(&[bad_release()], &before, "level 1");
}

/// A bad release makes the CPU alarm ring too: `scale-up` holds the service when the roll-back is asked for.
#[test]
fn what_could_not_act_yet_is_asked_again_and_no_other_takes_its_turn() {
    for code in [
        "held_by_another_remedy",
        "claimed_by_another",
        "kill_switch",
        "ledger_unavailable",
        "aws_failed",
        "deployment_in_progress",
    ] {
        check(
            &[bad_release(), short_of_tasks()],
            &[not_yet("rollback", code, 3)],
            "rollback for bad_release",
        );
    }
}

#[test]
fn what_refused_for_good_is_not_asked_again() {
    let refused = |code: &str| Attempt { code: Some(code.to_owned()), ..tried("rollback", "refused") };
    for code in ["no_known_good_release", "budget_spent", "cooldown"] {
        check(&[bad_release(), short_of_tasks()], &[refused(code)], "scale-up for no_spare_tasks");
    }
}

#[test]
fn it_is_not_waited_for_without_end_but_for_people_longer() {
    check(&[bad_release()], &[not_yet("rollback", "held_by_another_remedy", 9)], "rollback for bad_release");
    check(&[bad_release()], &[not_yet("rollback", "held_by_another_remedy", 10)], "level 1");
    check(&[bad_release()], &[not_yet("rollback", "kill_switch", 50)], "rollback for bad_release");
}

#[test]
fn two_remedies_are_enough() {
    let before = [tried("rollback", "applied"), tried("scale-up", "failed")];
    let restart = finding("connection_leak", Some("restart"));
    let remedies = [("restart".to_owned(), Mode::Auto)].into();
    assert_eq!(chosen(std::slice::from_ref(&restart), &remedies, &before, false), "level 1");
    let refused = [tried("rollback", "applied"), tried("scale-up", "refused")];
    assert_eq!(chosen(&[restart], &remedies, &refused, false), "restart for connection_leak");
}

/// A person was asked twice, and said nothing.
#[test]
fn two_plans_that_nobody_approved_are_enough() {
    let before = [tried("rollback", "not_approved"), tried("scale-up", "not_approved")];
    let remedies = [("restart".to_owned(), Mode::Approve)].into();
    assert_eq!(chosen(&[finding("leak", Some("restart"))], &remedies, &before, false), "level 1");
}

#[test]
fn the_person_is_told_what_came_of_each_remedy() {
    let refused = Attempt { reason: Some("cooldown".to_owned()), ..tried("scale-up", "refused") };
    let before = [tried("rollback", "applied"), refused, tried("restart", "not_approved")];
    assert_eq!(
        in_words(&before),
        "rollback did not help, scale-up did nothing (cooldown), restart was not approved"
    );
}

#[test]
fn a_cause_out_of_reach_goes_to_its_level_at_once() {
    check(&[database_down(), short_of_tasks()], &[], "level 3");
    check(&[finding("unknown", Some("reboot-everything"))], &[], "level 1");
}

#[test]
fn a_remedy_without_its_json_is_no_remedy() {
    let mut finding = serde_json::to_value(bad_release()).unwrap();
    finding["remedy"].as_object_mut().unwrap().remove("send");
    let finding: Finding = serde_json::from_value(finding).unwrap();
    check(&[finding], &[], "level 1");
}

#[test]
fn what_is_only_possible_or_harms_nobody_yet_is_not_acted_on() {
    let possible = Finding { confidence: Confidence::Possible, ..bad_release() };
    let risk = Finding { impact: Impact::Risk, ..bad_release() };
    check(&[possible.clone(), risk.clone()], &[], "wait");
    check(&[possible, short_of_tasks()], &[], "scale-up for no_spare_tasks");
    check(
        &[Finding { confidence: Confidence::Likely, impact: Impact::Degraded, ..bad_release() }],
        &[],
        "rollback for bad_release",
    );
}

#[test]
fn a_mode_that_forbids_lets_the_next_cause_have_its_turn() {
    for forbidding in [Mode::Off, Mode::Observe] {
        let modes = modes(forbidding, Mode::Approve);
        let both = [bad_release(), short_of_tasks()];
        assert_eq!(chosen(&both, &modes, &[], false), "scale-up for no_spare_tasks");
        assert_eq!(chosen(&both[..1], &modes, &[], false), "level 1");
    }
}

#[test]
fn the_person_gets_the_word_of_what_may_not_be_done() {
    let diagnosis = Diagnosis { findings: vec![bad_release()], ..Diagnosis::default() };
    let choice = choose(&diagnosis, &modes(Mode::Observe, Mode::Auto), &[], false);
    let reason =
        "bad_release is seen; rollback is in mode observe, so it changes nothing by itself".to_owned();
    assert_eq!(choice, Choice::HandOver { level: 1, reason });
}

#[test]
fn where_nothing_is_found_it_waits_once_and_then_asks() {
    check(&[], &[], "wait");
    assert_eq!(chosen(&[], &modes(Mode::Auto, Mode::Auto), &[], true), "level 2");
}

#[test]
fn without_a_diagnosis_nothing_is_done() {
    let diagnosis = Diagnosis { error: Some("States.Timeout".to_owned()), ..Diagnosis::default() };
    let Choice::HandOver { level, reason } = choose(&diagnosis, &modes(Mode::Auto, Mode::Auto), &[], false)
    else {
        panic!("it is to be handed over");
    };
    assert_eq!((level, reason.contains("States.Timeout")), (2, true), "{reason}");
}

#[track_caller]
fn follows(outcome: &Value, decision: &str, after: &After) {
    let answer = Answer::read(outcome);
    assert_eq!((answer.decision().as_str(), &super::after(&answer, 0)), (decision, after), "{outcome}");
}

#[test]
fn what_acted_or_may_have_is_looked_at() {
    follows(&json!({ "decision": "applied", "code": "rolled_back" }), "applied", &After::Verify);
    follows(&json!({ "decision": "failed" }), "failed", &After::Verify);
    follows(&json!({ "decision": "replayed" }), "replayed", &After::Verify);
    follows(&json!({ "error": "States.Timeout", "reason": "" }), "failed", &After::Verify);
    follows(&json!("what is this"), "failed", &After::Verify);
    follows(&Value::Null, "failed", &After::Verify);
}

#[test]
fn what_changed_nothing_lets_the_next_have_its_turn() {
    for decision in ["refused", "nothing_to_do", "observed"] {
        follows(&json!({ "decision": decision, "code": "cooldown" }), decision, &After::Next);
    }
}

/// Its own alarm was quicker.
#[test]
fn what_is_being_done_already_is_looked_at() {
    for decision in ["refused", "nothing_to_do"] {
        let rolls_back = json!({ "decision": decision, "code": "already_rolling_back", "under_way": true });
        follows(&rolls_back, decision, &After::Verify);
        // As an earlier definition of the state machine passes it.
        let deploys = json!({ "decision": decision, "code": "deployment_in_progress" });
        follows(&deploys, decision, &After::Verify);
        let settled = json!({ "decision": decision, "code": "already_runs", "under_way": false });
        follows(&settled, decision, &After::Next);
    }
    let before = Attempt { under_way: true, ..not_yet("rollback", "already_rolling_back", 3) };
    check(&[bad_release(), short_of_tasks()], &[before], "rollback for bad_release");
    let cooling_down =
        |code: &str| is_cooling_down(&Answer::read(&json!({ "decision": "refused", "code": code })));
    assert!(cooling_down("cooldown") && !cooling_down("kill_switch"));
}

#[test]
fn what_cannot_act_yet_is_asked_again_ever_more_seldom() {
    for code in
        ["held_by_another_remedy", "claimed_by_another", "kill_switch", "ledger_unavailable", "aws_failed"]
    {
        let answer = Answer::read(&json!({ "decision": "refused", "code": code, "next": null }));
        let seconds = [0, 1, 2, 20].map(|waits| after(&answer, waits));
        assert_eq!(seconds, [30, 60, 90, 300].map(After::Again), "{code}");
    }
}

#[test]
fn a_plan_that_waits_for_a_person_is_waited_for() {
    let next = json!({ "what": "approve", "support_level": 1, "send": { "approve": "p-1" } });
    let approval = After::Approval("p-1".to_owned());
    follows(
        &json!({ "decision": "awaiting_approval", "code": "approval_needed", "next": next }),
        "awaiting_approval",
        &approval,
    );
    follows(
        &json!({ "decision": "refused", "code": "approval_pending", "next": next }),
        "refused",
        &approval,
    );
}

/// An item of the ledger holds 400 KB.
#[test]
fn an_incident_keeps_no_more_of_a_finding_than_people_read() {
    let long = "word ".repeat(10_000);
    let mut finding = bad_release();
    for _ in 0..100 {
        finding = finding.fact("ECS, service events", long.clone(), long.clone()).against(long.clone());
    }
    finding = finding.next(Level::DevOps, long.clone()).otherwise(long.clone()).helped(long.clone());
    let kept = bounded(&Finding { cause: long.clone().into(), what: long.clone(), ..finding.clone() });
    assert!(serde_json::to_string(&kept).unwrap().len() < 20_000);
    assert_eq!((kept.remedy.function(), kept.evidence.len(), kept.support_level), (Some("rollback"), 6, 2));
    let mut too_long = finding;
    too_long.remedy.sent = Some(Sent { function: "rollback".into(), request: json!({ "reason": long }) });
    assert_eq!(bounded(&too_long).remedy.sent, None);
}

#[test]
fn a_diagnosis_is_read_as_diagnose_writes_it() {
    let written = json!({
        "summary": "The release answers 500.", "version": 1, "changes": [],
        "findings": [{
            "cause": "bad_release", "chapter": "service-down", "confidence": "likely", "impact": "down",
            "what": "the release answers 500", "since": "2026-11-24T14:00:00Z",
            "evidence": [{ "what": "5xx", "value": "40 %", "threshold": "above 5 %", "at": null, "source": "ALB" }],
            "remedy": { "what": "roll back", "function": "rollback", "send": {} },
            "support_level": 1, "explains": [],
        }],
    });
    let diagnosis: Diagnosis = serde_json::from_value(written).unwrap();
    assert_eq!(
        chosen(&diagnosis.findings, &modes(Mode::Auto, Mode::Auto), &[], false),
        "rollback for bad_release"
    );
}

fn any_finding() -> impl Strategy<Value = Finding> {
    let functions = [None, Some("rollback"), Some("scale-up"), Some("restart"), Some("other")];
    let confidences = [Confidence::Possible, Confidence::Likely, Confidence::Certain];
    let impacts = [Impact::Untidy, Impact::Risk, Impact::Degraded, Impact::Down];
    (
        proptest::sample::select(functions.to_vec()),
        proptest::sample::select(confidences.to_vec()),
        proptest::sample::select(impacts.to_vec()),
        any::<bool>(),
        any::<u8>(),
    )
        .prop_map(|(function, confidence, impact, has_json, support_level)| {
            let mut finding = Finding { confidence, impact, support_level, ..finding("some", function) };
            finding.remedy.sent = finding.remedy.sent.filter(|_| has_json);
            finding
        })
}

fn any_modes() -> impl Strategy<Value = BTreeMap<String, Mode>> {
    let mode = proptest::sample::select(vec![Mode::Off, Mode::Observe, Mode::Approve, Mode::Auto]);
    let function =
        proptest::sample::select(vec!["rollback".to_owned(), "scale-up".to_owned(), "restart".to_owned()]);
    proptest::collection::btree_map(function, mode, 0..4)
}

proptest! {
    #[test]
    fn whatever_is_found_the_loop_ends_and_keeps_its_limits(
        findings in proptest::collection::vec(any_finding(), 0..6),
        modes in any_modes(),
        decisions in proptest::collection::vec(
            proptest::sample::select(vec![
                ("applied", None), ("failed", None), ("refused", None), ("refused", Some("cooldown")),
                ("refused", Some("held_by_another_remedy")), ("refused", Some("kill_switch")),
                ("nothing_to_do", Some("already_in_progress")), ("not_approved", None),
            ]), 8),
    ) {
        let diagnosis = Diagnosis { findings, ..Diagnosis::default() };
        let (mut before, mut waited, mut handed_over) = (Vec::<Attempt>::new(), false, false);
        for (decision, code) in decisions.into_iter().cycle().take(400) {
            match choose(&diagnosis, &modes, &before, waited) {
                Choice::Remedy(remedy) => {
                    let is_for_one = diagnosis.findings.iter().any(|finding| {
                        counts(finding) && finding.remedy.function() == Some(remedy.function.as_str())
                    });
                    prop_assert!(is_for_one, "only for a cause that counts");
                    prop_assert!(matches!(modes.get(&remedy.function), Some(Mode::Auto | Mode::Approve)));
                    let again = before.iter_mut().find(|tried| tried.remedy.function == remedy.function);
                    let under_way = code == Some("already_in_progress");
                    let code = code.map(str::to_owned);
                    if let Some(again) = again {
                        prop_assert!(again.is_waiting(), "only what could not act yet is asked again");
                        *again =
                            Attempt { code, under_way, waits: again.waits + 1, remedy, ..tried("", decision) };
                    } else {
                        before.push(Attempt { remedy, code, under_way, ..tried("", decision) });
                    }
                }
                Choice::Wait { .. } => {
                    prop_assert!(!waited, "it waits once");
                    waited = true;
                }
                Choice::HandOver { level, .. } => {
                    prop_assert!((1..=3).contains(&level));
                    handed_over = true;
                    break;
                }
            }
            prop_assert!(before.iter().filter(|tried| tried.acted()).count() <= MAX_REMEDIES);
        }
        prop_assert!(handed_over, "it comes to an end");
    }
}
