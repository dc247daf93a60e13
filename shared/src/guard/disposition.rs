//! What a run turns to, from what the ledger knows: an earlier answer, what a dead run left, or its own plan.

use jiff::Timestamp;

use super::{
    gate::is_fresh,
    refusals::{busy, check_kill_switch},
};
use crate::{
    decision::Stop,
    ledger::{Claim, Memory},
    outcome::Outcome,
    plan::Limits,
    settings::{Mode, Policy},
    trigger::{Kind, Trigger},
};

/// What a run turns to.
#[derive(Debug)]
pub enum Disposition<'a> {
    /// The event was answered before.
    Replay(&'a Outcome),
    Stop(Stop),
    /// A run died with this claim: its intent comes first.
    TakeUp(&'a Claim),
    /// A run died with this claim, and its intent is no longer carried out: that is recorded and reported.
    GiveUp(&'a Claim, &'static str),
    Plan,
}

/// Decides that before anything is planned.
pub fn disposition<'a>(
    policy: &Policy,
    memory: &'a Memory,
    asks_first: bool,
    trigger: &Trigger,
    now: Timestamp,
) -> Disposition<'a> {
    if let Some(earlier) = &memory.earlier {
        return Disposition::Replay(earlier);
    }
    let Some(claim) = memory.claim.as_ref().filter(|claim| claim.open && !trigger.only_looks()) else {
        return Disposition::Plan;
    };
    if let Err(stop) = check_kill_switch(memory, now) {
        return Disposition::Stop(stop);
    }
    if now < claim.lease_until {
        return Disposition::Stop(busy(&format!(
            "run {} is already handling the target",
            claim.execution_id
        )));
    }
    let intent = &claim.intent;
    if !is_fresh(policy, intent.trigger.at, now) {
        return Disposition::GiveUp(claim, "it is too old now");
    }
    let again = intent.trigger.id == trigger.id;
    // An approval asks for nothing new. It may have been sent again because the first one's run died.
    if matches!(&trigger.kind, Kind::Person(asked) if asked.approve.is_none()) && !again {
        return Disposition::GiveUp(claim, "a person has asked for something since");
    }
    let asks = asks_first || policy.mode == Mode::Approve;
    match policy.mode {
        Mode::Off | Mode::Observe => Disposition::GiveUp(claim, "MODE allows no change any more"),
        Mode::Approve | Mode::Auto
            if asks && !intent.approved.unwrap_or(asks_first) && intent.limits != Limits::Exempt =>
        {
            Disposition::GiveUp(claim, "MODE is approve now, and nobody has approved it")
        }
        Mode::Approve | Mode::Auto => Disposition::TakeUp(claim),
    }
}
