//! The votes about a plan, in its item: what people say over the queue of approvals.

use super::{
    Approval,
    approvals::{UNDECIDED, plan_key},
    items::{Item, built, failed_check, item_key, json, reasons, string, text, unusable},
};
use crate::{aws, clock, error::Error, vote::Vote};
use aws_sdk_dynamodb::{
    Client,
    types::{TransactWriteItem, Update},
};
use futures_util::future::try_join_all;
use jiff::Timestamp;

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
    use crate::{trigger::Sender, vote::Said};

    #[test]
    fn votes_are_read_as_they_were_written_and_what_cannot_be_read_is_no_plan() {
        let vote = |said, sender: &str| Vote {
            said,
            sender: Sender::of(sender),
            at: "2026-11-28T10:00:00Z".parse().unwrap(),
            message: "m-1".to_owned(),
            words: String::new(),
        };
        let votes = vec![vote(Said::Approve, "AROAEXAMPLE:alice"), vote(Said::Reject, "AIDAEXAMPLE")];
        let mut item = item_key("approval#restart", "0123456789");
        assert_eq!(of(&item).unwrap(), []);
        item.insert(VOTES.to_owned(), string(json(&votes).unwrap()));
        assert_eq!(of(&item).unwrap(), votes);
        item.insert(VOTES.to_owned(), string("7"));
        assert!(of(&item).is_err());
    }
}
