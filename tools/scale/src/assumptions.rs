//! What nobody can count in the template: how often things go wrong, and how large they are.

use clap::Args;

/// Of one service in a month, unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Assumptions {
    /// Services in the fleet.
    #[arg(long, default_value_t = 1_000)]
    pub services: u32,
    /// Accounts that they are in.
    #[arg(long, default_value_t = 20)]
    pub accounts: u32,
    /// Incidents in which a remedy is tried.
    #[arg(long, default_value_t = 1.0)]
    pub incidents: f64,
    /// Alarms that are over when the state machine looks.
    #[arg(long, default_value_t = 2.0)]
    pub flaps: f64,
    /// Releases of the front end, each cleared from the CDN.
    #[arg(long, default_value_t = 8.0)]
    pub releases: f64,
    /// Paths of one invalidation.
    #[arg(long, default_value_t = 1.0)]
    pub paths: f64,
    /// Restores of the database.
    #[arg(long, default_value_t = 0.1)]
    pub restores: f64,
    /// Hours that a restored cluster lives until it is discarded, or takes the source's place.
    #[arg(long, default_value_t = 24.0)]
    pub restore_hours: f64,
    /// Instances of it, each a db.r6g.large.
    #[arg(long, default_value_t = 2.0)]
    pub restore_instances: f64,
    /// Gigabytes in it.
    #[arg(long, default_value_t = 100.0)]
    pub database_gb: f64,
    /// Minutes from an incident's beginning until the probe passes again.
    #[arg(long, default_value_t = 5.0)]
    pub recovery_minutes: f64,
    /// People who get a notice by e-mail.
    #[arg(long, default_value_t = 3.0)]
    pub readers: f64,
    /// Kilobytes of the page and the asset that the probe reads.
    #[arg(long, default_value_t = 70.0)]
    pub front_end_kb: f64,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            services: 1_000,
            accounts: 20,
            incidents: 1.0,
            flaps: 2.0,
            releases: 8.0,
            paths: 1.0,
            restores: 0.1,
            restore_hours: 24.0,
            restore_instances: 2.0,
            database_gb: 100.0,
            recovery_minutes: 5.0,
            readers: 3.0,
            front_end_kb: 70.0,
        }
    }
}

impl Assumptions {
    /// Services of each account.
    pub fn an_account(&self) -> u32 {
        self.services.div_ceil(self.accounts.max(1))
    }

    /// Each flag with its value and the reason for it.
    pub fn rows(&self) -> Vec<(&'static str, String, &'static str)> {
        vec![
            (
                "--incidents",
                self.incidents.to_string(),
                "a service that is down once a month is not a good one",
            ),
            ("--flaps", self.flaps.to_string(), "alarms that are over at the first look"),
            ("--releases", self.releases.to_string(), "two a week of the front end, each one invalidation"),
            ("--paths", self.paths.to_string(), "`/*` is one path"),
            ("--restores", self.restores.to_string(), "not one a year for each service, drills among them"),
            ("--restore-hours", self.restore_hours.to_string(), "a day until it is discarded"),
            (
                "--restore-instances",
                self.restore_instances.to_string(),
                "a writer and a reader, db.r6g.large",
            ),
            ("--database-gb", self.database_gb.to_string(), "its volume is billed while it lives"),
            ("--recovery-minutes", self.recovery_minutes.to_string(), "ECS replaces tasks in some minutes"),
            ("--readers", self.readers.to_string(), "one on call at each level"),
            (
                "--front-end-kb",
                self.front_end_kb.to_string(),
                "a page, and the 64 KiB after which the probe stops reading",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        assumptions: Assumptions,
    }

    #[test]
    fn without_flags_the_assumptions_are_the_documents() {
        assert_eq!(Flags::parse_from(["scale"]).assumptions, Assumptions::default());
    }
}
