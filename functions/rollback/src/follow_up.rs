//! The roll-back that is under way, which the scheduled run looks after.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    clock::readable,
    code,
    ecs::{TaskDefinition, revision},
    outcome::{Decision, Next, Stop, Verification},
    plan::{self, nothing_to_look_after, still_settling},
};

use crate::{
    action::{Action, Target},
    observe::Observed,
    settings::Settings,
};

pub(crate) type FollowUp = plan::FollowUp<Awaited>;
pub(crate) type Past = plan::Past<Awaited>;
pub(crate) type Plan = plan::Plan<Action, Awaited>;

/// The roll-back that the scheduled run looks after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    from: String,
    #[serde(flatten)]
    target: Target,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    or: Vec<Target>,
}

impl Awaited {
    pub(crate) fn new(from: &str, target: &Target, or: &[Target]) -> Self {
        Self { from: from.to_owned(), target: target.clone(), or: or.to_vec() }
    }

    pub(crate) fn until(self, due: Timestamp) -> FollowUp {
        FollowUp { due, what: self, until_verified: true }
    }
}

/// How the roll-back went.
pub(crate) fn look_after(
    now: Timestamp,
    observed: &Observed,
    settings: &Settings,
    follow_up: Option<&FollowUp>,
) -> Result<Plan, Stop> {
    let follow_up = follow_up.ok_or_else(nothing_to_look_after)?;
    let Awaited { from, target, or } = &follow_up.what;
    let targets: Vec<Target> = std::iter::once(target).chain(or).cloned().collect();
    let is_at = |current: &TaskDefinition| targets.iter().find(|target| target.is(current));
    let to = observed.current.as_ref().and_then(is_at).or(targets.first()).map_or("", |target| &target.to);
    let seen = settled(observed, &targets);
    if seen.verified {
        let reason = format!("the roll-back to {to} has settled: {}", seen.what);
        return Ok(Plan::settle(Stop::nothing_to_do(&code::VERIFIED, reason)));
    }
    let runs =
        observed.service.as_ref().map(|service| revision(&service.task_definition)).unwrap_or_default();
    let is_one = targets.iter().any(|target| target.to == runs);
    let is_copy = observed.current.as_ref().and_then(is_at).is_some();
    if !runs.is_empty() && runs != *from && !is_one && observed.current.is_some() && !is_copy {
        let reason = format!("{runs} was deployed since: the roll-back to {to} is not looked after any more");
        return Ok(Plan::settle(Stop::nothing_to_do(&code::SUPERSEDED, reason)));
    }
    if now < follow_up.due {
        return Err(still_settling(&format!("the roll-back to {to}"), follow_up.due, &seen.what));
    }
    Ok(Plan::settle(Stop {
        decision: Decision::Failed,
        code: &code::NOT_VERIFIED,
        reason: format!(
            "the roll-back of {} to {to} has not settled by {}: {}",
            settings.service,
            readable(follow_up.due),
            seen.what
        ),
        next: Some(Next::devops(
            "look at the service's events and stopped tasks; if the older release fails too, the cause lies elsewhere",
        )),
    }))
}

/// Whether the service runs one of these, all of it, and the probe agrees.
pub(crate) fn settled(observed: &Observed, targets: &[Target]) -> Verification {
    let (runs, what) = deployed(observed, targets);
    match &observed.health {
        _ if !runs => Verification { verified: false, what },
        Some(health) if health.api => {
            Verification { verified: true, what: format!("{what}, and /health passes") }
        }
        Some(health) => {
            Verification { verified: false, what: format!("{what}, but /health fails: {}", health.summary) }
        }
        None => Verification { verified: false, what: format!("{what}, but the probe did not answer") },
    }
}

/// Whether the service runs one of these as far as ECS can tell, and what it runs.
pub(crate) fn deployed(observed: &Observed, targets: &[Target]) -> (bool, String) {
    let Some(service) = &observed.service else {
        return (false, "the service is gone".to_owned());
    };
    let is_it = |current: &TaskDefinition| targets.iter().any(|target| target.is(current));
    (observed.current.as_ref().is_some_and(is_it) && service.is_steady(), service.progress())
}
