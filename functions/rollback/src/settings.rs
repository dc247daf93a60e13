//! What this stack lets `rollback` do.

use std::time::Duration;

use shared::{
    alarms::Stack,
    settings::{Environment, SettingsError},
};

#[derive(Debug, Clone)]
pub struct Settings {
    pub cluster: String,
    pub service: String,
    pub ledger_table: String,
    /// The health probe's function, which is asked whether the API works.
    pub probe_function: String,
    /// An alarm rolls back only a release that is younger: an old one is not the cause.
    pub young_release: Duration,
    /// The time for a roll-back to settle. After it, people are notified that it has not.
    pub settle: Duration,
    /// What an alarm may be about.
    pub stack: Stack,
}

impl Settings {
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        Ok(Self {
            cluster: environment.text("CLUSTER")?,
            service: environment.text("SERVICE")?,
            ledger_table: environment.text("LEDGER_TABLE")?,
            probe_function: environment.text("PROBE_FUNCTION")?,
            young_release: environment.seconds("YOUNG_RELEASE_SECONDS", 3_600, 60..=604_800)?,
            settle: environment.seconds("SETTLE_SECONDS", 900, 10..=7_200)?,
            stack: Stack::from_environment(environment)?,
        })
    }

    /// The service's name in the ledger.
    pub(crate) fn target(&self) -> String {
        shared::ecs::resource_id(&self.cluster, &self.service)
    }
}
