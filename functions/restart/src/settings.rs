//! What this stack lets `restart` do.

use std::time::Duration;

use shared::{
    alarms::Stack,
    settings::{Environment, SettingsError},
};

#[derive(Debug, Clone)]
pub struct Settings {
    pub cluster: String,
    pub service: String,
    /// The time for a restart to settle. After it, people are notified that it has not.
    pub settle: Duration,
    /// Which alarms may call, and what they may be about.
    pub stack: Stack,
}

impl Settings {
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        Ok(Self {
            cluster: environment.text("CLUSTER")?,
            service: environment.text("SERVICE")?,
            settle: environment.seconds("SETTLE_SECONDS", 900, 10..=7_200)?,
            stack: Stack::from_environment(environment)?,
        })
    }

    /// The service's name in the ledger.
    pub(crate) fn target(&self) -> String {
        shared::ecs::resource_id(&self.cluster, &self.service)
    }
}
