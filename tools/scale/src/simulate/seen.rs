//! What was seen of a simulated account.

use std::collections::BTreeMap;

use subject::Subject;

use crate::api::Api;
use crate::time::Micros;

/// How often an operation was called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub calls: u64,
    /// Of these attempts, so many were throttled; one call may be, several times.
    pub throttled: u64,
    /// Throttled until the SDK gave up.
    pub failed: u64,
    /// The most first attempts within one second.
    pub top_second: u64,
}

/// What was seen of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub apis: BTreeMap<Api, Count>,
    pub runs: u64,
    /// Runs that ended with an error.
    pub errors: u64,
    /// Of those, the ones that Lambda or a later state did not make good.
    pub lost: u64,
    /// Runs that Lambda would not start yet.
    pub refused: u64,
    /// The most runs at once of one deployment's function.
    pub most_of: BTreeMap<&'static Subject, u32>,
    pub most_at_once: u32,
    /// How long after its alarm each service's incident was open, and its first diagnosis there.
    pub opened: BTreeMap<u32, Micros>,
    pub diagnosed: BTreeMap<u32, Micros>,
    /// The longest run of `diagnose`.
    pub longest_diagnosis: Micros,
    /// Diagnoses, and those of them with a source that was not seen.
    pub diagnoses: u64,
    pub blind: u64,
    /// Remedies that a state machine asked for, and those of them that could not read what they needed.
    pub remedies: u64,
    pub remedies_failed: u64,
}

impl Seen {
    pub fn of(&self, api: Api) -> Count {
        self.apis.get(&api).copied().unwrap_or_default()
    }

    pub fn throttled(&self) -> u64 {
        self.apis.values().map(|count| count.throttled).sum()
    }

    pub fn failed(&self) -> u64 {
        self.apis.values().map(|count| count.failed).sum()
    }
}
