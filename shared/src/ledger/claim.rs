//! A run's claim on a target: what it set out to do there, written before anything is touched.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    ALL, Approval, Ledger, Odd,
    items::{failed_check, put, reasons},
};
use crate::{
    aws,
    error::Error,
    plan::{FollowUp, FollowUpChange, Limits, Note},
    trigger::Trigger,
};

/// A run's hold on a target, and what it set out to do there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    pub execution_id: String,
    /// Whether the intent may still have to be carried out.
    pub open: bool,
    pub claimed_at: Timestamp,
    /// Until then the run may be alive; after it, an open claim's run has died.
    pub lease_until: Timestamp,
    /// When this target was acted on in the last 24 hours.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// The time of the attempt that stands for the intent: an intent counts once, however often it is taken up.
    #[serde(default)]
    pub counted: Option<Timestamp>,
    /// The month that `month_units` belongs to.
    #[serde(default)]
    pub month: String,
    #[serde(default)]
    pub month_units: u32,
    pub intent: Intent,
    /// Counts the writes of this item; a claim is taken on the version that was read.
    #[serde(skip)]
    pub version: u64,
    /// The item that was read, where it has no version that could be compared.
    #[serde(skip)]
    pub in_place_of: Option<Odd>,
}

impl Claim {
    /// As a run gives it back at its end.
    #[must_use]
    pub fn closed(self) -> Self {
        Self { open: false, version: self.version.saturating_add(1), in_place_of: None, ..self }
    }

    /// As a run whose action failed gives it back: the next run may take it up from `now` on.
    #[must_use]
    pub fn left_open(self, now: Timestamp) -> Self {
        Self { lease_until: now, version: self.version.saturating_add(1), in_place_of: None, ..self }
    }

    /// Without its intent's attempt and count: nothing was changed, so no effect is awaited.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        if let Some(counted) = self.counted.take() {
            // Two attempts may have the same time.
            if let Some(place) = self.attempts.iter().rposition(|attempt| attempt.at == counted) {
                self.attempts.remove(place);
            }
            self.month_units = self.month_units.saturating_sub(self.intent.units);
        }
        self
    }

    /// With its intent's attempt, if it has none: a call that seemed to fail took effect.
    #[must_use]
    pub fn counted_at(mut self, now: Timestamp, what: &str) -> Self {
        if self.counted.is_none() && self.intent.limits != Limits::Exempt {
            self.counted = Some(now);
            self.attempts.push(Attempt { at: now, about: self.intent.about.clone(), what: what.to_owned() });
            self.month_units = self.month_units.saturating_add(self.intent.units);
        }
        self
    }
}

/// One time that a target was acted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredAttempt")]
pub struct Attempt {
    pub at: Timestamp,
    /// What cooldown and budget are counted for, if not for the whole target: a release that was rolled back from, and
    /// the one in its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<String>,
    /// What was done, and who asked for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
}

/// Earlier versions stored only the time of an attempt.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredAttempt {
    At(Timestamp),
    Attempt {
        at: Timestamp,
        #[serde(default)]
        about: Vec<String>,
        #[serde(default)]
        what: String,
    },
}

impl From<StoredAttempt> for Attempt {
    fn from(stored: StoredAttempt) -> Self {
        match stored {
            StoredAttempt::At(at) => Self { at, about: Vec::new(), what: String::new() },
            StoredAttempt::Attempt { at, about, what } => Self { at, about, what },
        }
    }
}

/// A plan as it was when it was claimed: absolute values, so that carrying it out twice changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredIntent")]
pub struct Intent {
    pub trigger: Trigger,
    pub actions: Value,
    pub reason: String,
    #[serde(rename = "weight")]
    pub limits: Limits,
    /// What it adds to the month's count.
    pub units: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<String>,
    /// What the ledger is to remember once all is done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Whether a person has approved exactly this. Items of earlier versions do not say it.
    pub approved: Option<bool>,
    /// The target's follow-up before the claim, where the claim changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Before>,
}

/// As any version wrote it.
#[derive(Deserialize)]
struct StoredIntent {
    trigger: Trigger,
    actions: Value,
    reason: String,
    #[serde(rename = "weight")]
    limits: Option<Limits>,
    /// Earlier versions stored this instead: whether it counts for cooldown and budget.
    counts: Option<bool>,
    #[serde(default)]
    units: u32,
    #[serde(default)]
    about: Vec<String>,
    #[serde(default)]
    notes: Vec<Note>,
    approved: Option<bool>,
    instead_of: Option<Before>,
}

impl From<StoredIntent> for Intent {
    fn from(stored: StoredIntent) -> Self {
        let StoredIntent { trigger, actions, reason, units, about, notes, approved, instead_of, .. } = stored;
        let once = if stored.counts == Some(false) { Limits::Exempt } else { Limits::Apply };
        let limits = stored.limits.unwrap_or(once);
        Self { trigger, actions, reason, limits, units, about, notes, approved, instead_of }
    }
}

/// What a claim replaced. It is put back if nothing was changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Before {
    pub follow_up: Option<FollowUp>,
}

/// Which remedy is at work on a target: no other may begin there.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    pub function: String,
    pub lease_until: Timestamp,
}

/// Why a claim was not given.
#[derive(Debug)]
pub enum NotClaimed {
    KillSwitch,
    /// Another run was quicker: what was read no longer holds.
    Overtaken,
    /// Another remedy is at work on the target.
    Held,
    /// Another run has answered the event since this one read it.
    Answered,
    ApprovalUsed,
    Ledger(Error),
}

impl From<Error> for NotClaimed {
    fn from(error: Error) -> Self {
        Self::Ledger(error)
    }
}

impl Ledger {
    /// Claims the target, with the intent and its notes, in one conditional transaction.
    pub async fn claim(
        &self,
        target: &str,
        claim: &Claim,
        follow_up: &FollowUpChange,
        approval: Option<&Approval>,
    ) -> Result<(), NotClaimed> {
        let now = claim.claimed_at;
        let mut writes = vec![self.no_kill_switch(ALL, now)?, self.no_kill_switch(self.function, now)?];
        writes.push(self.put_claim(target, claim)?);
        writes.push(self.hold(target, claim)?);
        writes.push(self.unanswered(&claim.intent.trigger.id)?);
        if let Some(approval) = approval {
            writes.extend(self.use_approval(approval, now)?);
        }
        match follow_up {
            FollowUpChange::Keep => {}
            FollowUpChange::Set(follow_up) => {
                writes.push(put(self.put(self.follow_up_item(target, follow_up)?))?);
            }
            FollowUpChange::Clear => writes.push(self.end_follow_up(target)?),
        }
        for note in &claim.intent.notes {
            writes.extend(self.pending(target, note, &claim.execution_id)?);
        }
        self.transact(writes).await.map_err(|error| match reasons(&error).as_slice() {
            [] => NotClaimed::Ledger(aws::failed("write the claim to the ledger", &self.table, &error)),
            [all, function, ..] if failed_check(all) || failed_check(function) => NotClaimed::KillSwitch,
            [_, _, claim, ..] if failed_check(claim) => NotClaimed::Overtaken,
            [_, _, _, holder, ..] if failed_check(holder) => NotClaimed::Held,
            [_, _, _, _, event, ..] if failed_check(event) => NotClaimed::Answered,
            [_, _, _, _, _, approval, ..] if failed_check(approval) => NotClaimed::ApprovalUsed,
            reasons if reasons.iter().any(|reason| reason == "TransactionConflict") => NotClaimed::Overtaken,
            _ => NotClaimed::Ledger(aws::failed("write the claim to the ledger", &self.table, &error)),
        })
    }
}
