//! Plans that wait for a person. There is one for a plan, however often it is asked for: who asks again joins it.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update, builders::UpdateBuilder};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    DAY, Ledger, NotSettled, OWED, Owed, Settlement,
    items::{Item, built, data, item_key, kept, put, string, text},
    owed, votes,
};
use crate::{aws, clock, error::Error, notice::Notice, trigger::Trigger, vote::Vote};

/// How much of an id names the plan; the rest tells one time that it was asked for from another.
const PLAN: usize = 10;
/// A run that is approved in the last second has begun by then.
const UNTIL_TOLD: SignedDuration = SignedDuration::from_secs(60);

/// A plan that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    pub id: String,
    /// Who asked, and with what.
    pub trigger: Trigger,
    pub target: String,
    pub plan_hash: String,
    /// Its actions, as people read them.
    #[serde(default)]
    pub plan: Vec<String>,
    /// The plan's own words. Items of earlier versions do not have it.
    #[serde(default)]
    pub reason: String,
    /// What else a person should know before a yes, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// Its actions, as they are done. Items of earlier versions do not have them.
    #[serde(default)]
    pub actions: Value,
    pub expires: Timestamp,
    #[serde(skip)]
    pub used: bool,
    #[serde(skip)]
    pub rejected: Option<Rejection>,
    /// What people have said about it over the queue of approvals.
    #[serde(skip)]
    pub votes: Vec<Vote>,
}

/// Who said no, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejection {
    pub by: String,
    pub reason: String,
    pub at: String,
}

impl Approval {
    /// An id that says which plan it is for.
    pub fn id_of(plan_hash: &str, asked_hash: &str) -> String {
        const ASKED: usize = 4;
        plan_hash.chars().take(PLAN).chain(asked_hash.chars().take(ASKED)).collect()
    }

    /// Whether it can still be approved.
    pub fn is_open(&self, now: Timestamp) -> bool {
        !self.used && self.rejected.is_none() && now < self.expires
    }

    /// The notice that it has expired. Whoever decides takes it back.
    pub fn expiry(&self, notice: Notice, now: Timestamp) -> Owed {
        Owed::at(self.told_at(), &self.expiry_name(), notice, now)
    }

    fn told_at(&self) -> Timestamp {
        self.expires + UNTIL_TOLD
    }

    fn expiry_name(&self) -> String {
        format!("expired-{}", self.id)
    }

    pub(super) fn of(item: &Item) -> Result<Self, Error> {
        let is_rejected = item.contains_key("rejected_at");
        let rejected = is_rejected.then(|| Rejection {
            by: text(item, "rejected_by").to_owned(),
            reason: text(item, "rejected_reason").to_owned(),
            at: text(item, "rejected_at").to_owned(),
        });
        let used = item.contains_key("used_at");
        Ok(Self { used, rejected, votes: votes::of(item)?, ..data(item)? })
    }
}

/// The sort key of an id's plan. Ids were once keys themselves, and shorter.
pub fn plan_key(id: &str) -> &str {
    const ONCE: usize = 12;
    if id.len() <= ONCE { id } else { id.get(..PLAN).unwrap_or(id) }
}

impl Ledger {
    /// Stores a plan for a person to approve, with the record of that, the notice, and the one for when it expires. The plan
    /// that waits already, if there is one: nothing is written then.
    pub async fn ask(
        &self,
        approval: &Approval,
        expiry: Option<&Owed>,
        settlement: &Settlement<'_>,
        now: Timestamp,
    ) -> Result<bool, NotSettled> {
        let mut item = Self::item(&self.key("approval"), plan_key(&approval.id), approval)?;
        item.insert("expires_at".to_owned(), kept(approval.expires, DAY));
        item.insert("expires".to_owned(), string(clock::sortable(approval.expires)));
        let ask = self
            .put(item)
            .condition_expression(
                "attribute_not_exists(pk) OR attribute_exists(used_at) OR attribute_exists(rejected_at) OR expires < :now \
                 OR attribute_not_exists(expires)",
            )
            .expression_attribute_values(":now", string(clock::sortable(now)));
        let mut with = vec![put(ask)?];
        if let Some(expiry) = expiry {
            with.push(put(self.put(expiry.item()))?);
        }
        self.settle_with(settlement, with).await
    }

    /// The plan with this id, if it is the one that was asked for last.
    pub async fn approval(&self, id: &str) -> Result<Option<Approval>, Error> {
        Ok(self.asked_for(plan_key(id)).await?.filter(|approval| approval.id == id))
    }

    /// The plan of this hash that was asked for last.
    pub async fn approval_of(&self, plan_hash: &str) -> Result<Option<Approval>, Error> {
        self.asked_for(plan_hash.get(..PLAN).unwrap_or(plan_hash)).await
    }

    async fn asked_for(&self, key: &str) -> Result<Option<Approval>, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(item_key(&self.key("approval"), key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| aws::failed("read the ledger", &self.table, &error))?;
        // One that cannot be read approves nothing; asking again makes another.
        Ok(answer.item.as_ref().and_then(|item| {
            let unreadable = |error: &Error| {
                tracing::error!(error = crate::error::chain(error), "an approval is left out");
            };
            Approval::of(item).inspect_err(unreadable).ok()
        }))
    }

    /// Rejects it for good, with the record of that and the notice. Nothing is written if somebody approved or rejected it
    /// first.
    pub async fn reject(
        &self,
        approval: &Approval,
        rejection: &Rejection,
        settlement: &Settlement<'_>,
    ) -> Result<bool, NotSettled> {
        let update = self
            .decide(approval, "SET rejected_at = :at, rejected_by = :by, rejected_reason = :reason")
            .expression_attribute_values(":at", string(&rejection.at))
            .expression_attribute_values(":by", string(&rejection.by))
            .expression_attribute_values(":reason", string(&rejection.reason));
        self.settle_with(settlement, self.decided(approval, update)?).await
    }

    pub(super) fn use_approval(
        &self,
        approval: &Approval,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let update = self.decide(approval, "SET used_at = :now");
        self.decided(approval, update.expression_attribute_values(":now", string(now.to_string())))
    }

    fn decide(&self, approval: &Approval, change: &str) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .set_key(Some(item_key(&self.key("approval"), plan_key(&approval.id))))
            .update_expression(change)
            .condition_expression(UNDECIDED)
    }

    /// The decision, and that nobody is told of an expiry any more.
    fn decided(&self, approval: &Approval, update: UpdateBuilder) -> Result<Vec<TransactWriteItem>, Error> {
        let key = owed::key_of(approval.told_at(), &approval.expiry_name());
        let told = Delete::builder().table_name(&self.table).set_key(Some(item_key(OWED, &key)));
        Ok(vec![
            TransactWriteItem::builder().update(built(update.build())?).build(),
            TransactWriteItem::builder().delete(built(told.build())?).build(),
        ])
    }
}

pub(super) const UNDECIDED: &str =
    "attribute_exists(pk) AND attribute_not_exists(used_at) AND attribute_not_exists(rejected_at)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_to_its_plan_and_one_of_before_to_itself() {
        let id = Approval::id_of("0123456789abcdef", "fedcba");
        assert_eq!(id, "0123456789fedc");
        assert_eq!(plan_key(&id), "0123456789");
        assert_eq!(plan_key("499484d277f1"), "499484d277f1");
        assert_eq!(plan_key(""), "");
        assert_eq!(plan_key("äöüäöüäöüäöü"), "äöüäöüäöüäöü".get(..PLAN).unwrap());
    }
}
