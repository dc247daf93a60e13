//! The ledger: one DynamoDB table that makes every action happen at most once and leaves a record.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | claim on a target | `target#<target>` | `<function>` |
//! | follow-up due on a target | `target#<target>` | `<function>#follow-up` |
//! | the remedy at work on a target | `target#<target>` | `holder` |
//! | a freeze of a target's writes | `target#<target>` | `freeze` |
//! | an event and its answer | `event#<function>` | event id |
//! | a plan awaiting approval | `approval#<function>` | approval id |
//! | audit record | `audit#<function>` | `<time>#<execution id>` |
//! | kill switch | `kill-switch` | `all` or `<function>` |
//! | an incident | `incidents` | its id |
//! | which incident is open for a cause | `incident-open` | cause |
//! | a line of an incident's timeline | `incident#<id>` | `<time>#<event id>` |
//! | the state of a component, as people say it | `component` | its name |
//!
//! A claim is taken on the version that was read, in one transaction with the kill switches, the holder and
//! the approval: whatever was decided from what was read holds at the moment of the claim, or nothing is
//! written.

pub mod items;
mod writes;

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{KeysAndAttributes, TransactWriteItem},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use items::kept;
use items::{
    Item, built, data, failed_check, freeze, holder, item_key, only_met_another, put, reasons, seconds,
    string, target_key, text, unusable, version,
};

use crate::{
    aws, clock,
    error::Error,
    freeze::Freeze,
    outcome::{Decision, Outcome},
    remedy::Weight,
    trigger::Trigger,
};

/// The sort key of the item that says which remedy is at work.
const HOLDER: &str = "holder";
/// The sort key of the item that says that a target's writes are frozen.
pub(crate) const FREEZE: &str = "freeze";
const DAY: Duration = Duration::from_hours(24);
/// How long a record is kept.
pub const AUDIT_KEPT: Duration = DAY.saturating_mul(400);
/// Lambda gives up on an asynchronous event after 6 hours, a schedule after 24.
const EVENT_KEPT: Duration = DAY.saturating_mul(2);

/// A run's hold on a target, and what it set out to do there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    pub execution_id: String,
    /// Whether the intent may still have to be carried out.
    pub open: bool,
    pub claimed_at: Timestamp,
    /// Until then the run may be alive; after it, an open claim's run has died.
    pub lease_until: Timestamp,
    pub cooldown_until: Timestamp,
    /// When this target was acted on in the last 24 hours.
    pub attempts: Vec<Timestamp>,
    /// The month that `month_units` belongs to.
    pub month: String,
    pub month_units: u32,
    pub intent: Intent,
    /// Counts the writes of this item; a claim is taken on the version that was read.
    #[serde(skip)]
    pub version: u64,
}

impl Claim {
    /// As a run gives it back that is through with it.
    #[must_use]
    pub fn closed(self) -> Self {
        Self { open: false, version: self.version.saturating_add(1), ..self }
    }

    /// As a run gives it back whose action failed: for the next one to take up, from `now` on.
    #[must_use]
    pub fn left_open(self, now: Timestamp) -> Self {
        Self { lease_until: now, version: self.version.saturating_add(1), ..self }
    }
}

/// A plan as it was when it was claimed: absolute values, so that carrying it out twice changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    pub trigger: Trigger,
    pub actions: Value,
    pub reason: String,
    pub weight: Weight,
}

/// Something to look after once its time has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    pub due: Timestamp,
    pub what: Value,
    /// Whether it is over once the change has been seen to work.
    pub until_verified: bool,
}

/// Which remedy is at work on a target: no other may begin there.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    pub function: String,
    pub lease_until: Timestamp,
}

/// A claim at the end of its run.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub claim: Claim,
    /// Whether the target's follow-up is over.
    pub ends_follow_up: bool,
}

/// What a claim does with the target's follow-up.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum FollowUpChange {
    #[default]
    Keep,
    Set(FollowUp),
    Clear,
}

/// A plan that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    pub id: String,
    pub trigger: Trigger,
    pub target: String,
    pub plan_hash: String,
    pub expires: Timestamp,
    #[serde(skip)]
    pub used: bool,
}

/// What the ledger knows that bears on one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// Why a kill switch is on.
    pub kill_switch: Option<String>,
    pub claim: Option<Claim>,
    pub holder: Option<Holder>,
    pub follow_up: Option<FollowUp>,
    pub freeze: Option<Freeze>,
    /// The answer this event was given before.
    pub earlier: Option<Outcome>,
}

impl Memory {
    /// What the month's plans on this target have counted so far.
    pub fn month_units(&self, now: Timestamp) -> u32 {
        let month = clock::month(now);
        self.claim.as_ref().filter(|claim| claim.month == month).map_or(0, |claim| claim.month_units)
    }
}

