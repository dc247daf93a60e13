//! An incident's timeline.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    aws, clock,
    error::Error,
    ledger::{
        AUDIT_KEPT,
        items::{Item, data, item_key, json, kept, string},
    },
};

use super::table::Store;

/// More entries than anyone reads; the rest stays in the table.
pub(super) const MAX_ENTRIES: usize = 300;

/// An entry of an incident's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    pub at: Timestamp,
    /// The actor, as in `alarm`, `service-down`, `rollback`, or a person's name.
    pub by: String,
    pub what: String,
}

impl Store {
    /// Adds an entry to a timeline, once for each time and key. `false` if it was there already.
    pub async fn add(&self, id: &str, key: &str, entry: &TimelineEntry) -> Result<bool, Error> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(entry_item(id, key, entry)?));
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

    /// The newest entries of an incident's own timeline, in order.
    pub async fn timeline(&self, id: &str) -> Result<Vec<TimelineEntry>, Error> {
        let newest_first = self.query(&partition(id), None, false, MAX_ENTRIES).await?;
        Ok(newest_first.iter().rev().filter_map(|item| self.read(item, data)).collect())
    }
}

fn partition(id: &str) -> String {
    format!("incident#{id}")
}

pub(super) fn entry_item(id: &str, key: &str, entry: &TimelineEntry) -> Result<Item, Error> {
    let mut item = item_key(&partition(id), &format!("{}#{key}", clock::sortable(entry.at)));
    item.insert("data".to_owned(), string(json(entry)?));
    item.insert("expires_at".to_owned(), kept(entry.at, AUDIT_KEPT));
    Ok(item)
}
