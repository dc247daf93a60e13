use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;
use shared::{
    ecs::{Deployment, TaskDefinition},
    freeze::Variable,
    outcome::Decision,
    trigger::{Alarm, AlarmState},
};

use super::*;
use crate::follow_up::FollowUp;

const FAMILY: &str = "lendpeak2-backend-production";
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

pub(crate) fn settings() -> Settings {
    Settings {
        cluster: "lendpeak2-production".to_owned(),
        service: "backend".to_owned(),
        ledger_table: "ledger".to_owned(),
        variable: variable(),
        settle: Duration::from_mins(15),
        stack: shared::alarms::Stack {
            topic: Some("arn:aws:sns:us-east-1:123456789012:alarms".to_owned()),
            ..shared::alarms::Stack::default()
        },
    }
}

fn variable() -> Variable {
    Variable { container: "backend".to_owned(), name: "READONLY_MODE".to_owned(), value: "true".to_owned() }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_000_000).unwrap()
}

fn name(revision: u32) -> String {
    format!("{FAMILY}:{revision}")
}

fn release(revision: u32) -> Release {
    let definition = TaskDefinition {
        arn: format!("arn:aws:ecs:us-east-1:123456789012:task-definition/{}", name(revision)),
        is_active: true,
        copy_of: None,
        frozen_from: None,
        images: images(),
        ..TaskDefinition::default()
    };
    Release { definition, is_frozen: false, from_secret: false }
}

fn images() -> BTreeMap<String, String> {
    BTreeMap::from([("backend".to_owned(), "lendpeak2/backend:1".to_owned())])
}

/// A copy of a release with which writes are frozen.
fn frozen_copy(copy: u32, of: u32) -> Release {
    let mut frozen = release(copy);
    frozen.definition.frozen_from = Some(name(of));
    frozen.is_frozen = true;
    frozen
}

/// All tasks of the service run this.
fn runs(current: Release) -> Observed {
    let deployment = Deployment {
        id: "ecs-svc/1".to_owned(),
        status: "PRIMARY".to_owned(),
        task_definition: current.definition.arn.clone(),
        rollout: "COMPLETED".to_owned(),
        created_at: None,
        failed_tasks: 0,
        ..Deployment::default()
    };
    let service = Service {
        status: "ACTIVE".to_owned(),
        desired_count: 2,
        running_count: 2,
        pending_count: 0,
        task_definition: current.definition.arn.clone(),
        deployment_controller: "ECS".to_owned(),
        deployments: vec![deployment],
        events: Vec::new(),
        minimum_healthy_percent: 100,
        maximum_percent: 200,
        ..Service::default()
    };
    Observed { service: Some(service), current: Some(current), ..Observed::default() }
}

/// Release 2, frozen as 3.
fn frozen() -> Observed {
    Observed { original: Some(release(2)), ..runs(frozen_copy(3, 2)) }
}

impl Observed {
    fn with_service(mut self, change: impl FnOnce(&mut Service)) -> Self {
        self.service.as_mut().map(change);
        self
    }

    fn with_current(mut self, change: impl FnOnce(&mut Release)) -> Self {
        self.current.as_mut().map(change);
        self
    }

    fn with_original(mut self, change: impl FnOnce(&mut Release)) -> Self {
        self.original.as_mut().map(change);
        self
    }

    fn rolling(self) -> Self {
        self.with_service(|service| service.deployments[0].rollout = "IN_PROGRESS".to_owned())
    }
}

/// The ledger says that writes are frozen, since release 2.
fn on_record() -> Past {
    let freeze = Freeze {
        since: now(),
        variable: variable(),
        release: name(2),
        reason: "loans".to_owned(),
        pending: false,
    };
    Past { freeze: Some(freeze), ..Past::default() }
}

fn looks_after(awaited: &Awaited, due_in: SignedDuration, past: Past) -> Past {
    Past { follow_up: Some(awaited.until(now() + due_in)), ..past }
}

fn asks(goal: Goal) -> Request {
    Request { goal, because: Because::Person("asked by hand: loans".to_owned()), topic: None }
}

fn by_alarm() -> Request {
    let alarm = Alarm {
        name: "negative-loans".to_owned(),
        arn: String::new(),
        state: AlarmState::Alarm,
        reason: String::new(),
        from_no_data: false,
        metrics: Vec::new(),
    };
    Request { goal: Goal::On, because: Because::Alarm(alarm), topic: None }
}

