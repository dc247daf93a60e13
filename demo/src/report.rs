//! Words and tables of the demo.

use sandbox::gateway::Call;
use serde_json::Value;

use super::screen::Screen;
use super::story::Facts;

pub(super) fn table(screen: &Screen, before: &Facts, worst: &Facts, after: &Facts) {
    screen.title("Before and after");
    screen.say(&format!("  {:<18} {:>19} {:>19} {:>19}", "", "before", "worst", "after"));
    for ((name, before), ((_, worst), (_, after))) in before.iter().zip(worst.iter().zip(after)) {
        screen.say(&format!("  {name:<18} {before:>19} {worst:>19} {after:>19}"));
    }
}

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

/// Writes that are not the audit record's.
pub(super) fn writes_outside_the_ledger(calls: &[Call]) -> Vec<String> {
    let writes = calls.iter().filter(|call| !call.is_read() && call.operation != "Invoke");
    writes.filter(|call| call.service != "dynamodb").map(Call::name).collect()
}
