//! What the health probe says right now.

use serde::Serialize;
use shared::error::Error;

use crate::{Clients, settings::Settings};

/// Which layers answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    pub api: bool,
    pub database: bool,
    pub redis: bool,
    /// The probe's own words.
    pub summary: String,
}

impl Health {
    /// Whether the database is what fails. An API that cannot answer for Redis either is itself at fault.
    pub(crate) fn is_the_database(&self) -> bool {
        !self.api && !self.database && self.redis
    }
}

/// Asks the probe once.
pub(crate) async fn ask(clients: &Clients, settings: &Settings) -> Result<Health, Error> {
    let checks = ["health", "health-db", "health-redis"];
    let report = shared::probe::ask(clients.lambda(), &settings.probe_function, &checks).await?;
    Ok(Health {
        api: report.passes("health"),
        database: report.passes("health-db"),
        redis: report.passes("health-redis"),
        summary: report.summary,
    })
}
