//! What `write-freeze` can do, in absolute values.

use std::fmt;

use serde::{Deserialize, Serialize};
use shared::freeze::Variable;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing but that other remedies know: what runs is frozen already.
    Note { release: String, variable: Variable, reason: String },
    /// Points the service at a copy of its task definition that has the variable.
    Freeze { release: String, variable: Variable },
    /// Points the service at the release that was frozen.
    GoBack { from: String, to: String },
    /// Points the service at a copy of its task definition without the variable.
    Unfreeze {
        from: String,
        /// The release that the copy stands for.
        release: String,
        variable: Variable,
    },
    /// Nothing but that other remedies know: what runs is not frozen any more.
    End,
}

impl Action {
    /// Whether writes are frozen once it is done, where it deploys something.
    pub(crate) fn freezes(&self) -> Option<bool> {
        match self {
            Self::Freeze { .. } => Some(true),
            Self::GoBack { .. } | Self::Unfreeze { .. } => Some(false),
            Self::Note { .. } | Self::End => None,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note { release, .. } => write!(f, "note that writes to {release} are frozen"),
            Self::Freeze { release, variable } => {
                write!(
                    f,
                    "deploy a copy of {release} with {variable} in its container {}",
                    variable.container
                )
            }
            Self::GoBack { from, to } => write!(f, "go back from {from} to {to}"),
            Self::Unfreeze { from, variable, .. } => {
                write!(f, "deploy a copy of {from} without {}", variable.name)
            }
            Self::End => write!(f, "note that writes are not frozen any more"),
        }
    }
}
