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
        AN_APPROVAL_ACTS_ONCE, AN_URGENT_REMEDY_GOES_FIRST, EACH_CHANGE_COUNTS_ONCE, EVERY_END_IS_TOLD,
        NO_ACTION_WITHOUT_A_CLAIM, NO_CLAIM_STAYS_OPEN, NO_CLAIM_UNDER_A_KILL_SWITCH, NO_END_IS_TOLD_TWICE,
        NO_NOTE_IS_UNTRUE, NOTHING_ASKED_FOR_IS_LOST, ONE_ACTION_A_WINDOW, ONE_EVENT_ACTS_ONCE,
        ONE_REMEDY_AT_A_TIME, SOMEBODY_ANSWERS_FOR_IT, THE_BUDGET_HOLDS, WHAT_COUNTS_WAS_A_CHANGE,
        WHAT_IS_APPROVED_IS_DONE, WHAT_IS_GIVEN_UP_IS_NOT_DONE, WHAT_IS_RECORDED_WAS_DONE,
        WHAT_WAS_CLAIMED_IS_DONE, WHAT_WAS_DONE_IS_NOT_FORGOTTEN, WHO_IS_TURNED_AWAY_HOLDS_NOTHING,
    },
    protocol::Protocol,
    setup::{Cause, Delivery, Function, Setup},
    trace,
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
const SCHEDULE: Delivery = delivery(Function::ScaleUp, "schedule", Cause::Schedule);
const ROLLBACK_LAST: Delivery = delivery(Function::Rollback, "last schedule", Cause::LastSchedule);
const LAST: Delivery = delivery(Function::ScaleUp, "last schedule", Cause::LastSchedule);

/// Checks every state there is, and says how many.
fn holds(setup: Setup) {
    let begun = Instant::now();
    let name = setup.name;
    let checker =
        Protocol::new(setup, None).checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!(
        "{name}: {} states, {} of them different, {} steps deep, in {:.1} s",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        begun.elapsed().as_secs_f64()
    );
    for (property, path) in checker.discoveries() {
        if checker.model().property(property).expectation != Expectation::Sometimes {
            println!("{}", trace::tell(checker.model(), property, &path));
        }
    }
    checker.assert_properties();
}

/// Finds a path on which the property fails, and tells it.
fn fails(setup: Setup, broken: Broken, property: &'static str) {
    let checker = Protocol::new(setup, Some(broken))
        .checker()
        .finish_when(HasDiscoveries::AnyOf(BTreeSet::from([property])))
        .spawn_bfs()
        .join();
    let path = checker
        .discovery(property)
        .unwrap_or_else(|| panic!("`{property}` holds without its rule: {broken:?}"));
    println!("{broken:?}:\n{}", trace::tell(checker.model(), property, &path));
}

/// A queue delivers at least once, and an alarm comes by three routes. This event waits for no cooldown, so
/// that nothing but the claim and the answer stands between two deliveries.
fn duplicates() -> Setup {
    Setup {
        end: 3,
        kills: true,
        torn_reads: true,
        sometimes: &["acts", "replays", "is overtaken", "takes up", "is killed"],
        ..Setup::new("three deliveries of one event", &[STEP, STEP, STEP, LAST])
    }
}

fn different_events() -> Setup {
    let event = |event| delivery(Function::ScaleUp, event, Cause::Alarm);
    Setup {
        cooldown: 2,
        attempts_per_day: 2,
        end: 4,
        sometimes: &["acts", "is overtaken", "waits for the cooldown", "has spent the budget"],
        ..Setup::new("three events for one target", &[event("cpu"), event("memory"), event("latency")])
    }
}

fn kills() -> Setup {
    Setup {
        end: 4,
        kills: true,
        sometimes: &["is killed", "takes up what it does itself", "finds it done", "takes up and goes on"],
        ..Setup::new("three runs that may be killed", &[ALARM, ALARM, OTHER_ALARM, LAST])
    }
}

