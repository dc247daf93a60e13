//! What this stack lets `snapshot-restore` do.

use std::time::Duration;

use shared::settings::{Environment, SettingsError};

#[derive(Debug, Clone)]
pub struct Settings {
    /// The cluster that is restored from, and never written to.
    pub source: String,
    /// The secret that tells the service where its database is.
    pub secret: String,
    pub cluster: String,
    pub service: String,
    /// The health probe's function, which is asked whether the database answers.
    pub probe_function: String,
    /// A restore that is not done by then is given up.
    pub limit: Duration,
    /// The time for a cut-over to settle. After it, people are notified that it has not.
    pub settle: Duration,
    /// Whether this function runs in the database's network, and can try to connect.
    pub in_network: bool,
    /// How long a plan waits for its approval; the same variable that the policy reads.
    pub approval: Duration,
}

impl Settings {
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        Ok(Self {
            source: environment.text("SOURCE_CLUSTER")?,
            secret: environment.text("DATABASE_SECRET")?,
            cluster: environment.text("CLUSTER")?,
            service: environment.text("SERVICE")?,
            probe_function: environment.text("PROBE_FUNCTION")?,
            limit: environment.seconds("LIMIT_SECONDS", 14_400, 60..=86_400)?,
            settle: environment.seconds("SETTLE_SECONDS", 900, 10..=7_200)?,
            in_network: environment.parsed("IN_DATABASE_NETWORK", false)?,
            approval: environment.seconds("APPROVAL_SECONDS", 1_800, 60..=86_400)?,
        })
    }

    /// The source's name in the ledger.
    pub(crate) fn source_target(&self) -> String {
        format!("cluster/{}", self.source)
    }

    /// The service's name in the ledger.
    pub(crate) fn service_target(&self) -> String {
        shared::ecs::resource_id(&self.cluster, &self.service)
    }
}
