//! The ledger's items, and its transactions with their conditions, as `shared::ledger` writes them.

use std::{
    collections::BTreeSet,
    hash::{Hash, Hasher},
    sync::Arc,
};

use shared::ledger::Claim;

use crate::{
    broken::Broken,
    scenario::{Function, Tick, at},
};

/// A claim, cheap to copy from state to state.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken(pub Arc<Claim>);

impl Taken {
    pub fn new(claim: Claim) -> Self {
        Self(Arc::new(claim))
    }

    pub fn event(&self) -> &str {
        &self.0.intent.trigger.id
    }

    /// The count that its action sets.
    pub fn value(&self) -> u8 {
        self.0.intent.actions.as_u64().and_then(|value| u8::try_from(value).ok()).unwrap_or_default()
    }
}

impl Hash for Taken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let claim = &*self.0;
        (&claim.execution_id, claim.open, claim.version, &claim.attempts).hash(state);
        (claim.claimed_at, claim.lease_until, claim.cooldown_until).hash(state);
        (self.event(), claim.intent.trigger.at, self.value(), &claim.intent.reason).hash(state);
    }
}

/// Which remedy is at work.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct Holding {
    pub function: Function,
    pub execution_id: String,
    pub lease_until: Tick,
}

/// An audit record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    pub function: Function,
    pub event: String,
    pub execution_id: String,
    pub value: u8,
    pub applied: bool,
    /// What its answer says, which names what was left unfinished before.
    pub reason: String,
}

/// A transaction. Each is written once by `Ledger::transact`, and repeated by the SDK under one token.
#[derive(Debug, Clone, PartialEq, Hash)]
pub enum Request {
    Claim {
        function: Function,
        claim: Taken,
        approval: bool,
    },
    Record {
        function: Function,
        claim: Taken,
        entry: Entry,
        lets_go: bool,
    },
    /// The record alone, where another run took the claim over.
    Audit(Entry),
}

/// The condition that was not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unmet {
    KillSwitch,
    Version,
    Holder,
    Answered,
    Approval,
}

#[derive(Debug, Clone, Default, PartialEq, Hash)]
pub struct Store {
    pub kill_switch: bool,
    pub scale_up: Option<Taken>,
    pub rollback: Option<Taken>,
    pub holder: Option<Holding>,
    /// The events that were answered.
    pub answers: BTreeSet<(Function, String)>,
    pub approval_used: bool,
    pub audit: BTreeSet<Entry>,
}

impl Store {
    pub fn claim(&self, function: Function) -> Option<&Taken> {
        match function {
            Function::ScaleUp => self.scale_up.as_ref(),
            Function::Rollback => self.rollback.as_ref(),
        }
    }

    /// All of a transaction, or nothing.
    pub fn transact(&mut self, request: &Request, broken: Option<Broken>) -> Result<(), Unmet> {
        match request {
            Request::Claim { function, claim, approval } => {
                self.check_claim(*function, claim, *approval, broken)?;
                self.put_claim(*function, claim);
                self.holder = Some(Holding {
                    function: *function,
                    execution_id: claim.0.execution_id.clone(),
                    lease_until: crate::scenario::tick_of(claim.0.lease_until),
                });
                self.approval_used |= *approval && broken != Some(Broken::ApprovalStaysGood);
            }
            Request::Record { function, claim, entry, lets_go } => {
                self.check_record(*function, claim, *lets_go, broken)?;
                if broken != Some(Broken::ClaimNotGivenBack) {
                    self.put_claim(*function, claim);
                }
                if *lets_go {
                    self.holder = None;
                }
                if entry.applied && broken != Some(Broken::AnswerNotKept) {
                    self.answers.insert((*function, claim.event().to_owned()));
                }
                self.audit.insert(entry.clone());
            }
            Request::Audit(entry) => {
                self.audit.insert(entry.clone());
            }
        }
        Ok(())
    }

    /// The conditions of `Ledger::claim`, in the order in which it reads the reasons.
    fn check_claim(
        &self,
        function: Function,
        claim: &Taken,
        approval: bool,
        broken: Option<Broken>,
    ) -> Result<(), Unmet> {
        let unless = |rule: Broken, met: bool, unmet: Unmet| {
            if met || broken == Some(rule) { Ok(()) } else { Err(unmet) }
        };
        unless(Broken::ClaimIgnoresKillSwitch, !self.kill_switch, Unmet::KillSwitch)?;
        unless(Broken::ClaimIgnoresVersion, self.is_version_of(function, claim), Unmet::Version)?;
        let free = self
            .holder
            .as_ref()
            .is_none_or(|holder| holder.function == function || at(holder.lease_until) < claim.0.claimed_at);
        unless(Broken::ClaimIgnoresHolder, free, Unmet::Holder)?;
        let answered = self.answers.contains(&(function, claim.event().to_owned()));
        unless(Broken::ClaimIgnoresAnswer, !answered, Unmet::Answered)?;
        if approval && self.approval_used { Err(Unmet::Approval) } else { Ok(()) }
    }

    /// The conditions of `Ledger::record`.
    fn check_record(
        &self,
        function: Function,
        claim: &Taken,
        lets_go: bool,
        broken: Option<Broken>,
    ) -> Result<(), Unmet> {
        if !self.is_version_of(function, claim) && broken != Some(Broken::RecordIgnoresVersion) {
            return Err(Unmet::Version);
        }
        let own = self.holder.as_ref().is_none_or(|holder| holder.execution_id == claim.0.execution_id);
        if lets_go && !own && broken != Some(Broken::RecordIgnoresHolder) {
            return Err(Unmet::Holder);
        }
        Ok(())
    }

    /// As `Ledger::put_claim` has it: no item for version 0, and otherwise the version that was read.
    fn is_version_of(&self, function: Function, claim: &Taken) -> bool {
        self.claim(function).map_or(0, |stored| stored.0.version) == claim.0.version
    }

    fn put_claim(&mut self, function: Function, claim: &Taken) {
        let mut next = Claim::clone(&claim.0);
        next.version += 1;
        let item = match function {
            Function::ScaleUp => &mut self.scale_up,
            Function::Rollback => &mut self.rollback,
        };
        *item = Some(Taken::new(next));
    }
}
