//! What must hold on every path, and what must happen on some.

use shared::remedy::Weight;
use stateright::Property;

use crate::{
    protocol::Protocol,
    run::{End, Phase},
    scenario::{Cause, Scenario},
    store::{Request, Store},
    world::{Act, World},
};

type Condition = fn(&Protocol, &World) -> bool;

pub const ONE_EVENT_ACTS_ONCE: &str = "one event acts once";
pub const ONE_ACTION_A_WINDOW: &str = "one action a window";
pub const THE_BUDGET_HOLDS: &str = "the day's budget holds";
pub const NO_ACTION_WITHOUT_A_CLAIM: &str = "no action without a claim";
pub const ONE_REMEDY_AT_A_TIME: &str = "one remedy at a time";
pub const NO_CLAIM_UNDER_A_KILL_SWITCH: &str = "no claim under a kill switch";
pub const AN_APPROVAL_ACTS_ONCE: &str = "an approval acts once";
pub const WHAT_IS_RECORDED_WAS_DONE: &str = "what is recorded as applied was done";
pub const WHAT_WAS_DONE_IS_NOT_FORGOTTEN: &str = "what was done is recorded or will be";
pub const WHO_IS_TURNED_AWAY_HOLDS_NOTHING: &str = "who is turned away holds nothing";
pub const SOMEBODY_ANSWERS_FOR_IT: &str = "who is turned away is turned away for somebody who acts";
pub const NO_CLAIM_STAYS_OPEN: &str = "at the end no claim is open";
pub const WHAT_WAS_CLAIMED_IS_DONE: &str = "at the end what was claimed is done and recorded";

const ALWAYS: &[(&str, Condition)] = &[
    (ONE_EVENT_ACTS_ONCE, |_, world| one_event_acts_once(world)),
    (ONE_ACTION_A_WINDOW, |_, world| one_action_a_window(world)),
    (THE_BUDGET_HOLDS, |protocol, world| {
        world.history.claims.values().all(|claims| *claims <= protocol.scenario.attempts_per_day)
    }),
    (NO_ACTION_WITHOUT_A_CLAIM, |_, world| world.history.acts.iter().all(|act| act.covered)),
    (ONE_REMEDY_AT_A_TIME, |_, world| world.history.acts.iter().all(|act| act.alone)),
    (NO_CLAIM_UNDER_A_KILL_SWITCH, |_, world| !world.history.claimed_under_kill_switch),
    (AN_APPROVAL_ACTS_ONCE, |_, world| world.history.claims_by_approval <= 1),
    (WHAT_IS_RECORDED_WAS_DONE, |_, world| what_is_recorded_was_done(world)),
    (WHAT_WAS_DONE_IS_NOT_FORGOTTEN, |_, world| {
        world.history.acts.iter().all(|act| is_remembered(&world.store, act))
    }),
    (WHO_IS_TURNED_AWAY_HOLDS_NOTHING, |_, world| who_is_turned_away_holds_nothing(world)),
    (SOMEBODY_ANSWERS_FOR_IT, somebody_answers_for_it),
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
        let is_audit = |phase: &Phase| matches!(phase, Phase::Recording { request: Request::Audit(_), .. });
        world.runs.iter().any(|run| is_audit(&run.phase))
    }),
    ("leaves the holder to another", |_, world| {
        let lets_not_go = |phase: &Phase| {
            matches!(phase, Phase::Recording { request: Request::Record { lets_go: false, .. }, .. })
        };
        world.runs.iter().any(|run| lets_not_go(&run.phase))
    }),
    ("leaves an old intent alone", |_, world| {
        let is_left = |event: &str| !world.store.audit.iter().any(|entry| entry.event == event);
        let replaced =
            |event: &str| world.store.scale_up.as_ref().is_some_and(|claim| claim.event() != event);
        world.history.claimed.iter().any(|(_, event, _)| is_left(event) && replaced(event))
    }),
    ("lets both remedies act", |_, world| {
        let acts = &world.history.acts;
        acts.iter().any(|act| acts.iter().any(|other| other.function != act.function))
    }),
];

const STOPPED_BY_COOLDOWN: End = End::Stopped("cooldown");

pub fn of(scenario: &Scenario) -> Vec<Property<Protocol>> {
    let promised = ALWAYS.iter().filter(|(name, _)| !scenario.except.contains(name));
    let always = promised.map(|(name, condition)| Property::<Protocol>::always(name, *condition));
    let wanted = SOMETIMES.iter().filter(|(name, _)| scenario.sometimes.contains(name));
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
fn one_action_a_window(world: &World) -> bool {
    let full = |act: &&Act| act.changed && act.claim.0.intent.weight == Weight::Full;
    let acts: Vec<&Act> = world.history.acts.iter().filter(full).collect();
    acts.iter().enumerate().all(|(place, later)| {
        acts.iter().take(place).filter(|earlier| earlier.function == later.function).all(|earlier| {
            earlier.event == later.event || later.claim.0.claimed_at >= earlier.claim.0.cooldown_until
        })
    })
}

fn what_is_recorded_was_done(world: &World) -> bool {
    world.store.audit.iter().filter(|entry| entry.applied).all(|entry| {
        let same = |act: &Act| act.function == entry.function && act.value >= entry.value;
        world.history.acts.iter().any(same)
    })
}

/// Recorded, or to be taken up, or named by a later run that found it too old for that. A remedy's reason is
/// its event's name here.
fn is_remembered(store: &Store, act: &Act) -> bool {
    let is_recorded = store
        .audit
        .iter()
        .any(|entry| entry.applied && entry.function == act.function && entry.reason.contains(&act.event));
    is_recorded
        || store
            .claim(act.function)
            .is_some_and(|claim| claim.0.open && claim.0.intent.reason.contains(&act.event))
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
    !turned_away || !world.history.acts.is_empty() || open || !protocol.is_over(world)
}

/// Once a scheduled run of the function came after everything else, unless a kill switch or the day's budget
/// kept it from acting.
fn no_claim_stays_open(protocol: &Protocol, world: &World) -> bool {
    protocol.deliveries().filter(|delivery| delivery.cause == Cause::LastSchedule).all(|delivery| {
        world.store.claim(delivery.function).is_none_or(|claim| !claim.0.open)
            || was_kept_off(world)
            || !protocol.is_over(world)
    })
}

fn what_was_claimed_is_done(protocol: &Protocol, world: &World) -> bool {
    let is_done = |function, event: &str, value| {
        let recorded = world
            .store
            .audit
            .iter()
            .any(|entry| entry.applied && entry.function == function && entry.event == event);
        recorded && world.count(function) >= value
    };
    let looked_after = |function| {
        protocol.deliveries().any(|last| last.cause == Cause::LastSchedule && last.function == function)
    };
    was_kept_off(world)
        || world
            .history
            .claimed
            .iter()
            .all(|(function, event, value)| !looked_after(*function) || is_done(*function, event, *value))
        || !protocol.is_over(world)
}

fn was_kept_off(world: &World) -> bool {
    world.store.kill_switch || any_end(world, |end| end == End::Stopped("budget_spent"))
}

fn any_end(world: &World, is: impl Fn(End) -> bool) -> bool {
    world.runs.iter().flat_map(|run| &run.ends).any(|end| is(*end))
}
