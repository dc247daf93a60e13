//! What an alarm or an event asked for and could not be done yet: another remedy held the target, AWS or the ledger
//! was throttled, or the kill switch was on. The scheduled run does it while its reason lasts.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    DAY, Ledger, Odd, WAITING,
    items::{Item, built, item_key, json, kept, put, string, target_key, text},
    settle::Part,
};
use crate::{
    aws, clock,
    error::Error,
    trigger::{Kind, Trigger},
};

/// After this time nobody expects it any more.
pub const WANTED_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    pub trigger: Trigger,
    pub since: Timestamp,
    /// The code of the refusal.
    pub code: String,
}

/// One item holds the wishes of several reasons. Each has one attribute for the wish, and one for its event.
const WANTED: &str = "wanted ";
const EVENT: &str = "event ";

impl Wanted {
    /// What asks: an alarm by its name, or the newest event of its kind. Wishes of different reasons do not replace each
    /// other.
    pub fn reason(&self) -> &str {
        match &self.trigger.kind {
            Kind::Alarm(alarm) => &alarm.name,
            Kind::Ecs(_) => "ecs",
            Kind::Pipeline(_) => "pipeline",
            Kind::Person(_) | Kind::Schedule { .. } | Kind::StepFunctions { .. } => &self.trigger.id,
        }
    }

    fn names(&self) -> HashMap<String, String> {
        [("#wanted", WANTED), ("#event", EVENT)]
            .map(|(name, kind)| (name.to_owned(), format!("{kind}{}", self.reason())))
            .into()
    }

    /// All that an item says is wanted, the oldest first.
    pub(super) fn all(item: &Item, odd: &mut Vec<Odd>) -> Vec<Self> {
        let mut all = Vec::new();
        for name in item.keys().filter(|name| name.starts_with(WANTED)) {
            match serde_json::from_str::<Self>(text(item, name)) {
                Ok(wanted) => all.push(wanted),
                Err(error) => odd.push(Odd::new(item, format!("its `{name}` cannot be read: {error}"))),
            }
        }
        all.sort_by(|one, other| (one.since, one.reason()).cmp(&(other.since, other.reason())));
        all
    }
}

/// An urgent remedy that waits for the target: others let it go first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub function: String,
    pub until: Timestamp,
}

impl Waiting {
    pub(super) fn of(item: &Item) -> Self {
        Self {
            function: text(item, "function").to_owned(),
            // An unreadable time holds nobody up.
            until: text(item, "until").parse().unwrap_or_default(),
        }
    }
}

/// What the end of a run does with what is wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum WantedChange {
    #[default]
    Keep,
    Set {
        wanted: Box<Wanted>,
        /// Until when other remedies let this one go first.
        first_until: Option<Timestamp>,
    },
    Clear {
        wanted: Box<Wanted>,
        /// Whether this function is the one that others let go first.
        waits: bool,
    },
}

impl Ledger {
    pub(super) fn wanted_key(&self) -> String {
        format!("{}#wanted", self.function)
    }

    pub(super) fn change_wanted(
        &self,
        target: &str,
        change: &WantedChange,
    ) -> Result<Vec<(Part, TransactWriteItem)>, Error> {
        let key = item_key(&target_key(target), &self.wanted_key());
        let mut writes = Vec::new();
        match change {
            WantedChange::Keep => {}
            WantedChange::Set { wanted, first_until } => {
                let update = Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(key))
                    .update_expression("SET #wanted = :wanted, #event = :event, expires_at = :expires")
                    .set_expression_attribute_names(Some(wanted.names()))
                    .expression_attribute_values(":wanted", string(json(wanted)?))
                    .expression_attribute_values(":event", string(&wanted.trigger.id))
                    .expression_attribute_values(":expires", kept(wanted.since, DAY.saturating_mul(2)));
                let update = TransactWriteItem::builder().update(built(update.build())?).build();
                writes.push((Part::Always, update));
                if let Some(until) = first_until {
                    let mut item = item_key(&target_key(target), WAITING);
                    item.insert("function".to_owned(), string(self.function));
                    item.insert("until".to_owned(), string(clock::sortable(*until)));
                    item.insert("expires_at".to_owned(), kept(*until, DAY));
                    writes.push((Part::Always, put(self.put(item))?));
                }
            }
            WantedChange::Clear { wanted, waits } => {
                // The same reason may have asked again since this was read.
                let update = Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(key))
                    .update_expression("REMOVE #wanted, #event")
                    .condition_expression("#event = :event")
                    .set_expression_attribute_names(Some(wanted.names()))
                    .expression_attribute_values(":event", string(&wanted.trigger.id));
                let update = TransactWriteItem::builder().update(built(update.build())?).build();
                writes.push((Part::Wanted, update));
                if *waits {
                    let delete = Delete::builder()
                        .table_name(&self.table)
                        .set_key(Some(item_key(&target_key(target), WAITING)))
                        .condition_expression("attribute_not_exists(pk) OR #function = :function")
                        .expression_attribute_names("#function", "function")
                        .expression_attribute_values(":function", string(self.function));
                    let delete = TransactWriteItem::builder().delete(built(delete.build())?).build();
                    writes.push((Part::Waiting, delete));
                }
            }
        }
        Ok(writes)
    }

    /// Notes what is wanted on its own, for a run that ends without a record.
    pub async fn want(&self, target: &str, change: &WantedChange) -> Result<(), Error> {
        let writes: Vec<_> =
            self.change_wanted(target, change)?.into_iter().map(|(_, write)| write).collect();
        if writes.is_empty() {
            return Ok(());
        }
        self.transact(writes)
            .await
            .map_err(|error| aws::failed("note what is wanted in the ledger", target, &error))
    }
}
