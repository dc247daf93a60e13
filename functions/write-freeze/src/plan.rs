//! Decides how to freeze writes or to let them through again, from what was read and nothing else.

use jiff::Timestamp;
use serde_json::json;
use shared::{
    alarms,
    ecs::{Service, ready, revision},
    freeze::Freeze,
    outcome::{Next, Stop},
    plan::{FollowUpChange, InShort, Limits, Note},
};

use crate::{
    action::Action,
    follow_up::{Awaited, Past, Plan, look_after},
    observe::{Observed, Release},
    request::{Because, Goal, Request},
    settings::Settings,
    skipped,
};

/// As in `backend: writes frozen (READONLY_MODE=true)`.
pub(crate) fn in_short(actions: &[Action], settings: &Settings) -> InShort {
    let service = &settings.service;
    let (planned, done) = match actions.first() {
        Some(Action::Freeze { variable, .. }) => {
            (format!("freeze the writes of {service} ({variable})"), format!("writes frozen ({variable})"))
        }
        Some(Action::Note { .. }) => (
            format!("note that the writes of {service} are frozen"),
            "writes noted as frozen, which they are".to_owned(),
        ),
        Some(Action::GoBack { .. } | Action::Unfreeze { .. }) => {
            (format!("let the writes of {service} through again"), "writes let through again".to_owned())
        }
        Some(Action::End) => (
            format!("note that the writes of {service} are let through"),
            "writes noted as let through, which they are".to_owned(),
        ),
        None => return InShort::default(),
    };
    InShort { planned, done: format!("{service}: {done}") }
}

/// The plan for one request.
pub(crate) fn plan(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    past: &Past,
) -> Plan {
    if let Some(why) = &observed.refused {
        return Plan::skip(why.stop(crate::FUNCTION));
    }
    if let (Because::Alarm(alarm), true) = (&request.because, observed.is_calm) {
        return Plan::skip(alarms::ended(alarm));
    }
    let decided = match request.goal {
        Goal::On => {
            let by_person = matches!(request.because, Because::Person(_));
            freeze(now, observed, settings, past, &request.because.words(), by_person)
        }
        Goal::Off => unfreeze(now, observed, settings, past, &request.because.words()),
        Goal::LookAfter => look_after(now, observed, settings, past, |why, by_person| {
            freeze(now, observed, settings, past, why, by_person)
        }),
    };
    decided.unwrap_or_else(Plan::skip)
}

/// Whether an action that was begun earlier still has to be done. If somebody has deployed something else since, it
/// is not.
pub(crate) fn is_outstanding(action: &Action, observed: &Observed) -> bool {
    let runs = observed.service.as_ref().map(|service| revision(&service.task_definition));
    match action {
        Action::Note { .. } | Action::End => true,
        Action::Freeze { release, .. } => runs == Some(release),
        Action::GoBack { from, .. } | Action::Unfreeze { from, .. } => runs == Some(from),
    }
}

/// Whether what runs is already as the action would make it.
pub(crate) fn has_taken_effect(action: &Action, observed: &Observed) -> bool {
    let is_frozen = observed.current.as_ref().map(|current| current.is_frozen);
    action.freezes().is_none_or(|frozen| is_frozen == Some(frozen))
}

/// A person (`by_person`) does not wait out a cooldown.
fn freeze(
    now: Timestamp,
    observed: &Observed,
    settings: &Settings,
    past: &Past,
    why: &str,
    by_person: bool,
) -> Result<Plan, Stop> {
    let (service, current) = usable(observed, settings, past)?;
    let runs = current.definition.revision();
    let variable = &settings.variable;
    let limits = if by_person { Limits::SkipCooldown } else { Limits::Apply };
    // A freeze that a run planned but did not carry out does not count.
    let before = past.freeze.clone().filter(|freeze| !freeze.pending);
    let notes = |release: &str| {
        let since = before.as_ref().map_or(now, |before| before.since);
        let freeze = Freeze {
            since,
            variable: variable.clone(),
            release: release.to_owned(),
            reason: why.to_owned(),
            pending: false,
        };
        vec![Note::Frozen { freeze, before: before.clone() }]
    };
    let by_hand = Some(json!({ "state": "on" }));
    if current.is_frozen {
        if let Some(freeze) = before {
            return Err(skipped::already_frozen(&freeze, &service.progress()));
        }
        let reason = format!("{why}; {runs} runs with {variable} already, which no other remedy knows");
        let release = current.definition.release();
        let note =
            Action::Note { release: release.to_owned(), variable: variable.clone(), reason: why.to_owned() };
        return Ok(Plan {
            limits,
            follow_up: clear(past),
            notes: notes(release),
            by_hand,
            ..Plan::act(vec![note], reason)
        });
    }
    let there = &current.definition.images;
    if !there.contains_key(&variable.container) {
        let there: Vec<String> = there.keys().cloned().collect();
        return Err(skipped::container_missing(runs, &variable.container, &there));
    }
    if current.from_secret {
        return Err(skipped::from_secret(runs, variable));
    }
    ready::not_failed(service, &settings.service)?;
    if let Some(why) = &current.definition.cannot_be_copied {
        return Err(skipped::cannot_be_copied(runs, why, settings));
    }
    if let Err(stop) = ready::still_or_baking(service, &settings.service) {
        let awaited = Awaited::Waiting { why: why.to_owned(), by_person };
        let next = "nothing yet: the scheduled run freezes writes once it has ended, or tells you that it does not \
                    end; where approval is needed, send the request again then";
        let stop = stop.next(Next::development(next).again());
        return Ok(Plan::postpone(awaited.until(now + settings.settle), stop));
    }
    let since = before.as_ref().map(|freeze| {
        format!("; {}, but {runs} was deployed since without {}", freeze.said(), variable.name)
    });
    let reason = format!("{why}{}", since.unwrap_or_default());
    let freeze = Action::Freeze { release: runs.to_owned(), variable: variable.clone() };
    let settling = Awaited::Settling { frozen: true, from: runs.to_owned() };
    Ok(Plan {
        follow_up: FollowUpChange::Set(settling.until(now + settings.settle)),
        limits,
        notes: notes(runs),
        by_hand,
        ..Plan::act(vec![freeze], reason)
    })
}

