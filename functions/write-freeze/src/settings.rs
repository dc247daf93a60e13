//! What this stack lets `write-freeze` do.

use std::time::Duration;

use shared::{
    alarms::Stack,
    freeze::Variable,
    settings::{Environment, SettingsError},
};

#[derive(Debug, Clone)]
pub struct Settings {
    pub cluster: String,
    pub service: String,
    pub ledger_table: String,
    /// What makes the application read-only, and in which container.
    pub variable: Variable,
    /// The time for the tasks to start. After it, people are notified that they have not.
    pub settle: Duration,
    /// Which alarms may call, and what they may be about.
    pub stack: Stack,
}

impl Settings {
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        Ok(Self {
            cluster: environment.text("CLUSTER")?,
            service: environment.text("SERVICE")?,
            ledger_table: environment.text("LEDGER_TABLE")?,
            variable: Variable {
                container: environment.text_or("CONTAINER", "backend"),
                name: environment.text_or("VARIABLE", "READONLY_MODE"),
                value: environment.text_or("VALUE", "true"),
            },
            settle: environment.seconds("SETTLE_SECONDS", 900, 10..=7_200)?,
            stack: Stack::from_environment(environment)?,
        })
    }

    /// The service's name in the ledger.
    pub(crate) fn target(&self) -> String {
        shared::ecs::resource_id(&self.cluster, &self.service)
    }
}
