//! What `restart` can do, in absolute values.

use std::fmt;

use serde::{Deserialize, Serialize};
use shared::ecs::revision;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A new deployment of the task definition that runs.
    Deploy {
        cluster: String,
        service: String,
        /// Its ARN. Named, so that it is what was looked at and nothing newer.
        task_definition: String,
        /// The deployment that is to be replaced, as in `ecs-svc/1234`: once it is not the primary one any more, the
        /// restart has begun.
        replaces: String,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Deploy { service, task_definition, .. } = self;
        write!(f, "restart {service}: a new deployment of {}", revision(task_definition))
    }
}
