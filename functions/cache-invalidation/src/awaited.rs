//! The invalidations that are looked after: kept in the ledger as the distribution's follow-up.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::plan::FollowUp;

use crate::observe::Asset;

/// CloudFront promises no time. Its invalidations mostly end within two minutes; one that has not after half an
/// hour is worth a person's look.
pub(crate) const PATIENCE: Duration = Duration::from_mins(30);
/// An item of the ledger holds 400 KB, and a set of paths up to 60.
const MAX_AWAITED: usize = 5;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Awaited {
    pub(crate) paths: Vec<String>,
    pub(crate) caller_reference: String,
    /// Why it was asked for.
    pub(crate) reason: String,
    /// Whether a run has claimed to send it; if not, it waits for room.
    pub(crate) sent: bool,
    /// From then on it is late.
    pub(crate) due: Timestamp,
    /// The assets as they were served before.
    pub(crate) before: Vec<Asset>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    awaited: Vec<Awaited>,
}

pub(crate) fn understands(what: &Value) -> bool {
    Kept::deserialize(what).is_ok()
}

/// What the ledger holds; nothing if it cannot be read.
pub(crate) fn read(follow_up: Option<&FollowUp>) -> Option<Vec<Awaited>> {
    match follow_up {
        None => Some(Vec::new()),
        Some(follow_up) => Kept::deserialize(&follow_up.what).ok().map(|kept| kept.awaited),
    }
}

/// What the ledger is to hold, the last of them new. A newer one takes the place of the oldest that was sent:
/// that one is only looked at, while one that waits would be lost. Nothing if all of them wait.
pub(crate) fn add(mut awaited: Vec<Awaited>, new: Awaited) -> Option<FollowUp> {
    if awaited.len() >= MAX_AWAITED {
        let sent = awaited.iter().position(|one| one.sent)?;
        awaited.remove(sent);
    }
    awaited.push(new);
    Some(follow_up(&awaited))
}

pub(crate) fn follow_up(awaited: &[Awaited]) -> FollowUp {
    FollowUp {
        due: awaited.iter().map(|one| one.due).max().unwrap_or_default(),
        what: json!(Kept { awaited: awaited.to_vec() }),
        // Of several, the run that sends one sees only the end of that one.
        until_verified: awaited.len() == 1,
    }
}
