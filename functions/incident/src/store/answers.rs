//! What each message of the queue of approvals came to. Whoever sent it reads that, and a second delivery finds it.

use std::time::Duration;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;
use serde_json::Value;
use shared::{
    aws,
    error::Error,
    ledger::items::{Item, data, item_key, json, kept, put as write, string},
};

use super::table::Store;

const ANSWERS: &str = "answers";
/// As long as the queue keeps a message.
const KEPT: Duration = Duration::from_hours(1);

impl Store {
    /// What a message came to, if it was delivered before.
    pub async fn answer(&self, message: &str) -> Result<Option<Value>, Error> {
        Ok(self.item(ANSWERS, message).await?.as_ref().and_then(|item| self.read(item, data)))
    }

    pub async fn keep_answer(&self, message: &str, answer: &Value, now: Timestamp) -> Result<(), Error> {
        let item = item(message, answer, now)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        put.map(drop).map_err(|error| aws::failed("write to the ledger", message, &error))
    }

    /// The same as part of the transaction that does what the message asks for: another delivery does not do it again.
    pub fn first_answer(
        &self,
        message: &str,
        answer: &Value,
        now: Timestamp,
    ) -> Result<TransactWriteItem, Error> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item(message, answer, now)?));
        write(put.condition_expression("attribute_not_exists(pk)"))
    }
}

fn item(message: &str, answer: &Value, now: Timestamp) -> Result<Item, Error> {
    let mut item = item_key(ANSWERS, message);
    item.insert("data".to_owned(), string(json(answer)?));
    item.insert("expires_at".to_owned(), kept(now, KEPT));
    Ok(item)
}
