//! Calls in words.

use sandbox::gateway::Call;
use serde_json::Value;

/// A write in words, with the values that matter.
pub(super) fn call_words(call: &Call) -> String {
    let value = |name: &str| call.request.get(name).filter(|value| !value.is_null());
    let number = |name: &str| value(name).map(Value::to_string);
    let text = |name: &str| value(name).and_then(Value::as_str);
    let details = match call.operation.as_str() {
        "UpdateService" if value("forceNewDeployment").is_some() => Some("starts new tasks".to_owned()),
        "UpdateService" => match text("taskDefinition") {
            Some(release) => Some(format!("task definition {release}")),
            None => number("desiredCount").map(|count| format!("desired count {count}")),
        },
        "RegisterScalableTarget" => number("MinCapacity").map(|minimum| format!("minimum {minimum}")),
        "StopServiceDeployment" => Some("has ECS roll back the deployment under way".to_owned()),
        "RestoreDBClusterFromSnapshot" => text("DBClusterIdentifier").map(str::to_owned),
        "CreateDBInstance" => text("DBInstanceIdentifier").map(str::to_owned),
        "ModifyDBCluster" => {
            text("DBClusterParameterGroupName").map(|group| format!("parameter group {group}"))
        }
        "AddTagsToResource" => Some("notes on the cluster that it is put to use".to_owned()),
        "PutSecretValue" => Some("a new version with another host".to_owned()),
        "Invoke" => Some("asks the health probe".to_owned()),
        // A claim is conditional on the kill switches; a record is not.
        "TransactWriteItems" if call.request.to_string().contains("kill-switch") => {
            Some("claims the target, unless a kill switch or another run forbids it".to_owned())
        }
        "TransactWriteItems" | "PutItem" => Some("records the run in the ledger".to_owned()),
        "UpdateItem" => Some("a note in the ledger".to_owned()),
        "DeleteItem" => Some("the notice was sent: it is owed no more".to_owned()),
        "Publish" => Some("a notice to people".to_owned()),
        _ => None,
    };
    match details {
        Some(details) => format!("calls {}: {details}", call.name()),
        None => format!("calls {}", call.name()),
    }
}
