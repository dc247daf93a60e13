//! The ledger, as the runs left it.

use std::collections::BTreeMap;

use anyhow::Context;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use sandbox::clients::Clients;
use sandbox::stack::{LEDGER, Stack, read};
use serde_json::{Value, json};

use super::part;

/// Every item: its key, and what is in its `data`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Item {
    pub(crate) pk: String,
    pub(crate) sk: String,
    pub(crate) data: Value,
    pub(crate) outcome: Value,
    /// Whether something in it is still wanted.
    pub(crate) is_wanted: bool,
    /// Its attributes that are text.
    pub(crate) texts: BTreeMap<String, String>,
}

impl Item {
    /// An attribute's text; empty where it has none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }
}

pub(crate) async fn items(clients: &Clients) -> anyhow::Result<Vec<Item>> {
    let mut pages = clients.dynamodb.scan().table_name(LEDGER).into_paginator().items().send();
    let mut items = Vec::new();
    while let Some(item) = pages.next().await {
        let item = item?;
        let is_wanted = item.keys().any(|name| name.starts_with("wanted "));
        let text = |(name, value): (String, AttributeValue)| Some((name, value.as_s().ok()?.clone()));
        let texts: BTreeMap<String, String> = item.into_iter().filter_map(text).collect();
        let text = |name: &str| texts.get(name).cloned().unwrap_or_default();
        let json = |name: &str| serde_json::from_str(&text(name)).unwrap_or_default();
        let (pk, sk, data, outcome) = (text("pk"), text("sk"), json("data"), json("outcome"));
        items.push(Item { pk, sk, data, outcome, is_wanted, texts });
    }
    Ok(items)
}

/// What is open, held, wanted or looked after: the items of targets, with nothing in them that depends on the time.
pub(crate) fn standing(items: &[Item]) -> Value {
    let standing = items.iter().filter(|item| item.pk.starts_with("target#"));
    // What was wanted once stands for nothing.
    let standing = standing.filter(|item| item.is_wanted || !item.sk.ends_with("#wanted"));
    let entry = |item: &Item| {
        (format!("{} {}", item.pk, item.sk), item.data.get("open").cloned().unwrap_or_default())
    };
    json!(standing.map(entry).collect::<BTreeMap<_, _>>())
}

/// Whether a run died that is still to be taken up, somebody has or waits for a target, something is wanted, or a
/// notice is owed.
pub(crate) fn is_unfinished(items: &[Item]) -> bool {
    let names = ["holder", "waiting"];
    let is_open = |item: &Item| *part(&item.data, "/open") == true;
    let of_target = |item: &Item| names.contains(&item.sk.as_str()) || item.is_wanted || is_open(item);
    items.iter().any(|item| item.pk == "owed" || (item.pk.starts_with("target#") && of_target(item)))
}

/// Decision and code of each audit record, and how often.
pub(crate) fn recorded(items: &[Item]) -> BTreeMap<String, usize> {
    let mut recorded = BTreeMap::new();
    for item in items.iter().filter(|item| item.pk.starts_with("audit#")) {
        *recorded.entry(read(&item.outcome)).or_default() += 1;
    }
    recorded
}

/// As if every lease, and every minute of patience, had gone by.
pub(crate) async fn let_time_pass(stack: &Stack) -> anyhow::Result<()> {
    let past = json!(Timestamp::now() - SignedDuration::from_mins(2));
    for Item { pk, sk, data, .. } in items(&stack.sandbox.clients).await? {
        if pk.starts_with("target#") && *part(&data, "/open") == true {
            stack.change(&pk, &sk, "lease_until", past.clone()).await?;
        }
        if pk.starts_with("target#") && sk == "holder" {
            end_hold(stack, &pk).await?;
        }
        if pk == "incidents" && !part(&data, "/owed").is_null() {
            let mut owed = part(&data, "/owed").clone();
            owed.as_object_mut()
                .context("what is owed is no object")?
                .insert("since".to_owned(), past.clone());
            stack.change(&pk, &sk, "owed", owed).await?;
        }
    }
    Ok(())
}

/// Whether a notice is owed; then, as if its own run's time to send it had gone by. No run may be at it.
pub(crate) async fn is_anything_owed(stack: &Stack) -> anyhow::Result<bool> {
    let past = (Timestamp::now() - SignedDuration::from_mins(2)).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let mut owed = items(&stack.sandbox.clients).await?;
    owed.retain(|item| item.pk == "owed");
    for Item { sk, texts, .. } in &owed {
        let run = sk.split_once('#').map_or(sk.as_str(), |(_, run)| run);
        let kept = |name: &&String| !["pk", "sk", "taken_until"].contains(&name.as_str());
        let texts: Vec<(&str, &str)> = texts
            .iter()
            .filter(|(name, _)| kept(name))
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let delete = stack.sandbox.clients.dynamodb.delete_item().table_name(LEDGER);
        delete.key("pk", text("owed")).key("sk", text(sk)).send().await?;
        stack.put("owed", &format!("{past}.000Z#{run}"), &texts).await?;
    }
    Ok(!owed.is_empty())
}

async fn end_hold(stack: &Stack, pk: &str) -> anyhow::Result<()> {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let past = (Timestamp::now() - SignedDuration::from_mins(2)).to_string();
    let update = stack.sandbox.clients.dynamodb.update_item().table_name(LEDGER);
    let update = update.key("pk", text(pk)).key("sk", text("holder"));
    let update =
        update.update_expression("SET lease_until = :past").condition_expression("attribute_exists(pk)");
    let update = update.expression_attribute_values(":past", text(&past)).send().await;
    match update.map_err(SdkError::into_service_error) {
        // It was let go in between.
        Err(error) if error.is_conditional_check_failed_exception() => Ok(()),
        done => Ok(done.map(|_| ())?),
    }
}
