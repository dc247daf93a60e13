//! What must hold on every path, and what must happen on some.

use std::collections::BTreeSet;

use shared::plan::Limits;
use stateright::Property;

use crate::{
    protocol::Protocol,
    run::{End, Phase},
    setup::{Cause, Delivery, Function, Setup, tick_of},
    store::{Entry, Request, Store},
    world::{Act, World},
};

type Condition = fn(&Protocol, &World) -> bool;

pub const ONE_EVENT_ACTS_ONCE: &str = "one event acts once";
pub const ONE_ACTION_A_WINDOW: &str = "one action a window";
pub const THE_BUDGET_HOLDS: &str = "the day's budget holds";
pub const EACH_CHANGE_COUNTS_ONCE: &str = "each change counts once";
pub const WHAT_COUNTS_WAS_A_CHANGE: &str = "what counts was a change";
pub const WHAT_IS_GIVEN_UP_IS_NOT_DONE: &str = "what is given up is not done";
pub const NO_ACTION_WITHOUT_A_CLAIM: &str = "no action without a claim";
pub const ONE_REMEDY_AT_A_TIME: &str = "one remedy at a time";
pub const NO_CLAIM_UNDER_A_KILL_SWITCH: &str = "no claim under a kill switch";
pub const AN_APPROVAL_ACTS_ONCE: &str = "an approval acts once";
pub const WHAT_IS_APPROVED_IS_DONE: &str = "at the end what was approved is done, and not given up";
pub const WHAT_IS_RECORDED_WAS_DONE: &str = "what is recorded as applied was done";
pub const WHAT_WAS_DONE_IS_NOT_FORGOTTEN: &str = "what was done is recorded or will be";
pub const WHO_IS_TURNED_AWAY_HOLDS_NOTHING: &str = "who is turned away holds nothing";
pub const SOMEBODY_ANSWERS_FOR_IT: &str = "who is turned away is turned away for somebody who acts";
pub const NOTHING_ASKED_FOR_IS_LOST: &str = "at the end nothing is lost that an alarm asks for";
pub const WHAT_IS_WANTED_IS_DONE: &str = "at the end nothing is wanted that could be done";
pub const AN_URGENT_REMEDY_GOES_FIRST: &str = "an urgent remedy that waits goes first";
pub const EVERY_END_IS_TOLD: &str = "at the end people have heard of every end";
pub const NO_END_IS_TOLD_TWICE: &str = "no end is told twice without a cause";
pub const NO_NOTE_IS_UNTRUE: &str = "no note speaks of what did not happen";
pub const NO_CLAIM_STAYS_OPEN: &str = "at the end no claim is open";
pub const WHAT_WAS_CLAIMED_IS_DONE: &str = "at the end what was claimed is done or given up, and recorded";

const FUNCTIONS: [Function; 2] = [Function::ScaleUp, Function::Rollback];

const ALWAYS: &[(&str, Condition)] = &[
    (ONE_EVENT_ACTS_ONCE, |_, world| one_event_acts_once(world)),
    (ONE_ACTION_A_WINDOW, one_action_a_window),
    (THE_BUDGET_HOLDS, |protocol, world| {
        FUNCTIONS.iter().all(|function| changes(world, *function).len() <= protocol.setup.attempts_per_day)
    }),
    (EACH_CHANGE_COUNTS_ONCE, |_, world| {
        FUNCTIONS.iter().all(|function| each_change_counts_once(world, *function))
    }),
    (WHAT_COUNTS_WAS_A_CHANGE, |_, world| {
        FUNCTIONS.iter().all(|function| what_counts_was_a_change(world, *function))
    }),
    (WHAT_IS_GIVEN_UP_IS_NOT_DONE, |_, world| what_is_given_up_is_not_done(world)),
    (NO_ACTION_WITHOUT_A_CLAIM, |_, world| world.history.acts.iter().all(|act| act.covered)),
    (ONE_REMEDY_AT_A_TIME, |_, world| world.history.acts.iter().all(|act| act.alone)),
    (NO_CLAIM_UNDER_A_KILL_SWITCH, |_, world| !world.history.claimed_under_kill_switch),
    (AN_APPROVAL_ACTS_ONCE, |_, world| world.history.claims_by_approval <= 1),
    (WHAT_IS_APPROVED_IS_DONE, what_is_approved_is_done),
    (WHAT_IS_RECORDED_WAS_DONE, |_, world| what_is_recorded_was_done(world)),
    (WHAT_WAS_DONE_IS_NOT_FORGOTTEN, |_, world| {
        world.history.acts.iter().all(|act| is_remembered(&world.store, act))
    }),
    (WHO_IS_TURNED_AWAY_HOLDS_NOTHING, |_, world| who_is_turned_away_holds_nothing(world)),
    (SOMEBODY_ANSWERS_FOR_IT, somebody_answers_for_it),
    (NOTHING_ASKED_FOR_IS_LOST, nothing_asked_for_is_lost),
    (WHAT_IS_WANTED_IS_DONE, what_is_wanted_is_done),
    (AN_URGENT_REMEDY_GOES_FIRST, |_, world| !world.history.pushed_in),
    (EVERY_END_IS_TOLD, every_end_is_told),
    (NO_END_IS_TOLD_TWICE, |_, world| {
        world.history.may_repeat || world.history.told.values().all(|times| *times <= 1)
    }),
    (NO_NOTE_IS_UNTRUE, no_note_is_untrue),
    (NO_CLAIM_STAYS_OPEN, no_claim_stays_open),
    (WHAT_WAS_CLAIMED_IS_DONE, what_was_claimed_is_done),
];

