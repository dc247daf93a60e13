//! Two tasks that run, and many that were killed for their memory.

use serde_json::{Value, json};

use super::super::ecs::RELEASES;
use super::{Large, page, spread, text, with_next};

const RUNNING: usize = 2;
/// As many as `ListTasks` answers at once.
const A_PAGE: usize = 100;
const HOUR_SECONDS: usize = 3_600;
const DAY_SECONDS: usize = 86_400;
const ACCOUNT: &str = "arn:aws:ecs:us-east-1:123456789012";

pub(super) fn answer(large: &Large, operation: &str, request: &Value) -> Option<Value> {
    let stopped = large.size.stopped_tasks;
    match operation {
        "ListTasks" if text(request, "desiredStatus") == "STOPPED" => {
            let (numbers, next) = page(request, "nextToken", stopped, A_PAGE);
            Some(with_next(json!({ "taskArns": numbers.map(arn).collect::<Vec<_>>() }), "nextToken", next))
        }
        "ListTasks" => Some(json!({ "taskArns": (stopped..stopped + RUNNING).map(arn).collect::<Vec<_>>() })),
        "DescribeTasks" => {
            let arns = request.get("tasks")?.as_array()?.iter().filter_map(Value::as_str);
            let tasks: Vec<Value> = arns.filter_map(|arn| task(large, arn, stopped)).collect();
            Some(json!({ "tasks": tasks, "failures": [] }))
        }
        _ => None,
    }
}

fn arn(number: usize) -> String {
    format!("{ACCOUNT}:task/lendpeak2-production/{number:032x}")
}

fn task(large: &Large, arn: &str, stopped: usize) -> Option<Value> {
    let id = arn.rsplit('/').next()?;
    let number = usize::from_str_radix(id, 16).ok()?;
    let interface = format!("{:08x}-0123-4abc-8abc-0123456789ab", spread(number) >> 32);
    let place = number.checked_sub(stopped).unwrap_or(number);
    let address = format!("10.0.{}.{}", 1 + place % 2, 11 + place % 240);
    let mut container = json!({
        "containerArn": format!("{ACCOUNT}:container/lendpeak2-production/{id}/{interface}"),
        "taskArn": arn,
        "name": "backend",
        "image": format!("123456789012.dkr.ecr.us-east-1.amazonaws.com/lendpeak2/backend:{RELEASES}"),
        "imageDigest": format!("sha256:{RELEASES:064x}"),
        "runtimeId": format!("{id}-{:010}", spread(number) % 10_000_000_000),
        "networkBindings": [],
        "networkInterfaces": [{ "attachmentId": interface, "privateIpv4Address": address }],
        "cpu": "0",
    });
    let mut task = json!({
        "attachments": [{
            "id": interface,
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED",
            "details": [
                { "name": "subnetId", "value": "subnet-0123456789abcdef0" },
                { "name": "networkInterfaceId", "value": format!("eni-{:017x}", spread(number) >> 4) },
                { "name": "macAddress", "value": "0a:12:34:56:78:9a" },
                { "name": "privateDnsName", "value": format!("ip-{}.ec2.internal", address.replace('.', "-")) },
                { "name": "privateIPv4Address", "value": address },
            ],
        }],
        "attributes": [{ "name": "ecs.cpu-architecture", "value": "x86_64" }],
        "availabilityZone": "us-east-1a",
        "clusterArn": format!("{ACCOUNT}:cluster/lendpeak2-production"),
        "connectivity": "CONNECTED",
        "cpu": "1024",
        "memory": "2048",
        "enableExecuteCommand": false,
        "ephemeralStorage": { "sizeInGiB": 20 },
        "group": "service:backend",
        "launchType": "FARGATE",
        "overrides": { "containerOverrides": [{ "name": "backend" }], "inferenceAcceleratorOverrides": [] },
        "platformFamily": "Linux",
        "platformVersion": "1.4.0",
        "startedBy": "ecs-svc/0123456789012345678",
        "tags": [],
        "taskArn": arn,
        "taskDefinitionArn": format!("{ACCOUNT}:task-definition/backend:{RELEASES}"),
        "version": 5,
    });
    let (own, of_container) = if number < stopped {
        let ended = HOUR_SECONDS * number / stopped;
        (stopped_task(large, ended), killed_container())
    } else {
        (running_task(large), json!({ "lastStatus": "RUNNING", "healthStatus": "HEALTHY" }))
    };
    merge(&mut container, of_container);
    merge(&mut task, own);
    merge(&mut task, json!({ "containers": [container] }));
    Some(task)
}

fn running_task(large: &Large) -> Value {
    json!({
        "desiredStatus": "RUNNING",
        "lastStatus": "RUNNING",
        "healthStatus": "HEALTHY",
        "createdAt": large.seconds_ago(2 * DAY_SECONDS),
        "startedAt": large.seconds_ago(2 * DAY_SECONDS - 40),
    })
}

/// Stopped so many seconds ago, six minutes after its start.
fn stopped_task(large: &Large, ended: usize) -> Value {
    json!({
        "desiredStatus": "STOPPED",
        "lastStatus": "STOPPED",
        "healthStatus": "UNKNOWN",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "createdAt": large.seconds_ago(ended + 400),
        "pullStartedAt": large.seconds_ago(ended + 390),
        "startedAt": large.seconds_ago(ended + 360),
        "executionStoppedAt": large.seconds_ago(ended + 20),
        "stoppingAt": large.seconds_ago(ended + 15),
        "stoppedAt": large.seconds_ago(ended),
    })
}

fn killed_container() -> Value {
    json!({
        "lastStatus": "STOPPED",
        "healthStatus": "UNKNOWN",
        "exitCode": 137,
        "reason": "OutOfMemoryError: Container killed due to memory usage",
    })
}

fn merge(target: &mut Value, more: Value) {
    if let (Value::Object(target), Value::Object(more)) = (target, more) {
        target.extend(more);
    }
}
