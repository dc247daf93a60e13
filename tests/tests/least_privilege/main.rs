//! The check of the functions' roles: what it allows is what IAM allows, and what is wrong with a role it finds.

#![expect(clippy::indexing_slicing, reason = "JSON answers null where there is nothing; it does not panic")]

mod evaluator;
mod mutations;
mod needs;
mod reasons;

use serde_json::{Map, Value, json};
use tests::iam::Recorded;

/// A call of scale-up as the gateway writes it down.
fn call(service: &str, operation: &str, names: Value) -> Recorded {
    Recorded {
        by: "scale_up".to_owned(),
        caller: "scale-up".to_owned(),
        service: service.to_owned(),
        operation: operation.to_owned(),
        path: "/".to_owned(),
        names,
        resource_tags: Map::new(),
        status: Some(200),
    }
}

/// One call for everything that the role of scale-up allows.
fn calls() -> Vec<Recorded> {
    let service = json!({ "cluster": "lendpeak2-production", "service": "backend" });
    let item =
        || json!({ "TableName": "lendpeak2-production-ledger", "Key": { "pk": { "S": "kill-switch" } } });
    let ledger = "lendpeak2-production-ledger";
    vec![
        call(
            "ecs",
            "DescribeServices",
            json!({ "cluster": "lendpeak2-production", "services": ["backend"] }),
        ),
        call("ecs", "UpdateService", service),
        call("ecs", "ListTasks", json!({ "cluster": "lendpeak2-production" })),
        call("ecs", "DescribeTasks", json!({ "cluster": "lendpeak2-production", "tasks": ["0f1e"] })),
        call("application-autoscaling", "DescribeScalableTargets", json!({ "ServiceNamespace": "ecs" })),
        call(
            "application-autoscaling",
            "RegisterScalableTarget",
            json!({ "ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount",
                "ResourceId": "service/lendpeak2-production/backend" }),
        ),
        call("cloudwatch", "DescribeAlarms", json!({ "AlarmNames": ["lendpeak2-production-ecs-cpu"] })),
        call("dynamodb", "BatchGetItem", json!({ "RequestItems": { ledger: { "Keys": [] } } })),
        call("dynamodb", "GetItem", item()),
        call(
            "dynamodb",
            "TransactWriteItems",
            json!({ "TransactItems": [{ "ConditionCheck": item() }, { "Put": item() }, { "Update": item() },
                { "Delete": item() }] }),
        ),
        call(
            "sns",
            "Publish",
            json!({ "TopicArn": "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices" }),
        ),
    ]
}
