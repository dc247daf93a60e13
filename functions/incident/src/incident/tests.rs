use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::*;

const WITHIN: [Duration; 2] = [Duration::from_mins(15), Duration::from_mins(30)];
const MAX_HANDLING: Duration = Duration::from_hours(2);

fn at(minutes: i64) -> Timestamp {
    "2026-11-24T14:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

fn incident() -> Incident {
    Incident::new(SERVICE_DOWN, "Service down".to_owned(), Severity::Critical, at(-2), at(0))
}

#[track_caller]
fn due(incident: &Incident, minutes: i64, expected: &[Due]) {
    assert_eq!(incident.due(at(minutes), WITHIN, MAX_HANDLING), expected, "after {minutes} minutes");
}

fn next_level(level: u8, minutes: u64) -> Due {
    let reason = format!("level {} did not acknowledge within {minutes} min", level - 1);
    Due::NextLevel { level, reason }
}

#[test]
fn what_nobody_acknowledges_goes_up_after_15_and_30_minutes_and_no_further() {
    let mut incident = incident();
    due(&incident, 14, &[]);
    due(&incident, 15, &[next_level(2, 15)]);
    incident.escalate(at(15), 2, "late".to_owned());
    due(&incident, 44, &[]);
    due(&incident, 45, &[next_level(3, 30)]);
    incident.escalate(at(45), 3, "late".to_owned());
    due(&incident, 10_000, &[]);
}

#[test]
fn what_the_ledger_says_at_the_edge_of_a_number_is_still_an_incident() {
    let mut incident = incident();
    incident.reopened = u32::MAX;
    incident.reopen(at(1), at(1));
    assert!(incident.execution_name().ends_with("-4294967295"));
    incident.level = u8::MAX;
    due(&incident, 10_000, &[]);
}

#[test]
fn an_acknowledgement_stops_the_clock() {
    let mut incident = incident();
    incident.acknowledged = Some(Acknowledged { by: "level 1".to_owned(), at: at(14) });
    due(&incident, 10_000, &[]);
}

#[test]
fn a_level_that_was_not_told_before_has_its_own_time() {
    let mut incident = incident();
    incident.acknowledged = Some(Acknowledged { by: "level 1".to_owned(), at: at(1) });
    incident.escalate(at(20), 2, "out of reach".to_owned());
    due(&incident, 49, &[]);
    due(&incident, 50, &[next_level(3, 30)]);
}

#[test]
fn a_hand_over_begins_the_time_of_those_who_had_nothing_to_do_before() {
    let mut incident = incident();
    incident.hand_over(at(14), 1, "out of reach".to_owned());
    due(&incident, 28, &[]);
    due(&incident, 29, &[next_level(2, 15)]);
}

#[test]
fn what_its_alarms_have_left_alone_for_a_quarter_of_an_hour_is_over() {
    let mut incident = incident();
    let rings = [incident.alarm_fired("probe", at(0)), incident.alarm_fired("composite", at(0))];
    assert_eq!(rings, [Recurrence::SameOutage, Recurrence::SameOutage]);
    assert_eq!(incident.alarm_fired("probe", at(0)), Recurrence::Duplicate);
    incident.acknowledged = Some(Acknowledged { by: "level 1".to_owned(), at: at(1) });
    assert!(incident.alarm_ok("composite", at(2)) && !incident.alarm_ok("composite", at(2)));
    due(&incident, 60, &[]);
    assert!(incident.alarm_ok("probe", at(3)));
    due(&incident, 17, &[]);
    due(&incident, 18, &[Due::AlarmsOk]);
    assert_eq!(incident.alarm_fired("probe", at(20)), Recurrence::NewOutage);
    incident.recur(at(20), at(20));
    incident.acknowledged = Some(Acknowledged { by: "level 1".to_owned(), at: at(20) });
    due(&incident, 60, &[]);
    incident.alarm_ok("probe", at(60));
    incident.owner = Owner::StateMachine { execution: "e".to_owned(), since: at(59) };
    due(&incident, 80, &[Due::CheckExecution { execution: "e".to_owned() }]);
}

#[test]
fn alarms_that_flap_while_the_machine_is_at_work_are_no_other_outage() {
    let soon = at(1) + SignedDuration::from_secs(20);
    let fired = |owner: Owner, again: Timestamp| {
        let mut incident = incident();
        incident.owner = owner;
        incident.alarm_fired("probe", at(0));
        incident.alarm_ok("probe", at(1));
        incident.alarm_fired("probe", again)
    };
    let machine = || Owner::StateMachine { execution: "e".to_owned(), since: at(0) };
    assert_eq!(fired(machine(), soon), Recurrence::SameOutage);
    assert_eq!(fired(machine(), at(3)), Recurrence::NewOutage);
    let handed_over = Owner::HandedOver { at: at(0), reason: "out of reach".to_owned() };
    assert_eq!(fired(handed_over, soon), Recurrence::NewOutage);
}

#[test]
fn an_alarm_that_rings_after_all_were_ok_is_another_outage() {
    let mut incident = incident();
    incident.alarm_fired("probe", at(0));
    incident.alarm_fired("5xx", at(0));
    incident.alarm_ok("5xx", at(4));
    assert_eq!(incident.alarm_fired("5xx", at(6)), Recurrence::SameOutage, "the probe still rings");
    incident.alarm_ok("probe", at(7));
    incident.alarm_ok("5xx", at(8));
    assert_eq!(incident.alarm_fired("5xx", at(9)), Recurrence::NewOutage);
    incident.hand_over(at(3), 2, "out of reach".to_owned());
    incident.recur(at(9), at(10));
    assert_eq!(incident.owner, Owner::MachineRequested { since: at(10) });
    assert_eq!((incident.level, incident.well_at), (2, Some(at(8))));
    assert_eq!((incident.began_at, incident.first_began_at), (at(9), Some(at(-2))));
    assert_eq!(incident.pending_notice.as_ref().map(|notice| &notice.kind), Some(&NoticeKind::Reopened));
    assert_eq!(incident.alarm_fired("5xx", at(9)), Recurrence::Duplicate, "the same ring again");
}

/// Events come late and in any order.
#[test]
fn a_ring_from_before_the_end_of_an_outage_is_no_other_outage() {
    let mut incident = incident();
    incident.alarm_fired("probe", at(0));
    incident.alarm_ok("probe", at(5));
    assert_eq!(incident.alarm_fired("probe", at(3)), Recurrence::Duplicate, "it has been OK since");
    assert!(incident.all_ok_since.is_some());
    assert_eq!(
        incident.alarm_fired("5xx", at(4)),
        Recurrence::SameOutage,
        "it rang while the probe did, and is not OK yet"
    );
    assert_eq!(incident.all_ok_since, None);
}

#[test]
fn the_machine_stays_away_from_what_a_person_took_over_and_comes_back_to_the_rest() {
    let owner = |taken_over: bool, owner: Owner| {
        let mut incident = incident();
        incident.taken_over = taken_over;
        incident.owner = owner;
        incident.alarm_fired("probe", at(0));
        incident.alarm_ok("probe", at(5));
        incident.recur(at(6), at(6));
        incident.owner
    };
    let handed_over = Owner::HandedOver { at: at(2), reason: "x".to_owned() };
    let machine = Owner::StateMachine { execution: "e".to_owned(), since: at(1) };
    assert_eq!(owner(false, handed_over.clone()), Owner::MachineRequested { since: at(6) });
    assert_eq!(owner(true, handed_over.clone()), handed_over);
    assert_eq!(owner(false, machine.clone()), machine);
    assert_eq!(owner(false, Owner::People), Owner::People);
}

#[test]
fn what_a_person_opened_no_quiet_ends() {
    let mut incident = incident();
    incident.by_person = true;
    incident.acknowledged = Some(Acknowledged { by: "level 1".to_owned(), at: at(1) });
    incident.alarm_fired("probe", at(0));
    incident.alarm_ok("probe", at(2));
    due(&incident, 10_000, &[]);
}

#[test]
fn only_what_was_tried_since_it_came_back_counts() {
    let tried = |minutes: i64| {
        let remedy = Remedy { function: "rollback".to_owned(), request: Value::Null, cause: "c".to_owned() };
        Attempt { decision: Some("applied".to_owned()), ..Attempt::new(remedy, at(minutes)) }
    };
    let mut incident = incident();
    incident.attempts = vec![tried(1), tried(2)];
    assert_eq!(incident.current_attempts().len(), 2);
    incident.reopen(at(5), at(6));
    assert_eq!(incident.current_attempts(), []);
    incident.attempts.push(tried(7));
    assert_eq!(incident.current_attempts(), [tried(7)]);
}

#[test]
fn a_rise_in_severity_is_owed_to_people() {
    let mut incident = Incident::new("disk", "Disk".to_owned(), Severity::Low, at(0), at(0));
    incident.worsen(at(3), Severity::Critical);
    assert_eq!(
        incident.pending_notice,
        Some(PendingNotice::new(NoticeKind::Worse { from: Severity::Low }, at(3)))
    );
}

#[test]
fn different_titles_are_different_incidents_and_none_is_an_alarms() {
    let key = |title: &str| open_key(true, SERVICE_DOWN, title);
    assert_ne!(key("支払いができない"), key("ログインできない"));
    assert_ne!(key(&format!("{}a", "x".repeat(60))), key(&format!("{}b", "x".repeat(60))));
    assert_ne!(key("C++ service fails"), key("C# service fails"));
    assert_eq!(
        key("Customers cannot  log in"),
        key("customers cannot log-in".replace("log-in", "log in").as_str())
    );
    assert_ne!(key("service-down"), open_key(false, SERVICE_DOWN, "Service down"));
}

/// As the first version of `incident` wrote it, and the two after it.
#[test]
fn an_incident_of_every_earlier_version_is_read() {
    let first = serde_json::json!({
        "id": "20261101-000000-service-down", "cause": "service-down", "title": "Service down",
        "severity": "critical", "assignee": null, "began_at": at(-2), "opened_at": at(0), "acted_at": null,
        "resolved_at": null, "resolution": null, "acknowledged": null, "level": 1, "level_since": at(0),
        "handling": { "handed_over": { "at": at(1), "reason": "Ana took it over" } }, "reopened": 0,
        "found": null, "remedies": [{ "function": "rollback", "request": {}, "cause": "bad_release",
            "at": at(1), "decision": "applied", "reason": null, "approval": null }],
        "waited": false, "answered": null, "owed": { "news": "opened", "since": at(0) },
        "ops_item": "oi-0123456789ab",
    });
    let read = |value: &Value| serde_json::from_value::<Incident>(value.clone()).map(Incident::completed);
    let incident = read(&first).unwrap();
    assert_eq!(incident.ops_item, Some(OpsItem { id: "oi-0123456789ab".to_owned(), open: true }));
    assert_eq!((incident.episode_since, incident.firing.len()), (at(0), 0));
    assert!(incident.taken_over && incident.current_attempts().len() == 1);

    let mut second = first.clone();
    second["ringing"] = serde_json::json!(["probe"]);
    second["ops_item"] = serde_json::json!({ "id": "oi-0123456789ab", "open": false });
    let mut incident = read(&second).unwrap();
    assert_eq!(incident.ops_item.as_ref().map(|item| item.open), Some(false));
    assert!(incident.alarm_ok("probe", at(1)));

    let mut third = second;
    third["ringing"] = serde_json::json!({ "probe": at(1) });
    third["round_since"] = serde_json::json!(at(1));
    third["quiet_since"] = Value::Null;
    assert_eq!(read(&third).unwrap().episode_since, at(1));
}

#[test]
fn an_ok_that_comes_late_is_not_taken_for_the_last_word() {
    let mut incident = incident();
    assert_eq!(
        [incident.alarm_fired("probe", at(0)), incident.alarm_fired("probe", at(5))],
        [Recurrence::SameOutage, Recurrence::SameOutage]
    );
    assert!(!incident.alarm_ok("probe", at(3)));
    assert!(incident.alarm_ok("probe", at(6)));
}

#[test]
fn what_no_alarm_said_no_alarm_ends() {
    let mut incident = incident();
    incident.acknowledged = Some(Acknowledged { by: "level 1".to_owned(), at: at(1) });
    assert!(!incident.alarm_ok("probe", at(2)));
    due(&incident, 10_000, &[]);
}

#[test]
fn alarms_are_asked_for_a_while_after_the_end() {
    let mut incident = incident();
    assert!(!incident.may_not_be_over(at(8)));
    incident.resolve(at(2), "the probe passes".to_owned());
    let asked = [6, 7, 16, 17].map(|minutes| incident.may_not_be_over(at(minutes)));
    assert_eq!(asked, [false, true, true, false]);
}

#[test]
fn telling_the_same_level_again_leaves_the_clock_alone() {
    let mut incident = incident();
    incident.escalate(at(10), 1, "again".to_owned());
    due(&incident, 15, &[next_level(2, 15)]);
}

#[test]
fn a_level_above_the_highest_is_the_highest() {
    let mut incident = incident();
    incident.escalate(at(1), 9, "far up".to_owned());
    assert_eq!(incident.level, HIGHEST_LEVEL);
}

#[test]
fn a_machine_that_was_not_started_is_started_again_and_then_given_up() {
    let mut incident = incident();
    incident.owner = Owner::MachineRequested { since: at(0) };
    incident.acknowledged = Some(Acknowledged { by: "level 1".to_owned(), at: at(0) });
    due(&incident, 0, &[]);
    due(&incident, 1, &[Due::StartMachine]);
    due(&incident, 5, &[Due::NotStarted]);
}

#[test]
fn a_machine_at_work_is_looked_after_until_it_has_had_its_time() {
    let mut incident = incident();
    let execution = "arn:of:the:execution".to_owned();
    incident.owner = Owner::StateMachine { execution: execution.clone(), since: at(0) };
    incident.acknowledged = Some(Acknowledged { by: "level 1".to_owned(), at: at(0) });
    due(&incident, 119, &[Due::CheckExecution { execution }]);
    due(&incident, 120, &[Due::TooLong]);
}

#[test]
fn nothing_is_due_once_it_is_over_or_handed_over_and_acknowledged() {
    let mut incident = incident();
    incident.hand_over(at(3), 2, "out of reach".to_owned());
    incident.acknowledged = Some(Acknowledged { by: "level 2".to_owned(), at: at(4) });
    due(&incident, 10_000, &[]);
    incident.acknowledged = None;
    incident.resolve(at(5), "by hand".to_owned());
    due(&incident, 10_000, &[]);
}

#[test]
fn a_clock_that_goes_back_makes_nothing_due() {
    let mut incident = incident();
    incident.owner = Owner::StateMachine { execution: "an execution".to_owned(), since: at(0) };
    due(&incident, -500, &[Due::CheckExecution { execution: "an execution".to_owned() }]);
}

#[test]
fn what_is_not_told_within_half_a_minute_is_overdue() {
    let mut incident = incident();
    assert!(!incident.is_overdue(at(0) + SignedDuration::from_secs(29)));
    assert!(incident.is_overdue(at(0) + SignedDuration::from_secs(30)));
    incident.pending_notice = None;
    assert!(!incident.is_overdue(at(60)));
}

#[test]
fn what_comes_back_keeps_what_was_tried_and_gets_an_execution_of_its_own() {
    let mut incident = incident();
    incident.owner = Owner::StateMachine { execution: "the first".to_owned(), since: at(0) };
    incident.resolve(at(5), "it passed".to_owned());
    let id = incident.id.clone();
    assert_eq!(incident.execution_name(), id);
    incident.reopen(at(8), at(9));
    assert_eq!(incident.id, id);
    assert_eq!(incident.execution_name(), format!("{id}-2"));
    assert_eq!(incident.owner, Owner::MachineRequested { since: at(9) });
    assert!(incident.is_open());
}

#[test]
fn stages_are_counted_from_when_it_broke() {
    let mut incident = incident();
    assert_eq!(
        incident.stages(),
        Stages { detected_seconds: 120, acted_seconds: None, recovered_seconds: None }
    );
    incident.acted_at = Some(at(1));
    incident.resolve(at(4), "it passed".to_owned());
    assert_eq!(
        incident.stages(),
        Stages { detected_seconds: 120, acted_seconds: Some(180), recovered_seconds: Some(360) }
    );
}

#[test]
fn an_execution_can_be_named_after_any_incident() {
    let long = crate::slug::slug(&"Wörter & words ".repeat(20));
    let mut incident = Incident::new(&long, "t".to_owned(), Severity::Low, at(0), at(0));
    incident.reopened = 999;
    let name = incident.execution_name();
    assert!(name.len() <= 80, "{name}");
    assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name}");
}
