//! What the probe found, minute by minute: an item for each hour, and in it an attribute for each minute. A run that is
//! repeated writes the same again.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::Client;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    DAY,
    items::{Item, item_key, json, kept, string},
};
use crate::{aws, error::Error};

const MINUTES: &str = "minutes";
/// Longer than a page shows single minutes, and than it takes to sum up a day that nobody summed up at its end.
const KEPT: Duration = DAY.saturating_mul(4);

/// What the probe found in one minute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// The names of the checks that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
    /// How long the API took to answer, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u32>,
}

/// The ledger's part about the probe's minutes.
#[derive(Debug, Clone)]
pub struct Minutes {
    client: Client,
    table: String,
}

impl Minutes {
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Notes what the probe found in the minute of `at`.
    pub async fn note(&self, at: Timestamp, minute: &Minute) -> Result<(), Error> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item_key(MINUTES, &hour(at))))
            .update_expression("SET #minute = :found, expires_at = :expires")
            .expression_attribute_names("#minute", at.strftime("m%M").to_string())
            .expression_attribute_values(":found", string(json(minute)?))
            .expression_attribute_values(":expires", kept(at, KEPT))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| aws::failed("note the probe's minute in the ledger", hour(at), &error))
    }

    /// What was found from the hour of `from` to the hour of `to`, by the minute's number since 1970. A minute that
    /// cannot be read is as one that was not measured.
    pub async fn between(&self, from: Timestamp, to: Timestamp) -> Result<BTreeMap<i64, Minute>, Error> {
        /// The hours of some days are some hundred KB at most.
        const MAX_PAGES: usize = 4;
        let mut minutes = BTreeMap::new();
        let mut start = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :minutes AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":minutes", string(MINUTES))
                .expression_attribute_values(":from", string(hour(from)))
                .expression_attribute_values(":to", string(hour(to)))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| {
                    aws::failed("read the probe's minutes in the ledger", &self.table, &error)
                })?;
            minutes.extend(page.items.unwrap_or_default().iter().flat_map(of_hour));
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(minutes)
    }
}

/// As in `2026-12-01T17`.
fn hour(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H").to_string()
}

fn of_hour(item: &Item) -> Vec<(i64, Minute)> {
    let hour = super::items::text(item, "sk");
    let Ok(start) = format!("{hour}:00:00Z").parse::<Timestamp>() else {
        return Vec::new();
    };
    let first = start.as_second().div_euclid(60);
    let minute = |(name, value): (&String, &aws_sdk_dynamodb::types::AttributeValue)| {
        let minute: i64 = name.strip_prefix('m')?.parse().ok().filter(|minute| (0..60).contains(minute))?;
        Some((first.saturating_add(minute), serde_json::from_str(value.as_s().ok()?).ok()?))
    };
    item.iter().filter_map(minute).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_read_minute_by_minute_and_what_cannot_be_read_was_not_measured() {
        let mut item = item_key(MINUTES, "1970-01-01T01");
        for (name, value) in [
            ("m07", r#"{"ms":120}"#),
            ("m59", r#"{"failed":["health"]}"#),
            ("m08", "120"),
            ("m60", "{}"),
            ("mx", "{}"),
        ] {
            item.insert(name.to_owned(), string(value));
        }
        let read: BTreeMap<i64, Minute> = of_hour(&item).into_iter().collect();
        let good = Minute { ms: Some(120), ..Minute::default() };
        let bad = Minute { failed: vec!["health".to_owned()], ms: None };
        assert_eq!(read, [(67, good), (119, bad)].into());
        assert_eq!(of_hour(&item_key(MINUTES, "yesterday")), Vec::new());
    }
}
