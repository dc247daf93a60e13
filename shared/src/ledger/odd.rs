//! An item that cannot be read: it is left out, people are told of it once, and it is only replaced on condition
//! that it is still the very item that was read.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use jiff::Timestamp;

use super::{
    Ledger, Owed,
    items::{Item, built, failed_check, item_key, put, reasons, string, text},
};
use crate::{aws, error::Error};

/// What says whether an item is still the one that was read, where its version cannot.
const SEEN: [&str; 2] = ["data", "version"];

/// An item as it was read, to change it only while it is still that.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen(Vec<(&'static str, Option<AttributeValue>)>);

impl Seen {
    pub(super) fn new(item: &Item) -> Self {
        Self(SEEN.map(|name| (name, item.get(name).cloned())).into())
    }

    /// That the item is still what was read.
    pub(super) fn condition(&self) -> (String, HashMap<String, AttributeValue>) {
        let mut values = HashMap::new();
        let conditions: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| match value {
                Some(value) => {
                    values.insert(format!(":{name}"), value.clone());
                    format!("#{name} = :{name}")
                }
                None => format!("attribute_not_exists(#{name})"),
            })
            .collect();
        (conditions.join(" AND "), values)
    }

    /// The names of the attributes in [`Self::condition`]; `data` is a reserved word in some of DynamoDB's languages.
    pub(super) fn names() -> HashMap<String, String> {
        SEEN.map(|name| (format!("#{name}"), name.to_owned())).into()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Odd {
    pub pk: String,
    pub sk: String,
    pub why: String,
    /// Whether people know of it.
    pub reported: bool,
    pub seen: Seen,
}

impl Odd {
    pub(super) fn new(item: &Item, why: String) -> Self {
        Self {
            pk: text(item, "pk").to_owned(),
            sk: text(item, "sk").to_owned(),
            why,
            reported: item.contains_key("reported_at"),
            seen: Seen::new(item),
        }
    }

    /// For a person.
    pub fn line(&self) -> String {
        format!("{} / {}: {}", self.pk, self.sk, self.why)
    }
}

impl Ledger {
    /// Owes people a notice of an item that cannot be read. `false` if another run was quicker.
    pub async fn report_odd(&self, odd: &Odd, owed: &Owed, now: Timestamp) -> Result<bool, Error> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(item_key(&odd.pk, &odd.sk)))
            .update_expression("SET reported_at = :now")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(reported_at)")
            .expression_attribute_values(":now", string(now.to_string()));
        let writes = vec![
            TransactWriteItem::builder().update(built(update.build())?).build(),
            put(self.put(owed.item()))?,
        ];
        match self.transact(writes).await {
            Ok(()) => Ok(true),
            Err(error) if reasons(&error).iter().any(|reason| failed_check(reason)) => Ok(false),
            Err(error) => Err(aws::failed("report an item of the ledger", odd.line(), &error)),
        }
    }
}
