//! The functions' scenarios: when each has something to do, and what it is asked then. One file a function.
//!
//! `make chaos` plays a scenario while every call goes wrong, and `make peer` has it answered by a second AWS. The
//! benchmark measures its jobs. What the tools know of a function without a sandbox is in the crate `subject`.

mod cache_invalidation;
mod diagnose;
mod health_probe;
mod incident;
mod restart;
mod rollback;
mod scale_up;
mod snapshot_restore;
mod write_freeze;

use std::future::ready;

use sandbox::Sandbox;

use crate::definition::{LEVEL_2, LEVEL_3, LocalWork, NOTICES, PROBE, Work};
use crate::job::{Addresses, Job};

pub use crate::definition::Scenario;

pub(crate) use crate::definition::{Deliver, Flow};

/// All of them, in the order of the subjects.
pub static ALL: [&Scenario; subject::COUNT] = [
    &health_probe::SCENARIO,
    &scale_up::SCENARIO,
    &rollback::SCENARIO,
    &restart::SCENARIO,
    &cache_invalidation::SCENARIO,
    &write_freeze::SCENARIO,
    &snapshot_restore::SCENARIO,
    &diagnose::SCENARIO,
    &incident::SCENARIO,
];

/// Why a person sends something although an alarm has called.
const STILL_BROKEN: &str = "it is still broken";

impl Scenario {
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|scenario| scenario.name() == name)
    }
}

/// Those of the functions that ask AWS for what moto has.
pub fn with_peer() -> impl Iterator<Item = &'static Scenario> {
    ALL.into_iter().filter(|scenario| scenario.peer.is_some())
}

/// What the benchmark measures.
pub fn jobs(endpoint: &Addresses) -> Vec<Job> {
    ALL.into_iter().flat_map(|scenario| (scenario.jobs)(endpoint)).collect()
}

/// For a function that has something to do whenever it is asked.
fn already(_: &Sandbox) -> Work<'_> {
    Box::pin(ready(anyhow::Ok(())))
}

/// A release that answers 500, and two before it.
fn broken_release(sandbox: &Sandbox) -> Work<'_> {
    Box::pin(async move {
        sandbox.release(&[]).await?;
        sandbox.release(&[("BROKEN", "true")]).await?;
        Ok(())
    })
}