/// No run came in time to take up what a dead one left: then what its event saw may be over. And a person's own
/// request comes in its place.
fn old_intents() -> Setup {
    Setup {
        cooldown: 1,
        max_event_age: 2,
        end: 4,
        kills: true,
        sometimes: &["is killed", "takes up", "gives up", "gives up what was done"],
        ..Setup::new("an intent that is too old", &[ALARM, PERSON, LAST])
    }
}

/// A call that is repeated, since its answer was lost, and then fails; and a run that comes too late to take it up.
fn done_after_all() -> Setup {
    Setup {
        cooldown: 1,
        max_event_age: 2,
        faults: 2,
        end: 4,
        sometimes: &["fails", "takes up", "gives up what was done"],
        ..Setup::new("what seemed to have failed, and is too old", &[ALARM, LAST])
    }
}

/// A person asks for something of their own while another run would take up what a dead one left.
fn superseded() -> Setup {
    Setup {
        cooldown: 1,
        end: 2,
        kills: true,
        sometimes: &["is killed", "takes up", "gives up", "is overtaken"],
        ..Setup::new("an intent that a person supersedes", &[ALARM, PERSON, OTHER_ALARM, LAST])
    }
}

/// A run that Lambda does not end at its deadline but a minute later, when another may have its claim.
fn overruns() -> Setup {
    Setup {
        lease: 1,
        overrun: 1,
        end: 3,
        kills: true,
        // The run does then what was its own to do, and what another does meanwhile: the same.
        except: &[NO_ACTION_WITHOUT_A_CLAIM],
        sometimes: &["is killed", "takes up", "finds its claim taken over"],
        ..Setup::new("three runs that outlive their lease", &[ALARM, ALARM, OTHER_ALARM, LAST])
    }
}

/// The same beside another remedy, which may hold the target by then.
fn overruns_beside_another_remedy() -> Setup {
    Setup {
        lease: 1,
        overrun: 2,
        end: 3,
        except: &[NO_ACTION_WITHOUT_A_CLAIM, ONE_REMEDY_AT_A_TIME],
        sometimes: &["is killed", "lets both remedies act", "leaves the holder to another"],
        ..Setup::new(
            "a run that outlives its lease, and another remedy",
            &[ALARM, OTHER_ALARM, ROLLBACK, LAST],
        )
    }
}

fn two_remedies() -> Setup {
    let rollback_last = delivery(Function::Rollback, "last schedule", Cause::LastSchedule);
    Setup {
        end: 3,
        kills: true,
        sometimes: &["is held off", "replays", "lets both remedies act", "takes up"],
        ..Setup::new("two remedies for one target", &[ALARM, ALARM, ROLLBACK, LAST, rollback_last])
    }
}

/// A record that arrives late meets the other remedy's holder.
fn two_remedies_and_a_lost_answer() -> Setup {
    Setup {
        lease: 1,
        cooldown: 0,
        faults: 1,
        end: 2,
        sometimes: &["is held off", "lets both remedies act", "takes up"],
        ..Setup::new("two remedies and a lost answer", &[ALARM, OTHER_ALARM, ROLLBACK, LAST])
    }
}

fn kill_switch() -> Setup {
    Setup {
        kill_switch: true,
        kills: true,
        end: 3,
        sometimes: &["acts", "meets the kill switch", "acts though the kill switch came"],
        ..Setup::new("a kill switch at any moment", &[ALARM, ALARM, OTHER_ALARM, LAST])
    }
}

fn approvals() -> Setup {
    let approve = |event| delivery(Function::ScaleUp, event, Cause::Approval);
    Setup {
        mode: Mode::Approve,
        cooldown: 0,
        kills: true,
        end: 2,
        sometimes: &["acts", "finds the approval used", "is overtaken", "takes up"],
        ..Setup::new("one approval, used three times", &[approve("a"), approve("b"), approve("c"), LAST])
    }
}

fn lost_answers() -> Setup {
    Setup {
        cooldown: 0,
        faults: 2,
        end: 2,
        sometimes: &[
            "fails",
            "loses the ledger",
            "repeats a claim that took effect",
            "repeats a record that took effect",
        ],
        ..Setup::new("two answers that are lost", &[ALARM, OTHER_ALARM, LAST])
    }
}

