use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use serde_json::json;
use shared::{
    diagnosis::{Finding, Impact, Sent},
    settings::Mode,
    status::Level,
};

use super::*;
use crate::incident::{Owner, Remedy, SERVICE_DOWN, Severity};

fn deployment() -> Deployment {
    Deployment {
        environment: "production".to_owned(),
        function: "lendpeak2-production-incident".to_owned(),
        acknowledge_within: [Duration::from_mins(15), Duration::from_mins(30)],
        remedies: [("rollback".to_owned(), Mode::Auto), ("scale-up".to_owned(), Mode::Auto)].into(),
        switches: Vec::new(),
        plans: Vec::new(),
        named_approvers: false,
        unreached: Vec::new(),
    }
}

fn at(minutes: i64) -> Timestamp {
    "2026-11-24T14:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

fn incident() -> Incident {
    let mut incident =
        Incident::new(SERVICE_DOWN, "Service down".to_owned(), Severity::Critical, at(-2), at(0));
    incident.owner = Owner::MachineRequested { since: at(0) };
    incident
}

fn found(what: &str) -> Finding {
    let finding = Finding::new(Confidence::Certain, Impact::Down, what)
        .since(Some(at(-2)))
        .next(Level::Development, "Roll back to backend:11")
        .send(Sent { function: "rollback".into(), request: json!({ "reason": "diagnosed" }) });
    Finding { cause: "bad_release".into(), ..finding }
}

fn tried(function: &str, decision: &str) -> Attempt {
    let remedy =
        Remedy { function: function.to_owned(), request: json!({}), cause: "bad_release".to_owned() };
    Attempt { decision: Some(decision.to_owned().into()), ..Attempt::new(remedy, at(1)) }
}

#[track_caller]
fn check(incident: &Incident, kind: &NoticeKind, minutes: i64, expected: &str) {
    let notice = notice(incident, kind, &deployment(), at(minutes));
    assert_eq!(notice.facts.text(), expected.trim_start());
}

#[test]
fn an_open_one_says_that_the_machine_is_at_work() {
    check(
        &incident(),
        &NoticeKind::Opened,
        0,
        r#"
OPEN: Service down (critical)
Since 2026-11-24 13:58:00 UTC (2 min).
Done: nothing has been changed yet.
You: watch. service-down is working on it.
Do you have it? Level 2 is called in 15 min unless you acknowledge. Send to lendpeak2-production-incident
{"acknowledge":"20261124-140000-service-down","by":"<your name>"}
Add "take_over": true to stop service-down.
Incident 20261124-140000-service-down"#,
    );
}

#[test]
fn one_that_goes_up_says_what_was_found_done_and_is_to_be_done() {
    let mut incident = incident();
    incident.found = Some(found("release backend:12 answers 500 to 40 % of the requests"));
    incident.attempts = vec![tried("scale-up", "applied"), tried("rollback", "refused")];
    incident.hand_over(at(6), 2, "two remedies did not help".to_owned());
    let kind = NoticeKind::Escalated { reason: "two remedies did not help".to_owned() };
    check(
        &incident,
        &kind,
        6,
        r#"
ESCALATED: Service down (critical)
Since 2026-11-24 13:58:00 UTC (8 min).
Level 2 (DevOps) has it: two remedies did not help.
Cause (certain): release backend:12 answers 500 to 40 % of the requests.
Done: scale-up acted at 14:01 UTC, rollback refused at 14:01 UTC.
You: Roll back to backend:11.
Send to lendpeak2-production-rollback: {"reason":"diagnosed"}
Do you have it? Level 3 is called in 30 min unless you acknowledge. Send to lendpeak2-production-incident
{"acknowledge":"20261124-140000-service-down","by":"<your name>"}
Incident 20261124-140000-service-down"#,
    );
}

#[test]
fn one_that_is_over_says_how_and_how_long_it_took() {
    let mut incident = incident();
    incident.attempts = vec![tried("rollback", "applied")];
    incident.acted_at = Some(at(1));
    incident.resolve(at(4), "the probe passed twice after rollback".to_owned());
    check(
        &incident,
        &NoticeKind::Resolved,
        9,
        r#"
RESOLVED: Service down (critical)
Began 2026-11-24 13:58:00 UTC, lasted 6 min.
Done: rollback acted at 14:01 UTC; the probe passed twice after rollback.
Noticed after 2 min, acted after 3 min, over after 6 min.
You: nothing to do. For the report, send to lendpeak2-production-incident
{"show":"20261124-140000-service-down"}
Incident 20261124-140000-service-down"#,
    );
}

#[test]
fn without_a_cause_the_next_step_is_to_look_for_it() {
    let mut incident = incident();
    incident.owner = Owner::People;
    let text = notice(&incident, &NoticeKind::Opened, &deployment(), at(0)).facts.text();
    assert!(text.contains("Send {} to lendpeak2-production-diagnose"), "{text}");
}

#[test]
fn it_fits_a_phones_screen_whatever_was_found() {
    const COLUMNS: usize = 42;
    const LINES: usize = 40;
    let mut incident = incident();
    incident.title = "t".repeat(80);
    let mut long = found(&"a very long sentence\nwith lines ".repeat(200));
    long.remedy.what = "do this and that ".repeat(200);
    incident.found = Some(long);
    incident.attempts =
        ["rollback", "scale-up", "restart", "cache-invalidation"].map(|name| tried(name, "applied")).into();
    incident.hand_over(at(1), 3, "reason ".repeat(300));
    let kind = NoticeKind::Escalated { reason: "reason ".repeat(300) };
    let notice = notice(&incident, &kind, &deployment(), at(1));
    let lines: usize = notice.facts.text().lines().map(|line| line.chars().count().div_ceil(COLUMNS)).sum();
    assert!(lines <= LINES, "{lines} lines: {}", notice.facts.text());
    assert_eq!(notice.levels, 3);
}

fn all_stopped() -> shared::ledger::Switch {
    let mut item = shared::ledger::items::item_key("kill-switch", "all");
    item.insert("by".to_owned(), shared::ledger::items::string("Ana"));
    shared::ledger::Switch::of(&item, &[])
}

#[test]
fn with_the_kill_switch_on_it_says_how_to_lift_it_and_nobody_is_to_watch() {
    let deployment = Deployment { switches: vec![all_stopped()], ..deployment() };
    let text = notice(&incident(), &NoticeKind::Opened, &deployment, at(0)).facts.text();
    let words = r#"You: the kill switch `all` is on (by Ana). No remedy acts while it is on: mend it yourself, or lift it. Send to lendpeak2-production-incident
{"go":"all","by":"<your name>"}"#;
    assert!(text.contains(words) && !text.contains("watch"), "{text}");
}

#[test]
fn where_a_person_has_to_approve_it_says_so_with_the_plan_that_waits() {
    let remedies: BTreeMap<String, Mode> = [("rollback".to_owned(), Mode::Approve)].into();
    let without = Deployment { remedies, ..deployment() };
    let text = notice(&incident(), &NoticeKind::Opened, &without, at(0)).facts.text();
    assert!(text.contains("You: approve, or it stays down") && !text.contains("watch"), "{text}");
    let plans = vec![WaitingPlan { function: "rollback".to_owned(), id: "499484d277f1".to_owned() }];
    let asked = Deployment { plans, ..without };
    let text = notice(&incident(), &NoticeKind::Opened, &asked, at(0)).facts.text();
    let words = "You: approve, or it stays down. Send to lendpeak2-production-rollback\n{\"approve\":\"499484d277f1\"}";
    assert!(text.contains(words), "{text}");
    // No request would do.
    let named = Deployment { named_approvers: true, ..asked };
    let text = notice(&incident(), &NoticeKind::Opened, &named, at(0)).facts.text();
    assert!(text.contains("You: approve, or it stays down: `lendpeak2 approve 499484d277f1`"), "{text}");
    assert!(!text.contains("{\"approve\""), "{text}");
}

#[test]
fn where_nothing_may_act_a_person_is_to() {
    let remedies: BTreeMap<String, Mode> = [("rollback".to_owned(), Mode::Observe)].into();
    let text = notice(&incident(), &NoticeKind::Opened, &Deployment { remedies, ..deployment() }, at(0))
        .facts
        .text();
    assert!(text.contains("You: mend it yourself"), "{text}");
}

#[test]
fn the_assignee_is_told_and_why_another_level_is() {
    let mut incident = incident();
    incident.assignee = Some("oncall@lendpeak.com".to_owned());
    let deployment =
        Deployment { unreached: vec!["nobody is subscribed to level 1".to_owned()], ..deployment() };
    let text = notice(&incident, &NoticeKind::Opened, &deployment, at(0)).facts.text();
    assert!(text.contains("Assigned to oncall@lendpeak.com.\n"), "{text}");
    assert!(text.contains("Nobody is subscribed to level 1.\n"), "{text}");
}

#[test]
fn what_ended_it_is_told_and_not_what_did_nothing() {
    let mut incident = incident();
    incident.attempts = vec![tried("rollback", "refused")];
    incident.resolve(at(4), "the probe passed twice after rollback (approved by hand, 14:03 UTC)".to_owned());
    let text = notice(&incident, &NoticeKind::Resolved, &deployment(), at(9)).facts.text();
    assert!(
        text.contains("Done: the probe passed twice after rollback (approved by hand, 14:03 UTC)."),
        "{text}"
    );
}

#[test]
fn the_subject_of_a_title_in_other_letters_names_the_incident() {
    let mut incident = incident();
    let subject =
        |incident: &Incident| notice(incident, &NoticeKind::Opened, &deployment(), at(0)).facts.subject();
    incident.title = "支払いができない".to_owned();
    assert_eq!(subject(&incident), "[production] OPEN critical: 20261124-140000-service-down");
    incident.title = "Überweisung fehlt".to_owned();
    assert_eq!(
        subject(&incident),
        "[production] OPEN critical: berweisung fehlt (20261124-140000-service-down)"
    );
}

proptest::proptest! {
    /// Nobody forges a line of it, and no phone gets more than it shows.
    #[test]
    fn whatever_others_wrote_it_keeps_its_lines_and_its_size(
        title in "(?s).{0,80}", found_text in "(?s).{0,3000}", reason in "(?s).{0,3000}", assignee in "(?s).{0,60}",
    ) {
        let mut incident = incident();
        incident.title = title;
        incident.assignee = Some(assignee);
        incident.found = Some(found(&found_text));
        incident.hand_over(at(1), 3, reason.clone());
        let mut plain = incident.clone();
        (plain.title, plain.assignee, plain.found) = ("t".to_owned(), Some("a".to_owned()), Some(found("f")));
        let kind = NoticeKind::Escalated { reason };
        let told = notice(&incident, &kind, &deployment(), at(1));
        let lines = notice(&plain, &kind, &deployment(), at(1)).facts.text().lines().count();
        let told = told.facts.text();
        proptest::prop_assert_eq!(told.split('\n').count(), lines);
        proptest::prop_assert!(told.len() < 4_096);
        proptest::prop_assert!(told.chars().all(|c| c == '\n' || !c.is_control()));
    }
}
