//! A service with a history: a release a day, the newest of which it runs.

use serde_json::{Value, json};

/// As many as `DescribeServiceRevisions` takes at once.
pub(super) const RELEASES: i64 = 20;
const TASKS: i64 = 2;
/// ECS sends a service's last hundred events with every description.
const EVENTS: i64 = 100;
/// When the newest release was deployed, in seconds since 1970.
const AT: f64 = 1_790_000_000.125;
const DAY_SECONDS: i64 = 86_400;

const SUCCESSFUL: &str = "SUCCESSFUL";

/// The revision that `RegisterTaskDefinition` makes.
const NEW: i64 = RELEASES + 1;

#[derive(Debug, Default)]
pub(super) struct Changed {
    service: Option<Change>,
    /// The request that registered a task definition.
    registered: Option<Value>,
}

/// What `UpdateService` has set.
#[derive(Debug, Default, Clone)]
struct Change {
    desired_count: Option<i64>,
    task_definition: Option<String>,
    force_new_deployment: bool,
}

pub(super) fn answer(operation: &str, request: &Value, changed: &mut Changed) -> Option<Value> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    Some(match operation {
        // A run describes its change once.
        "DescribeServices" => {
            json!({ "services": [service(&changed.service.take().unwrap_or_default())], "failures": [] })
        }
        "UpdateService" => {
            let change = Change {
                desired_count: request.get("desiredCount").and_then(Value::as_i64),
                task_definition: text("taskDefinition").map(task_definition_arn),
                force_new_deployment: request
                    .get("forceNewDeployment")
                    .and_then(Value::as_bool)
                    .unwrap_or_default(),
            };
            let answer = json!({ "service": service(&change) });
            changed.service = Some(change);
            answer
        }
        "ListTasks" => json!({ "taskArns": [] }),
        "ListServiceDeployments" => {
            let wanted = request.get("status").and_then(Value::as_array);
            // All that there are have ended well.
            let releases =
                if wanted.is_none_or(|wanted| wanted.contains(&json!(SUCCESSFUL))) { RELEASES } else { 0 };
            let deployments: Vec<Value> = (1..=releases).rev().map(service_deployment).collect();
            json!({ "serviceDeployments": deployments })
        }
        "DescribeServiceRevisions" => {
            let arns = request.get("serviceRevisionArns").and_then(Value::as_array)?;
            let revisions: Vec<Value> =
                arns.iter().filter_map(Value::as_str).filter_map(service_revision).collect();
            json!({ "serviceRevisions": revisions, "failures": [] })
        }
        "ListTaskDefinitions" => {
            let count = request.get("maxResults").and_then(Value::as_i64).unwrap_or(RELEASES);
            let newest = (1..=RELEASES).rev().zip(0..count);
            let arns: Vec<String> =
                newest.map(|(release, _)| task_definition_arn(&format!("backend:{release}"))).collect();
            json!({ "taskDefinitionArns": arns })
        }
        "RegisterTaskDefinition" => {
            let answer = registered(request.clone());
            changed.registered = Some(request.clone());
            answer
        }
        // A run that has registered one describes it once.
        "DescribeTaskDefinition" if number(text("taskDefinition")?, ':') == Some(NEW) => {
            registered(changed.registered.take()?)
        }
        "DescribeTaskDefinition" => {
            json!({ "taskDefinition": task_definition(text("taskDefinition")?)?, "tags": [] })
        }
        "DescribeImages" => json!({ "imageDetails": [{
            "registryId": "123456789012",
            "repositoryName": text("repositoryName")?,
            "imageDigest": format!("sha256:{RELEASES:064x}"),
            "imageTags": [RELEASES.to_string()],
            "imageSizeInBytes": 187_000_000,
            "imagePushedAt": AT,
        }] }),
        "DescribeSecret" => json!({
            "ARN": text("SecretId")?,
            "Name": "lendpeak2-production-db-credentials",
            "LastChangedDate": AT,
            "VersionIdsToStages": { "0f1d8d14-9b1e-4b7e-9a0b-7f3f6a2c5e90": ["AWSCURRENT"] },
        }),
        _ => return None,
    })
}

fn arn(rest: &str) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:{rest}")
}

/// Of `family:revision`, or of an ARN, as ECS takes both.
fn task_definition_arn(name: &str) -> String {
    arn(&format!("task-definition/{}", name.rsplit('/').next().unwrap_or(name)))
}

/// The number at the end of a name, as in `backend:7`.
fn number(name: &str, before: char) -> Option<i64> {
    name.rsplit(before).next()?.parse().ok()
}

fn service_revision_arn(release: i64) -> String {
    arn(&format!("service-revision/lendpeak2-production/backend/{release:019}"))
}

#[expect(clippy::cast_precision_loss, reason = "a month of seconds is far below 2^52")]
fn deployed_at(release: i64) -> f64 {
    AT - ((RELEASES - release) * DAY_SECONDS) as f64
}

