//! What `scale-up` can do, in absolute values.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    SetMinCapacity {
        resource_id: String,
        min_capacity: u32,
    },
    SetDesiredCount {
        cluster: String,
        service: String,
        desired_count: u32,
    },
    RestoreMinCapacity {
        resource_id: String,
        min_capacity: u32,
        /// What it was raised to: another minimum is somebody else's.
        #[serde(default)]
        raised_to: Option<u32>,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetMinCapacity { resource_id, min_capacity } => {
                write!(f, "raise the minimum capacity of {resource_id} to {min_capacity}")
            }
            Self::SetDesiredCount { service, desired_count, .. } => {
                write!(f, "set the desired count of {service} to {desired_count}")
            }
            Self::RestoreMinCapacity { resource_id, min_capacity, .. } => {
                write!(f, "bring the minimum capacity of {resource_id} back to {min_capacity}")
            }
        }
    }
}
