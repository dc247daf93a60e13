//! The ledger's items, and its transactions with their conditions, as `shared::ledger` writes them.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{Hash, Hasher},
    sync::Arc,
};

use shared::{
    freeze::{Freeze, Variable},
    ledger::Claim,
    plan::Note,
};

use crate::{
    broken::Broken,
    setup::{Delivery, Function, Tick, at},
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

    /// What it notes: the event in whose name, and what was noted before.
    pub fn note(&self) -> Option<(&str, Option<&str>)> {
        match self.0.intent.notes.first() {
            Some(Note::Frozen { freeze, before }) => {
                Some((&freeze.release, before.as_ref().map(|before| before.release.as_str())))
            }
            _ => None,
        }
    }

    /// The count that its action sets.
    pub fn value(&self) -> u8 {
        self.0.intent.actions.as_u64().and_then(|value| u8::try_from(value).ok()).unwrap_or_default()
    }
}

impl Hash for Taken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let claim = &*self.0;
        (&claim.execution_id, claim.open, claim.version).hash(state);
        (claim.claimed_at, claim.lease_until, claim.counted).hash(state);
        self.note().hash(state);
        for attempt in &claim.attempts {
            (attempt.at, &attempt.what).hash(state);
        }
        (self.event(), claim.intent.trigger.at, self.value()).hash(state);
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
    /// Whether a dead run's intent was given up, and nothing of it was done.
    pub given_up: bool,
}

/// What the end of a run writes beside its record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Also {
    pub wants: Wants,
    pub owed: Option<Owing>,
}

/// What becomes of what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Wants {
    #[default]
    Keep,
    Set {
        wish: Delivery,
        /// Until when others let it go first.
        first_until: Option<Tick>,
    },
    Clear(Delivery),
}

/// A notice, by the run that owes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owing {
    pub execution_id: String,
    /// After that, others send it.
    pub own_until: Tick,
}

/// A note, as `write-freeze` has one: that what an event asked for is so.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Noted {
    pub event: String,
    pub pending: bool,
}

impl Noted {
    pub fn freeze(event: &str, pending: bool) -> Freeze {
        let variable = Variable {
            container: "backend".to_owned(),
            name: "READONLY_MODE".to_owned(),
            value: "true".to_owned(),
        };
        Freeze { since: at(0), variable, release: event.to_owned(), reason: String::new(), pending }
    }
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
        /// Whether it ends what a dead run began, and did nothing itself.
        gives_up: bool,
        also: Also,
    },
    /// The record without the claim, where another run took that over.
    Audit(Entry, Also),
    /// The end of a run that claimed nothing.
    Stopped(Also),
}

impl Request {
    pub fn also(&self) -> Option<&Also> {
        match self {
            Self::Claim { .. } => None,
            Self::Record { also, .. } | Self::Audit(_, also) | Self::Stopped(also) => Some(also),
        }
    }
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
    /// What alarms asked for that could not be done.
    pub wanted: BTreeSet<Delivery>,
    /// Until when others let the urgent remedy go first.
    pub waiting: Option<Tick>,
    /// Notices by the runs that owe them: until when they do that themselves.
    pub owed: BTreeMap<String, Tick>,
    pub note: Option<Noted>,
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
                    lease_until: crate::setup::tick_of(claim.0.lease_until),
                });
                if let Some((event, _)) = claim.note() {
                    let pending = broken != Some(Broken::NoteTrueAtOnce);
                    self.note = Some(Noted { event: event.to_owned(), pending });
                }
                self.approval_used |= *approval && broken != Some(Broken::ApprovalStaysGood);
            }
            Request::Record { function, claim, entry, lets_go, gives_up, also } => {
                let checked = self.check_record(*function, claim, *lets_go, broken);
                if broken == Some(Broken::GivenUpWhateverVersion) && *gives_up && checked.is_err() {
                    self.audit.insert(entry.clone());
                    return Ok(());
                }
                checked?;
                if broken != Some(Broken::ClaimNotGivenBack) {
                    self.put_claim(*function, claim);
                }
                if *lets_go {
                    self.holder = None;
                }
                if entry.applied && broken != Some(Broken::AnswerNotKept) {
                    self.answers.insert((*function, claim.event().to_owned()));
                }
                self.settle_note(claim, entry, broken);
                self.audit.insert(entry.clone());
                self.write(also, broken);
            }
            Request::Audit(entry, also) => {
                self.audit.insert(entry.clone());
                self.write(also, broken);
            }
            Request::Stopped(also) => self.write(also, broken),
        }
        Ok(())
    }

    /// What a claim noted comes true or is taken back, unless it may still be carried out.
    fn settle_note(&mut self, claim: &Taken, entry: &Entry, broken: Option<Broken>) {
        let Some((event, before)) = claim.note() else {
            return;
        };
        if entry.applied {
            self.note = Some(Noted { event: event.to_owned(), pending: false });
        } else if !claim.0.open && broken != Some(Broken::NoteNotTakenBack) {
            self.note = before.map(|event| Noted { event: event.to_owned(), pending: false });
        }
    }

    fn write(&mut self, also: &Also, broken: Option<Broken>) {
        match &also.wants {
            Wants::Keep => {}
            Wants::Set { .. } if broken == Some(Broken::NothingWanted) => {}
            Wants::Set { wish, first_until } => {
                if broken == Some(Broken::OneWishATarget) {
                    self.wanted.retain(|other| other.function != wish.function);
                }
                self.wanted.insert(*wish);
                self.waiting = first_until.or(self.waiting);
            }
            Wants::Clear(wish) => {
                self.wanted.remove(wish);
                if wish.function.is_urgent() {
                    self.waiting = None;
                }
            }
        }
        if let Some(Owing { execution_id, own_until }) = &also.owed
            && broken != Some(Broken::OwedAfterwards)
        {
            self.owed.insert(execution_id.clone(), *own_until);
        }
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

    /// The conditions of `Ledger::settle`.
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