fn service(change: &Change) -> Value {
    let tasks = change.desired_count.unwrap_or(TASKS);
    let newest = || task_definition_arn(&format!("backend:{RELEASES}"));
    let task_definition = change.task_definition.clone().unwrap_or_else(newest);
    let deployment = format!("ecs-svc/012345678901234567{}", if change.force_new_deployment { 9 } else { 8 });
    let events: Vec<Value> = (0..EVENTS)
        .map(|number| {
            json!({
                "id": format!("00000000-0000-4000-8000-{number:012}"),
                "createdAt": AT,
                "message": "(service backend) has reached a steady state.",
            })
        })
        .collect();
    json!({
        "serviceArn": arn("service/lendpeak2-production/backend"),
        "serviceName": "backend",
        "clusterArn": arn("cluster/lendpeak2-production"),
        "status": "ACTIVE",
        "desiredCount": tasks,
        "runningCount": tasks,
        "pendingCount": 0,
        "launchType": "FARGATE",
        "taskDefinition": task_definition,
        "loadBalancers": [load_balancer()],
        "networkConfiguration": network(),
        "healthCheckGracePeriodSeconds": 60,
        "deployments": [{
            "id": deployment,
            "status": "PRIMARY",
            "taskDefinition": task_definition,
            "desiredCount": tasks,
            "runningCount": tasks,
            "pendingCount": 0,
            "failedTasks": 0,
            "createdAt": AT,
            "updatedAt": AT,
            "rolloutState": "COMPLETED",
            "rolloutStateReason": format!("ECS deployment {deployment} completed."),
        }],
        "events": events,
        "createdAt": AT,
    })
}

fn load_balancer() -> Value {
    json!({
        "targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/backend/0123456789abcdef",
        "containerName": "backend",
        "containerPort": 8080,
    })
}

fn network() -> Value {
    json!({ "awsvpcConfiguration": {
        "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "securityGroups": ["sg-0123456789abcdef0"],
        "assignPublicIp": "DISABLED",
    } })
}

fn service_deployment(release: i64) -> Value {
    let at = deployed_at(release);
    json!({
        "serviceDeploymentArn": arn(&format!("service-deployment/lendpeak2-production/backend/{release:021}")),
        "serviceArn": arn("service/lendpeak2-production/backend"),
        "clusterArn": arn("cluster/lendpeak2-production"),
        "createdAt": at,
        "startedAt": at,
        "finishedAt": at,
        "targetServiceRevisionArn": service_revision_arn(release),
        "status": SUCCESSFUL,
    })
}

fn service_revision(of: &str) -> Option<Value> {
    let release = number(of, '/')?;
    Some(json!({
        "serviceRevisionArn": of,
        "serviceArn": arn("service/lendpeak2-production/backend"),
        "clusterArn": arn("cluster/lendpeak2-production"),
        "taskDefinition": task_definition_arn(&format!("backend:{release}")),
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "loadBalancers": [load_balancer()],
        "networkConfiguration": network(),
        "containerImages": [{
            "containerName": "backend",
            "image": image(release),
            "imageDigest": format!("sha256:{release:064x}"),
        }],
        "createdAt": deployed_at(release),
    }))
}

fn image(release: i64) -> String {
    format!("123456789012.dkr.ecr.us-east-1.amazonaws.com/lendpeak2/backend:{release}")
}

/// The task definition that a request has registered, and its tags.
fn registered(mut request: Value) -> Value {
    let tags = request.get_mut("tags").map(Value::take).unwrap_or_default();
    if let Some(fields) = request.as_object_mut() {
        fields.remove("tags");
        let arn = task_definition_arn(&format!("backend:{NEW}"));
        fields.extend([
            ("taskDefinitionArn".to_owned(), json!(arn)),
            ("revision".to_owned(), json!(NEW)),
            ("status".to_owned(), json!("ACTIVE")),
            ("registeredAt".to_owned(), json!(AT)),
        ]);
    }
    json!({ "taskDefinition": request, "tags": tags })
}

fn task_definition(name: &str) -> Option<Value> {
    let release = number(name, ':')?;
    let variables: Vec<Value> =
        ["NODE_ENV", "PORT", "MONGO_DATABASE", "REDIS_HOST", "CORS_ORIGIN", "LOG_LEVEL"]
            .map(|name| json!({ "name": name, "value": "production" }))
            .into();
    Some(json!({
        "taskDefinitionArn": task_definition_arn(name),
        "family": "backend",
        "revision": release,
        "status": "ACTIVE",
        "taskRoleArn": "arn:aws:iam::123456789012:role/lendpeak2-production-task",
        "executionRoleArn": "arn:aws:iam::123456789012:role/lendpeak2-production-task-execution",
        "networkMode": "awsvpc",
        "cpu": "1024",
        "memory": "2048",
        "requiresCompatibilities": ["FARGATE"],
        "compatibilities": ["EC2", "FARGATE"],
        "containerDefinitions": [{
            "name": "backend",
            "image": image(release),
            "cpu": 0,
            "essential": true,
            "portMappings": [{ "containerPort": 8080, "hostPort": 8080, "protocol": "tcp" }],
            "environment": variables,
            "secrets": [{
                "name": "DB_CREDENTIALS",
                "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:lendpeak2-production-db-credentials-AbCdEf",
            }],
            "logConfiguration": { "logDriver": "awslogs", "options": {
                "awslogs-group": "/ecs/lendpeak2-production",
                "awslogs-region": "us-east-1",
                "awslogs-stream-prefix": "backend",
            } },
            "mountPoints": [],
            "volumesFrom": [],
            "systemControls": [],
        }],
        "volumes": [],
        "placementConstraints": [],
        "requiresAttributes": [],
        "registeredAt": deployed_at(release),
        "registeredBy": "arn:aws:iam::123456789012:role/lendpeak2-production-deploy",
    }))
}
