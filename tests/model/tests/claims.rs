//! The claim protocol, over all interleavings; and what goes wrong without each of its rules.
//!
//! `cargo nextest run -p model --no-capture` shows how many states there are.

use std::{collections::BTreeSet, time::Instant};

use model::{
    broken::Broken,
    properties::*,
    scenario::{Cause, Delivery, Function, Scenario},
    story,
    world::Protocol,
};
use shared::settings::Mode;
use stateright::{Checker, Expectation, HasDiscoveries, Model};

const fn delivery(function: Function, event: &'static str, cause: Cause) -> Delivery {
    Delivery { function, event, cause }
}

const ALARM: Delivery = delivery(Function::ScaleUp, "alarm", Cause::Alarm);
const LAST: Delivery = delivery(Function::ScaleUp, "last schedule", Cause::LastSchedule);

/// Checks every state there is, and says how many.
fn holds(scenario: Scenario) {
    let begun = Instant::now();
    let name = scenario.name;
    let checker = Protocol::new(scenario, None).checker().spawn_bfs().join();
    println!(
        "{name}: {} states, {} of them different, {} steps deep, in {:.1} s",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        begun.elapsed().as_secs_f64()
    );
    for (property, path) in checker.discoveries() {
        if checker.model().property(property).expectation != Expectation::Sometimes {
            println!("`{property}` does not hold:\n{}", story::tell(checker.model(), &path));
        }
    }
    checker.assert_properties();
}

/// Three deliveries of one event: a queue delivers at least once, and an alarm comes by three routes.
fn duplicates() -> Scenario {
    Scenario {
        cooldown: 0,
        torn_reads: true,
        sometimes: &["acts", "replays", "is overtaken"],
        ..Scenario::new("three deliveries of one event", &[ALARM; 3])
    }
}

fn different_events() -> Scenario {
    let event = |event| delivery(Function::ScaleUp, event, Cause::Alarm);
    Scenario {
        end: 4,
        sometimes: &["acts", "is overtaken", "waits for the cooldown", "acts after the cooldown"],
        ..Scenario::new("three events for one target", &[event("cpu"), event("memory"), event("latency")])
    }
}

fn kills() -> Scenario {
    let other = delivery(Function::ScaleUp, "other", Cause::Alarm);
    Scenario {
        end: 4,
        kills: true,
        sometimes: &["is killed", "takes up what it does itself", "finds it done", "takes up and goes on"],
        ..Scenario::new("three runs that may be killed", &[ALARM, ALARM, other, LAST])
    }
}

fn two_remedies() -> Scenario {
    let rollback = delivery(Function::Rollback, "deployment", Cause::Alarm);
    let rollback_last = delivery(Function::Rollback, "last schedule", Cause::LastSchedule);
    Scenario {
        end: 3,
        kills: true,
        sometimes: &["is held off", "replays", "lets both remedies act", "takes up"],
        ..Scenario::new("two remedies for one target", &[ALARM, ALARM, rollback, LAST, rollback_last])
    }
}

fn kill_switch() -> Scenario {
    let other = delivery(Function::ScaleUp, "other", Cause::Alarm);
    Scenario {
        kill_switch: true,
        kills: true,
        sometimes: &["acts", "meets the kill switch", "acts though the kill switch came"],
        ..Scenario::new("a kill switch at any moment", &[ALARM, ALARM, other])
    }
}

fn approvals() -> Scenario {
    let approve = |event| delivery(Function::ScaleUp, event, Cause::Approval);
    Scenario {
        mode: Mode::Approve,
        cooldown: 0,
        kills: true,
        end: 2,
        sometimes: &["acts", "finds the approval used", "is overtaken"],
        ..Scenario::new("one approval, used three times", &[approve("a"), approve("b"), approve("c"), LAST])
    }
}

fn lost_answers() -> Scenario {
    let other = delivery(Function::ScaleUp, "other", Cause::Alarm);
    Scenario {
        faults: 2,
        end: 2,
        sometimes: &[
            "fails",
            "loses the ledger",
            "repeats a claim that took effect",
            "repeats a record that took effect",
        ],
        ..Scenario::new("answers that are lost", &[ALARM, ALARM, other, LAST])
    }
}

#[test]
fn three_deliveries_of_one_event_act_once() {
    holds(duplicates());
}

#[test]
fn three_events_act_once_a_window() {
    holds(different_events());
}

#[test]
fn what_killed_runs_leave_is_taken_up() {
    holds(kills());
}

#[test]
fn two_remedies_take_turns() {
    holds(two_remedies());
}

#[test]
fn a_kill_switch_stops_whatever_has_not_claimed() {
    holds(kill_switch());
}

#[test]
fn an_approval_is_used_once() {
    holds(approvals());
}

#[test]
fn a_call_whose_answer_is_lost_counts_once() {
    holds(lost_answers());
}

#[test]
fn each_rule_is_missed_when_it_is_gone() {
    let table: [(Broken, fn() -> Scenario, &str); 16] = [
        (Broken::ClaimIgnoresVersion, duplicates, ONE_EVENT_ACTS_ONCE),
        (Broken::ClaimIgnoresAnswer, duplicates, ONE_EVENT_ACTS_ONCE),
        (Broken::ClaimIgnoresHolder, two_remedies, ONE_REMEDY_AT_A_TIME),
        (Broken::ClaimIgnoresKillSwitch, kill_switch, NO_CLAIM_UNDER_A_KILL_SWITCH),
        (Broken::ApprovalStaysGood, approvals, AN_APPROVAL_ACTS_ONCE),
        (Broken::RecordIgnoresVersion, kills, WHAT_WAS_CLAIMED_IS_DONE),
        (Broken::RecordIgnoresHolder, two_remedies, ONE_REMEDY_AT_A_TIME),
        (Broken::AnswerNotKept, duplicates, ONE_EVENT_ACTS_ONCE),
        (Broken::ClaimNotGivenBack, kills, NO_CLAIM_STAYS_OPEN),
        (Broken::LeaseIgnored, duplicates, NO_ACTION_WITHOUT_A_CLAIM),
        (Broken::CooldownIgnored, different_events, ONE_ACTION_A_WINDOW),
        (Broken::NothingTakenUp, kills, WHAT_WAS_CLAIMED_IS_DONE),
        (Broken::ActsBeforeItsClaim, duplicates, NO_ACTION_WITHOUT_A_CLAIM),
        (Broken::TokenForgotten, lost_answers, WHO_IS_TURNED_AWAY_HOLDS_NOTHING),
        (Broken::ConflictNotRepeated, lost_answers, SOMEBODY_ANSWERS_FOR_IT),
        (Broken::FailureTakenForSuccess, lost_answers, WHAT_IS_RECORDED_WAS_DONE),
    ];
    for (broken, scenario, property) in table {
        let checker = Protocol::new(scenario(), Some(broken))
            .checker()
            .finish_when(HasDiscoveries::AnyOf(BTreeSet::from([property])))
            .spawn_bfs()
            .join();
        let path = checker.discovery(property);
        let path = path.unwrap_or_else(|| panic!("without {broken:?}, `{property}` still holds"));
        println!("{broken:?}: `{property}` fails:\n{}", story::tell(checker.model(), &path));
    }
}
