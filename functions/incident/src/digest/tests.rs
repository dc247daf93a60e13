//! Made weeks and a made month with known numbers.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::outcome::Outcome;

use super::*;
use crate::incident::{Acknowledged, Attempt, Remedy, SERVICE_DOWN, Severity};

const TARGET: &str = "service/lendpeak2-production/backend";

/// The first days of December 2026: the first was a Tuesday.
fn at(day: i64, hour: i64, minute: i64) -> Timestamp {
    let first: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
    first + SignedDuration::from_mins((day - 1) * 1_440 + hour * 60 + minute)
}

fn alarm(name: &str) -> Value {
    json!({ "id": "arn@1", "at": "2026-12-01T00:00:00Z", "kind": { "alarm": {
        "name": name, "arn": "arn", "state": "ALARM", "reason": "crossed", "metrics": [] } } })
}

fn person(asked: &Value) -> Value {
    json!({ "id": "one", "at": "2026-12-01T00:00:00Z", "kind": { "person": asked } })
}

fn schedule() -> Value {
    json!({ "id": "one", "at": "2026-12-01T00:00:00Z", "kind": { "schedule": { "schedule": "arn" } } })
}

fn machine(incident: &str) -> Value {
    let task =
        json!({ "execution": format!("arn:aws:states:x:{incident}"), "state": "Remedy@1", "asked": {} });
    json!({ "id": "one", "at": "2026-12-01T00:00:00Z", "kind": { "step_functions": task } })
}

/// As its function wrote it.
fn outcome(function: &str, at: Timestamp, decision: &str, summary: &str, trigger: &Value) -> Value {
    let code = if decision == "observed" { "would_act" } else { decision };
    json!({ "summary": summary, "decision": decision, "code": code, "next": null, "reason": summary,
        "target": TARGET, "steps": [], "verification": null, "under_way": false, "function": function,
        "environment": "production", "execution_id": "one", "at": at, "duration_ms": 1, "version": 1, "plan": null,
        "trigger": trigger, "observed": null })
}

fn read(outcome: &Value) -> Record {
    Record::of(&serde_json::from_value::<Outcome>(outcome.clone()).unwrap())
}

fn record(function: &str, at: Timestamp, decision: &str, summary: &str, trigger: &Value) -> Record {
    read(&outcome(function, at, decision, summary, trigger))
}

/// A step of a restore, with actions that were done.
fn restore(at: Timestamp, actions: &[Value]) -> Record {
    let mut step = outcome("snapshot-restore", at, "applied", "a step", &schedule());
    step["steps"] = actions.iter().map(|_| json!({ "action": "x", "result": "done" })).collect();
    step["plan"] = json!({ "actions": actions });
    read(&step)
}

/// It broke at `began`, was opened after so many minutes, and was over after so many.
fn incident(cause: &str, began: Timestamp, opened: i64, over: Option<i64>) -> SeenIncident {
    let after = |minutes| began + SignedDuration::from_mins(minutes);
    let mut incident = Incident::new(cause, "Service down".to_owned(), Severity::High, began, after(opened));
    if let Some(minutes) = over {
        incident.resolve(after(minutes), "all its alarms have been OK for 15 min".to_owned());
    }
    SeenIncident { incident, people: BTreeSet::new() }
}

fn week(mode: Mode) -> Gathered {
    Gathered {
        environment: "production".to_owned(),
        modes: [("rollback".to_owned(), mode), ("scale-up".to_owned(), mode)].into(),
        from: at(1, 8, 0),
        to: at(8, 8, 0),
        days: 7,
        ..Gathered::default()
    }
}

#[track_caller]
fn shows(gathered: &Gathered, expected: &str) {
    let page = Digest::of(gathered).lines().join("\n");
    assert_eq!(page, expected.trim_end(), "\n{page}");
}