fn a_lost_answer() -> Setup {
    Setup {
        faults: 1,
        end: 1,
        sometimes: &["fails", "loses the ledger", "repeats a claim that took effect", "replays"],
        ..Setup::new("one answer that is lost", &[ALARM, ALARM, OTHER_ALARM, LAST])
    }
}

/// An alarm that another remedy holds off; and one fault at any step.
fn wanted() -> Setup {
    Setup {
        lease: 1,
        cooldown: 0,
        wants: true,
        faults: 1,
        kills: true,
        end: 1,
        sometimes: &["is held off", "wants", "is killed", "lets both remedies act"],
        ..Setup::new("what is refused for now", &[ALARM, ROLLBACK, LAST])
    }
}

/// A scheduled run at any moment: it too may meet the fault.
fn wanted_by_schedule() -> Setup {
    Setup {
        lease: 1,
        cooldown: 0,
        wants: true,
        faults: 1,
        end: 1,
        sometimes: &["is held off", "wants", "lets both remedies act"],
        ..Setup::new("what a scheduled run does for an alarm", &[ALARM, ROLLBACK, SCHEDULE, LAST])
    }
}

/// Two alarms, either of which may end.
fn two_wanted() -> Setup {
    Setup {
        lease: 1,
        cooldown: 0,
        wants: true,
        alarms_may_end: 1,
        end: 1,
        sometimes: &["is held off", "wants", "lets go of what is wanted"],
        ..Setup::new("two alarms that are refused for now", &[ALARM, OTHER_ALARM, ROLLBACK, LAST])
    }
}

/// A rollback that was held off, and a scale-up that comes after.
fn urgent() -> Setup {
    Setup {
        lease: 1,
        cooldown: 0,
        max_event_age: 10,
        wants: true,
        end: 2,
        sometimes: &["is held off", "wants", "lets an urgent remedy go first"],
        ..Setup::new("an urgent remedy that waits", &[ALARM, OTHER_ALARM, ROLLBACK, ROLLBACK_LAST, LAST])
    }
}

/// A kill switch that is set at any moment, and nobody lifts.
fn wanted_under_a_kill_switch() -> Setup {
    Setup {
        lease: 1,
        cooldown: 0,
        wants: true,
        kill_switch: true,
        alarms_may_end: 1,
        end: 1,
        sometimes: &["meets the kill switch", "wants", "lets go of what is wanted"],
        ..Setup::new("two alarms under a kill switch", &[ALARM, OTHER_ALARM, SCHEDULE, LAST])
    }
}

/// An end is told, unless something goes wrong just then: the scheduled runs send it.
fn owed() -> Setup {
    Setup {
        lease: 1,
        cooldown: 0,
        owes: true,
        kills: true,
        faults: 1,
        end: 2,
        sometimes: &["acts", "is killed", "sends what another owes"],
        ..Setup::new("an end that people are to hear of", &[ALARM, SCHEDULE, SCHEDULE, LAST])
    }
}

/// Each change notes something; runs die, and what they left may be too old by then.
fn notes() -> Setup {
    Setup {
        cooldown: 1,
        max_event_age: 2,
        notes: true,
        end: 4,
        kills: true,
        sometimes: &["is killed", "takes up", "gives up", "takes a note back"],
        ..Setup::new("a note of each change", &[ALARM, PERSON, LAST])
    }
}

#[test]
fn what_is_refused_for_now_is_wanted_while_its_alarm_lasts() {
    holds(wanted());
    holds(two_wanted());
    holds(wanted_by_schedule());
    holds(wanted_under_a_kill_switch());
    holds(urgent());
}

#[test]
fn every_end_is_told_and_once() {
    holds(owed());
}

