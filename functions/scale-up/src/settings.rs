//! What this stack allows `scale-up` to do.

use std::time::Duration;

use shared::{
    alarms::Stack,
    settings::{Environment, SettingsError},
};

/// ECS's own limit of tasks in a service
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html>).
pub(crate) const ECS_MAX_TASKS: u32 = 5_000;

#[derive(Debug, Clone)]
pub struct Settings {
    pub cluster: String,
    pub service: String,
    /// The service gets no more tasks than this.
    pub max_tasks: u32,
    /// How long a raised minimum stays, at least.
    pub raised_minimum: Duration,
    /// The alarms that call for more tasks. The scheduled run goes on while one of them lasts, and brings a
    /// raised minimum back once all have calmed down.
    pub load_alarms: Vec<String>,
    /// What an alarm may be about.
    pub stack: Stack,
}

impl Settings {
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        Ok(Self {
            cluster: environment.text("CLUSTER")?,
            service: environment.text("SERVICE")?,
            max_tasks: environment.number("MAX_TASKS", 10, 1..=ECS_MAX_TASKS)?,
            raised_minimum: environment.seconds("RAISED_MINIMUM_SECONDS", 3_600, 60..=604_800)?,
            load_alarms: environment.list("LOAD_ALARMS")?,
            stack: Stack::from_environment(environment)?,
        })
    }

    /// The service as Application Auto Scaling names it; also its name in the ledger.
    pub(crate) fn target(&self) -> String {
        shared::ecs::resource_id(&self.cluster, &self.service)
    }
}
