//! The ledger: one DynamoDB table that makes every action happen at most once and leaves a record.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | claim on a target | `target#<target>` | `<function>` |
//! | follow-up due on a target | `target#<target>` | `<function>#follow-up` |
//! | what an event asked for and could not be done yet | `target#<target>` | `<function>#wanted` |
//! | an urgent remedy that waits for a target | `target#<target>` | `waiting` |
//! | the refusals that people were told of lately | `event#<function>` | `refused#<code>#<target>` |
//! | the remedy at work on a target | `target#<target>` | `holder` |
//! | a freeze of a target's writes | `target#<target>` | `freeze` |
//! | what is known of a release | `release#<target>` | `<family:revision>` |
//! | an event and its answer | `event#<function>` | event id |
//! | a plan awaiting approval | `approval#<function>` | plan |
//! | audit record | `audit#<function>` | `<time>#<execution id>` |
//! | a notice that is owed to people | `owed` | `<time>#<execution id>` |
//! | kill switch | `kill-switch` | `all` or `<function>` |
//! | an incident | `incidents` | its id |
//! | which incident is open for a cause | `incident-open` | cause |
//! | a line of an incident's timeline | `incident#<id>` | `<time>#<event id>` |
//! | the state of a component, as people say it | `component` | its name |
//!
//! A claim is taken on the version that was read, in one transaction with the kill switches, the holder and
//! the approval: whatever was decided from what was read holds at the moment of the claim, or nothing is
//! written. The end of a run is one transaction too ([`settle`]): its audit record, its claim, what it notes for
//! later decisions, and the notice that is owed to people.
//!
//! An item that cannot be read stops nothing else: it is left out, and people are told of it once ([`odd`]).

mod approvals;
pub mod items;
mod kill_switch;
mod note;
mod odd;
mod settle;
#[cfg(test)]
mod tests;
mod wanted;
mod writes;

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{KeysAndAttributes, TransactWriteItem},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use approvals::{Approval, Rejection, plan_key};
pub(crate) use items::kept;
use items::{
    Item, built, data, failed_check, freeze, holder, item_key, only_met_another, put, reasons, target_key,
    text, unusable, version,
};
pub use kill_switch::{ALL, KILL_SWITCH, Switch, Switches};
pub use note::Note;
pub use odd::{Odd, Seen};
pub use settle::{Held, NotSettled, Refusal, Settlement};
pub use wanted::{WANTED_FOR, Waiting, Wanted, WantedChange};

use crate::{
    aws, clock,
    error::{Error, chain},
    freeze::Freeze,
    outcome::{Decision, Outcome},
    remedy::Weight,
    trigger::Trigger,
};

/// The sort key of the item that says which remedy is at work.
const HOLDER: &str = "holder";
/// The sort key of the item that says that a target's writes are frozen.
pub(crate) const FREEZE: &str = "freeze";
/// The sort key of the item that says which urgent remedy waits for the target.
const WAITING: &str = "waiting";
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
    /// When this target was acted on in the last 24 hours.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// The time of the attempt that stands for the intent: an intent counts once, however often it is taken up.
    #[serde(default)]
    pub counted: Option<Timestamp>,
    /// The month that `month_units` belongs to.
    #[serde(default)]
    pub month: String,
    #[serde(default)]
    pub month_units: u32,
    pub intent: Intent,
    /// Counts the writes of this item; a claim is taken on the version that was read.
    #[serde(skip)]
    pub version: u64,
    /// The item that was read, where it has no version that could be compared.
    #[serde(skip)]
    pub in_place_of: Option<Odd>,
}

impl Claim {
    /// As a run gives it back that is through with it.
    #[must_use]
    pub fn closed(self) -> Self {
        Self { open: false, version: self.version.saturating_add(1), in_place_of: None, ..self }
    }

    /// As a run gives it back whose action failed: for the next one to take up, from `now` on.
    #[must_use]
    pub fn left_open(self, now: Timestamp) -> Self {
        Self { lease_until: now, version: self.version.saturating_add(1), in_place_of: None, ..self }
    }

