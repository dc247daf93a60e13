//! The front end: its build, its distribution, and what the probe meets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
pub use shared::probe::{Certificate, Check, Cors, Report as Probe};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Distribution {
    pub id: String,
    pub is_enabled: bool,
    /// `Deployed` or `InProgress`.
    pub status: String,
    /// Those in progress.
    pub invalidations: Vec<Invalidation>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Invalidation {
    pub id: String,
    pub created_at: Option<Timestamp>,
}

/// A build of the front end, by CodeBuild.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Build {
    pub id: String,
    /// `SUCCEEDED`, `FAILED`, `FAULT`, `TIMED_OUT`, `IN_PROGRESS` or `STOPPED`.
    pub status: String,
    /// The phase that failed, as in `BUILD`, `INSTALL`, `DOWNLOAD_SOURCE`.
    pub phase: String,
    /// What CodeBuild says of it.
    pub reason: String,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// Lines of its log with errors, masked, the last ones; looked up for a build that failed.
    pub errors: Vec<String>,
}
