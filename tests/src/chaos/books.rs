//! The ledger, as the runs left it.

use std::collections::BTreeMap;

use anyhow::Context;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::part;
use crate::clients::Clients;
use crate::stack::{LEDGER, Stack, read};

/// Every item: its key, and what is in its `data`.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) pk: String,
    pub(super) sk: String,
    pub(super) data: Value,
    outcome: Value,
}

pub(super) async fn items(clients: &Clients) -> anyhow::Result<Vec<Item>> {
    let mut pages = clients.dynamodb.scan().table_name(LEDGER).into_paginator().items().send();
    let mut items = Vec::new();
    while let Some(item) = pages.next().await {
        let item = item?;
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str);
        let json = |name: &str| serde_json::from_str(text(name)).unwrap_or_default();
        items.push(Item {
            pk: text("pk").to_owned(),
            sk: text("sk").to_owned(),
            data: json("data"),
            outcome: json("outcome"),
        });
    }
    Ok(items)
}

/// What is open, held or looked after: the items of targets, with nothing in them that depends on the time.
pub(super) fn standing(items: &[Item]) -> Value {
    let standing = items.iter().filter(|item| item.pk.starts_with("target#"));
    let entry = |item: &Item| {
        (format!("{} {}", item.pk, item.sk), item.data.get("open").cloned().unwrap_or_default())
    };
    json!(standing.map(entry).collect::<BTreeMap<_, _>>())
}

/// Decision and code of each audit record, and how often.
pub(super) fn recorded(items: &[Item]) -> BTreeMap<String, usize> {
    let mut recorded = BTreeMap::new();
    for item in items.iter().filter(|item| item.pk.starts_with("audit#")) {
        *recorded.entry(read(&item.outcome)).or_default() += 1;
    }
    recorded
}

/// As if every lease, and every minute of patience, had gone by.
pub(super) async fn let_time_pass(stack: &Stack) -> anyhow::Result<()> {
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
