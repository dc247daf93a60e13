//! The ledger's items of incidents: [`shared::ledger`] lists them.

use std::{collections::BTreeSet, sync::Mutex};

use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    types::{AttributeValue, Delete, Put, TransactWriteItem},
};
use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    aws, clock,
    error::{Error, chain},
    ledger::{
        AUDIT_KEPT,
        items::{
            Item, built, data, failed_check, item_key, json, kept, put, reasons, string, text, unusable,
            version,
        },
        plan_key,
    },
    outcome::Outcome,
};

use crate::{
    incident::{Incident, SCHEMA},
    request::{Component, digest},
};

const INCIDENTS: &str = "incidents";
const OPEN: &str = "incident-open";
const COMPONENT: &str = "component";
/// Among the pointers: of an incident that is over, and may not be told yet.
const OVER: &str = "over#";
/// Among the pointers: of an item that cannot be read, and of which people know.
const UNREADABLE: &str = "unreadable#";
/// More lines than anyone reads; the rest stays in the table.
const MAX_LINES: usize = 300;
/// More than a function decides during an incident.
const MAX_RECORDS: usize = 1_000;
/// More incidents than people can have open.
const MOST_POINTERS: usize = 5_000;

/// A line of an incident's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub at: Timestamp,
    /// As in `alarm`, `service-down`, `rollback`, or whoever it was.
    pub by: String,
    pub what: String,
}

/// What becomes of the item that says which incident is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pointer {
    Keep,
    /// The incident opens, or opens again.
    Set,
    /// The same, in the place of one that leads to no open incident.
    Replace(String),
    /// It is over.
    Remove,
}

/// Which incident is open under a key.
#[derive(Debug)]
pub enum Opened {
    Incident(Box<Incident>),
    /// There is a pointer, and it leads to nothing that is open and can be read.
    Stale(String),
    Nothing,
}

/// An item that cannot be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub pk: String,
    pub sk: String,
    pub why: String,
    /// Changes with what is written in it.
    pub digest: String,
}

/// What there is to look after.
#[derive(Debug, Default)]
pub struct Shelf {
    /// The open ones, the worst first.
    pub open: Vec<Incident>,
    /// Those that were over a short while ago, or of whose end people may not have been told.
    pub over: Vec<Incident>,
    /// Which of those that are over still have an item that says so.
    pub kept: BTreeSet<String>,
}

/// What a component's status is, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusNow {
    #[serde(flatten)]
    pub component: Component,
    pub at: Timestamp,
}

/// As far as it matters to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Approval {
    #[serde(default)]
    id: String,
    pub expires: Timestamp,
    #[serde(skip)]
    pub used: bool,
}

#[derive(Debug)]
pub struct Store {
    client: Client,
    table: String,
    /// What could not be read since it was asked last.
    unreadable: Mutex<Vec<Unreadable>>,
}

