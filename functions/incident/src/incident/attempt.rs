//! A remedy that the state machine chose, and how it went.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::code;

/// One of our remedies, what it is asked, and the cause it is meant for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remedy {
    pub function: String,
    pub request: Value,
    pub cause: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    #[serde(flatten)]
    pub remedy: Remedy,
    pub at: Timestamp,
    /// The decision that the remedy answered, as in `applied`. `None` until it answers.
    pub decision: Option<String>,
    /// The remedy's reason, in words.
    pub reason: Option<String>,
    /// The plan that a person was asked to approve.
    pub approval: Option<String>,
    /// The remedy's reason code, as in `held_by_another_remedy`.
    #[serde(default)]
    pub code: Option<String>,
    /// Whether the same change was already under way.
    #[serde(default)]
    pub under_way: bool,
    /// How often the remedy was called again because it could not act yet.
    #[serde(default)]
    pub waits: u32,
}

impl Attempt {
    pub fn new(remedy: Remedy, at: Timestamp) -> Self {
        Self {
            remedy,
            at,
            decision: None,
            reason: None,
            approval: None,
            code: None,
            under_way: false,
            waits: 0,
        }
    }

    /// Whether the remedy could not act yet, but may at any moment: it is called again.
    pub fn is_waiting(&self) -> bool {
        // An item of an earlier version has the code alone.
        let for_now = |name: &str| code::is_for_now(name) || code::is_under_way(name);
        matches!(self.decision.as_deref(), Some("refused" | "nothing_to_do"))
            && (self.under_way || self.code.as_deref().is_some_and(for_now))
    }

    /// Whether it changed something, or may have.
    pub fn acted(&self) -> bool {
        self.counts() && !matches!(self.decision.as_deref(), Some("awaiting_approval" | "not_approved"))
    }

    /// Whether it counts against the number of remedies for one outage: it acted, or asked a person to let it.
    pub fn counts(&self) -> bool {
        !matches!(self.decision.as_deref(), Some("refused" | "nothing_to_do" | "observed"))
    }
}
