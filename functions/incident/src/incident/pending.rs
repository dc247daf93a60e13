//! A notice that is written to the ledger and that people may not have got yet.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::severity::Severity;

/// The run that wrote the notice has sent it within this time, or died.
const SENT_WITHIN: SignedDuration = SignedDuration::from_secs(30);

/// Why people get a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    Opened,
    /// The incident had ended, or all its alarms were OK.
    Reopened,
    /// Its severity has risen.
    Worse {
        from: Severity,
    },
    Escalated {
        reason: String,
    },
    /// A person opened it, and the probe finds nothing wrong.
    #[serde(rename = "passes")]
    ProbePasses,
    Resolved,
}

impl NoticeKind {
    /// The words a notice begins with.
    pub fn headline(&self) -> &'static str {
        match self {
            Self::Opened => "OPEN",
            Self::Reopened => "BACK AGAIN",
            Self::Worse { .. } => "WORSE",
            Self::Escalated { .. } => "ESCALATED",
            Self::ProbePasses => "PROBE PASSES",
            Self::Resolved => "RESOLVED",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingNotice {
    #[serde(rename = "news")]
    pub kind: NoticeKind,
    pub since: Timestamp,
    /// The levels that have got it, if another level could not be reached.
    #[serde(default)]
    pub told: BTreeSet<u8>,
    /// The levels that could not be reached.
    #[serde(default, rename = "in_vain")]
    pub unreached: BTreeSet<u8>,
}

impl PendingNotice {
    pub fn new(kind: NoticeKind, since: Timestamp) -> Self {
        Self { kind, since, told: BTreeSet::new(), unreached: BTreeSet::new() }
    }

    /// Whether the run that wrote it should have sent it by now.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        now.duration_since(self.since) >= SENT_WITHIN
    }
}