const WHY: &str = "asked by hand: loans";

fn note(revision: u32, why: &str) -> Action {
    Action::Note { release: name(revision), variable: variable(), reason: why.to_owned() }
}

fn freeze_of(revision: u32) -> Action {
    Action::Freeze { release: name(revision), variable: variable() }
}

fn go_back(from: u32, to: u32) -> Action {
    Action::GoBack { from: name(from), to: name(to) }
}

fn unfreeze_of(from: u32, release: u32) -> Action {
    Action::Unfreeze { from: name(from), release: name(release), variable: variable() }
}

fn plan_of(observed: &Observed, goal: Goal, past: &Past) -> Plan {
    plan(now(), observed, &asks(goal), &settings(), past)
}

#[track_caller]
fn acts(observed: &Observed, goal: Goal, past: &Past, actions: &[Action]) -> Plan {
    let plan = plan_of(observed, goal, past);
    assert_eq!((&plan.actions[..], &plan.skipped), (actions, &None));
    plan
}

#[track_caller]
fn skips(observed: &Observed, goal: Goal, past: &Past, decision: Decision, code: &str) -> Stop {
    let plan = plan_of(observed, goal, past);
    let stop = plan.skipped.unwrap_or_else(|| panic!("it acts: {:?}", plan.actions));
    assert_eq!((plan.actions, stop.decision, stop.code.name()), (vec![], decision, code));
    stop
}

fn settling(frozen: bool, from: u32) -> FollowUpChange<Awaited> {
    let due = now() + MINUTE * 15;
    let what = json!({ "settling": { "frozen": frozen, "from": name(from) } });
    FollowUpChange::Set(FollowUp { due, what: serde_json::from_value(what).unwrap(), until_verified: true })
}

#[test]
fn what_runs_is_noted_then_frozen_then_looked_after() {
    let plan = acts(&runs(release(2)), Goal::On, &Past::default(), &[freeze_of(2)]);
    assert_eq!((plan.limits, plan.follow_up), (Limits::SkipCooldown, settling(true, 2)));
    assert_eq!(
        plan.actions[0].to_string(),
        format!("deploy a copy of {} with READONLY_MODE=true in its container backend", name(2))
    );
}

#[test]
fn a_freeze_is_noted_with_the_one_that_it_takes_the_place_of() {
    let freeze = |since, revision| Freeze {
        since,
        variable: variable(),
        release: name(revision),
        reason: WHY.to_owned(),
        pending: false,
    };
    let first = plan_of(&runs(release(2)), Goal::On, &Past::default());
    assert_eq!(first.notes, [Note::Frozen { freeze: freeze(now(), 2), before: None }]);
    let before = on_record().freeze.unwrap();
    let again = plan_of(&runs(release(4)), Goal::On, &on_record());
    let expected = Note::Frozen { freeze: freeze(before.since, 4), before: Some(before.clone()) };
    assert_eq!(again.notes, [expected]);
    // A freeze that a run planned but did not carry out does not count.
    let pending = Past { freeze: Some(Freeze { pending: true, ..before.clone() }), ..Past::default() };
    assert_eq!(plan_of(&runs(release(2)), Goal::On, &pending).notes, first.notes);
    let off = plan_of(&frozen(), Goal::Off, &on_record());
    assert_eq!(off.notes, [Note::Thawed { before }]);
    assert_eq!(plan_of(&frozen(), Goal::Off, &Past::default()).notes, []);
}

#[test]
fn an_alarm_waits_out_a_cooldown() {
    let plan = plan(now(), &runs(release(2)), &by_alarm(), &settings(), &Past::default());
    assert_eq!(plan.actions, [freeze_of(2)]);
    assert_eq!(plan.limits, Limits::Apply);
}

#[test]
fn what_is_frozen_already_is_left_alone() {
    let stop = skips(&frozen(), Goal::On, &on_record(), Decision::NothingToDo, "already_frozen");
    assert!(stop.reason.starts_with("writes are frozen since 1970-01-12 13:46:40 UTC: 2 of 2 tasks run"));
    skips(&frozen().rolling(), Goal::On, &on_record(), Decision::NothingToDo, "already_frozen");
}