#[test]
fn a_quiet_week_is_a_page_of_three_lines() {
    let quiet = week(Mode::Auto);
    shows(&quiet, include_str!("golden/quiet.txt"));
    assert_eq!(Digest::of(&quiet).lines().len(), 3);
    assert_eq!(Digest::of(&quiet).headline(), "production, 1 Dec to 8 Dec 2026: quiet");
}

#[test]
fn days_of_two_years_are_named_with_both() {
    let to: Timestamp = "2027-01-04T08:00:00Z".parse().unwrap();
    let digest = Digest::of(&Gathered { from: at(28, 8, 0), to, ..week(Mode::Auto) });
    assert_eq!(digest.headline(), "production, 28 Dec 2026 to 4 Jan 2027: quiet");
}

/// One that went away by itself, one that people mended, one that has no incident, and what is no evidence.
fn observed() -> Gathered {
    let (by_itself, mended) = (
        incident("service-down", at(2, 3, 10), 2, Some(24)),
        SeenIncident {
            people: ["Ana".to_owned()].into(),
            ..incident("service-down", at(4, 14, 0), 3, Some(95))
        },
    );
    let ids = [by_itself.incident.id.clone(), mended.incident.id.clone()];
    let would = "would do: backend: :12 → :11; asked by service-down";
    Gathered {
        records: vec![
            record("rollback", at(2, 3, 13), "observed", would, &machine(&ids[0])),
            record("rollback", at(4, 14, 5), "observed", would, &machine(&ids[1])),
            record("rollback", at(4, 15, 0), "applied", "backend: :12 → :11, all run", &person(&json!({}))),
            record("scale-up", at(5, 9, 0), "observed", "would do: backend: 2 → 4 tasks", &alarm("high-cpu")),
            record(
                "scale-up",
                at(5, 9, 40),
                "observed",
                "would do: backend: 2 → 4 tasks",
                &alarm("high-cpu"),
            ),
            record(
                "scale-up",
                at(5, 9, 50),
                "nothing_to_do",
                "nothing was done: 4 tasks run already",
                &alarm("high-cpu"),
            ),
            // A person who asks, a dry run, and what would be refused say nothing of what would be done unasked.
            record(
                "scale-up",
                at(6, 9, 0),
                "observed",
                "would do: backend: 2 → 9 tasks",
                &person(&json!({})),
            ),
            record("scale-up", at(6, 9, 1), "observed", "would do: x", &person(&json!({ "dry_run": true }))),
            record(
                "scale-up",
                at(6, 9, 2),
                "observed",
                "would be refused now (cooldown): x",
                &alarm("high-cpu"),
            ),
        ],
        incidents: vec![by_itself, mended],
        ..week(Mode::Observe)
    }
}

#[test]
fn a_week_in_observe_says_what_would_have_been_done_and_what_happened_instead() {
    shows(&observed(), include_str!("golden/observe.txt"));
    let digest = Digest::of(&observed());
    let [scale_up, mended, by_itself] = digest.would_have_done.newest.as_slice() else {
        panic!("{:?}", digest.would_have_done);
    };
    assert_eq!(
        (scale_up.times, scale_up.alarm.as_deref(), &scale_up.instead.incident),
        (2, Some("high-cpu"), &None)
    );
    assert!(by_itself.instead.by_itself && !mended.instead.by_itself && !scale_up.instead.by_itself);
    assert_eq!(
        (by_itself.instead.over_after_seconds, mended.instead.over_after_seconds),
        (Some(24 * 60), Some(95 * 60))
    );
    assert_eq!(mended.instead.people, ["Ana"]);
    assert_eq!(digest.incidents.false_alarms, 1);
}