/// Some path has a run that…
const SOMETIMES: &[(&str, Condition)] = &[
    ("acts", |_, world| any_end(world, |end| matches!(end, End::Applied { already_done: false, .. }))),
    ("takes up", |_, world| any_end(world, |end| matches!(end, End::Applied { taken_up: true, .. }))),
    ("finds it done", |_, world| {
        any_end(world, |end| matches!(end, End::Applied { taken_up: true, already_done: true }))
    }),
    ("takes up what it does itself", |_, world| {
        any_end(world, |end| matches!(end, End::Applied { taken_up: true, already_done: false }))
    }),
    ("takes up and goes on", |_, world| {
        world.runs.iter().any(|run| run.ends.len() > 1 && run.ends.contains(&STOPPED_BY_COOLDOWN))
    }),
    ("wants", |_, world| !world.store.wanted.is_empty()),
    ("lets go of what is wanted", |_, world| any_end(world, |end| end == End::Stopped("no_longer_wanted"))),
    ("lets an urgent remedy go first", |_, world| {
        world.store.holder.is_none() && any_end(world, |end| end == End::Stopped("held_by_another_remedy"))
    }),
    ("sends what another owes", |_, world| {
        world.runs.iter().any(|run| run.sweeps.is_some() && matches!(run.phase, Phase::Paying { .. }))
    }),
    ("takes a note back", |_, world| world.store.note.is_none() && any_end(world, |end| end == End::GivenUp)),
    ("replays", |_, world| any_end(world, |end| end == End::Replayed)),
    ("is overtaken", |_, world| any_end(world, |end| end == End::Stopped("claimed_by_another"))),
    ("waits for the cooldown", |_, world| any_end(world, |end| end == STOPPED_BY_COOLDOWN)),
    ("has spent the budget", |_, world| any_end(world, |end| end == End::Stopped("budget_spent"))),
    ("is held off", |_, world| any_end(world, |end| end == End::Stopped("held_by_another_remedy"))),
    ("is killed", |_, world| any_end(world, |end| end == End::Killed)),
    ("fails", |_, world| any_end(world, |end| end == End::Failed)),
    ("loses the ledger", |_, world| any_end(world, |end| end == End::NoLedger)),
    ("meets the kill switch", |_, world| any_end(world, |end| end == End::Stopped("kill_switch"))),
    ("acts though the kill switch came", |_, world| {
        world.store.kill_switch && world.runs.iter().any(|run| matches!(run.phase, Phase::Recording { .. }))
    }),
    ("finds the approval used", |_, world| any_end(world, |end| end == End::Stopped("approval_used"))),
    ("repeats a claim that took effect", |_, world| world.tokens.iter().any(|(_, _, kind)| *kind == 0)),
    ("repeats a record that took effect", |_, world| world.tokens.iter().any(|(_, _, kind)| *kind == 1)),
    ("finds its claim taken over", |_, world| {
        let is_audit = |phase: &Phase| matches!(phase, Phase::Recording { request: Request::Audit(..), .. });
        world.runs.iter().any(|run| is_audit(&run.phase))
    }),
    ("leaves the holder to another", |_, world| {
        let lets_not_go = |phase: &Phase| {
            matches!(phase, Phase::Recording { request: Request::Record { lets_go: false, .. }, .. })
        };
        world.runs.iter().any(|run| lets_not_go(&run.phase))
    }),
    ("gives up", |_, world| any_end(world, |end| end == End::GivenUp)),
    ("gives up what was done", |_, world| {
        world.runs.iter().any(|run| match &run.phase {
            Phase::Recording { request: Request::Record { entry, gives_up: true, .. }, .. } => entry.applied,
            _ => false,
        })
    }),
    ("lets both remedies act", |_, world| {
        let acts = &world.history.acts;
        acts.iter().any(|act| acts.iter().any(|other| other.function != act.function))
    }),
];

