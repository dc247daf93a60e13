//! moto behind the gateway, in place of the usual local AWS: what it lacks or gets wrong, and who answers instead.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::uri::Uri;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::call::{Call, Protocol};
use super::cloudfront::{DISTRIBUTION, elements};
use super::ecs::{count, edit, set, text};
use super::forward::{self, Upstream, signed};
use super::{Answer, autoscaling, wire};
use crate::names::{ACCOUNT, REGION};

/// What moto does not do as AWS does.
#[derive(Debug)]
pub struct Difference {
    pub service: &'static str,
    /// `*` for each of the service's.
    pub operation: &'static str,
    /// What moto does.
    pub moto: &'static str,
    pub instead: Instead,
}

/// Who answers instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// The gateway, as it does before the usual local AWS.
    Gateway,
    /// moto, and the gateway changes what it is asked or what it answers.
    Mended,
}

const NOT_IMPLEMENTED: &str = "is not implemented, and answers 500";

/// All of them that a function, or the way to set it up, comes by. Whatever is not here, moto answers by itself.
pub const DIFFERENCES: [Difference; 24] = [
    mended("application-autoscaling", "DescribeScalableTargets", "does not say which role scales"),
    lacks("application-autoscaling", "DescribeScalingActivities", NOT_IMPLEMENTED),
    mended("cloudfront", "*", "gives distributions names of its own, and writes `COMPLETED` for `Completed`"),
    mended(
        "cloudwatch",
        "*",
        "routes no `rpc-v2-cbor`, which AWS's SDK for Rust speaks: 404. It is asked in JSON",
    ),
    lacks("cloudwatch", "DescribeAlarmHistory", NOT_IMPLEMENTED),
    lacks("codebuild", "*", "knows builds that were started in it, and those succeed at once"),
    lacks(
        "ec2",
        "DescribeSecurityGroups",
        "gives groups ids of its own, which no database or load balancer has",
    ),
    lacks("ecr", "DescribeImages", "knows images that were pushed to it"),
    mended("ecs", "CreateService", "wants subnets and security groups of its own EC2"),
    mended("ecs", "DescribeServices", "leaves the primary deployment as the service began"),
    mended(
        "ecs",
        "UpdateService",
        "keeps `family:n` where ECS has the ARN, and begins no deployment unless it is forced",
    ),
    lacks("ecs", "DescribeServiceDeployments", NOT_IMPLEMENTED),
    lacks("ecs", "DescribeServiceRevisions", NOT_IMPLEMENTED),
    mended("ecs", "DescribeTasks", "takes a task to its end by describing it"),
    lacks("ecs", "ListServiceDeployments", NOT_IMPLEMENTED),
    mended("ecs", "ListTasks", "starts no tasks for a service, and lists those of all services alike"),
    lacks("ecs", "StopServiceDeployment", NOT_IMPLEMENTED),
    lacks(
        "elasticloadbalancing",
        "*",
        "gives load balancers ids of its own, and ECS's tasks are no targets of theirs",
    ),
    lacks("health", "*", NOT_IMPLEMENTED),
    lacks("lambda", "Invoke", "runs functions in Docker only"),
    lacks("rds", "*", "refuses the engine `docdb`"),
    mended(
        "secretsmanager",
        "GetSecretValue",
        "does not see that AWSCURRENT was moved, unless it is asked for that stage",
    ),
    mended("sns", "GetTopicAttributes", "counts no subscription: always 0"),
    lacks("ssm", "*", "has no OpsCenter: 500"),
];

const fn lacks(service: &'static str, operation: &'static str, moto: &'static str) -> Difference {
    Difference { service, operation, moto, instead: Instead::Gateway }
}

const fn mended(service: &'static str, operation: &'static str, moto: &'static str) -> Difference {
    Difference { service, operation, moto, instead: Instead::Mended }
}

/// Whether moto answers a call, mended or not.
pub(super) fn answers(call: &Call) -> bool {
    !DIFFERENCES.iter().any(|difference| {
        difference.instead == Instead::Gateway
            && difference.service == call.service
            && ["*", call.operation.as_str()].contains(&difference.operation)
    })
}

