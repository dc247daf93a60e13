//! The writes of which the ledger's transactions are made, each with its condition.

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update, builders::PutBuilder,
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    AUDIT_KEPT, Claim, DAY, FollowUp, HOLDER, Ledger,
    items::{Item, built, item_key, json, kept, put, string, target_key},
};
use crate::{clock, error::Error, outcome::Outcome};

impl Ledger {
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
        put(if claim.version == 0 {
            put_claim.condition_expression("attribute_not_exists(pk)")
        } else {
            put_claim
                .condition_expression("version = :read")
                .expression_attribute_values(":read", AttributeValue::N(claim.version.to_string()))
        })
    }

    /// Takes the target for this function, unless another one is at work there.
    pub(super) fn hold(&self, target: &str, claim: &Claim) -> Result<TransactWriteItem, Error> {
        let mut item = item_key(&target_key(target), HOLDER);
        item.insert("held_by".to_owned(), string(self.function));
        item.insert("execution_id".to_owned(), string(&claim.execution_id));
        item.insert("lease_until".to_owned(), string(clock::sortable(claim.lease_until)));
        item.insert("expires_at".to_owned(), kept(claim.lease_until, DAY));
        let free = "attribute_not_exists(pk) OR held_by = :function OR lease_until < :now";
        let hold = self
            .put(item)
            .condition_expression(free)
            .expression_attribute_values(":function", string(self.function))
            .expression_attribute_values(":now", string(clock::sortable(claim.claimed_at)));
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

    pub(super) fn no_kill_switch(&self, scope: &str) -> Result<TransactWriteItem, Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(item_key("kill-switch", scope)))
            .condition_expression("attribute_not_exists(pk)");
        Ok(TransactWriteItem::builder().condition_check(built(check.build())?).build())
    }

    /// A read of many items is not of one moment: the answer may have come after it was looked for and before
    /// the claim was, which then looks free.
    pub(super) fn unanswered(&self, event_id: &str) -> Result<TransactWriteItem, Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(item_key(&self.key("event"), event_id)))
            .condition_expression("attribute_not_exists(pk)");
        Ok(TransactWriteItem::builder().condition_check(built(check.build())?).build())
    }

    pub(super) fn use_approval(&self, id: &str, now: Timestamp) -> Result<TransactWriteItem, Error> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(item_key(&self.key("approval"), id)))
            .update_expression("SET used_at = :now")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(used_at)")
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()));
        Ok(TransactWriteItem::builder().update(built(update.build())?).build())
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
