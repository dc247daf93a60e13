//! The writes of which the ledger's transactions are made, each with its condition.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, builders::PutBuilder},
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    AUDIT_KEPT, Claim, DAY, HOLDER, KILL_SWITCH, Ledger, Seen,
    items::{Item, built, item_key, json, kept, only_met_another, put, reasons, string, target_key},
    kill_switch,
};
use crate::{aws, clock, error::Error, outcome::Outcome, plan::FollowUp};

impl Ledger {
    /// Sends a transaction, and sends it again if it met another one: that does not mean that a condition failed.
    /// All claims check the same kill switches, so runs that have nothing else in common may meet there.
    pub(super) async fn transact(
        &self,
        writes: Vec<TransactWriteItem>,
    ) -> Result<(), SdkError<TransactWriteItemsError>> {
        const MAX_TRIES: u32 = 4;
        let transaction = self.client.transact_write_items().set_transact_items(Some(writes));
        let mut tries = 1;
        loop {
            match transaction.clone().send().await {
                Err(error) if tries < MAX_TRIES && only_met_another(&reasons(&error)) => {
                    tokio::time::sleep(Duration::from_millis(20 << tries)).await;
                    tries += 1;
                }
                sent => return sent.map(|_| ()),
            }
        }
    }

    pub(super) async fn put_alone(&self, item: Item) -> Result<(), Error> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let sent = put.send().await;
        sent.map(|_| ()).map_err(|error| aws::failed("write to the ledger", &self.table, &error))
    }

    pub(super) fn audit(&self, outcome: &Outcome) -> Result<Item, Error> {
        let at = clock::sortable(outcome.at);
        let mut item = item_key(&self.key("audit"), &format!("{at}#{}", outcome.execution_id));
        for (name, value) in [
            ("decision", outcome.decision.as_str()),
            ("reason", &outcome.reason),
            ("target", &outcome.target),
            ("outcome", &json(outcome)?),
        ] {
            item.insert(name.to_owned(), AttributeValue::S(value.to_owned()));
        }
        item.insert("expires_at".to_owned(), kept(outcome.at, AUDIT_KEPT));
        Ok(item)
    }

    /// The claim as its next version, on condition that the version that was read is still there.
    pub(super) fn put_claim(&self, target: &str, claim: &Claim) -> Result<TransactWriteItem, Error> {
        let mut item = Self::item(&target_key(target), self.function, claim)?;
        item.insert("version".to_owned(), AttributeValue::N((claim.version.saturating_add(1)).to_string()));
        let put_claim = self.put(item);
        put(match &claim.in_place_of {
            Some(odd) => {
                let (condition, values) = odd.seen.condition();
                put_claim
                    .condition_expression(condition)
                    .set_expression_attribute_names(Some(Seen::names()))
                    .set_expression_attribute_values(Some(values).filter(|values| !values.is_empty()))
            }
            None if claim.version == 0 => put_claim.condition_expression("attribute_not_exists(pk)"),
            None => put_claim
                .condition_expression("version = :read")
                .expression_attribute_values(":read", AttributeValue::N(claim.version.to_string())),
        })
    }

    /// Takes the target for this function, unless another one is at work there.
    pub(super) fn hold(&self, target: &str, claim: &Claim) -> Result<TransactWriteItem, Error> {
        let mut item = item_key(&target_key(target), HOLDER);
        item.insert("held_by".to_owned(), string(self.function));
        item.insert("execution_id".to_owned(), string(&claim.execution_id));
        item.insert("lease_until".to_owned(), string(clock::sortable(claim.lease_until)));
        item.insert("expires_at".to_owned(), kept(claim.lease_until, DAY));
        // A lease that is not a time, or is longer than any run, counts as over.
        let free = "attribute_not_exists(pk) OR held_by = :function OR lease_until < :now OR lease_until > :beyond OR \
                    NOT attribute_type(lease_until, :text)";
        let beyond = claim.claimed_at.checked_add(DAY).unwrap_or(Timestamp::MAX);
        let hold = self
            .put(item)
            .condition_expression(free)
            .expression_attribute_values(":function", string(self.function))
            .expression_attribute_values(":now", string(clock::sortable(claim.claimed_at)))
            .expression_attribute_values(":beyond", string(clock::sortable(beyond)))
            .expression_attribute_values(":text", string("S"));
        put(hold)
    }

    pub(super) fn let_go(&self, target: &str, execution_id: &str) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(item_key(&target_key(target), HOLDER)))
            .condition_expression("attribute_not_exists(pk) OR execution_id = :run")
            .expression_attribute_values(":run", string(execution_id));
        Ok(TransactWriteItem::builder().delete(built(delete.build())?).build())
    }

    pub(super) fn follow_up_item(&self, target: &str, follow_up: &FollowUp) -> Result<Item, Error> {
        let mut item = Self::item(&target_key(target), &self.follow_up_key(), follow_up)?;
        item.insert("due".to_owned(), string(follow_up.due.to_string()));
        Ok(item)
    }

    pub(super) fn end_follow_up(&self, target: &str) -> Result<TransactWriteItem, Error> {
        let key = item_key(&target_key(target), &self.follow_up_key());
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key)).build();
        Ok(TransactWriteItem::builder().delete(built(delete)?).build())
    }

    pub(super) fn no_kill_switch(&self, scope: &str, now: Timestamp) -> Result<TransactWriteItem, Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(item_key(KILL_SWITCH, scope)))
            .condition_expression(kill_switch::OFF)
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":now", kill_switch::now_value(now));
        Ok(TransactWriteItem::builder().condition_check(built(check.build())?).build())
    }

    /// `BatchGetItem` is not a snapshot. Another run may store its answer after we read the event and before we read
    /// the claim, so the claim checks the event again.
    pub(super) fn unanswered(&self, event_id: &str) -> Result<TransactWriteItem, Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(item_key(&self.key("event"), event_id)))
            .condition_expression("attribute_not_exists(pk)");
        Ok(TransactWriteItem::builder().condition_check(built(check.build())?).build())
    }

    pub(super) fn put(&self, item: Item) -> PutBuilder {
        Put::builder().table_name(&self.table).set_item(Some(item))
    }

    /// An item with its content as JSON in `data`.
    pub(super) fn item(pk: &str, sk: &str, data: &impl Serialize) -> Result<Item, Error> {
        let mut item = item_key(pk, sk);
        item.insert("data".to_owned(), AttributeValue::S(json(data)?));
        Ok(item)
    }

    pub(super) fn key(&self, kind: &str) -> String {
        format!("{kind}#{}", self.function)
    }

    pub(super) fn follow_up_key(&self) -> String {
        format!("{}#follow-up", self.function)
    }
}