/// What moto forgets of what it was told.
#[derive(Debug, Default)]
pub(super) struct Mending {
    /// What moto calls our distribution.
    distribution: OnceCell<String>,
    /// The service's.
    network: Mutex<Value>,
    /// As it was told last.
    service: Mutex<Value>,
    /// How many a topic has.
    subscriptions: Mutex<HashMap<String, usize>>,
}

impl Mending {
    pub(super) async fn answer(&self, parts: Parts, body: Bytes, upstream: &Upstream) -> Answer {
        let call = Call::identify(&parts, &body);
        match (call.service.as_str(), call.operation.as_str()) {
            ("application-autoscaling", "DescribeScalableTargets") => {
                let answer = upstream.pass_on(parts, body).await;
                edit(answer, |answer| {
                    let targets = answer.get_mut("ScalableTargets").and_then(Value::as_array_mut);
                    for target in targets.into_iter().flatten() {
                        set(target, "RoleARN", json!(autoscaling::role()));
                    }
                })
                .await
            }
            ("cloudwatch", "DescribeAlarmHistory") => {
                wire::in_protocol(&call, &json!({ "AlarmHistoryItems": [] }))
            }
            ("cloudwatch", _) if call.protocol == Protocol::Cbor => in_json(&call, parts, upstream).await,
            ("cloudfront", _) => self.cloudfront(parts, body, upstream).await,
            ("ecs", "CreateService" | "DescribeServices" | "UpdateService") => {
                let request = self.remember_network(&call);
                let answer = upstream.pass_on(parts, request.to_string().into()).await;
                edit(answer, |answer| self.complete_services(answer)).await
            }
            ("ecs", "ListTasks") => {
                let is_running = text(&call.request, "desiredStatus") != "STOPPED";
                let tasks = self.tasks().into_iter().filter(|_| is_running);
                let arns: Vec<Value> = tasks.filter_map(|task| task.get("taskArn").cloned()).collect();
                wire::json_1_1(StatusCode::OK, &json!({ "taskArns": arns }))
            }
            ("ecs", "DescribeTasks") => {
                let asked = call.request.get("tasks").and_then(Value::as_array).cloned().unwrap_or_default();
                let mut tasks = self.tasks();
                tasks.retain(|task| task.get("taskArn").is_some_and(|arn| asked.contains(arn)));
                wire::json_1_1(StatusCode::OK, &json!({ "tasks": tasks, "failures": [] }))
            }
            ("secretsmanager", "GetSecretValue") => {
                let mut request = call.request;
                if request.get("VersionId").is_none() && request.get("VersionStage").is_none() {
                    set(&mut request, "VersionStage", json!("AWSCURRENT"));
                }
                upstream.pass_on(parts, request.to_string().into()).await
            }
            ("sns", "Subscribe") => {
                let answer = upstream.pass_on(parts, body).await;
                if answer.status().is_success() {
                    *self.subscriptions().entry(text(&call.request, "TopicArn").to_owned()).or_default() += 1;
                }
                answer
            }
            ("sns", "GetTopicAttributes") => {
                let answer = upstream.pass_on(parts, body).await;
                let topic = text(&call.request, "TopicArn");
                let count = self.subscriptions().get(topic).copied().unwrap_or_default();
                let attribute = |count| format!("<key>SubscriptionsConfirmed</key><value>{count}</value>");
                in_text(answer, |answer| answer.replace(&attribute(0), &attribute(count))).await
            }
            _ => upstream.pass_on(parts, body).await,
        }
    }

