//! The claim on a target, and the permission that comes of it.

use jiff::Timestamp;
use serde_json::json;

use super::{
    limits::recent,
    refusals::{busy, held, kill_switch, no_ledger, stopped, used},
};
use crate::{
    clock::{self, month},
    decision::Stop,
    error::Error,
    ledger::{ALL, Approval, Attempt, Claim, Intent, Ledger, Memory, NotClaimed, Odd},
    plan::{FollowUpChange, Limits},
};

/// An action that was claimed in the ledger: the only kind that can be applied.
#[derive(Debug)]
pub struct Approved<A> {
    action: A,
    ledger: Ledger,
}

impl<A> Approved<A> {
    pub fn action(&self) -> &A {
        &self.action
    }

    /// Another action of the same intent, in this one's place.
    pub(crate) fn replaced_by(&self, action: A) -> Self {
        Self { action, ledger: self.ledger.clone() }
    }

    /// Checks the kill switch before every write but the first: the claim itself checked it for that one.
    pub async fn may_go_on(&self) -> Result<(), Error> {
        match self.ledger.kill_switch(clock::now()).await? {
            None => Ok(()),
            Some(switch) => {
                Err(Error::Refused { stop: Box::new(kill_switch(&switch, clock::now())), over: false })
            }
        }
    }
}

/// A new claim, on top of what is known of earlier ones.
pub fn next_claim(
    memory: &Memory,
    intent: Intent,
    what: &str,
    execution_id: &str,
    now: Timestamp,
    deadline: Timestamp,
) -> Claim {
    let earlier = memory.claim.as_ref();
    let mut attempts: Vec<Attempt> =
        earlier.map(|claim| recent(&claim.attempts, now).cloned().collect()).unwrap_or_default();
    // An intent that is taken up was counted before, if its run may have changed something. The cooldown begins again:
    // the change may only happen now.
    let taken_up = earlier.filter(|claim| claim.open && claim.intent.trigger.id == intent.trigger.id);
    let before = taken_up.and_then(|claim| claim.counted);
    if let Some(place) = attempts.iter().rposition(|attempt| Some(attempt.at) == before) {
        attempts.remove(place);
    }
    let mut counted = None;
    let mut units = 0;
    if intent.limits != Limits::Exempt {
        counted = Some(now);
        let counts_already = before.is_some() && taken_up.is_some_and(|claim| claim.month == month(now));
        units = if counts_already { 0 } else { intent.units };
        attempts.push(Attempt { at: now, about: intent.about.clone(), what: what.to_owned() });
    }
    Claim {
        execution_id: execution_id.to_owned(),
        open: true,
        claimed_at: now,
        lease_until: deadline.max(now),
        attempts,
        counted,
        month: month(now),
        month_units: memory.month_units(now).saturating_add(units),
        intent,
        version: earlier.map_or(0, |claim| claim.version),
        in_place_of: earlier.map_or_else(|| unreadable_claim(memory), |claim| claim.in_place_of.clone()),
    }
}

/// A claim that could not be read: the new claim replaces exactly that item.
fn unreadable_claim(memory: &Memory) -> Option<Odd> {
    memory
        .odd
        .iter()
        .find(|odd| odd.pk.starts_with("target#") && !odd.sk.contains('#') && odd.sk != "freeze")
        .cloned()
}

/// Claims the target in the ledger. Nothing can be applied without it.
pub async fn claim<A>(
    ledger: &Ledger,
    target: &str,
    claim: &Claim,
    follow_up: &FollowUpChange,
    approval: Option<&Approval>,
    actions: Vec<A>,
) -> Result<Vec<Approved<A>>, Stop> {
    match ledger.claim(target, claim, follow_up, approval).await {
        Ok(()) => Ok(actions.into_iter().map(|action| Approved { action, ledger: ledger.clone() }).collect()),
        Err(NotClaimed::KillSwitch) => {
            Err(stopped("a kill switch was set just now".to_owned(), ALL, json!({ "go": ALL })))
        }
        Err(NotClaimed::Overtaken) => Err(busy(&format!("another run is already handling {target}"))),
        Err(NotClaimed::Held) => Err(held(&format!("another remedy has just begun to work on {target}"))),
        Err(NotClaimed::Answered) => Err(busy("another run has just answered this event")),
        Err(NotClaimed::ApprovalUsed) => Err(used()),
        Err(NotClaimed::Ledger(error)) => Err(no_ledger(&error)),
    }
}