fn busy() -> Gathered {
    let mut bad_release = incident("service-down", at(2, 3, 10), 2, Some(9));
    bad_release.incident.acted_at = Some(at(2, 3, 13));
    let again = incident("service-down", at(4, 10, 30), 1, Some(50));
    let mut open = incident("alarm-queue-is-full", at(8, 7, 0), 5, None);
    open.incident.title = "Queue is full".to_owned();
    let asked = json!({ "approve": "0a1b2c3d4e" });
    let approved = json!({ "approved_by": person(&asked), "by": "Ana", "verified": true, "of": alarm("x") });
    let rejected = json!({ "rejected_by": person(&json!({ "reject": "1a1b2c3d4e" })), "by": "Ana", "verified": true,
        "of": alarm("x") });
    let instance = |number: u8| {
        json!({ "create_instance": { "cluster": "lendpeak2-r1", "engine": {}, "tags": {},
            "instance": { "name": format!("lendpeak2-r1-{number}"), "class": "db.r6g.large" } } })
    };
    let steps = [
        restore(
            at(3, 9, 0),
            &[json!({ "create_cluster": { "id": "lendpeak2-r1", "source": "lendpeak2-production" } })],
        ),
        restore(at(3, 9, 20), &[instance(1), instance(2)]),
    ];
    Gathered {
        records: [
            vec![
                record(
                    "rollback",
                    at(2, 3, 13),
                    "applied",
                    "backend: :12 → :11, all run",
                    &machine(&bad_release.incident.id),
                ),
                record(
                    "scale-up",
                    at(4, 10, 0),
                    "applied",
                    "backend: 2 → 4 tasks, all run",
                    &alarm("high-cpu"),
                ),
                record(
                    "restart",
                    at(5, 10, 0),
                    "awaiting_approval",
                    "waits for approval: restart backend",
                    &alarm("x"),
                ),
                record("restart", at(5, 10, 9), "applied", "backend restarted", &approved),
                record(
                    "restart",
                    at(6, 10, 0),
                    "awaiting_approval",
                    "waits for approval: restart backend",
                    &alarm("x"),
                ),
                record("restart", at(6, 10, 5), "nothing_to_do", "rejected", &rejected),
                record(
                    "cache-invalidation",
                    at(7, 12, 0),
                    "failed",
                    "failed: clear /*: throttled",
                    &person(&json!({})),
                ),
                record("scale-up", at(8, 7, 30), "applied", "backend: 4 → 6 tasks", &alarm("high-cpu")),
                // It only puts back what it began.
                record("scale-up", at(8, 7, 40), "applied", "backend: 6 → 4 tasks", &schedule()),
            ],
            steps.to_vec(),
        ]
        .concat(),
        restores: steps.to_vec(),
        incidents: vec![bad_release, again, open.clone()],
        open: vec![open.incident],
        plans: vec![(
            WaitingPlan { function: "rollback".to_owned(), id: "499484d277f1".to_owned() },
            at(8, 8, 20),
        )],
        switches: vec![Switch {
            name: "all".to_owned(),
            stops: "all".to_owned(),
            by: "Ana".to_owned(),
            ..Switch::default()
        }],
        left_out: LeftOut { unreadable: 2, older: vec!["scale-up's records".to_owned()] },
        modes: [("rollback".to_owned(), Mode::Auto), ("restart".to_owned(), Mode::Approve)].into(),
        ..week(Mode::Auto)
    }
}

#[test]
fn a_busy_week_says_what_was_done_whether_it_held_what_waits_and_what_it_costs() {
    shows(&busy(), include_str!("golden/busy.txt"));
    let digest = Digest::of(&busy());
    let held: Vec<Held> = digest.did.newest.iter().rev().map(|deed| deed.held).collect();
    assert_eq!(held, [Held::Yes, Held::CameBack, Held::Yes, Held::Failed, Held::TooEarly]);
    assert_eq!(digest.approvals, Approvals { asked: 2, approved: 1, rejected: 1 });
}