#[test]
fn what_is_frozen_without_a_record_is_noted() {
    acts(&frozen(), Goal::On, &Past::default(), &[note(2, WHY)]);
    let by_itself = runs(release(2)).with_current(|current| current.is_frozen = true);
    acts(&by_itself, Goal::On, &Past::default(), &[note(2, WHY)]);
}

#[test]
fn a_release_that_was_deployed_into_the_freeze_is_frozen_too() {
    let plan = acts(&runs(release(4)), Goal::On, &on_record(), &[freeze_of(4)]);
    assert!(plan.reason.contains("but lendpeak2-backend-production:4 was deployed since"), "{}", plan.reason);
}

#[test]
fn off_goes_back_to_what_was_frozen() {
    let plan = acts(&frozen(), Goal::Off, &on_record(), &[go_back(3, 2)]);
    assert_eq!((plan.limits, plan.follow_up), (Limits::Exempt, settling(false, 3)));
    // Also before all of it is frozen, and where the ledger has lost it: then somebody has to allow it.
    acts(&frozen().rolling(), Goal::Off, &on_record(), &[go_back(3, 2)]);
    let plan = acts(&frozen(), Goal::Off, &Past::default(), &[go_back(3, 2)]);
    assert_eq!(plan.limits, Limits::SkipCooldown);
}

#[test]
fn off_only_ends_the_freeze_where_another_release_runs_without_the_variable() {
    let plan = acts(&runs(release(4)), Goal::Off, &on_record(), &[Action::End]);
    assert_eq!((plan.limits, plan.follow_up), (Limits::Exempt, FollowUpChange::Keep));
    let told = looks_after(&Awaited::Told { release: name(4) }, MINUTE, on_record());
    assert_eq!(acts(&runs(release(4)), Goal::Off, &told, &[Action::End]).follow_up, FollowUpChange::Clear);
}

#[test]
fn off_leaves_what_runs_without_the_variable_where_it_cannot_go_back() {
    let by_itself = runs(release(4)).with_current(|current| current.is_frozen = true);
    acts(&by_itself, Goal::Off, &on_record(), &[unfreeze_of(4, 4)]);
    for original in [
        Observed { original: None, ..frozen() },
        frozen().with_original(|original| original.definition.is_active = false),
        frozen().with_original(|original| original.is_frozen = true),
        frozen().with_original(|original| {
            original.definition.images.insert("backend".to_owned(), "lendpeak2/backend@sha256:a".to_owned());
        }),
    ] {
        acts(&original, Goal::Off, &on_record(), &[unfreeze_of(3, 2)]);
    }
}

#[test]
fn off_without_a_freeze_is_nothing_to_do() {
    skips(&runs(release(2)), Goal::Off, &Past::default(), Decision::NothingToDo, "not_frozen");
}

#[test]
fn a_service_that_cannot_be_frozen_says_why() {
    let refuses = |observed: Observed, code| {
        skips(&observed, Goal::On, &Past::default(), Decision::Refused, code).reason
    };
    let running = || runs(release(2));
    refuses(Observed { service: None, ..running() }, "service_missing");
    refuses(running().with_service(|service| service.status = "INACTIVE".to_owned()), "service_inactive");
    let elsewhere =
        running().with_service(|service| service.deployment_controller = "CODE_DEPLOY".to_owned());
    refuses(elsewhere, "not_deployed_by_ecs");
    refuses(Observed { current: None, ..running() }, "task_definition_missing");
    let other = running().with_current(|current| {
        current.definition.images = ["app", "proxy"].map(|name| (name.to_owned(), "image".to_owned())).into();
    });
    let reason = refuses(other, "container_missing");
    assert_eq!(reason, "lendpeak2-backend-production:2 has no container backend, only app, proxy");
    refuses(running().with_current(|current| current.from_secret = true), "variable_is_a_secret");
    let failed = running().with_service(|service| service.deployments[0].rollout = "FAILED".to_owned());
    refuses(failed, "deployment_failed");
}

#[test]
fn a_freeze_by_another_variable_is_neither_begun_again_nor_ended() {
    let mut past = on_record();
    past.freeze.as_mut().unwrap().variable.name = "WRITES".to_owned();
    for goal in [Goal::On, Goal::Off] {
        let stop = skips(&frozen(), goal, &past, Decision::Refused, "other_variable");
        assert!(stop.reason.contains("with WRITES=true in container backend"), "{}", stop.reason);
    }
    skips(&runs(release(2)), Goal::LookAfter, &past, Decision::NothingToDo, "nothing_to_look_after");
}