/// Why a claim was not given.
#[derive(Debug)]
pub enum NotClaimed {
    KillSwitch,
    /// Another run was quicker: what was read no longer holds.
    Overtaken,
    /// Another remedy is at work on the target.
    Held,
    /// Another run has answered the event since it was looked for.
    Answered,
    ApprovalUsed,
    Ledger(Error),
}

#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    table: String,
    function: &'static str,
}

impl Ledger {
    pub fn new(client: Client, table: impl Into<String>, function: &'static str) -> Self {
        Self { client, table: table.into(), function }
    }

    /// Reads all that bears on a run, in one call.
    pub async fn look(&self, target: &str, event_id: &str) -> Result<Memory, Error> {
        let keys = [
            ("kill-switch".to_owned(), "all".to_owned()),
            ("kill-switch".to_owned(), self.function.to_owned()),
            (target_key(target), self.function.to_owned()),
            (target_key(target), self.follow_up_key()),
            (target_key(target), HOLDER.to_owned()),
            (target_key(target), FREEZE.to_owned()),
            (self.key("event"), event_id.to_owned()),
        ];
        let items = self.read(&keys).await?;
        let find =
            |pk: &str, sk: &str| items.iter().find(|item| text(item, "pk") == pk && text(item, "sk") == sk);
        let kill_switch = items.iter().find(|item| text(item, "pk") == "kill-switch").map(|item| {
            let reason = text(item, "reason");
            let scope = text(item, "sk");
            if reason.is_empty() { format!("for {scope}") } else { format!("for {scope}: {reason}") }
        });
        let claim = find(&target_key(target), self.function)
            .map(|item| Ok::<_, Error>(Claim { version: version(item), ..data(item)? }))
            .transpose()?;
        let follow_up = find(&target_key(target), &self.follow_up_key()).map(data).transpose()?;
        let holder = find(&target_key(target), HOLDER).map(holder);
        let freeze = find(&target_key(target), FREEZE).map(freeze).transpose()?;
        let earlier = find(&self.key("event"), event_id)
            .filter(|item| item.contains_key("data"))
            .map(data)
            .transpose()?;
        Ok(Memory { kill_switch, claim, holder, follow_up, freeze, earlier })
    }

