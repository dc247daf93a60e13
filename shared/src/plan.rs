//! What a remedy's plan is made from, and what it says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    clock::readable,
    code,
    decision::{Decision, Stop},
    freeze::Freeze,
};

/// What earlier runs on the target left for this plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Past<F> {
    /// Who asks and why, in words.
    pub asked: String,
    pub follow_up: Option<FollowUp<F>>,
    /// What this month's plans have counted so far (the calendar's month, UTC).
    pub month_units: u32,
    /// Whether the target's writes are frozen.
    pub freeze: Option<Freeze>,
}

impl<F> Default for Past<F> {
    fn default() -> Self {
        let asked = "asked by hand".to_owned();
        Self { asked, follow_up: None, month_units: 0, freeze: None }
    }
}

/// What to do, or why not to.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<A, F> {
    pub actions: Vec<A>,
    /// Why these actions.
    pub reason: String,
    /// What else a person should know before a yes, a line each.
    pub details: Vec<String>,
    pub follow_up: FollowUpChange<F>,
    pub limits: Limits,
    /// What it adds to the month's count, where AWS bills by number.
    pub units: u32,
    /// What cooldown and budget are counted for, if not for the whole target: first what the plan is about, then what
    /// comes of it.
    pub about: Vec<String>,
    /// What the ledger is to remember once all is done.
    pub notes: Vec<Note>,
    /// The request with which a person asks for exactly this.
    pub by_hand: Option<Value>,
    pub skipped: Option<Stop>,
}

/// What actions come to, in some words for people; empty where there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InShort {
    /// While they are not done: `clear /index.html in CloudFront`.
    pub planned: String,
    /// Once they are: `CloudFront: /index.html cleared`.
    pub done: String,
}

impl InShort {
    /// The same words before and after: `backend: 2 → 4 tasks`.
    pub fn always(words: String) -> Self {
        Self { planned: words.clone(), done: words }
    }

    /// As an outcome with this decision says it.
    pub(crate) fn after(&self, decision: Decision) -> &str {
        if decision == Decision::Applied { &self.done } else { &self.planned }
    }
}

/// Which limits a plan keeps to: the cooldown, and the day's budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limits {
    /// It waits for both, and counts for both.
    #[default]
    #[serde(rename = "full")]
    Apply,
    /// It counts for both but does not wait out a cooldown, since it cannot be put off. A person who named exactly what
    /// to do is bound by neither.
    #[serde(rename = "wished")]
    SkipCooldown,
    /// It undoes what an earlier action changed, and was allowed with it.
    #[serde(rename = "puts_back")]
    Exempt,
}

/// The answer when there is no follow-up.
pub fn nothing_to_look_after() -> Stop {
    Stop::nothing_to_do(&code::NOTHING_TO_LOOK_AFTER, "nothing is waiting to settle")
}

/// The answer while an earlier change still has time. `what` is the change, `seen` what it shows so far.
pub fn still_settling(what: &str, due: Timestamp, seen: &str) -> Stop {
    Stop::nothing_to_do(&code::STILL_SETTLING, format!("{what} has until {}: {seen}", readable(due)))
}

impl<A, F> Plan<A, F> {
    pub fn act(actions: Vec<A>, reason: impl Into<String>) -> Self {
        Self {
            actions,
            reason: reason.into(),
            details: Vec::new(),
            follow_up: FollowUpChange::Keep,
            limits: Limits::Apply,
            units: 0,
            about: Vec::new(),
            notes: Vec::new(),
            by_hand: None,
            skipped: None,
        }
    }

    pub fn skip(stop: Stop) -> Self {
        Self { skipped: Some(stop), ..Self::act(Vec::new(), String::new()) }
    }

    /// Ends the follow-up. It is recorded and people are notified, also on a scheduled run.
    pub fn settle(stop: Stop) -> Self {
        Self { follow_up: FollowUpChange::Clear, ..Self::skip(stop) }
    }

    /// Leaves the rest to the scheduled run.
    pub fn postpone(follow_up: FollowUp<F>, stop: Stop) -> Self {
        Self { follow_up: FollowUpChange::Set(follow_up), ..Self::skip(stop) }
    }
}

/// Something to look after once its time has come. `what` is the remedy's own type; the ledger stores it as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowUp<F = Value> {
    pub due: Timestamp,
    pub what: F,
    /// Whether it ends as soon as a run sees that the change works.
    #[serde(default)]
    pub until_verified: bool,
}

impl FollowUp {
    /// As the remedy that stored it reads it.
    pub(crate) fn read<F: DeserializeOwned>(&self) -> Result<FollowUp<F>, serde_json::Error> {
        let Self { due, until_verified, .. } = *self;
        F::deserialize(&self.what).map(|what| FollowUp { due, what, until_verified })
    }
}

impl<F: Serialize> FollowUp<F> {
    /// As the ledger stores it.
    pub(crate) fn stored(&self) -> FollowUp {
        let Self { due, ref what, until_verified } = *self;
        FollowUp { due, what: value(what), until_verified }
    }
}

/// What a claim does with the target's follow-up.
#[derive(Debug, Clone, PartialEq)]
pub enum FollowUpChange<F = Value> {
    Keep,
    Set(FollowUp<F>),
    Clear,
}

impl<F: Serialize> FollowUpChange<F> {
    /// As the ledger stores it.
    pub(crate) fn stored(&self) -> FollowUpChange {
        match self {
            Self::Keep => FollowUpChange::Keep,
            Self::Set(follow_up) => FollowUpChange::Set(follow_up.stored()),
            Self::Clear => FollowUpChange::Clear,
        }
    }
}

/// Actions as people read them.
pub(crate) fn lines<A: ToString>(actions: &[A]) -> Vec<String> {
    actions.iter().map(ToString::to_string).collect()
}

/// Our own types always serialize; a failure here would be a defect, and must not cost the run.
pub(crate) fn value(data: &impl Serialize) -> Value {
    serde_json::to_value(data).unwrap_or_default()
}

/// What the ledger is to remember of a change, for later decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// Writes are frozen.
    Frozen {
        freeze: Freeze,
        /// The freeze before this one. It is restored if this one fails.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Freeze>,
    },
    /// The freeze has ended.
    Thawed { before: Freeze },
    /// The release was rolled back from. No automatic roll-back chooses it again.
    RolledBack { release: String },
}
