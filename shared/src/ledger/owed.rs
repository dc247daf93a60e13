//! A pending notice: written in the transaction that ends what it reports.

use jiff::{SignedDuration, Timestamp};

use super::{
    AUDIT_KEPT,
    items::{Item, item_key, kept, string},
};
use crate::{clock, notice::Notice};

pub(crate) const OWED: &str = "owed";
/// For this long, only the run that wrote or took on the notice sends it.
pub(crate) const OWN_TIME: SignedDuration = SignedDuration::from_secs(60);

/// A pending notice. Other runs may send it after the time in its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    pub(crate) key: String,
    pub notice: Notice,
    since: Timestamp,
}

impl Owed {
    /// `deadline` is when the run that owes it ends.
    pub fn new(execution_id: &str, notice: Notice, now: Timestamp, deadline: Timestamp) -> Self {
        let from = deadline.max(now).min(now + OWN_TIME);
        Self { key: key_of(from, execution_id), notice, since: now }
    }

    /// Due at a time, unless it is taken back before.
    pub(crate) fn at(due: Timestamp, name: &str, notice: Notice, now: Timestamp) -> Self {
        Self { key: key_of(due, name), notice, since: now }
    }

    pub fn item(&self) -> Item {
        let mut item = item_key(OWED, &self.key);
        let Notice { topic_arn, subject, message, facts } = &self.notice;
        for (name, value) in [("topic", topic_arn), ("subject", subject), ("message", message)] {
            item.insert(name.to_owned(), string(value));
        }
        // An earlier version sends the text, and leaves this out. Our own types always serialize.
        if let Some(facts) = facts.as_ref().and_then(|facts| serde_json::to_string(facts).ok()) {
            item.insert("facts".to_owned(), string(facts));
        }
        item.insert("expires_at".to_owned(), kept(self.since, AUDIT_KEPT));
        item
    }
}

pub(super) fn key_of(due: Timestamp, name: &str) -> String {
    format!("{}#{name}", clock::sortable(due))
}
