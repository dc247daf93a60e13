//! The claim protocol, over all interleavings; and what goes wrong without each of its rules.
//!
//! `cargo nextest run -p model --no-capture` shows how many states there are.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

mod ledger;
mod table;

use std::{collections::BTreeSet, time::Instant};

use model::{
    broken::Broken,
    properties::{
        AN_APPROVAL_ACTS_ONCE, NO_ACTION_WITHOUT_A_CLAIM, NO_CLAIM_STAYS_OPEN, NO_CLAIM_UNDER_A_KILL_SWITCH,
        ONE_ACTION_A_WINDOW, ONE_EVENT_ACTS_ONCE, ONE_REMEDY_AT_A_TIME, SOMEBODY_ANSWERS_FOR_IT,
        THE_BUDGET_HOLDS, WHAT_IS_RECORDED_WAS_DONE, WHAT_WAS_CLAIMED_IS_DONE,
        WHAT_WAS_DONE_IS_NOT_FORGOTTEN, WHO_IS_TURNED_AWAY_HOLDS_NOTHING,
    },
    protocol::Protocol,
    scenario::{Cause, Delivery, Function, Scenario},
    story,
};
use shared::settings::Mode;
use stateright::{Checker, Expectation, HasDiscoveries, Model};

const fn delivery(function: Function, event: &'static str, cause: Cause) -> Delivery {
    Delivery { function, event, cause }
}

const ALARM: Delivery = delivery(Function::ScaleUp, "alarm", Cause::Alarm);
const OTHER_ALARM: Delivery = delivery(Function::ScaleUp, "other alarm", Cause::Alarm);
const ROLLBACK: Delivery = delivery(Function::Rollback, "deployment", Cause::Alarm);
const PERSON: Delivery = delivery(Function::ScaleUp, "request", Cause::Person);
const STEP: Delivery = delivery(Function::ScaleUp, "step", Cause::Step);
const LAST: Delivery = delivery(Function::ScaleUp, "last schedule", Cause::LastSchedule);

/// Checks every state there is, and says how many.
fn holds(scenario: Scenario) {
    let begun = Instant::now();
    let name = scenario.name;
    let checker =
        Protocol::new(scenario, None).checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!(
        "{name}: {} states, {} of them different, {} steps deep, in {:.1} s",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        begun.elapsed().as_secs_f64()
    );
    for (property, path) in checker.discoveries() {
        if checker.model().property(property).expectation != Expectation::Sometimes {
            println!("{}", story::tell(checker.model(), property, &path));
        }
    }
    checker.assert_properties();
}

/// Finds a path on which the property fails, and tells it.
fn fails(scenario: Scenario, broken: Broken, property: &'static str) {
    let checker = Protocol::new(scenario, Some(broken))
        .checker()
        .finish_when(HasDiscoveries::AnyOf(BTreeSet::from([property])))
        .spawn_bfs()
        .join();
    let path = checker
        .discovery(property)
        .unwrap_or_else(|| panic!("`{property}` holds without its rule: {broken:?}"));
    println!("{broken:?}:\n{}", story::tell(checker.model(), property, &path));
}

/// A queue delivers at least once, and an alarm comes by three routes. This event waits for no cooldown, so
/// that nothing but the claim and the answer stands between two deliveries.
fn duplicates() -> Scenario {
    Scenario {
        end: 3,
        kills: true,
        torn_reads: true,
        sometimes: &["acts", "replays", "is overtaken", "takes up", "is killed"],
        ..Scenario::new("three deliveries of one event", &[STEP, STEP, STEP, LAST])
    }
}

fn different_events() -> Scenario {
    let event = |event| delivery(Function::ScaleUp, event, Cause::Alarm);
    Scenario {
        cooldown: 2,
        attempts_per_day: 2,
        end: 4,
        sometimes: &["acts", "is overtaken", "waits for the cooldown", "has spent the budget"],
        ..Scenario::new("three events for one target", &[event("cpu"), event("memory"), event("latency")])
    }
}

fn kills() -> Scenario {
    Scenario {
        end: 4,
        kills: true,
        sometimes: &["is killed", "takes up what it does itself", "finds it done", "takes up and goes on"],
        ..Scenario::new("three runs that may be killed", &[ALARM, ALARM, OTHER_ALARM, LAST])
    }
}

/// No run came in time to take up what a dead one left: then what its event saw may be over.
fn old_intents() -> Scenario {
    Scenario {
        cooldown: 1,
        max_event_age: 2,
        end: 4,
        kills: true,
        except: &[NO_CLAIM_STAYS_OPEN, WHAT_WAS_CLAIMED_IS_DONE],
        sometimes: &["is killed", "takes up", "leaves an old intent alone"],
        ..Scenario::new("an intent that is too old", &[ALARM, PERSON, LAST])
    }
}

/// A run that Lambda does not end at its deadline but a minute later, when another may have its claim.
fn overruns() -> Scenario {
    Scenario {
        lease: 1,
        overrun: 1,
        end: 3,
        kills: true,
        // The run does then what was its own to do, and what another does meanwhile: the same.
        except: &[NO_ACTION_WITHOUT_A_CLAIM],
        sometimes: &["is killed", "takes up", "finds its claim taken over"],
        ..Scenario::new("three runs that outlive their lease", &[ALARM, ALARM, OTHER_ALARM, LAST])
    }
}

