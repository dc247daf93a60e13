//! Incidents, and the index of those that are open or have just ended.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use shared::{
    error::Error,
    ledger::{
        AUDIT_KEPT,
        items::{Item, built, data, item_key, json, kept, put, string, text, unusable, version},
    },
};

use super::{
    records::{Found, LAST},
    table::{INCIDENTS, OPEN, Store},
    timeline::{TimelineEntry, entry_item},
    unreadable::UNREADABLE,
};
use crate::incident::{Incident, SCHEMA};

/// Prefix in the index: an incident that has ended, and whose end people may not know yet.
const ENDED: &str = "over#";
/// More incidents than people can have open.
const MAX_OPEN: usize = 5_000;

/// What happens to an incident's entry in the index of open incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenIndex {
    Keep,
    /// The incident opens, or opens again.
    Set,
    /// The same, in place of an entry that leads to no open incident.
    Replace(String),
    /// The incident ends.
    Remove,
}

/// What the index says about a key.
#[derive(Debug)]
pub enum OpenLookup {
    Incident(Box<Incident>),
    /// There is an entry, but it leads to no incident that is open and can be read.
    Stale(String),
    Nothing,
}

/// The incidents that need attention.
#[derive(Debug, Default)]
pub struct OpenAndRecent {
    /// The open ones, the most severe first.
    pub open: Vec<Incident>,
    /// Those that ended a short while ago, and those whose end people may not know yet.
    pub ended: Vec<Incident>,
    /// Which of the ended ones are still in the index.
    pub indexed: BTreeSet<String>,
}

impl Store {
    /// The incident that is open under a key.
    pub async fn open_for(&self, key: &str) -> Result<OpenLookup, Error> {
        let Some(entry) = self.item(OPEN, key).await? else {
            return Ok(OpenLookup::Nothing);
        };
        let id = text(&entry, "incident");
        let incident = if id.is_empty() { None } else { self.get(id).await? };
        Ok(match incident.filter(Incident::is_open) {
            Some(incident) => OpenLookup::Incident(Box::new(incident)),
            None => OpenLookup::Stale(id.to_owned()),
        })
    }

    /// An incident by its id. `None` also if it cannot be read.
    pub async fn get(&self, id: &str) -> Result<Option<Incident>, Error> {
        let item = self.item(INCIDENTS, id).await?;
        Ok(item.as_ref().and_then(|item| self.read(item, incident)))
    }

    /// The newest incidents, the newest first.
    pub async fn newest(&self, most: usize) -> Result<Vec<Incident>, Error> {
        let items = self.query(INCIDENTS, None, false, most).await?;
        Ok(items.iter().filter_map(|item| self.read(item, incident)).collect())
    }