/// Thirty incidents, one a day; the n-th was noticed after n, acted on after another 2n and over after 10n minutes.
#[test]
fn the_numbers_of_a_month_are_known() {
    let mut month = Gathered { from: at(1, 0, 0), to: at(31, 0, 0), days: 30, ..week(Mode::Auto) };
    for n in 1..=30 {
        let mut one = incident("service-down", at(n, 6, 0), n, Some(10 * n));
        one.incident.acted_at = (n % 2 == 0).then(|| at(n, 6, 3 * n));
        month.incidents.push(one);
        if n % 3 == 0 {
            let what = format!("backend: {n} → {} tasks", n + 1);
            month.records.push(record("scale-up", at(n, 20, 0), "applied", &what, &alarm("high-cpu")));
        }
        if n % 6 == 0 {
            month.records.push(record(
                "restart",
                at(n, 20, 59),
                "applied",
                "restarted",
                &alarm("high-memory"),
            ));
        }
        if n % 5 == 0 {
            month.records.push(record("rollback", at(n, 12, 0), "observed", "would do: x", &alarm("5xx")));
        }
    }
    // They are read newest first, or in any order.
    month.records.reverse();
    let digest = Digest::of(&month);
    let minutes = |median: i64, worst: i64, of| {
        Some(Span { median_seconds: median * 60, worst_seconds: worst * 60, of })
    };
    assert_eq!(
        digest.incidents,
        Incidents {
            opened: 30,
            came_back: 0,
            // Acted on by nobody (odd), and over within half an hour of being noticed: 9n minutes.
            false_alarms: 2,
            detect: minutes(16, 30, 30),
            act: minutes(32, 60, 15),
            recover: minutes(160, 300, 30),
        }
    );
    assert_eq!((digest.did.in_all, digest.would_have_done.in_all), (15, 6));
    assert_eq!(digest.held, [(Held::Yes, 10), (Held::CameBack, 5)].into());
    assert_eq!(digest.went_by_itself, 0);
    let came_back = digest.did.newest.iter().filter(|deed| deed.held == Held::CameBack);
    assert_eq!(
        came_back.map(|deed| deed.then.as_deref()).collect::<Vec<_>>(),
        [Some("restart after 59 min"); 5]
    );
}

#[test]
fn an_action_holds_if_nothing_else_had_to_be_done_for_an_hour() {
    let first = |then: Vec<Record>, incidents: Vec<SeenIncident>| {
        let mut gathered = week(Mode::Auto);
        gathered.records = vec![record("rollback", at(2, 3, 0), "applied", "x", &alarm("5xx"))];
        gathered.records.extend(then);
        gathered.incidents = incidents;
        Digest::of(&gathered).did.newest.pop().unwrap().held
    };
    let restart = |hour, minute| record("restart", at(2, hour, minute), "applied", "x", &alarm("5xx"));
    let down = |hour, minute, cause| incident(cause, at(2, hour, minute), 1, Some(9));
    assert_eq!(first(Vec::new(), Vec::new()), Held::Yes);
    assert_eq!(first(vec![restart(4, 0)], Vec::new()), Held::CameBack);
    assert_eq!(first(vec![restart(4, 1)], Vec::new()), Held::Yes);
    let mut elsewhere = restart(3, 30);
    elsewhere.target = "service/x/y".to_owned();
    assert_eq!(first(vec![elsewhere], Vec::new()), Held::Yes);
    assert_eq!(
        first(vec![record("restart", at(2, 3, 30), "applied", "x", &schedule())], Vec::new()),
        Held::Yes
    );
    assert_eq!(
        first(vec![record("restart", at(2, 3, 30), "refused", "x", &alarm("5xx"))], Vec::new()),
        Held::Yes
    );
    assert_eq!(first(Vec::new(), vec![down(3, 30, SERVICE_DOWN)]), Held::CameBack);
    // It is what it was done for; and another cause is no sign.
    assert_eq!(first(Vec::new(), vec![down(2, 58, SERVICE_DOWN)]), Held::Yes);
    assert_eq!(first(Vec::new(), vec![down(3, 30, "alarm-queue-is-full")]), Held::Yes);
}