fn waiting() -> Awaited {
    Awaited::Waiting { why: WHY.to_owned(), by_person: true }
}

#[test]
fn a_deployment_under_way_is_waited_for() {
    let rolling = runs(release(2)).rolling();
    let postponed = plan_of(&rolling, Goal::On, &Past::default());
    let stop = postponed.skipped.unwrap();
    assert_eq!((stop.decision, stop.code.name()), (Decision::Refused, "deployment_in_progress"));
    assert_eq!(postponed.follow_up, FollowUpChange::Set(waiting().until(now() + MINUTE * 15)));

    let waits = looks_after(&waiting(), MINUTE, Past::default());
    skips(&rolling, Goal::LookAfter, &waits, Decision::NothingToDo, "still_waiting");
    let plan = acts(&runs(release(2)), Goal::LookAfter, &waits, &[freeze_of(2)]);
    assert_eq!((plan.limits, plan.follow_up), (Limits::SkipCooldown, settling(true, 2)));
    // In time, or not at all.
    let too_late = looks_after(&waiting(), -MINUTE, Past::default());
    for observed in [rolling, runs(release(2))] {
        let next = plan_of(&observed, Goal::LookAfter, &too_late).skipped.unwrap().next.unwrap();
        assert_eq!(next.send, Some(json!({ "state": "on" })));
        assert!(!next.what.contains('{'), "there is one request: {}", next.what);
        ends(&observed, &too_late, Decision::Failed, "not_frozen");
    }
    let failed =
        runs(release(2)).with_service(|service| service.deployments[0].rollout = "FAILED".to_owned());
    ends(&failed, &waits, Decision::Refused, "deployment_failed");
}

#[track_caller]
fn ends(observed: &Observed, past: &Past, decision: Decision, code: &str) {
    let plan = plan_of(observed, Goal::LookAfter, past);
    let stop = plan.skipped.unwrap();
    assert_eq!((stop.decision, stop.code.name(), plan.follow_up), (decision, code, FollowUpChange::Clear));
}

#[test]
fn a_change_is_looked_after_until_it_settles_or_its_time_is_over() {
    let (on, off) = (|due| settles(true, 2, due, on_record()), |due| settles(false, 3, due, Past::default()));
    ends(&frozen(), &on(MINUTE), Decision::NothingToDo, "verified");
    ends(&runs(release(2)), &off(MINUTE), Decision::NothingToDo, "verified");
    for (rolling, past) in [(frozen(), on(MINUTE)), (runs(release(2)), off(MINUTE))] {
        skips(&rolling.rolling(), Goal::LookAfter, &past, Decision::NothingToDo, "still_settling");
    }
    ends(&frozen().rolling(), &on(-MINUTE), Decision::Failed, "not_verified");
    ends(&runs(release(2)).rolling(), &off(-MINUTE), Decision::Failed, "not_verified");
    ends(&frozen(), &off(-MINUTE), Decision::Failed, "not_verified");
}

fn settles(frozen: bool, from: u32, due_in: SignedDuration, past: Past) -> Past {
    looks_after(&Awaited::Settling { frozen, from: name(from) }, due_in, past)
}

#[track_caller]
fn tells(observed: &Observed, past: &Past, code: &str, release: u32) {
    let plan = plan_of(observed, Goal::LookAfter, past);
    let stop = plan.skipped.unwrap();
    assert_eq!((stop.decision, stop.code.name()), (Decision::Failed, code));
    let told = Awaited::Told { release: name(release) };
    assert_eq!(plan.follow_up, FollowUpChange::Set(told.until(now() + MINUTE * 15)));
}

#[test]
fn a_release_deployed_into_a_freeze_is_told_of_once() {
    let unfrozen = runs(release(4));
    tells(&unfrozen, &on_record(), "release_not_frozen", 4);
    tells(&unfrozen, &settles(true, 2, MINUTE, on_record()), "release_not_frozen", 4);
    // The same that was to be frozen: it was never done.
    tells(&unfrozen, &settles(true, 4, -MINUTE, on_record()), "not_verified", 4);
    let told = looks_after(&Awaited::Told { release: name(4) }, -MINUTE, on_record());
    skips(&unfrozen, Goal::LookAfter, &told, Decision::NothingToDo, "told_before");
    tells(&runs(release(5)), &told, "release_not_frozen", 5);
    ends(&frozen(), &told, Decision::NothingToDo, "verified");
}

