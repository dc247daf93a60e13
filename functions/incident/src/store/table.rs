//! The ledger's table: reads and writes of single items, and a list of the items that cannot be read.

use std::sync::Mutex;

use aws_sdk_dynamodb::{
    Client,
    types::{Delete, Put, TransactWriteItem},
};
use shared::{
    aws,
    error::{Error, chain},
    ledger::items::{Item, built, failed_check, item_key, put, reasons, string, text},
};

use crate::slug::digest;

pub(super) const INCIDENTS: &str = "incidents";
/// The index of open incidents, by cause.
pub(super) const OPEN: &str = "incident-open";

/// An item that cannot be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub pk: String,
    pub sk: String,
    pub why: String,
    /// Changes with the item's content.
    pub digest: String,
}

#[derive(Debug)]
pub struct Store {
    pub(super) client: Client,
    pub(super) table: String,
    /// The items that could not be read, until they are taken.
    unreadable: Mutex<Vec<Unreadable>>,
}

impl Store {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into(), unreadable: Mutex::default() }
    }

    /// Takes the items that could not be read, each once.
    pub fn take_unreadable(&self) -> Vec<Unreadable> {
        let mut all = self.unreadable.lock().map(|mut found| std::mem::take(&mut *found)).unwrap_or_default();
        all.sort_by(|a, b| (&a.pk, &a.sk).cmp(&(&b.pk, &b.sk)));
        all.dedup();
        all
    }

    /// The items that could not be read since they were last taken.
    pub fn unreadable(&self) -> Vec<Unreadable> {
        self.unreadable.lock().map(|all| all.clone()).unwrap_or_default()
    }

    /// Why an incident that was just asked for could not be read.
    pub fn why_unreadable(&self, id: &str) -> Option<String> {
        let all = self.unreadable.lock().ok()?;
        all.iter().rev().find(|item| item.pk == INCIDENTS && item.sk == id).map(|item| item.why.clone())
    }

    /// Reads an item. One that cannot be read is noted, and stops nothing else.
    pub(super) fn read<T>(&self, item: &Item, read: impl Fn(&Item) -> Result<T, Error>) -> Option<T> {
        read(item)
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

    /// The write of an item, as part of a transaction.
    pub fn put(&self, item: Item) -> Result<TransactWriteItem, Error> {
        put(Put::builder().table_name(&self.table).set_item(Some(item)))
    }

    /// The deletion of an item, as part of a transaction.
    pub fn remove(&self, pk: &str, sk: &str) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(item_key(pk, sk)));
        Ok(TransactWriteItem::builder().delete(built(delete.build())?).build())
    }

    pub(super) async fn item(&self, pk: &str, sk: &str) -> Result<Option<Item>, Error> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(item_key(pk, sk)));
        let answer = get.consistent_read(true).send().await;
        Ok(answer.map_err(|error| aws::failed("read the ledger", format!("{pk} / {sk}"), &error))?.item)
    }

    /// Up to `most` items of a partition, over as many pages as it takes.
    pub(super) async fn query(
        &self,
        pk: &str,
        between: Option<(String, String)>,
        forward: bool,
        most: usize,
    ) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        if most == 0 {
            // DynamoDB refuses a limit of 0.
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
