//! What other functions left in the ledger: audit records, and plans that wait for approval.

use jiff::Timestamp;
use serde::Deserialize;
use shared::{
    clock,
    error::Error,
    ledger::{
        items::{Item, data, text},
        plan_key,
    },
    outcome::Outcome,
};

use super::{table::Store, timeline::MAX_ENTRIES};

/// Sorts behind every id.
pub(super) const LAST: char = '~';
/// More plans than a function asks people to approve.
const MAX_PLANS: usize = 1_000;

/// A plan that a person was asked to approve, as far as an incident needs it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Approval {
    #[serde(default)]
    id: String,
    pub expires: Timestamp,
    /// Whether a person has approved or rejected it.
    #[serde(skip)]
    pub decided: bool,
}

/// What was found in a partition, in order, and what is missing of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<T> {
    pub read: Vec<T>,
    /// How many items cannot be read.
    pub unreadable: usize,
    /// Whether there are older ones that were not looked at.
    pub has_more: bool,
}

impl<T> Found<T> {
    /// From items with the newest first, of which one more was asked for than is wanted.
    pub(super) fn of(items: &[Item], most: usize, read: impl Fn(&Item) -> Option<T>) -> Self {
        let newest = items.get(..most).unwrap_or(items);
        let read: Vec<T> = newest.iter().rev().filter_map(read).collect();
        Self { unreadable: newest.len() - read.len(), has_more: items.len() > most, read }
    }
}

impl Store {
    /// The newest outcomes that a function recorded between two times, in order.
    pub async fn outcomes(
        &self,
        function: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Outcome>, Error> {
        Ok(self.records(function, from, to, MAX_ENTRIES).await?.read)
    }

    /// The newest outcomes that a function recorded between two times, at most so many, in order.
    pub async fn records(
        &self,
        function: &str,
        from: Timestamp,
        to: Timestamp,
        most: usize,
    ) -> Result<Found<Outcome>, Error> {
        let between = (clock::sortable(from), format!("{}#{LAST}", clock::sortable(to)));
        let pk = format!("audit#{function}");
        let items = self.query(&pk, Some(between), false, most.saturating_add(1)).await?;
        // A record that cannot be read does not hide the others.
        Ok(Found::of(&items, most, |item| serde_json::from_str(text(item, "outcome")).ok()))
    }

    /// The plans of a function that wait for approval at `now`, the one that expires last first.
    pub async fn plans(&self, function: &str, now: Timestamp) -> Result<Vec<(String, Timestamp)>, Error> {
        let items = self.query(&format!("approval#{function}"), None, true, MAX_PLANS).await?;
        let waits = |item: &&Item| !item.contains_key("used_at") && !item.contains_key("rejected_at");
        let read = |item: &Item| {
            let approval: Approval = data(item).ok()?;
            (approval.expires > now).then_some((approval.id, approval.expires))
        };
        let mut plans: Vec<(String, Timestamp)> = items.iter().filter(waits).filter_map(read).collect();
        plans.sort_by_key(|(_, expires)| std::cmp::Reverse(*expires));
        Ok(plans)
    }

    /// A plan that a function asked people to approve.
    pub async fn approval(&self, function: &str, id: &str) -> Result<Option<Approval>, Error> {
        let item = self.item(&format!("approval#{function}"), plan_key(id)).await?;
        let decided = |item: &Item| item.contains_key("used_at") || item.contains_key("rejected_at");
        item.map(|item| Ok(Approval { decided: decided(&item), ..data(&item)? })).transpose()
    }
}