    /// Without the attempt of its intent and what that adds to the month's count: nothing was changed, so nobody has to
    /// wait for an effect.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        if let Some(counted) = self.counted.take() {
            // Two intents may be of one moment.
            if let Some(place) = self.attempts.iter().rposition(|attempt| attempt.at == counted) {
                self.attempts.remove(place);
            }
            self.month_units = self.month_units.saturating_sub(self.intent.units);
        }
        self
    }

    /// With an attempt of its intent, if it has none: a call that seemed to have failed took effect after all.
    #[must_use]
    pub fn counted_at(mut self, now: Timestamp, what: &str) -> Self {
        if self.counted.is_none() && self.intent.weight != Weight::PutsBack {
            self.counted = Some(now);
            self.attempts.push(Attempt { at: now, about: self.intent.about.clone(), what: what.to_owned() });
            self.month_units = self.month_units.saturating_add(self.intent.units);
        }
        self
    }
}

/// One time that a target was acted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredAttempt")]
pub struct Attempt {
    pub at: Timestamp,
    /// What cooldown and budget belong to, where that is less than the target: a release that was rolled back from,
    /// and the one in its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<String>,
    /// What was done, and who asked for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
}

/// An attempt was once no more than its time.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredAttempt {
    At(Timestamp),
    Attempt {
        at: Timestamp,
        #[serde(default)]
        about: Vec<String>,
        #[serde(default)]
        what: String,
    },
}

impl From<StoredAttempt> for Attempt {
    fn from(stored: StoredAttempt) -> Self {
        match stored {
            StoredAttempt::At(at) => Self { at, about: Vec::new(), what: String::new() },
            StoredAttempt::Attempt { at, about, what } => Self { at, about, what },
        }
    }
}

/// A plan as it was when it was claimed: absolute values, so that carrying it out twice changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredIntent")]
pub struct Intent {
    pub trigger: Trigger,
    pub actions: Value,
    pub reason: String,
    pub weight: Weight,
    /// What it adds to the month's count.
    pub units: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<String>,
    /// What the ledger is to remember once all is done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Whether a person has approved just this; nothing where an earlier version has not noted that.
    pub approved: Option<bool>,
    /// The target's follow-up before the claim, where the claim changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Before>,
}

/// As any version wrote it.
#[derive(Deserialize)]
struct StoredIntent {
    trigger: Trigger,
    actions: Value,
    reason: String,
    weight: Option<Weight>,
    /// What was once said in place of a weight: whether it counts for the cooldown and the day's budget.
    counts: Option<bool>,
    #[serde(default)]
    units: u32,
    #[serde(default)]
    about: Vec<String>,
    #[serde(default)]
    notes: Vec<Note>,
    approved: Option<bool>,
    instead_of: Option<Before>,
}

impl From<StoredIntent> for Intent {
    fn from(stored: StoredIntent) -> Self {
        let StoredIntent { trigger, actions, reason, units, about, notes, approved, instead_of, .. } = stored;
        let once = if stored.counts == Some(false) { Weight::PutsBack } else { Weight::Full };
        let weight = stored.weight.unwrap_or(once);
        Self { trigger, actions, reason, weight, units, about, notes, approved, instead_of }
    }
}

/// What a claim took the place of, to be put back when nothing comes of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Before {
    pub follow_up: Option<FollowUp>,
}

/// Something to look after once its time has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    pub due: Timestamp,
    pub what: Value,
    /// Whether it is over once the change has been seen to work.
    #[serde(default)]
    pub until_verified: bool,
}

/// Which remedy is at work on a target: no other may begin there.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    pub function: String,
    pub lease_until: Timestamp,
}

/// What a claim does with the target's follow-up.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum FollowUpChange {
    #[default]
    Keep,
    Set(FollowUp),
    Clear,
}

/// What the ledger knows that bears on one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// The kill switch that stops this function.
    pub kill_switch: Option<Switch>,
    pub claim: Option<Claim>,
    pub holder: Option<Holder>,
    /// Another remedy that goes first, and waits for the target.
    pub waiting: Option<Waiting>,
    pub follow_up: Option<FollowUp>,
    /// The follow-up's item, whether or not it could be read.
    pub follow_up_item: Option<Odd>,
    pub wanted: Vec<Wanted>,
    pub freeze: Option<Freeze>,
    /// The answer this event was given before.
    pub earlier: Option<Outcome>,
    /// What could not be read.
    pub odd: Vec<Odd>,
}

impl Memory {
    /// The follow-up can be read, and says nothing to the function whose it is.
    pub fn not_understood(&mut self, why: String) {
        self.odd.extend(self.follow_up_item.clone().map(|item| Odd { why, ..item }));
    }

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
    /// The names of all functions of the runbook, as far as they are known.
    functions: Vec<String>,
}

impl Ledger {
    pub fn new(client: Client, table: impl Into<String>, function: &'static str) -> Self {
        Self { client, table: table.into(), function, functions: vec![function.to_owned()] }
    }