impl Store {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into(), unreadable: Mutex::default() }
    }

    /// What could not be read since this was asked last, each once.
    pub fn take_unreadable(&self) -> Vec<Unreadable> {
        let mut all = self.unreadable.lock().map(|mut found| std::mem::take(&mut *found)).unwrap_or_default();
        all.sort_by(|a, b| (&a.pk, &a.sk).cmp(&(&b.pk, &b.sk)));
        all.dedup();
        all
    }

    /// What could not be read since it was taken last.
    pub fn unreadable_now(&self) -> Vec<Unreadable> {
        self.unreadable.lock().map(|all| all.clone()).unwrap_or_default()
    }

    /// Why an incident that was asked for just now could not be read.
    pub fn why_unreadable(&self, id: &str) -> Option<String> {
        let all = self.unreadable.lock().ok()?;
        all.iter().rev().find(|item| item.pk == INCIDENTS && item.sk == id).map(|item| item.why.clone())
    }

    /// What an item says; what cannot be read is noted, and stops nothing else.
    fn read<T>(&self, item: &Item, as_what: impl Fn(&Item) -> Result<T, Error>) -> Option<T> {
        as_what(item)
            .map_err(|error| {
                let (pk, sk) = (text(item, "pk").to_owned(), text(item, "sk").to_owned());
                let digest = digest(text(item, "data"));
                let unreadable = Unreadable { pk, sk, why: chain(&error), digest };
                let Unreadable { pk, sk, why, .. } = &unreadable;
                tracing::warn!(pk, sk, why, "an item of the ledger cannot be read");
                if let Ok(mut all) = self.unreadable.lock() {
                    all.push(unreadable);
                }
            })
            .ok()
    }

    /// The incident that is open under a key.
    pub async fn open_for(&self, key: &str) -> Result<Opened, Error> {
        let Some(pointer) = self.item(OPEN, key).await? else {
            return Ok(Opened::Nothing);
        };
        let id = text(&pointer, "incident");
        let incident = if id.is_empty() { None } else { self.get(id).await? };
        Ok(match incident.filter(Incident::is_open) {
            Some(incident) => Opened::Incident(Box::new(incident)),
            None => Opened::Stale(id.to_owned()),
        })
    }

    /// `None` also where it cannot be read.
    pub async fn get(&self, id: &str) -> Result<Option<Incident>, Error> {
        let item = self.item(INCIDENTS, id).await?;
        Ok(item.as_ref().and_then(|item| self.read(item, incident)))
    }

    /// The newest incidents, the newest first.
    pub async fn newest(&self, most: usize) -> Result<Vec<Incident>, Error> {
        let items = self.query(INCIDENTS, None, false, most).await?;
        Ok(items.iter().filter_map(|item| self.read(item, incident)).collect())
    }

    /// The incidents that are open or were over a short while ago, and with `newest` those few as well.
    pub async fn shelf(&self, newest: usize) -> Result<Shelf, Error> {
        /// DynamoDB answers as many at once without trouble.
        const AT_ONCE: usize = 20;
        let (pointers, newest) =
            tokio::try_join!(self.query(OPEN, None, true, MOST_POINTERS), self.newest(newest))?;
        let (mut there, mut ids) = (Shelf::default(), BTreeSet::<String>::new());
        for pointer in &pointers {
            // What was remembered of unreadable items stands here too.
            if text(pointer, "sk").starts_with(UNREADABLE) {
                continue;
            }
            let id = |item: &Item| match text(item, "incident") {
                "" => Err(unusable("it names no incident".to_owned())),
                id => Ok(id.to_owned()),
            };
            let id = self.read(pointer, id);
            if text(pointer, "sk").starts_with(OVER) {
                there.kept.extend(id.clone());
            }
            ids.extend(id);
        }
        for incident in newest {
            // What is open has its pointer, unless that is broken.
            ids.remove(&incident.id);
            if incident.is_open() { there.open.push(incident) } else { there.over.push(incident) }
        }
        let read = futures_util::stream::iter(&ids).map(|id| self.get(id)).buffer_unordered(AT_ONCE);
        let read: Vec<Option<Incident>> = read.try_collect().await?;
        for incident in read.into_iter().flatten() {
            if incident.is_open() { there.open.push(incident) } else { there.over.push(incident) }
        }
        there.open.sort_by(|a, b| (b.severity, &a.id).cmp(&(a.severity, &b.id)));
        there.over.sort_by(|a, b| b.id.cmp(&a.id));
        Ok(there)
    }

    /// Whether people were told of an unreadable item before; with `notice` they are, and it is remembered.
    pub async fn remember_unreadable(
        &self,
        item: &Unreadable,
        notice: Item,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let which = digest(&format!("{}/{}/{}", item.pk, item.sk, item.digest));
        let mut marker = item_key(OPEN, &format!("{UNREADABLE}{which}"));
        marker.insert("of".to_owned(), string(format!("{} / {}", item.pk, item.sk)));
        marker.insert("why".to_owned(), string(&item.why));
        marker.insert("at".to_owned(), string(clock::sortable(now)));
        marker.insert("expires_at".to_owned(), kept(now, AUDIT_KEPT));
        let marker = Put::builder().table_name(&self.table).set_item(Some(marker));
        self.transact(
            vec![
                put(marker.condition_expression("attribute_not_exists(pk)"))?,
                put(Put::builder().table_name(&self.table).set_item(Some(notice)))?,
            ],
            &item.sk,
        )
        .await
    }

    /// Writes an incident as it now is, on condition that nobody has written it since it was read. `false` if
    /// somebody was quicker.
    pub async fn save(
        &self,
        incident: &mut Incident,
        pointer: Pointer,
        line: Option<(&str, &Line)>,
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
            // Somebody else's hand, without a number to count on.
            write
                .condition_expression("attribute_not_exists(version) OR NOT attribute_type(version, :number)")
                .expression_attribute_values(":number", string("N"))
        } else {
            write
                .condition_expression("version = :read")
                .expression_attribute_values(":read", AttributeValue::N(incident.version.to_string()))
        })?];
        let key = incident.open_key();
        let over = format!("{OVER}{}", incident.id);
        match &pointer {
            Pointer::Keep => {}
            Pointer::Set | Pointer::Replace(_) => {
                let set = Put::builder().table_name(&self.table).set_item(Some(pointer_item(&key, incident)));
                writes.push(put(match &pointer {
                    Pointer::Replace(stale) => set
                        .condition_expression(
                            "attribute_not_exists(pk) OR incident = :stale OR NOT attribute_type(incident, :text)",
                        )
                        .expression_attribute_values(":stale", string(stale))
                        .expression_attribute_values(":text", string("S")),
                    _ => set.condition_expression("attribute_not_exists(pk)"),
                })?);
                let gone = Delete::builder().table_name(&self.table).set_key(Some(item_key(OPEN, &over)));
                writes.push(TransactWriteItem::builder().delete(built(gone.build())?).build());
            }
            Pointer::Remove => {
                let remove = Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(item_key(OPEN, &key)))
                    .condition_expression("attribute_not_exists(pk) OR incident = :id")
                    .expression_attribute_values(":id", string(&incident.id));
                writes.push(TransactWriteItem::builder().delete(built(remove.build())?).build());
                // People are to hear of the end, however many incidents there are by then.
                let over =
                    Put::builder().table_name(&self.table).set_item(Some(pointer_item(&over, incident)));
                writes.push(put(over)?);
            }
        }
        if let Some((key, line)) = line {
            let item = line_item(&incident.id, key, line)?;
            writes.push(put(Put::builder().table_name(&self.table).set_item(Some(item)))?);
        }
        let written = self.transact(writes, &incident.id).await?;
        if written {
            incident.version = incident.version.saturating_add(1);
            incident.is_written = true;
        }
        Ok(written)
    }

    /// Lets go of an incident that is over and needs no more looking after.
    pub async fn put_away(&self, id: &str) -> Result<(), Error> {
        self.delete(OPEN, &format!("{OVER}{id}")).await
    }

    /// Writes all or nothing. `false` if a condition was not met, or another write came between.
    pub async fn transact(&self, writes: Vec<TransactWriteItem>, about: &str) -> Result<bool, Error> {
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => Ok(true),
            Err(error)
                if reasons(&error)
                    .iter()
                    .any(|reason| failed_check(reason) || reason == "TransactionConflict") =>
            {
                Ok(false)
            }
            Err(error) => Err(aws::failed("write to the ledger", about, &error)),
        }
    }

    pub async fn delete(&self, pk: &str, sk: &str) -> Result<(), Error> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(item_key(pk, sk)));
        let answer = delete.send().await;
        answer
            .map(|_| ())
            .map_err(|error| aws::failed("delete from the ledger", format!("{pk} / {sk}"), &error))
    }

    /// A write of one item, for a transaction.
    pub fn put(&self, item: Item) -> Result<TransactWriteItem, Error> {
        put(Put::builder().table_name(&self.table).set_item(Some(item)))
    }

    /// A delete of one item, for a transaction.
    pub fn remove(&self, pk: &str, sk: &str) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(item_key(pk, sk)));
        Ok(TransactWriteItem::builder().delete(built(delete.build())?).build())
    }

    /// Adds a line to a timeline, once for each time and key. `false` if it was there.
    pub async fn add(&self, id: &str, key: &str, line: &Line) -> Result<bool, Error> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(line_item(id, key, line)?));
        match put.condition_expression("attribute_not_exists(pk)").send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(aws::failed("write to the timeline of", id, &error)),
        }
    }

    /// An incident's own lines, in order; of very many, the newest.
    pub async fn lines(&self, id: &str) -> Result<Vec<Line>, Error> {
        let newest_first = self.query(&timeline(id), None, false, MAX_LINES).await?;
        Ok(newest_first.iter().rev().filter_map(|item| self.read(item, data)).collect())
    }

    /// What a function recorded within a time, in order; of very much, the newest.
    pub async fn outcomes(
        &self,
        function: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Outcome>, Error> {
        /// Sorts behind every execution id.
        const LAST: char = '~';
        let between = (clock::sortable(from), format!("{}#{LAST}", clock::sortable(to)));
        let items = self.query(&format!("audit#{function}"), Some(between), false, MAX_LINES).await?;
        // A record of another version is no reason to show none.
        let read = |item: &Item| serde_json::from_str(text(item, "outcome")).ok();
        Ok(items.iter().rev().filter_map(read).collect())
    }

    /// The plans of a function that wait for a person by `now`, the one that expires last first.
    pub async fn plans(&self, function: &str, now: Timestamp) -> Result<Vec<(String, Timestamp)>, Error> {
        let items = self.query(&format!("approval#{function}"), None, true, MAX_RECORDS).await?;
        let waits = |item: &&Item| !item.contains_key("used_at") && !item.contains_key("rejected_at");
        let read = |item: &Item| {
            let approval: Approval = data(item).ok()?;
            (approval.expires > now).then_some((approval.id, approval.expires))
        };
        let mut plans: Vec<(String, Timestamp)> = items.iter().filter(waits).filter_map(read).collect();
        plans.sort_by_key(|(_, expires)| std::cmp::Reverse(*expires));
        Ok(plans)
    }

    /// A plan that a function asked people to approve.
    pub async fn approval(&self, function: &str, id: &str) -> Result<Option<Approval>, Error> {
        let item = self.item(&format!("approval#{function}"), plan_key(id)).await?;
        let decided = |item: &Item| item.contains_key("used_at") || item.contains_key("rejected_at");
        item.map(|item| Ok(Approval { used: decided(&item), ..data(&item)? })).transpose()
    }

    pub async fn set_component(&self, status: &StatusNow) -> Result<(), Error> {
        let mut item = item_key(COMPONENT, &status.component.component);
        item.insert("data".to_owned(), string(json(status)?));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(|_| ()).map_err(|error| {
            aws::failed("write the status to the ledger", &status.component.component, &error)
        })
    }

    pub async fn components(&self) -> Result<Vec<StatusNow>, Error> {
        let items = self.query(COMPONENT, None, true, MAX_LINES).await?;
        Ok(items.iter().filter_map(|item| self.read(item, data)).collect())
    }

    async fn item(&self, pk: &str, sk: &str) -> Result<Option<Item>, Error> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(item_key(pk, sk)));
        let answer = get.consistent_read(true).send().await;
        Ok(answer.map_err(|error| aws::failed("read the ledger", format!("{pk} / {sk}"), &error))?.item)
    }

    /// As many items as asked for, over as many pages as it takes.
    async fn query(
        &self,
        pk: &str,
        between: Option<(String, String)>,
        forward: bool,
        most: usize,
    ) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        if most == 0 {
            // DynamoDB takes no limit of none.
            return Ok(items);
        }
        let mut start: Option<Item> = None;
        loop {
            let left = most.saturating_sub(items.len());
            if left == 0 {
                return Ok(items);
            }
            let mut query = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", string(pk))
                .consistent_read(true)
                .scan_index_forward(forward)
                .set_exclusive_start_key(start.take())
                .limit(i32::try_from(left).unwrap_or(i32::MAX));
            if let Some((from, to)) = between.clone() {
                query = query
                    .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                    .expression_attribute_values(":from", string(from))
                    .expression_attribute_values(":to", string(to));
            }
            let answer = query.send().await.map_err(|error| aws::failed("read the ledger", pk, &error))?;
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}

fn incident(item: &Item) -> Result<Incident, Error> {
    let incident = Incident { version: version(item).unwrap_or_default(), is_written: true, ..data(item)? };
    Ok(incident.completed())
}

fn pointer_item(key: &str, incident: &Incident) -> Item {
    let mut item = item_key(OPEN, key);
    item.insert("incident".to_owned(), string(&incident.id));
    item
}

fn timeline(id: &str) -> String {
    format!("incident#{id}")
}

fn line_item(id: &str, key: &str, line: &Line) -> Result<Item, Error> {
    let mut item = item_key(&timeline(id), &format!("{}#{key}", clock::sortable(line.at)));
    item.insert("data".to_owned(), string(json(line)?));
    item.insert("expires_at".to_owned(), kept(line.at, AUDIT_KEPT));
    Ok(item)
}
