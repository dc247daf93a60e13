//! The ledger's items of incidents: [`shared::ledger`] lists them.

use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    types::{AttributeValue, Delete, Put, TransactWriteItem},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    aws, clock,
    error::Error,
    ledger::{
        AUDIT_KEPT,
        items::{Item, built, data, failed_check, item_key, json, kept, put, reasons, string, text, version},
    },
    outcome::Outcome,
};

use crate::{incident::Incident, request::Component};

const INCIDENTS: &str = "incidents";
const OPEN: &str = "incident-open";
const COMPONENT: &str = "component";
/// More lines than anyone reads; the rest stays in the table.
const MAX_LINES: i32 = 300;

/// A line of an incident's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub at: Timestamp,
    /// As in `alarm`, `service-down`, `rollback`, or whoever it was.
    pub by: String,
    pub what: String,
}

/// What becomes of the item that says which incident is open for a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointer {
    Keep,
    /// The incident opens, or opens again.
    Set,
    /// It is over.
    Remove,
}

/// What a component's status is, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusNow {
    #[serde(flatten)]
    pub component: Component,
    pub at: Timestamp,
}

/// As far as it matters to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Approval {
    pub expires: Timestamp,
    #[serde(skip)]
    pub used: bool,
}

#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// The id of the incident that is open for a cause.
    pub async fn open_for(&self, cause: &str) -> Result<Option<String>, Error> {
        Ok(self.item(OPEN, cause).await?.map(|item| text(&item, "incident").to_owned()))
    }

    pub async fn get(&self, id: &str) -> Result<Option<Incident>, Error> {
        self.item(INCIDENTS, id).await?.as_ref().map(incident).transpose()
    }

    /// The newest incidents, the newest first.
    pub async fn newest(&self, most: i32) -> Result<Vec<Incident>, Error> {
        self.query(INCIDENTS, None, false, most).await?.iter().map(incident).collect()
    }

    /// The incidents that are open.
    pub async fn open(&self) -> Result<Vec<Incident>, Error> {
        /// Each is one that people have been told of.
        const MAX_OPEN: i32 = 100;
        let mut open = Vec::new();
        for pointer in self.query(OPEN, None, true, MAX_OPEN).await? {
            open.extend(self.get(text(&pointer, "incident")).await?.filter(Incident::is_open));
        }
        Ok(open)
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
        item.insert("expires_at".to_owned(), kept(incident.opened_at, AUDIT_KEPT));
        let write = Put::builder().table_name(&self.table).set_item(Some(item));
        let mut writes = vec![put(if incident.version == 0 {
            write.condition_expression("attribute_not_exists(pk)")
        } else {
            write
                .condition_expression("version = :read")
                .expression_attribute_values(":read", AttributeValue::N(incident.version.to_string()))
        })?];
        match pointer {
            Pointer::Keep => {}
            Pointer::Set => {
                let mut item = item_key(OPEN, &incident.cause);
                item.insert("incident".to_owned(), string(&incident.id));
                let set = Put::builder().table_name(&self.table).set_item(Some(item));
                writes.push(put(set.condition_expression("attribute_not_exists(pk)"))?);
            }
            Pointer::Remove => {
                let remove = Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(item_key(OPEN, &incident.cause)))
                    .condition_expression("attribute_not_exists(pk) OR incident = :id")
                    .expression_attribute_values(":id", string(&incident.id));
                writes.push(TransactWriteItem::builder().delete(built(remove.build())?).build());
            }
        }
        if let Some((key, line)) = line {
            let item = line_item(&incident.id, key, line)?;
            writes.push(put(Put::builder().table_name(&self.table).set_item(Some(item)))?);
        }
        match self.client.transact_write_items().set_transact_items(Some(writes)).send().await {
            Ok(_) => {
                incident.version = incident.version.saturating_add(1);
                Ok(true)
            }
            Err(error)
                if reasons(&error)
                    .iter()
                    .any(|reason| failed_check(reason) || reason == "TransactionConflict") =>
            {
                Ok(false)
            }
            Err(error) => Err(aws::failed("write to the ledger", &incident.id, &error)),
        }
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
        newest_first.iter().rev().map(data).collect()
    }

    /// What a function recorded within a time.
    pub async fn outcomes(
        &self,
        function: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Outcome>, Error> {
        /// Sorts behind every execution id.
        const LAST: char = '~';
        let between = (clock::sortable(from), format!("{}#{LAST}", clock::sortable(to)));
        let items = self.query(&format!("audit#{function}"), Some(between), true, MAX_LINES).await?;
        // A record of another version is no reason to show none.
        Ok(items.iter().filter_map(|item| serde_json::from_str(text(item, "outcome")).ok()).collect())
    }

    /// A plan that a function asked people to approve.
    pub async fn approval(&self, function: &str, id: &str) -> Result<Option<Approval>, Error> {
        let item = self.item(&format!("approval#{function}"), id).await?;
        item.map(|item| Ok(Approval { used: item.contains_key("used_at"), ..data(&item)? })).transpose()
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
        self.query(COMPONENT, None, true, MAX_LINES).await?.iter().map(data).collect()
    }

    async fn item(&self, pk: &str, sk: &str) -> Result<Option<Item>, Error> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(item_key(pk, sk)));
        let answer = get.consistent_read(true).send().await;
        Ok(answer.map_err(|error| aws::failed("read the ledger", format!("{pk} / {sk}"), &error))?.item)
    }

    async fn query(
        &self,
        pk: &str,
        between: Option<(String, String)>,
        forward: bool,
        most: i32,
    ) -> Result<Vec<Item>, Error> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", string(pk))
            .consistent_read(true)
            .scan_index_forward(forward)
            .limit(most);
        if let Some((from, to)) = between {
            query = query
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":from", string(from))
                .expression_attribute_values(":to", string(to));
        }
        let answer = query.send().await.map_err(|error| aws::failed("read the ledger", pk, &error))?;
        Ok(answer.items.unwrap_or_default())
    }
}

fn incident(item: &Item) -> Result<Incident, Error> {
    Ok(Incident { version: version(item), ..data(item)? })
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