    /// The newest incidents that were opened between two times, at most so many, in order.
    pub async fn opened_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        most: usize,
    ) -> Result<Found<Incident>, Error> {
        let between = (Incident::id_at(from), format!("{}{LAST}", Incident::id_at(to)));
        let items = self.query(INCIDENTS, Some(between), false, most.saturating_add(1)).await?;
        Ok(Found::of(&items, most, |item| self.read(item, incident)))
    }

    /// The incidents that are open or ended a short while ago, and the `newest` ones whatever their state.
    pub async fn open_and_recent(&self, newest: usize) -> Result<OpenAndRecent, Error> {
        /// How many incidents are read at once.
        const AT_ONCE: usize = 20;
        let (index, newest) = tokio::try_join!(self.query(OPEN, None, true, MAX_OPEN), self.newest(newest))?;
        let (mut found, mut ids) = (OpenAndRecent::default(), BTreeSet::<String>::new());
        for entry in &index {
            // The markers of unreadable items are in the same partition.
            if text(entry, "sk").starts_with(UNREADABLE) {
                continue;
            }
            let id = |item: &Item| match text(item, "incident") {
                "" => Err(unusable("it names no incident".to_owned())),
                id => Ok(id.to_owned()),
            };
            let id = self.read(entry, id);
            if text(entry, "sk").starts_with(ENDED) {
                found.indexed.extend(id.clone());
            }
            ids.extend(id);
        }
        for incident in newest {
            // An open incident is in the index too, unless its entry is broken.
            ids.remove(&incident.id);
            if incident.is_open() { found.open.push(incident) } else { found.ended.push(incident) }
        }
        let read = futures_util::stream::iter(&ids).map(|id| self.get(id)).buffer_unordered(AT_ONCE);
        let read: Vec<Option<Incident>> = read.try_collect().await?;
        for incident in read.into_iter().flatten() {
            if incident.is_open() { found.open.push(incident) } else { found.ended.push(incident) }
        }
        found.open.sort_by(|a, b| (b.severity, &a.id).cmp(&(a.severity, &b.id)));
        found.ended.sort_by(|a, b| b.id.cmp(&a.id));
        Ok(found)
    }

    /// Writes an incident and a timeline entry, on condition that nobody has written the incident since it was read.
    /// `false` if somebody has.
    pub async fn save(
        &self,
        incident: &mut Incident,
        index: OpenIndex,
        entry: Option<(&str, &TimelineEntry)>,
    ) -> Result<bool, Error> {
        let mut item = item_key(INCIDENTS, &incident.id);
        item.insert("data".to_owned(), string(json(incident)?));
        item.insert(
            "version".to_owned(),
            AttributeValue::N((incident.version.saturating_add(1)).to_string()),
        );
        item.insert("schema".to_owned(), AttributeValue::N(SCHEMA.to_string()));
        item.insert("expires_at".to_owned(), kept(incident.opened_at, AUDIT_KEPT));
        let write = Put::builder().table_name(&self.table).set_item(Some(item));
        let mut writes = vec![put(if !incident.is_written {
            write.condition_expression("attribute_not_exists(pk)")
        } else if incident.version == 0 {
            // Somebody edited the item and dropped its version.
            write
                .condition_expression("attribute_not_exists(version) OR NOT attribute_type(version, :number)")
                .expression_attribute_values(":number", string("N"))
        } else {
            write
                .condition_expression("version = :read")
                .expression_attribute_values(":read", AttributeValue::N(incident.version.to_string()))
        })?];
        let key = incident.open_key();
        let ended = format!("{ENDED}{}", incident.id);
        match &index {
            OpenIndex::Keep => {}
            OpenIndex::Set | OpenIndex::Replace(_) => {
                let set = Put::builder().table_name(&self.table).set_item(Some(index_item(&key, incident)));
                writes.push(put(match &index {
                    OpenIndex::Replace(stale) => set
                        .condition_expression(
                            "attribute_not_exists(pk) OR incident = :stale OR NOT attribute_type(incident, :text)",
                        )
                        .expression_attribute_values(":stale", string(stale))
                        .expression_attribute_values(":text", string("S")),
                    _ => set.condition_expression("attribute_not_exists(pk)"),
                })?);
                let gone = Delete::builder().table_name(&self.table).set_key(Some(item_key(OPEN, &ended)));
                writes.push(TransactWriteItem::builder().delete(built(gone.build())?).build());
            }
            OpenIndex::Remove => {
                let remove = Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(item_key(OPEN, &key)))
                    .condition_expression("attribute_not_exists(pk) OR incident = :id")
                    .expression_attribute_values(":id", string(&incident.id));
                writes.push(TransactWriteItem::builder().delete(built(remove.build())?).build());
                // The sweep finds it here until people have been told of the end.
                let ended =
                    Put::builder().table_name(&self.table).set_item(Some(index_item(&ended, incident)));
                writes.push(put(ended)?);
            }
        }
        if let Some((key, entry)) = entry {
            let item = entry_item(&incident.id, key, entry)?;
            writes.push(put(Put::builder().table_name(&self.table).set_item(Some(item)))?);
        }
        let written = self.transact(writes, &incident.id).await?;
        if written {
            incident.version = incident.version.saturating_add(1);
            incident.is_written = true;
        }
        Ok(written)
    }

    /// Takes an ended incident out of the index: nothing is left to do for it.
    pub async fn forget_ended(&self, id: &str) -> Result<(), Error> {
        self.delete(OPEN, &format!("{ENDED}{id}")).await
    }
}

fn incident(item: &Item) -> Result<Incident, Error> {
    let incident = Incident { version: version(item).unwrap_or_default(), is_written: true, ..data(item)? };
    Ok(incident.completed())
}

fn index_item(key: &str, incident: &Incident) -> Item {
    let mut item = item_key(OPEN, key);
    item.insert("incident".to_owned(), string(&incident.id));
    item
}
