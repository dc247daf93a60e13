//! What holds in the deployment at the moment, as far as a notice depends on it.

use std::{collections::BTreeMap, time::Duration};

use shared::{ledger::Switch, settings::Mode};

/// A plan that waits for a person's approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingPlan {
    pub function: String,
    pub id: String,
}

#[derive(Debug, Clone)]
pub struct Deployment {
    pub environment: String,
    /// The name of this function, to which people send JSON.
    pub function: String,
    /// How long levels 1 and 2 have to acknowledge.
    pub acknowledge_within: [Duration; 2],
    /// The mode of each remedy of the state machine.
    pub remedies: BTreeMap<String, Mode>,
    /// The kill switches that are on.
    pub switches: Vec<Switch>,
    /// The plans that wait for approval.
    pub plans: Vec<WaitingPlan>,
    /// Whether plans are decided about over the queue of approvals alone.
    pub named_approvers: bool,
    /// Which levels could not be reached, and why.
    pub unreached: Vec<String>,
}

impl Deployment {
    /// Another function's name in the console.
    pub fn name_of(&self, task: &str) -> String {
        format!("{}{task}", self.function.trim_end_matches("incident"))
    }
}