fn unfreeze(
    now: Timestamp,
    observed: &Observed,
    settings: &Settings,
    past: &Past,
    why: &str,
) -> Result<Plan, Stop> {
    let (_, current) = usable(observed, settings, past)?;
    let runs = current.definition.revision();
    let variable = &settings.variable;
    if !current.is_frozen {
        let freeze = past.freeze.as_ref().ok_or_else(|| skipped::not_frozen(runs, variable))?;
        let reason = format!(
            "{why}; {runs} runs without {variable} already, and not what was frozen ({})",
            freeze.release
        );
        return Ok(Plan {
            follow_up: clear(past),
            limits: Limits::Exempt,
            notes: vec![Note::Thawed { before: freeze.clone() }],
            ..Plan::act(vec![Action::End], reason)
        });
    }
    let original = goes_back_to(current, observed.original.as_ref());
    if let (None, Some(why)) = (original, &current.definition.cannot_be_copied) {
        return Err(skipped::cannot_be_copied(runs, why, settings));
    }
    let (back, reason) = original.map_or_else(
        || {
            let unfreeze = Action::Unfreeze {
                from: runs.to_owned(),
                release: current.definition.release().to_owned(),
                variable: variable.clone(),
            };
            let why_so = "and there is no release that is the same without it";
            (unfreeze, format!("{why}; {runs} has {variable}, {why_so}"))
        },
        |original| {
            let to = original.definition.revision().to_owned();
            let reason = format!("{why}; {runs} is the frozen copy of {to}");
            (Action::GoBack { from: runs.to_owned(), to }, reason)
        },
    );
    let settling = Awaited::Settling { frozen: false, from: runs.to_owned() };
    Ok(Plan {
        follow_up: FollowUpChange::Set(settling.until(now + settings.settle)),
        // The end of a freeze is allowed with the freeze. Without one, it is not.
        limits: if past.freeze.is_some() { Limits::Exempt } else { Limits::SkipCooldown },
        notes: past.freeze.iter().map(|before| Note::Thawed { before: before.clone() }).collect(),
        by_hand: Some(json!({ "state": "off" })),
        ..Plan::act(vec![back], reason)
    })
}

/// The release that was frozen, if the service can be pointed at it and it is the same but for the variable.
fn goes_back_to<'a>(current: &Release, original: Option<&'a Release>) -> Option<&'a Release> {
    original.filter(|original| {
        original.definition.is_active
            && !original.is_frozen
            && original.definition.images == current.definition.images
    })
}

/// The service and what it runs, if that can be changed.
fn usable<'a>(
    observed: &'a Observed,
    settings: &Settings,
    past: &Past,
) -> Result<(&'a Service, &'a Release), Stop> {
    let Settings { service: name, variable, .. } = settings;
    let service = ready::usable(observed.service.as_ref(), name)?;
    let by_hand = format!("deploy {name} there, with {variable} in its container {}", variable.container);
    ready::deployed_by_ecs(service, name, &by_hand)?;
    let current = observed.current.as_ref().ok_or_else(|| ready::task_definition_missing(service, name))?;
    // What was read says nothing about another variable.
    let another = |freeze: &&Freeze| freeze.variable != *variable && !freeze.variable.name.is_empty();
    if let Some(freeze) = past.freeze.as_ref().filter(another) {
        return Err(skipped::other_variable(freeze, variable));
    }
    Ok((service, current))
}

/// The follow-up has ended.
fn clear(past: &Past) -> FollowUpChange<Awaited> {
    if past.follow_up.is_some() { FollowUpChange::Clear } else { FollowUpChange::Keep }
}

#[cfg(test)]
pub(crate) mod tests;
