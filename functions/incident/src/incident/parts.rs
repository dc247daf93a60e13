//! The smaller parts of an incident's item.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    pub by: String,
    pub at: Timestamp,
}

/// Who is working on the incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// People; the state machine was never asked.
    People,
    /// The state machine has been asked for, and has not begun.
    #[serde(rename = "wanted")]
    MachineRequested { since: Timestamp },
    #[serde(rename = "machine")]
    StateMachine { execution: String, since: Timestamp },
    /// People, after the state machine.
    HandedOver { at: Timestamp, reason: String },
}

/// The state machine's last step and its answer: a repeated step gets the same answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    pub step: String,
    pub answer: Value,
}

/// The incident's item in OpsCenter, as it was last written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpsItem {
    pub id: String,
    pub open: bool,
}