const STOPPED_BY_COOLDOWN: End = End::Stopped("cooldown");

pub fn of(setup: &Setup) -> Vec<Property<Protocol>> {
    let promised = ALWAYS.iter().filter(|(name, _)| !setup.except.contains(name));
    let always = promised.map(|(name, condition)| Property::<Protocol>::always(name, *condition));
    let wanted = SOMETIMES.iter().filter(|(name, _)| setup.sometimes.contains(name));
    always.chain(wanted.map(|(name, condition)| Property::sometimes(name, *condition))).collect()
}

/// The same action in absolute values, done again, changes nothing and counts as the same one.
fn one_event_acts_once(world: &World) -> bool {
    let mut changes = world.history.acts.iter().filter(|act| act.changed);
    changes.all(|act| {
        let same = |other: &&Act| other.changed && other.function == act.function && other.event == act.event;
        world.history.acts.iter().filter(same).count() == 1
    })
}

/// A window begins with the claim under which an action took effect, and lasts for the cooldown. A run that
/// takes a dead one's intent up begins a new window for the same action.
fn one_action_a_window(protocol: &Protocol, world: &World) -> bool {
    let full = |act: &&Act| act.changed && act.claim.0.intent.limits == Limits::Apply;
    let acts: Vec<&Act> = world.history.acts.iter().filter(full).collect();
    acts.iter().enumerate().all(|(place, later)| {
        acts.iter().take(place).filter(|earlier| earlier.function == later.function).all(|earlier| {
            let window = tick_of(earlier.claim.0.claimed_at) + protocol.setup.cooldown;
            earlier.event == later.event || tick_of(later.claim.0.claimed_at) >= window
        })
    })
}

/// The events for which the function has acted, also where the service was so already: another run had done the
/// same between two looks.
fn changes(world: &World, function: Function) -> BTreeSet<&str> {
    let acts = world.history.acts.iter().filter(|act| act.function == function);
    acts.map(|act| act.event.as_str()).collect()
}

/// An attempt says here which event it was for. A call that is repeated and then refused counts for nothing until its
/// open claim is taken up.
fn each_change_counts_once(world: &World, function: Function) -> bool {
    let Some(claim) = world.store.claim(function) else {
        return true;
    };
    changes(world, function).iter().all(|event| {
        let counted = claim.0.attempts.iter().filter(|attempt| attempt.what == **event).count();
        counted == 1 || (counted == 0 && claim.0.open && claim.event() == *event)
    })
}

/// An open claim's attempt may be one yet; and of what is found done nobody can say who did it.
fn what_counts_was_a_change(world: &World, function: Function) -> bool {
    let Some(claim) = world.store.claim(function) else {
        return true;
    };
    let changed = changes(world, function);
    let applied = |entry: &Entry| entry.applied && entry.function == function;
    let may_be = |event: &str| {
        (claim.0.open && claim.event() == event)
            || world.store.audit.iter().any(|entry| applied(entry) && entry.event == event)
    };
    claim.0.attempts.iter().all(|attempt| changed.contains(&*attempt.what) || may_be(&attempt.what))
}

fn what_is_given_up_is_not_done(world: &World) -> bool {
    let mut given_up = world.store.audit.iter().filter(|entry| entry.given_up);
    given_up.all(|entry| !changes(world, entry.function).contains(&*entry.event))
}

fn what_is_recorded_was_done(world: &World) -> bool {
    world.store.audit.iter().filter(|entry| entry.applied).all(|entry| {
        let same = |act: &Act| act.function == entry.function && act.value >= entry.value;
        world.history.acts.iter().any(same)
    })
}

/// Recorded, or to be taken up.
fn is_remembered(store: &Store, act: &Act) -> bool {
    let is_recorded = store
        .audit
        .iter()
        .any(|entry| entry.applied && entry.function == act.function && entry.event == act.event);
    is_recorded || store.claim(act.function).is_some_and(|claim| claim.0.open && claim.event() == act.event)
}

/// A run that was told to leave it to another has no claim of its own left behind.
fn who_is_turned_away_holds_nothing(world: &World) -> bool {
    [&world.store.scale_up, &world.store.rollback].into_iter().flatten().all(|claim| {
        let left_by = |(run, state): (usize, &crate::run::Run)| {
            claim.0.open
                && state.ends.len() == 1
                && matches!(state.ends.first(), Some(End::Stopped(_)))
                && claim.0.execution_id == format!("run {}", run + 1)
        };
        !world.runs.iter().enumerate().any(left_by)
    })
}

