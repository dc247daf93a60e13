//! What people say about plans over the queue of approvals. Each vote is kept with the plan, and a sender counts once.

use aws_sdk_dynamodb::{
    Client,
    types::{TransactWriteItem, Update},
};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Approval,
    approvals::{UNDECIDED, plan_key},
    items::{Item, built, failed_check, item_key, json, reasons, string, text, unusable},
};
use crate::{aws, clock, error::Error, trigger::Sender};

/// A vote is a yes or a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    Approve,
    Reject,
}

impl Said {
    /// As in `alice approved it`.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Reject => "rejected",
        }
    }
}

/// What somebody said about a plan, as SQS names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    pub said: Said,
    pub sender: Sender,
    pub at: Timestamp,
    /// The message's id.
    pub message: String,
    /// Why, in the person's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// The attribute of a plan's item.
const VOTES: &str = "votes";

/// The votes in a plan's item.
pub(super) fn of(item: &Item) -> Result<Vec<Vote>, Error> {
    if !item.contains_key(VOTES) {
        return Ok(Vec::new());
    }
    let key = || format!("{} / {}", text(item, "pk"), text(item, "sk"));
    serde_json::from_str(text(item, VOTES))
        .map_err(|error| unusable(format!("the votes of {}: {error}", key())))
}

/// Who said this, as in `alice and bob`; empty if nobody did.
pub fn names(votes: &[Vote], said: Said) -> String {
    joined(votes.iter().filter(|vote| vote.said == said).map(|vote| vote.sender.name().to_owned()))
}

/// Who approved and when, as in `alice at 2026-11-28 10:00:00 UTC and bob at …`.
pub fn with_times(votes: &[Vote]) -> String {
    let of = |vote: &Vote| format!("{} at {}", vote.sender.name(), clock::readable(vote.at));
    joined(votes.iter().filter(|vote| vote.said == Said::Approve).map(of))
}

fn joined(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        Some((only, _)) => only.clone(),
        None => String::new(),
    }
}

/// The plans of all remedies.
#[derive(Debug, Clone)]
pub struct Plans {
    client: Client,
    table: String,
}

impl Plans {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// The plan with this id and its function, among these functions.
    pub async fn find(&self, functions: &[String], id: &str) -> Result<Option<(String, Approval)>, Error> {
        let read = functions.iter().map(async |function| {
            let answer = self
                .client
                .get_item()
                .table_name(&self.table)
                .set_key(Some(item_key(&partition(function), plan_key(id))))
                .consistent_read(true)
                .send()
                .await;
            let answer = answer.map_err(|error| aws::failed("read the ledger", &self.table, &error))?;
            Ok::<_, Error>(answer.item.map(|item| (function, item)))
        });
        for (function, item) in try_join_all(read).await?.into_iter().flatten() {
            match Approval::of(&item) {
                Ok(approval) if approval.id == id => return Ok(Some((function.clone(), approval))),
                Ok(_) => {}
                // Nobody can decide about one that cannot be read; asking again makes another.
                Err(error) => {
                    tracing::error!(error = crate::error::chain(&error), "an approval is left out");
                }
            }
        }
        Ok(None)
    }

    /// Adds a vote to those that were read, beside `other` writes. `false` if somebody has voted or decided meanwhile.
    pub async fn vote(
        &self,
        function: &str,
        approval: &Approval,
        vote: &Vote,
        now: Timestamp,
        other: Vec<TransactWriteItem>,
    ) -> Result<bool, Error> {
        let votes: Vec<&Vote> = approval.votes.iter().chain([vote]).collect();
        let unchanged =
            if approval.votes.is_empty() { "attribute_not_exists(votes)" } else { "votes = :read" };
        let mut update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(item_key(&partition(function), plan_key(&approval.id))))
            .update_expression("SET votes = :votes")
            .condition_expression(format!(
                "{UNDECIDED} AND expires = :expires AND expires > :now AND {unchanged}"
            ))
            .expression_attribute_values(":votes", string(json(&votes)?))
            .expression_attribute_values(":expires", string(clock::sortable(approval.expires)))
            .expression_attribute_values(":now", string(clock::sortable(now)));
        if !approval.votes.is_empty() {
            update = update.expression_attribute_values(":read", string(json(&approval.votes)?));
        }
        let mut writes = vec![TransactWriteItem::builder().update(built(update.build())?).build()];
        writes.extend(other);
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(true),
            Err(error)
                if reasons(&error).iter().any(|why| failed_check(why) || why == "TransactionConflict") =>
            {
                Ok(false)
            }
            Err(error) => Err(aws::failed("record the vote in the ledger", &approval.id, &error)),
        }
    }
}

fn partition(function: &str) -> String {
    format!("approval#{function}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(said: Said, name: &str) -> Vote {
        Vote {
            said,
            sender: Sender::new(format!("AROAEXAMPLE:{name}")),
            at: "2026-11-28T10:00:00Z".parse().unwrap(),
            message: "m-1".to_owned(),
            words: String::new(),
        }
    }

    #[test]
    fn voters_are_named() {
        let [alice, bob, cleo] = ["alice", "bob", "cleo"].map(|name| vote(Said::Approve, name));
        let no = vote(Said::Reject, "dan");
        assert_eq!(names(&[], Said::Approve), "");
        assert_eq!(names(&[alice.clone(), no.clone()], Said::Approve), "alice");
        assert_eq!(names(&[alice.clone(), bob.clone(), cleo], Said::Approve), "alice, bob and cleo");
        assert_eq!(names(&[alice.clone(), no], Said::Reject), "dan");
        assert_eq!(
            with_times(&[alice, bob]),
            "alice at 2026-11-28 10:00:00 UTC and bob at 2026-11-28 10:00:00 UTC"
        );
    }

    #[test]
    fn votes_are_read_as_they_were_written_and_what_cannot_be_read_is_no_plan() {
        let votes = vec![vote(Said::Approve, "alice"), vote(Said::Reject, "bob")];
        let mut item = item_key("approval#restart", "0123456789");
        assert_eq!(of(&item).unwrap(), []);
        item.insert(VOTES.to_owned(), string(json(&votes).unwrap()));
        assert_eq!(of(&item).unwrap(), votes);
        item.insert(VOTES.to_owned(), string("7"));
        assert!(of(&item).is_err());
    }
}