#[test]
fn a_freeze_that_a_person_lifts_has_held() {
    let freeze = |minute| record("write-freeze", at(2, 3, minute), "applied", "x", &person(&json!({})));
    let digest = Digest::of(&Gathered { records: vec![freeze(0), freeze(30)], ..week(Mode::Auto) });
    let [one] = digest.did.newest.as_slice() else { panic!("{:?}", digest.did) };
    assert_eq!((one.steps, one.held), (2, Held::Yes));
}

#[test]
fn an_incident_is_a_false_alarm_if_it_is_over_soon_and_nobody_and_nothing_acted() {
    let is_false = |change: &dyn Fn(&mut SeenIncident), records: Vec<Record>| {
        let mut one = incident("service-down", at(2, 3, 0), 2, Some(32));
        change(&mut one);
        let gathered = Gathered { incidents: vec![one], records, ..week(Mode::Auto) };
        Digest::of(&gathered).incidents.false_alarms == 1
    };
    assert!(is_false(&|_| {}, Vec::new()));
    let late = Some(at(2, 3, 33));
    assert!(!is_false(&|one| one.incident.resolved_at = late, Vec::new()));
    assert!(!is_false(&|one| one.incident.resolved_at = None, Vec::new()));
    assert!(!is_false(&|one| one.incident.acted_at = Some(at(2, 3, 5)), Vec::new()));
    let taken = Acknowledged { by: "Ana".to_owned(), at: at(2, 3, 5) };
    assert!(!is_false(&|one| one.incident.acknowledged = Some(taken.clone()), Vec::new()));
    assert!(!is_false(&|one| one.incident.by_person = true, Vec::new()));
    assert!(!is_false(&|one| one.incident.reopened = 1, Vec::new()));
    assert!(!is_false(&|one| one.people = ["Ana".to_owned()].into(), Vec::new()));
    let tried = |decision: Decision| {
        let remedy = Remedy { function: "rollback".to_owned(), request: json!({}), cause: "x".to_owned() };
        Attempt { decision: Some(decision.into()), ..Attempt::new(remedy, at(2, 3, 5)) }
    };
    assert!(!is_false(&|one| one.incident.attempts.push(tried(Decision::Applied)), Vec::new()));
    assert!(is_false(&|one| one.incident.attempts.push(tried(Decision::Observed)), Vec::new()));
    let restart = |minute| vec![record("restart", at(2, 3, minute), "applied", "x", &person(&json!({})))];
    assert!(!is_false(&|_| {}, restart(20)));
    assert!(is_false(&|_| {}, restart(40)));
}

#[test]
fn a_restored_cluster_runs_until_it_is_deleted_and_is_in_use_from_its_cut_over_on() {
    let create = |name: &str| json!({ "create_cluster": { "id": name } });
    let instance = |name: &str, class: &str| json!({ "create_instance": { "cluster": name, "instance": { "name": format!("{name}-1"), "class": class } } });
    let use_it = |name: &str| json!({ "note_cut_over": { "restore": name } });
    let undo = json!({ "point_secret_back": { "secret": "x", "from": "2", "to": "1" } });
    let left = |actions: &[Value]| {
        let steps = actions
            .iter()
            .zip(0..)
            .map(|(action, minute)| restore(at(2, 3, minute), std::slice::from_ref(action)));
        let digest = Digest::of(&Gathered { restores: steps.collect(), ..week(Mode::Auto) });
        let short =
            digest.cost.restored_clusters.into_iter().map(|one| (one.cluster, one.in_use, one.dollars_a_day));
        short.collect::<Vec<_>>()
    };
    let r = |name: &str, in_use, dollars| (name.to_owned(), in_use, dollars);
    let medium = Some(0.076 * 24.0);
    assert_eq!(left(&[create("r1")]), [r("r1", false, None)]);
    let made = [create("r1"), instance("r1", "db.t4g.medium")];
    assert_eq!(left(&made), [r("r1", false, medium)]);
    let used = [&made[..], &[use_it("r1")]].concat();
    assert_eq!(left(&used), [r("r1", true, medium)]);
    let second = [&used[..], &[create("r2"), instance("r2", "db.x9.huge"), use_it("r2")]].concat();
    assert_eq!(left(&second), [r("r1", false, medium), r("r2", true, None)]);
    let back = [&second[..], &[undo]].concat();
    assert_eq!(left(&back), [r("r1", true, medium), r("r2", false, None)]);
    let gone = [
        &back[..],
        &[
            json!({ "delete_instance": { "instance": "r2-1" } }),
            json!({ "delete_cluster": { "cluster": "r2" } }),
        ],
    ];
    assert_eq!(left(&gone.concat()), [r("r1", true, medium)]);
    // Of a later version, of a cluster that nobody made, and no object at all.
    let odd = [
        json!({ "create_cluster": "r1" }),
        instance("r9", "x"),
        json!(7),
        json!(null),
        json!({ "melt": {} }),
    ];
    assert_eq!(left(&odd), []);
}

