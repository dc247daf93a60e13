//! The kill switch. Whatever stands in its partition stops something: an item named after a function of the runbook
//! stops that one, any other item stops all, a misspelt one too. Past its `until` it stops nothing.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::items::{Item, string, text};
use crate::{
    aws,
    clock::{self, spoken},
    error::Error,
    text::line,
};

pub const KILL_SWITCH: &str = "kill-switch";
/// The name of the switch that stops every function; others that name no function do too.
pub const ALL: &str = "all";
/// What a person wrote into an item by another way than `incident` is cut here.
const MAX_WORDS: usize = 200;

/// One item of the partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Switch {
    /// As in the ledger: `{"go": "<name>"}` lifts it.
    pub name: String,
    /// `all`, or the function that it stops.
    pub stops: String,
    pub reason: String,
    pub by: String,
    /// Since when, as it was written.
    pub at: String,
    /// Until when, as it was written; empty is for ever.
    pub until: String,
}

impl Switch {
    /// Any name but that of a function stops all of them.
    pub fn of(item: &Item, functions: &[String]) -> Self {
        let name = text(item, "sk").to_owned();
        let words = |field| line(text(item, field), MAX_WORDS);
        let stops = if functions.contains(&name) { name.clone() } else { ALL.to_owned() };
        Self { stops, reason: words("reason"), by: words("by"), at: words("at"), until: words("until"), name }
    }

    /// A switch whose end cannot be read stays on.
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.until.parse::<Timestamp>().map_or(true, |until| now < until)
    }

    pub fn stops(&self, function: &str) -> bool {
        self.stops == ALL || self.stops == function
    }

    /// As in `the kill switch all is on since 20:01 UTC (by Ana: the sale has begun), until 22:00 UTC`.
    pub fn in_words(&self, now: Timestamp) -> String {
        let name = line(&self.name, MAX_WORDS);
        let stops = match self.stops.as_str() {
            _ if self.name == self.stops => String::new(),
            ALL => ", a name of no function, which stops all,".to_owned(),
            function => format!(", which stops {function},"),
        };
        let since = self
            .at
            .parse::<Timestamp>()
            .map_or(String::new(), |at| format!(" for {}", spoken(now.duration_since(at))));
        let why = match (self.by.as_str(), self.reason.as_str()) {
            ("", "") => String::new(),
            ("", why) => format!(" ({why})"),
            (by, "") => format!(" (by {by})"),
            (by, why) => format!(" (by {by}: {why})"),
        };
        let until =
            if self.until.is_empty() { String::new() } else { format!(", until {}", readable(&self.until)) };
        format!("the kill switch `{name}`{stops} is on{since}{why}{until}")
    }

    /// What lifts it.
    pub fn lift(&self) -> Value {
        json!({ "go": self.name, "by": "<your name>" })
    }
}

fn readable(text: &str) -> String {
    text.parse::<Timestamp>().map_or_else(|_| format!("`{text}`"), clock::readable)
}

/// A condition: there is no switch, or it is over. `until` is a reserved word of DynamoDB.
pub(super) const OFF: &str = "attribute_not_exists(pk) OR #until < :now";

pub(super) fn now_value(now: Timestamp) -> AttributeValue {
    string(clock::sortable(now))
}

/// Reads the whole partition.
#[derive(Debug, Clone)]
pub struct Switches {
    client: Client,
    table: String,
}

impl Switches {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// All items of the partition, whether or not they are still on.
    pub async fn all(&self, functions: &[String]) -> Result<Vec<Switch>, Error> {
        /// Nobody sets that many; each of them stops something.
        const MOST: i32 = 1_000;
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :switch")
            .expression_attribute_values(":switch", string(KILL_SWITCH))
            .consistent_read(true)
            .limit(MOST)
            .send()
            .await
            .map_err(|error| aws::failed("read the kill switch in the ledger", &self.table, &error))?;
        Ok(answer.items.unwrap_or_default().iter().map(|item| Switch::of(item, functions)).collect())
    }

    /// The one that stops this function now.
    pub async fn stopping(
        &self,
        function: &str,
        functions: &[String],
        now: Timestamp,
    ) -> Result<Option<Switch>, Error> {
        let all = self.all(functions).await?;
        Ok(all.into_iter().find(|switch| switch.stops(function) && switch.is_on(now)))
    }
}

#[cfg(test)]
mod tests;
