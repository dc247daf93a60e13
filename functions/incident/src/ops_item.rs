//! The incident as an OpsItem in Systems Manager OpsCenter, for teams that work there.

use aws_sdk_ssm::{
    Client,
    error::SdkError,
    operation::create_ops_item::CreateOpsItemError,
    types::{OpsItemDataType, OpsItemDataValue, OpsItemStatus},
};
use aws_types::SdkConfig;
use serde_json::json;
use shared::{aws, error::Error};

use crate::incident::{Incident, Severity};

/// The source of each item. OpsCenter takes 128 characters for it, and 1,024 for a title.
const SOURCE: &str = "lendpeak2-runbook";
/// OpsCenter refuses an item if an unresolved one has the same value under this key.
const DEDUP: &str = "/aws/dedup";

/// Creates the item, or finds the one that exists, and answers its id.
pub(crate) async fn create(
    config: &SdkConfig,
    incident: &Incident,
    environment: &str,
) -> Result<String, Error> {
    let dedup = json!({ "dedupString": format!("{environment}/{}", incident.id) });
    let dedup =
        OpsItemDataValue::builder().value(dedup.to_string()).r#type(OpsItemDataType::SearchableString);
    let began = OpsItemDataValue::builder()
        .value(incident.began_at.to_string())
        .r#type(OpsItemDataType::SearchableString);
    let sent = Client::new(config)
        .create_ops_item()
        .title(format!("[{environment}] {}", incident.title))
        .description(format!(
            "Incident {}. Its timeline: send {{\"show\": \"{0}\"}} to incident.",
            incident.id
        ))
        .source(SOURCE)
        .category("Availability")
        .severity(severity(incident.severity))
        .operational_data(DEDUP, dedup.build())
        .operational_data("began_at", began.build())
        .send()
        .await;
    match sent {
        Ok(created) => Ok(created.ops_item_id.unwrap_or_default()),
        Err(error) => match existing(&error) {
            Some(id) => Ok(id),
            None => Err(aws::failed("create an OpsItem for", &incident.id, &error)),
        },
    }
}

/// Resolves the item.
pub(crate) async fn resolve(config: &SdkConfig, id: &str) -> Result<(), Error> {
    let update = Client::new(config).update_ops_item().ops_item_id(id).status(OpsItemStatus::Resolved);
    update.send().await.map(|_| ()).map_err(|error| aws::failed("resolve the OpsItem", id, &error))
}

fn existing<R>(error: &SdkError<CreateOpsItemError, R>) -> Option<String> {
    match error.as_service_error()? {
        CreateOpsItemError::OpsItemAlreadyExistsException(there) => there.ops_item_id.clone(),
        _ => None,
    }
}

/// OpsCenter's scale runs from 1, critical, to 4, low.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "1",
        Severity::High => "2",
        Severity::Medium => "3",
        Severity::Low => "4",
    }
}
