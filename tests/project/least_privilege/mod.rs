//! The check of the functions' roles: what it allows is what IAM allows, and what is wrong with a role it finds.

#![expect(clippy::indexing_slicing, reason = "JSON answers null where there is nothing; it does not panic")]

mod evaluator;
mod mutations;
mod needs;
mod reasons;
mod required;

use sandbox::calls::Recorded;
use serde_json::{Map, Value, json};

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
        asked: None,
        said: None,
    }
}

/// A request about one item of the ledger.
fn item(partition: &str) -> Value {
    json!({ "TableName": "lendpeak2-production-ledger", "Key": { "pk": { "S": partition } } })
}

/// A request about a partition, as the gateway writes it down.
fn query(partition: &str) -> Value {
    json!({ "TableName": "lendpeak2-production-ledger", "pk": { "S": partition } })
}

const TARGET: &str = "target#service/lendpeak2-production/backend";

/// One call for everything that the role of scale-up allows.
fn calls() -> Vec<Recorded> {
    let service = json!({ "cluster": "lendpeak2-production", "service": "backend" });
    let keys = [TARGET, "event#scale-up"].map(|partition| json!({ "pk": { "S": partition } }));
    let writes = [
        ("ConditionCheck", vec!["kill-switch", "event#scale-up"]),
        ("Put", vec!["approval#scale-up", "audit#scale-up", "event#scale-up", "owed", TARGET]),
        ("Update", vec!["approval#scale-up", "event#scale-up", "owed", TARGET]),
        ("Delete", vec!["owed", TARGET]),
    ];
    let writes = writes.into_iter().flat_map(|(write, partitions)| {
        partitions.into_iter().map(move |partition| json!({ write: item(partition) }))
    });
    let topic = |name: &str| json!({ "TopicArn": format!("arn:aws:sns:us-east-1:000000000000:lendpeak2-production-{name}") });
    vec![
        call(
            "ecs",
            "DescribeServices",
            json!({ "cluster": "lendpeak2-production", "services": ["backend"] }),
        ),
        call("ecs", "ListServiceDeployments", service.clone()),
        call(
            "ecs",
            "DescribeServiceDeployments",
            json!({ "serviceDeploymentArns":
                ["arn:aws:ecs:us-east-1:000000000000:service-deployment/lendpeak2-production/backend/1"] }),
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
        call(
            "cloudwatch",
            "DescribeAlarms",
            json!({ "AlarmNames": ["lendpeak2-production-ecs-cpu"], "AlarmTypes": ["CompositeAlarm"] }),
        ),
        call(
            "dynamodb",
            "BatchGetItem",
            json!({ "RequestItems": { "lendpeak2-production-ledger": { "Keys": keys } } }),
        ),
        call("dynamodb", "GetItem", item("approval#scale-up")),
        call("dynamodb", "Query", query("kill-switch")),
        call("dynamodb", "Query", query("owed")),
        call("dynamodb", "TransactWriteItems", json!({ "TransactItems": writes.collect::<Vec<_>>() })),
        call("sns", "GetTopicAttributes", topic("notices")),
        call("sns", "Publish", topic("notices")),
        call("sns", "GetTopicAttributes", topic("level-2")),
        call("sns", "Publish", topic("level-2")),
    ]
}