    fn subscriptions(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn cloudfront(&self, mut parts: Parts, body: Bytes, upstream: &Upstream) -> Answer {
        let theirs = self.distribution.get_or_init(|| create_distribution(upstream)).await;
        if let Ok(uri) = parts.uri.to_string().replace(DISTRIBUTION, theirs).parse::<Uri>() {
            parts.uri = uri;
        }
        let answer = upstream.pass_on(parts, body).await;
        in_text(answer, |answer| answer.replace(theirs, DISTRIBUTION).replace("COMPLETED", "Completed")).await
    }

    /// What moto is asked in place of this.
    fn remember_network(&self, call: &Call) -> Value {
        let mut request = call.request.clone();
        let fields = request.as_object_mut();
        if let Some(network) = fields.and_then(|fields| fields.remove("networkConfiguration")) {
            *self.network.lock().unwrap_or_else(PoisonError::into_inner) = network;
        }
        if call.operation == "UpdateService" && request.get("taskDefinition").is_some() {
            set(&mut request, "forceNewDeployment", json!(true));
        }
        request
    }

    fn complete_services(&self, answer: &mut Value) {
        if let Some(service) = answer.get_mut("service") {
            self.complete(service);
        }
        for service in answer.get_mut("services").and_then(Value::as_array_mut).into_iter().flatten() {
            self.complete(service);
        }
    }

    fn complete(&self, service: &mut Value) {
        let network = self.network.lock().unwrap_or_else(PoisonError::into_inner).clone();
        set(service, "networkConfiguration", network);
        let named = text(service, "taskDefinition").to_owned();
        if !named.starts_with("arn:") {
            let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{named}");
            set(service, "taskDefinition", json!(arn));
        }
        let runs = service.get("taskDefinition").cloned().unwrap_or_default();
        let counts =
            ["desiredCount", "runningCount", "pendingCount"].map(|name| (name, count(service, name)));
        if let Some(primary) = service.pointer_mut("/deployments/0") {
            set(primary, "taskDefinition", runs);
            for (name, count) in counts {
                set(primary, name, json!(count));
            }
        }
        self.service.lock().unwrap_or_else(PoisonError::into_inner).clone_from(service);
    }

    /// Those of the service that run.
    fn tasks(&self) -> Vec<Value> {
        let service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
        let name = text(&service, "serviceName");
        let began = service.pointer("/deployments/0/createdAt");
        let task = |number| {
            let arn = format!("{}/{number:032}", text(&service, "serviceArn"));
            json!({
                "taskArn": arn.replacen(":service/", ":task/", 1).replacen(&format!("/{name}/"), "/", 1),
                "clusterArn": service.get("clusterArn"),
                "taskDefinitionArn": service.get("taskDefinition"),
                "group": format!("service:{name}"),
                "launchType": service.get("launchType"),
                "lastStatus": "RUNNING",
                "desiredStatus": "RUNNING",
                "healthStatus": "HEALTHY",
                "createdAt": began,
                "startedAt": began,
                "containers": [{ "name": name, "lastStatus": "RUNNING", "healthStatus": "HEALTHY" }],
            })
        };
        (1..=count(&service, "runningCount")).map(task).collect()
    }
}

/// The same in the protocol of before, which moto understands.
async fn in_json(call: &Call, parts: Parts, upstream: &Upstream) -> Answer {
    let parts = forward::in_json(parts, &call.operation);
    match wire::body(upstream.pass_on(parts, call.request.to_string().into()).await).await {
        Ok(body) => wire::in_protocol(call, &body),
        Err(answer) => wire::refused(call, answer).await,
    }
}

/// Changes an XML answer.
pub(super) async fn in_text(answer: Answer, change: impl FnOnce(&str) -> String) -> Answer {
    let status = answer.status();
    let Ok(body) = answer.into_body().collect().await;
    wire::xml(status, change(&String::from_utf8_lossy(&body.to_bytes())))
}

/// What moto calls it; nothing where it made none.
async fn create_distribution(upstream: &Upstream) -> String {
    const CONFIG: &str = "<DistributionConfig xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
        <CallerReference>lendpeak2</CallerReference><Comment>LendPeak2</Comment><Enabled>true</Enabled>\
        <Origins><Quantity>1</Quantity><Items><Origin><Id>front-end</Id>\
        <DomainName>lendpeak2.s3.amazonaws.com</DomainName></Origin></Items></Origins>\
        <DefaultCacheBehavior><TargetOriginId>front-end</TargetOriginId>\
        <ViewerProtocolPolicy>allow-all</ViewerProtocolPolicy></DefaultCacheBehavior></DistributionConfig>";
    let create = Request::post("/2020-05-31/distribution").header("authorization", signed("cloudfront"));
    let Ok((parts, ())) = create.body(()).map(Request::into_parts) else {
        return String::new();
    };
    let answer = upstream.pass_on(parts, Bytes::from_static(CONFIG.as_bytes())).await;
    if answer.status() != StatusCode::CREATED {
        return String::new();
    }
    let Ok(body) = answer.into_body().collect().await;
    let ids = elements(&String::from_utf8_lossy(&body.to_bytes()), "Id");
    ids.into_iter().next().unwrap_or_default()
}
