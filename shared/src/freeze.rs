//! A freeze of writes: a variable in the service's containers that makes the application read-only, and an item
//! of the ledger by which every remedy knows of it: `target#<target>`, `freeze`.

use aws_sdk_ecs::types::{ContainerDefinition, KeyValuePair};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::readable;

/// What makes the application read-only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// The container that has it.
    pub container: String,
    /// As in `READONLY_MODE`.
    pub name: String,
    /// As in `true`.
    pub value: String,
}

impl Variable {
    /// Whether the container has it, with this value.
    pub fn is_in(&self, containers: &[ContainerDefinition]) -> bool {
        let is_it = |variable: &KeyValuePair| {
            variable.name() == Some(&self.name) && variable.value() == Some(&self.value)
        };
        self.of(containers).is_some_and(|container| container.environment().iter().any(is_it))
    }

    /// Whether the container takes it from a secret: ECS refuses to have it beside that.
    pub fn is_secret_in(&self, containers: &[ContainerDefinition]) -> bool {
        self.of(containers)
            .is_some_and(|container| container.secrets().iter().any(|secret| secret.name() == self.name))
    }

    /// The container with this variable; any other as it is.
    pub fn set(&self, container: ContainerDefinition) -> ContainerDefinition {
        if container.name() != Some(&self.container) || self.is_in(std::slice::from_ref(&container)) {
            return container;
        }
        let mut container = self.removed(container);
        let variable = KeyValuePair::builder().name(&self.name).value(&self.value).build();
        container.environment.get_or_insert_default().push(variable);
        container
    }

    /// The container without the variable, whatever its value; any other as it is.
    pub fn removed(&self, mut container: ContainerDefinition) -> ContainerDefinition {
        if container.name() == Some(&self.container)
            && let Some(environment) = &mut container.environment
        {
            environment.retain(|variable| variable.name() != Some(&self.name));
        }
        container
    }

    fn of<'a>(&self, containers: &'a [ContainerDefinition]) -> Option<&'a ContainerDefinition> {
        containers.iter().find(|container| container.name() == Some(&self.container))
    }
}

impl std::fmt::Display for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

/// A freeze that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    pub since: Timestamp,
    pub variable: Variable,
    /// The `family:revision` that it found.
    pub release: String,
    /// In a person's or an alarm's words.
    pub reason: String,
    /// Whether a run is still at it, or died over it: what the service runs says whether it is so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
}

impl Freeze {
    /// For a remedy's reason.
    pub fn said(&self) -> String {
        if self.since == Timestamp::UNIX_EPOCH {
            return "writes are frozen, since when cannot be read".to_owned();
        }
        format!("writes are frozen since {}", readable(self.since))
    }
}
