//! A remedy that the state machine chose, and how it went.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{code, outcome::Decision};

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
    /// `None` until the remedy answers.
    pub decision: Option<Decided>,
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

/// What became of a call. An item has it as one word, as in `applied`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Decided {
    /// The remedy answered this.
    Remedy(Decision),
    /// It asked for approval, and nobody approved in time.
    NotApproved,
    /// A later version's word.
    Unknown(String),
}

impl Decided {
    const NOT_APPROVED: &str = "not_approved";

    pub fn as_str(&self) -> &str {
        match self {
            Self::Remedy(decision) => decision.as_str(),
            Self::NotApproved => Self::NOT_APPROVED,
            Self::Unknown(word) => word,
        }
    }
}

impl From<Decision> for Decided {
    fn from(decision: Decision) -> Self {
        Self::Remedy(decision)
    }
}

impl From<String> for Decided {
    fn from(word: String) -> Self {
        if word == Self::NOT_APPROVED {
            return Self::NotApproved;
        }
        match Decision::deserialize(Value::from(word.as_str())) {
            Ok(decision) => Self::Remedy(decision),
            Err(_) => Self::Unknown(word),
        }
    }
}

impl From<Decided> for String {
    fn from(decided: Decided) -> Self {
        decided.as_str().to_owned()
    }
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
        matches!(self.decision, Some(Decided::Remedy(Decision::Refused | Decision::NothingToDo)))
            && (self.under_way || self.code.as_deref().is_some_and(for_now))
    }

    /// Whether it changed something, or may have.
    pub fn acted(&self) -> bool {
        let waits_for_people =
            matches!(self.decision, Some(Decided::NotApproved | Decided::Remedy(Decision::AwaitingApproval)));
        self.counts() && !waits_for_people
    }

    /// Whether it counts against the number of remedies for one outage: it acted, or asked a person to let it.
    pub fn counts(&self) -> bool {
        let did_nothing = matches!(
            self.decision,
            Some(Decided::Remedy(Decision::Refused | Decision::NothingToDo | Decision::Observed))
        );
        !did_nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_call_is_written_as_one_word() {
        let read = |word: &str| serde_json::from_value::<Decided>(Value::from(word)).unwrap();
        assert_eq!(read("applied"), Decided::Remedy(Decision::Applied));
        assert_eq!(read("not_approved"), Decided::NotApproved);
        assert_eq!(read("postponed"), Decided::Unknown("postponed".to_owned()));
        for word in ["applied", "awaiting_approval", "not_approved", "postponed"] {
            assert_eq!(serde_json::to_value(read(word)).unwrap(), Value::from(word));
        }
    }
}