    async fn read(&self, keys: &[(String, String)]) -> Result<Vec<Item>, Error> {
        /// DynamoDB may leave keys of a batch unread when it is throttled.
        const MAX_READS: u32 = 4;
        let keys = keys.iter().map(|(pk, sk)| item_key(pk, sk)).collect();
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
        let mut wanted = Some(built(keys.build())?);
        let mut items = Vec::new();
        for read in 0..MAX_READS {
            let Some(keys) = wanted.take() else {
                return Ok(items);
            };
            if read > 0 {
                tokio::time::sleep(Duration::from_millis(100 << read)).await;
            }
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.table, keys)
                .send()
                .await
                .map_err(|error| aws::failed("read the ledger", &self.table, &error))?;
            items.extend(answer.responses.unwrap_or_default().remove(&self.table).unwrap_or_default());
            wanted = answer.unprocessed_keys.unwrap_or_default().remove(&self.table);
        }
        if wanted.is_none() { Ok(items) } else { Err(unusable("DynamoDB left items unread".to_owned())) }
    }

    /// Takes the target for a run, with its intent, in one conditional write.
    pub async fn claim(
        &self,
        target: &str,
        claim: &Claim,
        follow_up: &FollowUpChange,
        approval: Option<&Approval>,
    ) -> Result<(), NotClaimed> {
        let mut writes = vec![self.no_kill_switch("all")?, self.no_kill_switch(self.function)?];
        writes.push(self.put_claim(target, claim)?);
        writes.push(self.hold(target, claim)?);
        writes.push(self.unanswered(&claim.intent.trigger.id)?);
        if let Some(approval) = approval {
            writes.push(self.use_approval(&approval.id, claim.claimed_at)?);
        }
        match follow_up {
            FollowUpChange::Keep => {}
            FollowUpChange::Set(follow_up) => {
                writes.push(put(self.put(self.follow_up_item(target, follow_up)?))?);
            }
            FollowUpChange::Clear => writes.push(self.end_follow_up(target)?),
        }
        self.transact(writes).await.map_err(|error| match reasons(&error).as_slice() {
            [] => NotClaimed::Ledger(aws::failed("write the claim to the ledger", &self.table, &error)),
            [all, function, ..] if failed_check(all) || failed_check(function) => NotClaimed::KillSwitch,
            [_, _, claim, ..] if failed_check(claim) => NotClaimed::Overtaken,
            [_, _, _, holder, ..] if failed_check(holder) => NotClaimed::Held,
            [_, _, _, _, event, ..] if failed_check(event) => NotClaimed::Answered,
            [_, _, _, _, _, approval, ..] if failed_check(approval) => NotClaimed::ApprovalUsed,
            reasons if reasons.iter().any(|reason| reason == "TransactionConflict") => NotClaimed::Overtaken,
            _ => NotClaimed::Ledger(aws::failed("write the claim to the ledger", &self.table, &error)),
        })
    }

    /// Writes the audit record, and, for a run that held a claim, gives the claim back and keeps the answer
    /// for other deliveries of the same event.
    pub async fn record(&self, outcome: &Outcome, held: Option<&Held>) -> Result<(), Error> {
        let audit = self.audit(outcome)?;
        let Some(Held { claim, ends_follow_up }) = held else {
            return self.put_alone(audit).await;
        };
        let target = &outcome.target;
        let mut writes = vec![
            put(self.put(audit.clone()))?,
            self.put_claim(target, claim)?,
            self.let_go(target, &claim.execution_id)?,
        ];
        if outcome.decision == Decision::Applied {
            let mut event = Self::item(&self.key("event"), &claim.intent.trigger.id, outcome)?;
            event.insert("expires_at".to_owned(), kept(outcome.at, EVENT_KEPT));
            writes.push(put(self.put(event))?);
        }
        if *ends_follow_up {
            writes.push(self.end_follow_up(target)?);
        }
        match self.transact(writes.clone()).await {
            Ok(()) => Ok(()),
            Err(error) => match reasons(&error).as_slice() {
                // Another run took the claim over, as it may once the lease has ended: the record is still
                // owed.
                [_, claim, ..] if failed_check(claim) => self.put_alone(audit).await,
                // Another remedy holds the target by now: that is not ours to end.
                [_, _, holder, ..] if failed_check(holder) => {
                    writes.remove(2);
                    self.transact(writes).await.map_err(|error| self.unrecorded(&error))
                }
                _ => Err(self.unrecorded(&error)),
            },
        }
    }

    /// Changes the follow-up of a run that does nothing else. `false` if another run was quicker.
    pub async fn change_follow_up(
        &self,
        target: &str,
        change: &FollowUpChange,
        seen: Option<&FollowUp>,
    ) -> Result<bool, Error> {
        let mut write = match change {
            FollowUpChange::Keep => return Ok(true),
            FollowUpChange::Clear => self.end_follow_up(target)?,
            FollowUpChange::Set(follow_up) => put(self.put(self.follow_up_item(target, follow_up)?))?,
        };
        let (condition, values) = match seen {
            Some(seen) => {
                ("due = :seen", Some(HashMap::from([(":seen".to_owned(), string(seen.due.to_string()))])))
            }
            None => ("attribute_not_exists(pk)", None),
        };
        if let Some(put) = &mut write.put {
            put.condition_expression = Some(condition.to_owned());
            put.expression_attribute_values.clone_from(&values);
        }
        if let Some(delete) = &mut write.delete {
            delete.condition_expression = Some(condition.to_owned());
            delete.expression_attribute_values = values;
        }
        match self.transact(vec![write]).await {
            Ok(()) => Ok(true),
            Err(error) if reasons(&error).iter().any(|reason| failed_check(reason)) => Ok(false),
            Err(error) => Err(aws::failed("change the follow-up in the ledger", &self.table, &error)),
        }
    }

    /// Sends a transaction, and sends it again where it met another one: that says nothing of its conditions.
    /// All claims check the same kill switches, so runs that have nothing else in common may meet there.
    async fn transact(
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

    fn unrecorded(&self, error: &SdkError<TransactWriteItemsError>) -> Error {
        aws::failed("write the record to the ledger", &self.table, error)
    }

    /// Stores a plan for a person to approve. `false` if it waits already.
    pub async fn ask(&self, approval: &Approval) -> Result<bool, Error> {
        let mut item = Self::item(&self.key("approval"), &approval.id, approval)?;
        item.insert("expires_at".to_owned(), seconds(approval.expires));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let sent = put.condition_expression("attribute_not_exists(pk)").send().await;
        match sent {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(aws::failed("store the plan in the ledger", &self.table, &error)),
        }
    }

    /// A plan that was stored for approval.
    pub async fn approval(&self, id: &str) -> Result<Option<Approval>, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(item_key(&self.key("approval"), id)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| aws::failed("read the ledger", &self.table, &error))?;
        answer
            .item
            .map(|item| Ok(Approval { used: item.contains_key("used_at"), ..data(&item)? }))
            .transpose()
    }

    async fn put_alone(&self, item: Item) -> Result<(), Error> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let sent = put.send().await;
        sent.map(|_| ()).map_err(|error| aws::failed("write the record to the ledger", &self.table, &error))
    }
}

impl From<Error> for NotClaimed {
    fn from(error: Error) -> Self {
        Self::Ledger(error)
    }
}

#[cfg(test)]
mod tests;