    /// With the names that a kill switch may have without stopping all.
    #[must_use]
    pub fn beside(mut self, functions: Vec<String>) -> Self {
        self.functions.extend(functions);
        self
    }

    /// Reads all that bears on a run, in two calls at once.
    pub async fn look(&self, target: &str, event_id: &str, now: Timestamp) -> Result<Memory, Error> {
        let (follow_up_key, wanted_key) = (self.follow_up_key(), self.wanted_key());
        let keys = [
            (target_key(target), self.function.to_owned()),
            (target_key(target), follow_up_key.clone()),
            (target_key(target), wanted_key.clone()),
            (target_key(target), HOLDER.to_owned()),
            (target_key(target), WAITING.to_owned()),
            (target_key(target), FREEZE.to_owned()),
            (self.key("event"), event_id.to_owned()),
        ];
        let (items, kill_switch) = tokio::join!(self.read(&keys), self.kill_switch(now));
        let items = items?;
        let find = |sk: &str| {
            items.iter().find(|item| text(item, "pk") == target_key(target) && text(item, "sk") == sk)
        };
        let mut odd = Vec::new();
        let mut memory = Memory {
            kill_switch: kill_switch?,
            claim: find(self.function).and_then(|item| Self::claim_of(item, &mut odd)),
            follow_up: find(&follow_up_key).and_then(|item| readable(item, &mut odd)),
            follow_up_item: find(&follow_up_key).map(|item| Odd::new(item, String::new())),
            wanted: find(&wanted_key).map(|item| Wanted::all(item, &mut odd)).unwrap_or_default(),
            holder: find(HOLDER).map(holder),
            waiting: find(WAITING).map(Waiting::of).filter(|waiting| waiting.function != self.function),
            freeze: find(FREEZE).map(|item| freeze(item, &mut odd)),
            earlier: items
                .iter()
                .find(|item| text(item, "pk") == self.key("event") && item.contains_key("data"))
                .and_then(|item| readable(item, &mut odd)),
            odd: Vec::new(),
        };
        memory.odd = odd;
        Ok(memory)
    }

    /// A claim that cannot be compared by its version still is one.
    fn claim_of(item: &Item, odd: &mut Vec<Odd>) -> Option<Claim> {
        let mut claim: Claim = readable(item, odd)?;
        if let Some(version) = version(item) {
            claim.version = version;
        } else {
            let strange = Odd::new(item, "it has no version".to_owned());
            claim.in_place_of = Some(strange.clone());
            odd.push(strange);
        }
        Some(claim)
    }

    /// The kill switch that stops this function now.
    pub async fn kill_switch(&self, now: Timestamp) -> Result<Option<Switch>, Error> {
        Switches::new(self.client.clone(), &self.table).stopping(self.function, &self.functions, now).await
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

    /// Takes the target for a run, with its intent and what that notes, in one conditional write.
    pub async fn claim(
        &self,
        target: &str,
        claim: &Claim,
        follow_up: &FollowUpChange,
        approval: Option<&Approval>,
    ) -> Result<(), NotClaimed> {
        let now = claim.claimed_at;
        let mut writes = vec![self.no_kill_switch(ALL, now)?, self.no_kill_switch(self.function, now)?];
        writes.push(self.put_claim(target, claim)?);
        writes.push(self.hold(target, claim)?);
        writes.push(self.unanswered(&claim.intent.trigger.id)?);
        if let Some(approval) = approval {
            writes.push(self.use_approval(&approval.id, now)?);
        }
        match follow_up {
            FollowUpChange::Keep => {}
            FollowUpChange::Set(follow_up) => {
                writes.push(put(self.put(self.follow_up_item(target, follow_up)?))?);
            }
            FollowUpChange::Clear => writes.push(self.end_follow_up(target)?),
        }
        for note in &claim.intent.notes {
            writes.extend(self.pending(target, note, &claim.execution_id)?);
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

    async fn put_alone(&self, item: Item) -> Result<(), Error> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let sent = put.send().await;
        sent.map(|_| ()).map_err(|error| aws::failed("write to the ledger", &self.table, &error))
    }
}

/// What an item says, or that it says nothing that can be understood.
fn readable<T: serde::de::DeserializeOwned>(item: &Item, odd: &mut Vec<Odd>) -> Option<T> {
    data(item).map_err(|error| odd.push(Odd::new(item, chain(&error)))).ok()
}

impl From<Error> for NotClaimed {
    fn from(error: Error) -> Self {
        Self::Ledger(error)
    }
}