fn somebody_answers_for_it(protocol: &Protocol, world: &World) -> bool {
    const FOR_ANOTHER: [&str; 4] =
        ["claimed_by_another", "held_by_another_remedy", "cooldown", "approval_used"];
    let turned_away = any_end(world, |end| matches!(end, End::Stopped(code) if FOR_ANOTHER.contains(&code)));
    let open = [&world.store.scale_up, &world.store.rollback].into_iter().flatten().any(|claim| claim.0.open);
    let given_up = world.store.audit.iter().any(|entry| entry.given_up);
    !turned_away || !world.history.acts.is_empty() || open || given_up || !protocol.is_over(world)
}

/// It was done or given up, or refused for good on the record, or it is wanted or begun; or its alarm has ended.
fn nothing_asked_for_is_lost(protocol: &Protocol, world: &World) -> bool {
    let is_kept = |delivery: &Delivery| {
        let Delivery { function, event, .. } = *delivery;
        let given_up = |entry: &Entry| entry.given_up && entry.function == function && entry.event == event;
        world.alarms_over.contains(event)
            || world.store.answers.contains(&(function, event.to_owned()))
            || world.store.wanted.contains(delivery)
            || world.store.claim(function).is_some_and(|claim| claim.0.open && claim.event() == event)
            || world.history.refused.contains(&(function, event.to_owned()))
            || world.store.audit.iter().any(given_up)
    };
    !protocol.setup.wants
        || protocol.deliveries().filter(|delivery| delivery.is_an_event()).all(is_kept)
        || !protocol.is_over(world)
}

/// Unless a kill switch, or another remedy, kept the last scheduled run from it.
fn what_is_wanted_is_done(protocol: &Protocol, world: &World) -> bool {
    let is_done = |last: &Delivery| !world.store.wanted.iter().any(|wish| wish.function == last.function);
    let was_held = any_end(world, |end| end == End::Stopped("held_by_another_remedy"));
    world.store.kill_switch
        || (world.store.waiting.is_some() && was_held)
        || protocol.deliveries().filter(|delivery| delivery.cause == Cause::LastSchedule).all(is_done)
        || !protocol.is_over(world)
}

fn every_end_is_told(protocol: &Protocol, world: &World) -> bool {
    let is_told = |run: &String| world.history.told.contains_key(run);
    let is_swept = protocol.deliveries().any(|delivery| delivery.cause == Cause::LastSchedule);
    !is_swept || world.history.due.iter().all(is_told) || !protocol.is_over(world)
}

/// A pending note is one of an open claim; any other is of something that was done, and what was done last is noted.
fn no_note_is_untrue(protocol: &Protocol, world: &World) -> bool {
    let claims = || FUNCTIONS.iter().filter_map(|function| world.store.claim(*function));
    let was_done = |event: &str| {
        world.history.acts.iter().any(|act| act.event == event)
            || world.store.audit.iter().any(|entry| entry.applied && entry.event == event)
    };
    let is_missing = || protocol.setup.notes && world.store.audit.iter().any(|entry| entry.applied);
    match &world.store.note {
        Some(note) if note.pending => claims().any(|claim| claim.0.open && claim.event() == note.event),
        Some(note) => was_done(&note.event),
        None => !is_missing(),
    }
}

/// Once a scheduled run of the function came after everything else, unless a kill switch kept it from acting.
fn no_claim_stays_open(protocol: &Protocol, world: &World) -> bool {
    protocol.deliveries().filter(|delivery| delivery.cause == Cause::LastSchedule).all(|delivery| {
        world.store.claim(delivery.function).is_none_or(|claim| !claim.0.open)
            || world.store.kill_switch
            || !protocol.is_over(world)
    })
}

fn what_was_claimed_is_done(protocol: &Protocol, world: &World) -> bool {
    let is_done = |function, event: &str, value| {
        world
            .store
            .audit
            .iter()
            .filter(|entry| entry.function == function && entry.event == event)
            .any(|entry| entry.given_up || (entry.applied && world.count(function) >= value))
    };
    let looked_after = |function| {
        protocol.deliveries().any(|last| last.cause == Cause::LastSchedule && last.function == function)
    };
    world.store.kill_switch
        || world
            .history
            .claimed
            .iter()
            .all(|(function, event, value)| !looked_after(*function) || is_done(*function, event, *value))
        || !protocol.is_over(world)
}

/// Sending the approval again, after a run that died, is no new request.
fn what_is_approved_is_done(protocol: &Protocol, world: &World) -> bool {
    let looked_after = protocol.deliveries().any(|delivery| delivery.cause == Cause::LastSchedule);
    world.history.claims_by_approval == 0
        || !looked_after
        || world.store.kill_switch
        || world.store.audit.iter().any(|entry| entry.applied)
        || !protocol.is_over(world)
}

fn any_end(world: &World, is: impl Fn(End) -> bool) -> bool {
    world.runs.iter().flat_map(|run| &run.ends).any(|end| is(*end))
}
