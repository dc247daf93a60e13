//! What the ledger knows that bears on one run.

use std::time::Duration;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::{
    Claim, FREEZE, HOLDER, Holder, Ledger, Odd, Switch, WAITING, Waiting, Wanted,
    freezes::freeze,
    items::{Item, built, data, holder, item_key, target_key, text, unusable, version},
};
use crate::{
    aws, clock,
    error::{Error, chain},
    freeze::Freeze,
    outcome::Outcome,
    plan::FollowUp,
};

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
    /// The follow-up is JSON, but not what its function stores.
    pub fn not_understood(&mut self, why: String) {
        self.odd.extend(self.follow_up_item.clone().map(|item| Odd { why, ..item }));
    }

    /// What the month's plans on this target have counted so far.
    pub fn month_units(&self, now: Timestamp) -> u32 {
        let month = clock::month(now);
        self.claim.as_ref().filter(|claim| claim.month == month).map_or(0, |claim| claim.month_units)
    }
}

impl Ledger {
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

    /// A claim without a version still counts.
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
}

/// What an item says. One that cannot be read is added to `odd`.
fn readable<T: DeserializeOwned>(item: &Item, odd: &mut Vec<Odd>) -> Option<T> {
    data(item).map_err(|error| odd.push(Odd::new(item, chain(&error)))).ok()
}