/// The same beside another remedy, which may hold the target by then.
fn overruns_beside_another_remedy() -> Scenario {
    Scenario {
        lease: 1,
        overrun: 2,
        end: 3,
        except: &[NO_ACTION_WITHOUT_A_CLAIM, ONE_REMEDY_AT_A_TIME],
        sometimes: &["is killed", "lets both remedies act", "leaves the holder to another"],
        ..Scenario::new(
            "a run that outlives its lease, and another remedy",
            &[ALARM, OTHER_ALARM, ROLLBACK, LAST],
        )
    }
}

fn two_remedies() -> Scenario {
    let rollback_last = delivery(Function::Rollback, "last schedule", Cause::LastSchedule);
    Scenario {
        end: 3,
        kills: true,
        sometimes: &["is held off", "replays", "lets both remedies act", "takes up"],
        ..Scenario::new("two remedies for one target", &[ALARM, ALARM, ROLLBACK, LAST, rollback_last])
    }
}

/// A record that arrives late meets the other remedy's holder.
fn two_remedies_and_a_lost_answer() -> Scenario {
    Scenario {
        lease: 1,
        cooldown: 0,
        faults: 1,
        end: 2,
        sometimes: &["is held off", "lets both remedies act", "takes up"],
        ..Scenario::new("two remedies and a lost answer", &[ALARM, OTHER_ALARM, ROLLBACK, LAST])
    }
}

fn kill_switch() -> Scenario {
    Scenario {
        kill_switch: true,
        kills: true,
        end: 3,
        sometimes: &["acts", "meets the kill switch", "acts though the kill switch came"],
        ..Scenario::new("a kill switch at any moment", &[ALARM, ALARM, OTHER_ALARM, LAST])
    }
}

fn approvals() -> Scenario {
    let approve = |event| delivery(Function::ScaleUp, event, Cause::Approval);
    Scenario {
        mode: Mode::Approve,
        cooldown: 0,
        kills: true,
        end: 2,
        sometimes: &["acts", "finds the approval used", "is overtaken", "takes up"],
        ..Scenario::new("one approval, used three times", &[approve("a"), approve("b"), approve("c"), LAST])
    }
}

fn lost_answers() -> Scenario {
    Scenario {
        cooldown: 0,
        faults: 2,
        end: 2,
        sometimes: &[
            "fails",
            "loses the ledger",
            "repeats a claim that took effect",
            "repeats a record that took effect",
        ],
        ..Scenario::new("two answers that are lost", &[ALARM, OTHER_ALARM, LAST])
    }
}

fn a_lost_answer() -> Scenario {
    Scenario {
        faults: 1,
        end: 1,
        sometimes: &["fails", "loses the ledger", "repeats a claim that took effect", "replays"],
        ..Scenario::new("one answer that is lost", &[ALARM, ALARM, OTHER_ALARM, LAST])
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
fn an_intent_that_is_too_old_is_left_alone_and_named_in_the_next_record() {
    holds(old_intents());
}

#[test]
fn a_run_that_outlives_its_lease_does_no_harm() {
    holds(overruns());
    holds(overruns_beside_another_remedy());
}

#[test]
fn two_remedies_take_turns() {
    holds(two_remedies());
    holds(two_remedies_and_a_lost_answer());
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
    holds(a_lost_answer());
    holds(lost_answers());
}

/// A rule, where its absence shows, and what fails then.
type Missing = (Broken, fn() -> Scenario, &'static str);

#[test]
fn each_rule_is_missed_when_it_is_gone() {
    let table: [Missing; 18] = [
        (Broken::ClaimIgnoresVersion, duplicates, ONE_EVENT_ACTS_ONCE),
        (Broken::ClaimIgnoresAnswer, duplicates, ONE_EVENT_ACTS_ONCE),
        (Broken::ClaimIgnoresHolder, two_remedies, ONE_REMEDY_AT_A_TIME),
        (Broken::ClaimIgnoresKillSwitch, kill_switch, NO_CLAIM_UNDER_A_KILL_SWITCH),
        (Broken::ApprovalStaysGood, approvals, AN_APPROVAL_ACTS_ONCE),
        (Broken::RecordIgnoresVersion, lost_answers, WHAT_WAS_DONE_IS_NOT_FORGOTTEN),
        (Broken::RecordIgnoresHolder, two_remedies_and_a_lost_answer, ONE_REMEDY_AT_A_TIME),
        (Broken::AnswerNotKept, duplicates, ONE_EVENT_ACTS_ONCE),
        (Broken::LeftIntentsNotNamed, old_intents, WHAT_WAS_DONE_IS_NOT_FORGOTTEN),
        (Broken::ClaimNotGivenBack, kills, NO_CLAIM_STAYS_OPEN),
        (Broken::LeaseIgnored, duplicates, NO_ACTION_WITHOUT_A_CLAIM),
        (Broken::CooldownIgnored, different_events, ONE_ACTION_A_WINDOW),
        (Broken::BudgetIgnored, different_events, THE_BUDGET_HOLDS),
        (Broken::NothingTakenUp, kills, WHAT_WAS_CLAIMED_IS_DONE),
        (Broken::ActsBeforeItsClaim, duplicates, NO_ACTION_WITHOUT_A_CLAIM),
        (Broken::TokenForgotten, lost_answers, WHO_IS_TURNED_AWAY_HOLDS_NOTHING),
        (Broken::ConflictNotRepeated, lost_answers, SOMEBODY_ANSWERS_FOR_IT),
        (Broken::FailureTakenForSuccess, lost_answers, WHAT_IS_RECORDED_WAS_DONE),
    ];
    for (broken, scenario, property) in table {
        fails(scenario(), broken, property);
    }
}
