//! Time is an input: it passes for the ledger while the clock stands still.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use sandbox::stack::LEDGER;

use super::*;

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

pub(crate) async fn items(sandbox: &Sandbox) -> anyhow::Result<Vec<Item>> {
    let scan = sandbox.clients.dynamodb.scan().table_name(LEDGER).consistent_read(true);
    Ok(scan.into_paginator().items().send().collect::<Result<_, _>>().await?)
}

/// As the ledger writes a time in a key.
pub(crate) fn sortable(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// All that the ledger has is older by so much, and what has expired since is gone, as DynamoDB has it. Audit records
/// stay as they are: no remedy reads them.
pub(crate) async fn passes(sandbox: &Sandbox, by: SignedDuration) -> Test {
    /// DynamoDB takes no more at once.
    const AT_ONCE: usize = 25;
    let now = Timestamp::now();
    let mut writes = Vec::new();
    for item in items(sandbox).await? {
        if text(&item, "pk").starts_with("audit#") {
            continue;
        }
        let older: Item = item.iter().map(|(name, value)| (name.clone(), aged(name, value, by))).collect();
        let key = |item: &Item| (text(item, "pk").to_owned(), text(item, "sk").to_owned());
        let expires = older.get("expires_at").and_then(|at| at.as_n().ok()?.parse::<i64>().ok());
        let is_gone = expires.is_some_and(|at| at < now.as_second());
        if is_gone || key(&item) != key(&older) {
            let delete =
                ["pk", "sk"].into_iter().filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())));
            let delete = DeleteRequest::builder().set_key(Some(delete.collect())).build()?;
            writes.push(WriteRequest::builder().delete_request(delete).build());
        }
        if !is_gone {
            let put = PutRequest::builder().set_item(Some(older)).build()?;
            writes.push(WriteRequest::builder().put_request(put).build());
        }
    }
    for some in writes.chunks(AT_ONCE) {
        let write = sandbox.clients.dynamodb.batch_write_item().request_items(LEDGER, some.to_vec());
        write.send().await?;
    }
    Ok(())
}

fn aged(name: &str, value: &AttributeValue, by: SignedDuration) -> AttributeValue {
    match value {
        AttributeValue::S(text) => AttributeValue::S(older(text, by)),
        AttributeValue::N(number) if name == "expires_at" => {
            let at = number.parse::<i64>().unwrap_or_default();
            AttributeValue::N(at.saturating_sub(by.as_secs()).to_string())
        }
        other => other.clone(),
    }
}

/// A text whose times are earlier by so much.
fn older(text: &str, by: SignedDuration) -> String {
    const SECONDS: usize = "2026-11-29T01:30:00".len();
    let (mut older, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("20") {
        let (before, from) = rest.split_at(at);
        older.push_str(before);
        let end = from.find('Z').map_or(0, |end| end + 1);
        let time = from
            .get(..end)
            .filter(|time| time.len() > SECONDS)
            .and_then(|time| time.parse::<Timestamp>().ok());
        let Some(time) = time else {
            older.push_str("20");
            rest = &from[2..];
            continue;
        };
        let time = time - by;
        // Three digits are those of a key, which is compared as a text.
        let is_key = end == SECONDS + ".000Z".len();
        older.push_str(&if is_key { sortable(time) } else { time.to_string() });
        rest = &from[end..];
    }
    older + rest
}

#[test]
fn every_time_in_a_text_is_earlier() {
    let by = SignedDuration::from_hours(24);
    for (text, expected) in [
        ("2026-11-29T01:30:00.100Z#run-20", "2026-11-28T01:30:00.100Z#run-20"),
        (r#"{"at":"2026-11-29T01:30:00Z","of":20}"#, r#"{"at":"2026-11-28T01:30:00Z","of":20}"#),
        ("2026-11-29 01:30:00 UTC, 2020, Z", "2026-11-29 01:30:00 UTC, 2020, Z"),
    ] {
        assert_eq!(older(text, by), expected);
    }
}
