//! What a remedy's plan is made from, and what it says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{clock::readable, code, decision::Stop, freeze::Freeze};

/// What a plan has to know beside what was read: what earlier runs on the target left for this one.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Who asks and why, in words.
    pub asked: String,
    pub follow_up: Option<FollowUp>,
    /// What this month's plans have counted so far (the calendar's month, UTC).
    pub month_units: u32,
    /// Whether the target's writes are frozen.
    pub freeze: Option<Freeze>,
}

impl Default for Past {
    fn default() -> Self {
        let asked = "it was asked for by hand".to_owned();
        Self { asked, follow_up: None, month_units: 0, freeze: None }
    }
}

/// What to do, or why not to.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<A> {
    pub actions: Vec<A>,
    /// Why these actions.
    pub reason: String,
    pub follow_up: FollowUpChange,
    pub weight: Weight,
    /// What it adds to the month's count, where AWS bills by number.
    pub units: u32,
    /// What cooldown and budget belong to, where that is less than the target: first what the plan is about, then what
    /// comes of it.
    pub about: Vec<String>,
    /// What the ledger is to remember once all is done.
    pub notes: Vec<Note>,
    /// How a person asks for just this.
    pub by_hand: Option<Value>,
    pub skipped: Option<Stop>,
}

/// What a plan has to do with the cooldown and the day's budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Waits for both, and counts for both.
    #[default]
    Full,
    /// Counts for both but does not wait out a cooldown, since it cannot be put off; a person who named exactly what
    /// to do is bound by neither.
    Wished,
    /// Puts back what an earlier action changed: whoever allowed that has allowed this.
    PutsBack,
}

/// That nothing waits to settle.
pub fn nothing_to_look_after() -> Stop {
    Stop::nothing_to_do(&code::NOTHING_TO_LOOK_AFTER, "nothing is waiting to settle")
}

/// That an earlier change still has time: what it is, and what was seen of it.
pub fn still_settling(what: &str, due: Timestamp, seen: &str) -> Stop {
    Stop::nothing_to_do(&code::STILL_SETTLING, format!("{what} has until {}: {seen}", readable(due)))
}

impl<A> Plan<A> {
    pub fn act(actions: Vec<A>, reason: impl Into<String>) -> Self {
        Self {
            actions,
            reason: reason.into(),
            follow_up: FollowUpChange::Keep,
            weight: Weight::Full,
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

    /// Ends what is looked after: recorded and told, also on a scheduled run.
    pub fn settle(stop: Stop) -> Self {
        Self { follow_up: FollowUpChange::Clear, ..Self::skip(stop) }
    }

    /// Leaves it to the scheduled run.
    pub fn postpone(follow_up: FollowUp, stop: Stop) -> Self {
        Self { follow_up: FollowUpChange::Set(follow_up), ..Self::skip(stop) }
    }
}

/// Something to look after once its time has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    pub due: Timestamp,
    pub what: Value,
    /// Whether it is over once the change has been seen to work.
    #[serde(default)]
    pub until_verified: bool,
}

/// What a claim does with the target's follow-up.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum FollowUpChange {
    #[default]
    Keep,
    Set(FollowUp),
    Clear,
}

/// What the ledger is to remember of a change, for later decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// Writes are frozen.
    Frozen {
        freeze: Freeze,
        /// The freeze that was there before: it holds on when nothing comes of this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Freeze>,
    },
    /// They are not any more.
    Thawed { before: Freeze },
    /// The release was rolled back from: nothing goes back to it by itself.
    RolledBack { release: String },
}
