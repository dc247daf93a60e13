//! The ledger, the runs and the service at one moment, and what is remembered of how it came to that.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    broken::Broken,
    run::{End, Phase, Run, Work},
    setup::{Function, Tick, tick_of},
    store::{Also, Request, Store, Taken, Unmet},
};

/// What makes a transaction that is repeated the same one.
pub type Token = (usize, usize, u8);

/// An action that took effect.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct Act {
    pub function: Function,
    pub event: String,
    pub value: u8,
    /// Whether the service was not so before.
    pub changed: bool,
    pub claim: Taken,
    /// Whether the ledger had this very claim then.
    pub covered: bool,
    /// Whether no other remedy was at work then.
    pub alone: bool,
}

/// What is remembered for the properties alone.
#[derive(Debug, Clone, PartialEq, Hash, Default)]
pub struct History {
    pub acts: Vec<Act>,
    pub claimed: BTreeSet<(Function, String, u8)>,
    pub claimed_under_kill_switch: bool,
    pub claims_by_approval: u8,
    /// What alarms asked for and were refused for good.
    pub refused: BTreeSet<(Function, String)>,
    /// Whether a remedy began before an urgent one that waited when it began to look.
    pub pushed_in: bool,
    /// The runs whose ends people are to hear of.
    pub due: BTreeSet<String>,
    /// How often people heard of which run's end.
    pub told: BTreeMap<String, u8>,
    /// Whether something happened that may have people told twice.
    pub may_repeat: bool,
}

#[derive(Debug, Clone, PartialEq, Hash)]
pub struct World {
    pub time: Tick,
    pub store: Store,
    pub runs: Vec<Run>,
    /// What the two remedies have set.
    pub scale_up: u8,
    pub rollback: u8,
    /// Transactions that took effect and whose answer was lost.
    pub tokens: BTreeSet<Token>,
    /// Transactions under way whose senders have given up.
    pub late: Vec<(Token, Request)>,
    pub faults: u8,
    pub kill_switch_may_come: bool,
    /// The alarms that are not in ALARM any more.
    pub alarms_over: BTreeSet<&'static str>,
    pub history: History,
}

impl World {
    pub fn count(&self, function: Function) -> u8 {
        match function {
            Function::ScaleUp => self.scale_up,
            Function::Rollback => self.rollback,
        }
    }

    /// DynamoDB answers a transaction whose token it has seen succeed as it did then.
    pub fn transact(&mut self, token: Token, request: &Request, broken: Option<Broken>) -> Result<(), Unmet> {
        if self.tokens.remove(&token) {
            return Ok(());
        }
        self.store.transact(request, broken)?;
        if let Request::Claim { function, claim, approval } = request {
            self.history.claimed.insert((*function, claim.event().to_owned(), claim.value()));
            self.history.claimed_under_kill_switch |= self.store.kill_switch;
            self.history.claims_by_approval += u8::from(*approval);
        }
        if let Some(Also { owed: Some(owed), .. }) = request.also() {
            self.history.due.insert(owed.execution_id.clone());
        }
        Ok(())
    }

    /// An action in absolute values.
    pub fn act(&mut self, function: Function, work: &Work) {
        let claim = work.claim.clone();
        let value = claim.value();
        let changed = self.count(function) != value;
        match function {
            Function::ScaleUp => self.scale_up = value,
            Function::Rollback => self.rollback = value,
        }
        let stored = self.store.claim(function);
        let covered = stored.is_some_and(|stored| {
            stored.0.open
                && stored.0.execution_id == claim.0.execution_id
                && stored.0.version == claim.0.version + 1
        });
        let other = match function {
            Function::ScaleUp => self.store.rollback.as_ref(),
            Function::Rollback => self.store.scale_up.as_ref(),
        };
        let alone = other.is_none_or(|other| !other.0.open || tick_of(other.0.lease_until) <= self.time);
        let event = claim.event().to_owned();
        self.history.acts.push(Act { function, event, value, changed, claim, covered, alone });
    }

    /// Lambda ends what has come to its deadline, or soon after.
    /// Lambda repeats the events of the runs for which `repeats` says so.
    pub fn tick(&mut self, overrun: Tick, repeats: impl Fn(usize) -> bool) {
        self.time += 1;
        for (place, run) in self.runs.iter_mut().enumerate() {
            if run.is_alive() && run.deadline + overrun <= self.time {
                self.history.may_repeat |= matches!(run.phase, Phase::Paying { .. });
                if repeats(place) {
                    run.repeat(End::Killed);
                } else {
                    run.end(End::Killed);
                }
            }
        }
    }
}