#[test]
fn what_is_noted_is_what_happened() {
    holds(notes());
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
fn an_intent_that_is_too_old_is_given_up_once_and_on_the_record() {
    holds(old_intents());
    holds(superseded());
    holds(done_after_all());
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
type Missing = (Broken, fn() -> Setup, &'static str);

#[test]
fn each_rule_is_missed_when_it_is_gone() {
    let table: [Missing; 36] = [
        (Broken::ClaimIgnoresVersion, duplicates, ONE_EVENT_ACTS_ONCE),
        (Broken::ClaimIgnoresAnswer, duplicates, ONE_EVENT_ACTS_ONCE),
        (Broken::ClaimIgnoresHolder, two_remedies, ONE_REMEDY_AT_A_TIME),
        (Broken::ClaimIgnoresKillSwitch, kill_switch, NO_CLAIM_UNDER_A_KILL_SWITCH),
        (Broken::ApprovalStaysGood, approvals, AN_APPROVAL_ACTS_ONCE),
        (Broken::RecordIgnoresVersion, lost_answers, WHAT_WAS_DONE_IS_NOT_FORGOTTEN),
        (Broken::RecordIgnoresHolder, two_remedies_and_a_lost_answer, ONE_REMEDY_AT_A_TIME),
        (Broken::AnswerNotKept, duplicates, ONE_EVENT_ACTS_ONCE),
        (Broken::NothingGivenUp, old_intents, WHAT_WAS_DONE_IS_NOT_FORGOTTEN),
        (Broken::GivenUpWhateverVersion, superseded, WHAT_IS_GIVEN_UP_IS_NOT_DONE),
        (Broken::ApprovalSupersedes, approvals, WHAT_IS_APPROVED_IS_DONE),
        (Broken::TakeUpCountsAgain, kills, EACH_CHANGE_COUNTS_ONCE),
        (Broken::TakeUpKeepsItsTime, kills, ONE_ACTION_A_WINDOW),
        (Broken::AttemptsNotTakenBack, old_intents, WHAT_COUNTS_WAS_A_CHANGE),
        (Broken::ClaimNotGivenBack, kills, NO_CLAIM_STAYS_OPEN),
        (Broken::LeaseIgnored, duplicates, NO_ACTION_WITHOUT_A_CLAIM),
        (Broken::CooldownIgnored, different_events, ONE_ACTION_A_WINDOW),
        (Broken::BudgetIgnored, different_events, THE_BUDGET_HOLDS),
        (Broken::NothingTakenUp, kills, WHAT_WAS_CLAIMED_IS_DONE),
        (Broken::ActsBeforeItsClaim, duplicates, NO_ACTION_WITHOUT_A_CLAIM),
        (Broken::TokenForgotten, lost_answers, WHO_IS_TURNED_AWAY_HOLDS_NOTHING),
        (Broken::ConflictNotRepeated, lost_answers, SOMEBODY_ANSWERS_FOR_IT),
        (Broken::FailureTakenForSuccess, lost_answers, WHAT_IS_RECORDED_WAS_DONE),
        (Broken::DoneAfterAllNotCounted, done_after_all, EACH_CHANGE_COUNTS_ONCE),
        (Broken::NothingWanted, wanted, NOTHING_ASKED_FOR_IS_LOST),
        (Broken::OneWishATarget, two_wanted, NOTHING_ASKED_FOR_IS_LOST),
        (Broken::FailedLookClears, wanted_by_schedule, NOTHING_ASKED_FOR_IS_LOST),
        (Broken::UnwrittenWishIsAnswered, wanted, NOTHING_ASKED_FOR_IS_LOST),
        (Broken::WishClearedUnread, wanted, NOTHING_ASKED_FOR_IS_LOST),
        (Broken::WaitingIgnored, urgent, AN_URGENT_REMEDY_GOES_FIRST),
        (Broken::OwedAfterwards, owed, EVERY_END_IS_TOLD),
        (Broken::NothingSwept, owed, EVERY_END_IS_TOLD),
        (Broken::SweptTooEarly, owed, NO_END_IS_TOLD_TWICE),
        (Broken::NotTakenOn, owed, NO_END_IS_TOLD_TWICE),
        (Broken::NoteTrueAtOnce, notes, NO_NOTE_IS_UNTRUE),
        (Broken::NoteNotTakenBack, notes, NO_NOTE_IS_UNTRUE),
    ];
    for (broken, setup, property) in table {
        fails(setup(), broken, property);
    }
}
