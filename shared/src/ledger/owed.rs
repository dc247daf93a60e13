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
        Self { key: format!("{}#{execution_id}", clock::sortable(from)), notice, since: now }
    }

    pub fn item(&self) -> Item {
        let mut item = item_key(OWED, &self.key);
        let Notice { topic_arn, subject, message } = &self.notice;
        for (name, value) in [("topic", topic_arn), ("subject", subject), ("message", message)] {
            item.insert(name.to_owned(), string(value));
        }
        item.insert("expires_at".to_owned(), kept(self.since, AUDIT_KEPT));
        item
    }
}
