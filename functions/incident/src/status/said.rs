//! What a person says of a component, and how long it holds.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::request::Component;

/// A component's state, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentState {
    #[serde(flatten)]
    pub component: Component,
    pub at: Timestamp,
    /// Until when it holds. An earlier version wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The incidents that were open when it was said: with the end of the last of them it no longer holds.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub incidents: BTreeSet<String>,
}

impl ComponentState {
    /// What nobody has said again for this long is forgotten, and not true any more.
    pub const HOLDS_FOR: SignedDuration = SignedDuration::from_hours(12);

    /// Whether it still holds, when these incidents are open.
    pub fn holds(&self, open: &BTreeSet<String>, now: Timestamp) -> bool {
        let until = self.until.or_else(|| self.at.checked_add(Self::HOLDS_FOR).ok());
        let is_lifted = !self.incidents.is_empty() && self.incidents.is_disjoint(open);
        until.is_none_or(|until| now < until) && !is_lifted
    }
}
