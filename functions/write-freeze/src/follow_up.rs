//! What takes longer than a run, or has to wait: a roll-out that is to settle, a freeze for which there was no room,
//! and a release that somebody deploys into a freeze, with which writes go through again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    clock::readable,
    code,
    ecs::{Service, ready},
    outcome::{Decision, Next, Stop, Verification},
    plan::{self, nothing_to_look_after, still_settling},
};

use crate::{
    action::Action,
    codes,
    observe::{Observed, Release},
    settings::Settings,
    skipped,
};

pub(crate) type FollowUp = plan::FollowUp<Awaited>;
pub(crate) type Past = plan::Past<Awaited>;
pub(crate) type Plan = plan::Plan<Action, Awaited>;

/// What the scheduled run looks after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaited {
    /// The roll-out from a revision to one with writes frozen, or let through.
    Settling { frozen: bool, from: String },
    /// The end of somebody's deployment, to freeze writes then.
    Waiting { why: String, wished: bool },
    /// Nothing: people were told that this revision is not frozen.
    Told { release: String },
}

impl Awaited {
    pub(crate) fn until(&self, due: Timestamp) -> FollowUp {
        let until_verified = matches!(self, Self::Settling { .. });
        FollowUp { due, what: self.clone(), until_verified }
    }
}

/// `freeze` plans the freeze for which there is room now.
pub(crate) fn look_after(
    now: Timestamp,
    observed: &Observed,
    settings: &Settings,
    past: &Past,
    freeze: impl FnOnce(&str, bool) -> Result<Plan, Stop>,
) -> Result<Plan, Stop> {
    let current = observed.current.as_ref();
    // Writes are to be frozen, and what runs lets them through.
    let on_record = past
        .freeze
        .as_ref()
        .filter(|freeze| !freeze.pending)
        .filter(|freeze| freeze.variable == settings.variable || freeze.variable.name.is_empty());
    let unfrozen = current.filter(|current| on_record.is_some() && !current.is_frozen);
    let awaited = past.follow_up.as_ref().map(|follow_up| (follow_up.due, &follow_up.what));
    match (awaited, unfrozen) {
        (Some((due, Awaited::Waiting { why, wished })), _) => {
            waiting(now, observed, settings, due, || freeze(why, *wished))
        }
        (Some((due, Awaited::Settling { frozen, from })), _) => {
            settling(now, observed, settings, due, *frozen, from, unfrozen)
        }
        (Some((_, Awaited::Told { release })), Some(unfrozen))
            if unfrozen.definition.revision() == release =>
        {
            Err(skipped::told_before(release, &settings.variable))
        }
        (_, Some(unfrozen)) => Ok(not_frozen(now, unfrozen, settings)),
        (Some((_, Awaited::Told { .. })), None) => {
            let what = settled(observed, past.freeze.is_some()).what;
            Ok(Plan::settle(Stop::nothing_to_do(
                &code::VERIFIED,
                format!("it is as it should be again: {what}"),
            )))
        }
        (None, None) => Err(nothing_to_look_after()),
    }
}

fn waiting(
    now: Timestamp,
    observed: &Observed,
    settings: &Settings,
    due: Timestamp,
    freeze: impl FnOnce() -> Result<Plan, Stop>,
) -> Result<Plan, Stop> {
    let progress =
        observed.service.as_ref().map_or_else(|| "the service is gone".to_owned(), Service::progress);
    if now >= due {
        // Later than that, nobody would expect it any more.
        return Ok(Plan::settle(Stop {
            decision: Decision::Failed,
            code: &codes::NOT_FROZEN,
            reason: format!("writes could not be frozen by {}: {progress}", readable(due)),
            next: Some(
                Next::devops(
                    "see why the deployment takes so long, or roll it back: send rollback {\"to\": \"previous\"}; then \
                     send this request again",
                )
                .send(json!({ "state": "on" })),
            ),
        }));
    }
    let deploys = |service: &Service| ready::still_or_baking(service, &settings.service).is_err();
    if observed.service.as_ref().is_some_and(deploys) {
        return Err(skipped::still_waiting(due, &progress));
    }
    Ok(freeze().unwrap_or_else(Plan::settle))
}

fn settling(
    now: Timestamp,
    observed: &Observed,
    settings: &Settings,
    due: Timestamp,
    frozen: bool,
    from: &str,
    unfrozen: Option<&Release>,
) -> Result<Plan, Stop> {
    let seen = settled(observed, frozen);
    if seen.verified {
        return Ok(Plan::settle(Stop::nothing_to_do(
            &code::VERIFIED,
            format!("it has settled: {}", seen.what),
        )));
    }
    if let Some(unfrozen) = unfrozen.filter(|unfrozen| frozen && unfrozen.definition.revision() != from) {
        return Ok(not_frozen(now, unfrozen, settings));
    }
    let what = if frozen { "the freeze of writes" } else { "the end of the freeze" };
    if now < due {
        return Err(still_settling(what, due, &seen.what));
    }
    let stop = Stop {
        decision: Decision::Failed,
        code: &code::NOT_VERIFIED,
        reason: format!("{what} has not settled by {}: {}", readable(due), seen.what),
        next: Some(Next::devops(
            "look at the service's events and stopped tasks; until all tasks are new, some still do as before",
        )),
    };
    Ok(match unfrozen {
        // Said once: the next run would find it unfrozen.
        Some(unfrozen) => Plan::postpone(told(now, unfrozen, settings), stop),
        None => Plan::settle(stop),
    })
}

/// Tells people that writes go through, once for each release.
fn not_frozen(now: Timestamp, unfrozen: &Release, settings: &Settings) -> Plan {
    let release = unfrozen.definition.revision();
    let next = Next::devops("freeze it too, or end the freeze with {\"state\": \"off\"}")
        .send(json!({ "state": "on" }));
    let stop = Stop {
        decision: Decision::Failed,
        code: &codes::RELEASE_NOT_FROZEN,
        reason: format!(
            "writes should be frozen but are not: {release} was deployed without {}",
            settings.variable
        ),
        next: Some(next),
    };
    Plan::postpone(told(now, unfrozen, settings), stop)
}

fn told(now: Timestamp, unfrozen: &Release, settings: &Settings) -> FollowUp {
    let release = unfrozen.definition.revision().to_owned();
    Awaited::Told { release }.until(now + settings.settle)
}

/// Whether all tasks run with writes frozen, or all without.
pub(crate) fn settled(observed: &Observed, frozen: bool) -> Verification {
    let Some(service) = &observed.service else {
        return Verification { verified: false, what: "the service is gone".to_owned() };
    };
    let is_frozen = observed.current.as_ref().map(|current| current.is_frozen);
    let with = match is_frozen {
        Some(true) => ", with writes frozen",
        Some(false) => ", with writes let through",
        None => "",
    };
    Verification {
        verified: is_frozen == Some(frozen) && service.is_steady(),
        what: format!("{}{with}", service.progress()),
    }
}
