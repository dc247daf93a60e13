//! How the ledger's content becomes DynamoDB items, and back.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    operation::{transact_write_items::TransactWriteItemsError, update_item::UpdateItemError},
    types::{AttributeValue, TransactWriteItem, builders::PutBuilder},
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use super::Holder;
use crate::error::{Cause, Error};

pub type Item = HashMap<String, AttributeValue>;

pub fn target_key(target: &str) -> String {
    format!("target#{target}")
}

pub fn item_key(pk: &str, sk: &str) -> Item {
    [("pk", pk), ("sk", sk)]
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
        .into()
}

/// An attribute's text; empty where it has none.
pub fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

/// How often the item was written, if it says so.
pub fn version(item: &Item) -> Option<u64> {
    item.get("version")?.as_n().ok()?.parse().ok().filter(|version| *version > 0)
}

pub fn string(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn holder(item: &Item) -> Holder {
    Holder {
        function: text(item, "held_by").to_owned(),
        // A lease that cannot be read counts as over: it lasts a minute anyway.
        lease_until: text(item, "lease_until").parse().unwrap_or_default(),
    }
}

/// A time as DynamoDB reads it in `expires_at`.
pub fn seconds(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_second().to_string())
}

/// The expiry time of an item written at `at`; the latest representable second if that overflows.
pub fn kept(at: Timestamp, span: Duration) -> AttributeValue {
    seconds(at.checked_add(span).unwrap_or(Timestamp::MAX))
}

pub fn json(data: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(data).map_err(|error| unusable(error.to_string()))
}

/// What `data` says.
pub fn data<T: DeserializeOwned>(item: &Item) -> Result<T, Error> {
    serde_json::from_str(text(item, "data"))
        .map_err(|error| unusable(format!("{} / {}: {error}", text(item, "pk"), text(item, "sk"))))
}

pub fn built<T>(built: Result<T, BuildError>) -> Result<T, Error> {
    built.map_err(|error| unusable(error.to_string()))
}

/// An item that is not what it should be.
pub fn unusable(problem: String) -> Error {
    Error::Aws { operation: "use", resource: "an item of the ledger".to_owned(), source: Cause::new(problem) }
}

pub fn put(put: PutBuilder) -> Result<TransactWriteItem, Error> {
    Ok(TransactWriteItem::builder().put(built(put.build())?).build())
}

/// Why a transaction was cancelled, item by item, as DynamoDB's codes; empty if it failed otherwise.
pub fn reasons(error: &SdkError<TransactWriteItemsError>) -> Vec<String> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled
            .cancellation_reasons()
            .iter()
            .map(|reason| reason.code().unwrap_or_default().to_owned())
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether a condition was not met.
pub fn failed_check(reason: &str) -> bool {
    reason == "ConditionalCheckFailed"
}

/// Whether an update was not made because its condition was not met.
pub(crate) fn is_unmet(error: &SdkError<UpdateItemError>) -> bool {
    error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

/// Whether a transaction was cancelled only because it met another one. Its own conditions may hold.
pub(super) fn only_met_another(reasons: &[String]) -> bool {
    reasons.iter().any(|reason| reason == "TransactionConflict")
        && !reasons.iter().any(|reason| failed_check(reason))
}
