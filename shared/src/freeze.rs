//! A freeze of writes: a variable in the service's containers that makes the application read-only, and an item
//! of the ledger that tells every remedy of it: `target#<target>`, `freeze`.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use aws_sdk_ecs::types::{ContainerDefinition, KeyValuePair};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    aws,
    clock::readable,
    error::Error,
    ledger::{
        FREEZE,
        items::{item_key, target_key},
    },
};

/// What makes the application read-only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Freeze {
    pub since: Timestamp,
    pub variable: Variable,
    /// The `family:revision` that it found.
    pub release: String,
    /// In a person's or an alarm's words.
    pub reason: String,
}

impl Freeze {
    /// For a remedy's reason.
    pub fn said(&self) -> String {
        format!("writes are frozen since {}", readable(self.since))
    }
}

/// The ledger's part about freezes.
#[derive(Debug, Clone)]
pub struct Freezes {
    client: Client,
    table: String,
}

impl Freezes {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Notes that a target's writes are frozen. One that is frozen already stays so since then.
    pub async fn begin(
        &self,
        target: &str,
        variable: &Variable,
        release: &str,
        reason: &str,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item_key(&target_key(target), FREEZE)))
            .update_expression(
                "SET #since = if_not_exists(#since, :since), #container = :container, #variable = :variable, \
                 #value = :value, #release = :release, #reason = :reason",
            );
        for (name, value) in [
            ("since", at.to_string().as_str()),
            ("container", &variable.container),
            ("variable", &variable.name),
            ("value", &variable.value),
            ("release", release),
            ("reason", reason),
        ] {
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), AttributeValue::S(value.to_owned()));
        }
        update
            .send()
            .await
            .map(|_| ())
            .map_err(|error| aws::failed("note the freeze in the ledger", target, &error))
    }

    /// Notes that they are not any more.
    pub async fn end(&self, target: &str) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(item_key(&target_key(target), FREEZE)))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| aws::failed("end the freeze in the ledger", target, &error))
    }
}
