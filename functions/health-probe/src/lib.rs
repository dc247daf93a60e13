//! Whether LendPeak2 can be used, as its users meet it: the API's health, its database and Redis, the front
//! end's page and a main asset, and the browser's permission to log in. It changes nothing; what it finds
//! goes into a report and into metrics.
//!
//! - [`settings`], [`request`]: what to look at.
//! - [`check`]: the six checks; all run at once.
//! - [`http`], with [`phases`], [`timed`], [`certificate`] and [`failure`]: one exchange, each step timed.
//! - [`retry`]: when to ask again.
//! - [`shared::status`], [`verdict`], [`content`], [`cache`], [`cors`], [`finding`]: what an answer means.
//! - [`report`], [`diagnosis`]: what a person reads.
//! - [`metrics`]: what alarms and dashboards read.
//! - [`release`]: notes which release ran while all was well.

pub mod cache;
pub mod certificate;
pub mod check;
pub mod content;
pub mod cors;
pub mod diagnosis;
pub mod failure;
pub mod finding;
pub mod http;
pub mod metrics;
pub mod phases;
pub mod probe;
pub mod release;
pub mod report;
pub mod request;
pub mod retry;
pub mod settings;
pub mod timed;
pub mod verdict;

pub use probe::Probe;

#[cfg(test)]
mod loopback;
