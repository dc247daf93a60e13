//! What `rollback` can do, in absolute values.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use shared::{ecs::TaskDefinition, freeze::Variable};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Has ECS undo a deployment that is under way.
    StopDeployment { service_deployment: String, from: String, to: String },
    /// Points the service at an older task definition.
    Deploy {
        from: String,
        to: String,
        /// Whether a copy of it must be registered first.
        copy: bool,
        /// Images to be named by digest in the copy, since their tag has moved on.
        images: BTreeMap<String, String>,
        /// What the copy must have, since writes are frozen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freeze: Option<Variable>,
        /// What is done instead where ECS does not take it: the same to the next ones.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        or: Vec<Self>,
    },
}

/// What a roll-back that is under way comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) to: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) images: BTreeMap<String, String>,
}

impl Target {
    pub(crate) fn is(&self, definition: &TaskDefinition) -> bool {
        let has = |(container, image): (&String, &String)| definition.images.get(container) == Some(image);
        definition.is(&self.to) && self.images.iter().all(has)
    }
}

impl Action {
    /// What it may come to, the first choice first.
    pub(crate) fn targets(&self) -> Vec<Target> {
        match self {
            Self::StopDeployment { to, .. } => vec![Target { to: to.clone(), images: BTreeMap::new() }],
            Self::Deploy { to, images, or, .. } => {
                let first = Target { to: to.clone(), images: images.clone() };
                std::iter::once(first).chain(or.iter().flat_map(Self::targets)).collect()
            }
        }
    }

    /// The next choice.
    pub(crate) fn instead(&self) -> Option<Self> {
        let Self::Deploy { or, .. } = self else {
            return None;
        };
        let (next, rest) = or.split_first()?;
        let mut next = next.clone();
        if let Self::Deploy { or, .. } = &mut next {
            *or = rest.to_vec();
        }
        Some(next)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StopDeployment { from, to, .. } => {
                write!(f, "stop the deployment of {from} and have ECS roll back to {to}")
            }
            Self::Deploy { from, to, copy: false, freeze: None, .. } => {
                write!(f, "roll back from {from} to {to}")
            }
            Self::Deploy { from, to, images, freeze, .. } => {
                write!(f, "roll back from {from} to a copy of {to}")?;
                let variable = freeze.iter().map(ToString::to_string);
                let with: Vec<String> = variable.chain(images.values().cloned()).collect();
                if with.is_empty() {
                    write!(f, ", which is INACTIVE")
                } else {
                    write!(f, " with {}", with.join(" and "))
                }
            }
        }
    }
}
