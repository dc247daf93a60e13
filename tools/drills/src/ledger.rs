//! The incident as it is in the ledger: who looks there is no call of a function that is counted.

use aws_sdk_dynamodb::types::AttributeValue;
use sandbox::clients::Clients;
use serde_json::{Value, json};

const TABLE: &str = "lendpeak2-production-ledger";

/// The id of the newest incident of cause `service-down`.
pub(super) async fn newest(clients: &Clients) -> anyhow::Result<Option<String>> {
    let incidents = items(clients, "incidents").await?;
    let ids = incidents.iter().filter_map(|incident| incident.get("id")?.as_str());
    Ok(ids.filter(|id| id.ends_with("-service-down")).max().map(str::to_owned))
}

/// Its state, and its timeline without the records of other functions.
pub(super) async fn report(clients: &Clients, id: &str) -> anyhow::Result<Value> {
    let incidents = items(clients, "incidents").await?;
    let incident =
        incidents.into_iter().find(|incident| incident.get("id").and_then(Value::as_str) == Some(id));
    let mut timeline = items(clients, &format!("incident#{id}")).await?;
    timeline.sort_by_key(|line| line.get("at").and_then(Value::as_str).map(str::to_owned));
    Ok(json!({ "incident": incident, "timeline": timeline }))
}

async fn items(clients: &Clients, pk: &str) -> anyhow::Result<Vec<Value>> {
    let query = clients.dynamodb.query().table_name(TABLE).key_condition_expression("pk = :pk");
    let query = query.expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()));
    let answer = query.consistent_read(true).send().await?;
    let data = answer.items().iter().filter_map(|item| item.get("data")?.as_s().ok());
    data.map(|data| Ok(serde_json::from_str(data)?)).collect()
}