#[test]
fn without_anything_begun_there_is_nothing_to_look_after() {
    for (observed, past) in [(runs(release(2)), Past::default()), (frozen(), on_record())] {
        skips(&observed, Goal::LookAfter, &past, Decision::NothingToDo, "nothing_to_look_after");
    }
}

#[test]
fn what_was_done_before_a_crash_is_not_done_again_and_what_came_after_is_not_undone() {
    let outstanding = |action: &Action, revision| is_outstanding(action, &runs(release(revision)));
    for action in [freeze_of(2), go_back(2, 1), unfreeze_of(2, 1)] {
        assert!(outstanding(&action, 2) && !outstanding(&action, 3), "{action}");
    }
    assert!(outstanding(&note(2, WHY), 3) && outstanding(&Action::End, 3));
}

proptest! {
    /// Carried out, `on` leaves writes frozen and on record, and `off` neither; said again, each does nothing.
    #[test]
    fn on_and_off_lead_where_they_say(
        on in any::<bool>(), is_frozen in any::<bool>(), is_copy in any::<bool>(), noted in any::<bool>(),
        rolling in any::<bool>(), original_frozen in any::<bool>(), active in any::<bool>(), original_there in any::<bool>(),
    ) {
        let mut observed = runs(release(3));
        observed.current.as_mut().unwrap().is_frozen = is_frozen;
        if is_copy {
            observed.current.as_mut().unwrap().definition.frozen_from = Some(name(2));
            let mut original = release(2);
            original.is_frozen = original_frozen;
            original.definition.is_active = active;
            observed.original = Some(original).filter(|_| original_there);
        }
        let observed = if rolling { observed.rolling() } else { observed };
        let mut past = if noted { on_record() } else { Past::default() };
        let goal = if on { Goal::On } else { Goal::Off };
        let plan = plan_of(&observed, goal, &past);
        prop_assert_eq!(plan.actions.is_empty(), plan.skipped.is_some());
        let mut now_frozen = is_frozen;
        for action in &plan.actions {
            match action {
                Action::Note { .. } | Action::End => {}
                Action::GoBack { to, .. } => {
                    prop_assert!(active && !original_frozen && original_there);
                    prop_assert_eq!(to, &name(2));
                    now_frozen = false;
                }
                Action::Unfreeze { .. } => now_frozen = false,
                Action::Freeze { .. } => {
                    now_frozen = true;
                }
            }
        }
        for note in &plan.notes {
            past.freeze = match note {
                Note::Frozen { freeze, before } => {
                    prop_assert_eq!(before, &past.freeze);
                    Some(freeze.clone())
                }
                Note::Thawed { before } => {
                    prop_assert_eq!(Some(before), past.freeze.as_ref());
                    None
                }
                Note::RolledBack { .. } => unreachable!(),
            };
        }
        let waits = plan.skipped.as_ref().is_some_and(|stop| stop.code.name() == "deployment_in_progress");
        if !waits {
            prop_assert_eq!((now_frozen, past.freeze.is_some()), (on, on));
            let mut after = runs(release(9));
            after.current.as_mut().unwrap().is_frozen = now_frozen;
            prop_assert_eq!(plan_of(&after, goal, &past).skipped.unwrap().decision, Decision::NothingToDo);
        }
    }
}

#[test]
fn what_it_comes_to_is_said_in_short() {
    let check = |action, planned: &str, done: &str| {
        let expected = InShort { planned: planned.to_owned(), done: done.to_owned() };
        assert_eq!(in_short(&[action], &settings()), expected);
    };
    check(
        freeze_of(2),
        "freeze the writes of backend (READONLY_MODE=true)",
        "backend: writes frozen (READONLY_MODE=true)",
    );
    for action in [go_back(3, 2), unfreeze_of(4, 2)] {
        check(action, "let the writes of backend through again", "backend: writes let through again");
    }
    check(
        note(2, WHY),
        "note that the writes of backend are frozen",
        "backend: writes noted as frozen, which they are",
    );
    check(
        Action::End,
        "note that the writes of backend are let through",
        "backend: writes noted as let through, which they are",
    );
    assert_eq!(in_short(&[], &settings()), InShort::default());
}