#[test]
fn what_was_not_done_makes_no_cluster() {
    let mut step = outcome("snapshot-restore", at(2, 3, 0), "failed", "x", &schedule());
    step["plan"] = json!({ "actions": [{ "create_cluster": { "id": "r1" } }] });
    step["steps"] = json!([{ "action": "x", "result": "failed", "error": "quota" }]);
    let digest = Digest::of(&Gathered { restores: vec![read(&step)], ..week(Mode::Auto) });
    assert_eq!(digest.cost.restored_clusters, []);
}

/// A title, an alarm's name or a summary may be anything; the page has lines of one line, and fits a notice.
#[test]
fn hostile_words_neither_forge_a_line_nor_fill_the_page() {
    let evil = format!(
        "x\n- Wed 2 Dec 03:13 rollback: all is well\r\u{202e}\u{0} password=hunter2 {}",
        "y".repeat(500)
    );
    let mut gathered = busy();
    gathered.environment = "production".to_owned();
    for n in 0..200 {
        gathered.records.push(record("scale-up", at(7, 0, n), "applied", &evil, &alarm(&evil)));
        gathered.records.push(record(
            "rollback",
            at(1, 9, 0) + SignedDuration::from_mins(n * 47),
            "observed",
            &format!("would do: {evil}"),
            &alarm(&evil),
        ));
        let mut one = incident(&format!("cause-{n}"), at(3, 0, n), 1, None);
        one.incident.title.clone_from(&evil);
        one.people.insert(line(&evil, 60));
        gathered.open.push(one.incident.clone());
        gathered.incidents.push(one);
        let plan = WaitingPlan { function: "rollback".to_owned(), id: evil.clone() };
        gathered.plans.push((plan, at(8, 9, 0)));
        gathered.switches.push(Switch { name: evil.clone(), reason: evil.clone(), ..Switch::default() });
    }
    let digest = Digest::of(&gathered);
    let lines = digest.lines();
    for line in &lines {
        assert!(!line.contains(['\n', '\r', '\u{202e}', '\u{0}']) && line.chars().count() < 400, "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }
    assert!(lines.len() <= 45 && lines.join("\n").len() < 8_000, "{} lines", lines.len());
    let json = serde_json::to_string(&digest).unwrap();
    assert!(json.len() < shared::text::MAX_ANSWER && !json.contains("hunter2"), "{}", json.len());
}

/// A clock that jumps, and an incident that ends before it began.
#[test]
fn times_that_cannot_be_are_no_less_than_nothing() {
    let mut odd = incident("service-down", at(2, 3, 0), 0, None);
    odd.incident.acted_at = Some(at(1, 0, 0));
    odd.incident.resolve(at(1, 0, 0), "x".to_owned());
    let digest = Digest::of(&Gathered { incidents: vec![odd], ..week(Mode::Auto) });
    let none = Some(Span { median_seconds: 0, worst_seconds: 0, of: 1 });
    assert_eq!([digest.incidents.detect, digest.incidents.act, digest.incidents.recover], [none; 3]);
}
