//! What the calls are answered, in each service's own wire format.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

pub(super) type Body = Full<Bytes>;

pub(super) const TABLE: &str = "lendpeak2-production-ledger";
const TASKS: i64 = 2;
/// ECS sends a service's last hundred events with every description.
const EVENTS: i64 = 100;

/// Knows nothing from one run to the next but this: a service whose count was set answers with it once,
/// so that every run finds the same service and sees its own change.
#[derive(Debug, Default)]
pub(super) struct Canned {
    scaled_to: Mutex<Option<i64>>,
}

impl Canned {
    pub(super) fn answer(&self, parts: &Parts, body: &[u8]) -> Response<Body> {
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        if let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) {
            return self.json(operation, body);
        }
        if parts.uri.path().ends_with("/operation/PutMetricData") {
            return cbor();
        }
        if body.starts_with(b"Action=") {
            return query(body);
        }
        page(parts)
    }

    fn json(&self, operation: &str, body: &[u8]) -> Response<Body> {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut scaled_to = self.scaled_to.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match operation {
            "BatchGetItem" => json!({ "Responses": { TABLE: [] }, "UnprocessedKeys": {} }),
            "TransactWriteItems" | "PutMetricData" => json!({}),
            "DescribeServices" => {
                json!({ "services": [service(scaled_to.take().unwrap_or(TASKS))], "failures": [] })
            }
            "UpdateService" => {
                *scaled_to = request.get("desiredCount").and_then(Value::as_i64);
                json!({ "service": service(scaled_to.unwrap_or(TASKS)) })
            }
            "ListTasks" => json!({ "taskArns": [] }),
            "DescribeScalableTargets" => json!({ "ScalableTargets": [] }),
            _ => return not_canned(),
        };
        typed("application/x-amz-json-1.1", answer.to_string())
    }
}

fn service(tasks: i64) -> Value {
    let arn = |rest: &str| format!("arn:aws:ecs:us-east-1:123456789012:{rest}");
    let at = 1_790_000_000.125;
    let events: Vec<Value> = (0..EVENTS)
        .map(|number| {
            json!({
                "id": format!("00000000-0000-4000-8000-{number:012}"),
                "createdAt": at,
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
        "taskDefinition": arn("task-definition/backend:7"),
        "loadBalancers": [{
            "targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/backend/0123456789abcdef",
            "containerName": "backend",
            "containerPort": 8080,
        }],
        "deployments": [{
            "id": "ecs-svc/0123456789012345678",
            "status": "PRIMARY",
            "taskDefinition": arn("task-definition/backend:7"),
            "desiredCount": tasks,
            "runningCount": tasks,
            "pendingCount": 0,
            "failedTasks": 0,
            "createdAt": at,
            "updatedAt": at,
            "rolloutState": "COMPLETED",
            "rolloutStateReason": "ECS deployment ecs-svc/0123456789012345678 completed.",
        }],
        "events": events,
        "createdAt": at,
    })
}

fn query(body: &[u8]) -> Response<Body> {
    const REQUEST: &str = "<ResponseMetadata><RequestId>bench</RequestId></ResponseMetadata>";
    let answer = if body.starts_with(b"Action=Publish&") {
        format!(
            "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
             <MessageId>bench</MessageId></PublishResult>{REQUEST}</PublishResponse>"
        )
    } else if body.starts_with(b"Action=PutMetricData&") {
        format!(
            "<PutMetricDataResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">{REQUEST}</PutMetricDataResponse>"
        )
    } else {
        return not_canned();
    };
    typed("text/xml", answer)
}

/// An empty map: `PutMetricData` has nothing to say.
fn cbor() -> Response<Body> {
    let mut encoder = aws_smithy_cbor::Encoder::new(Vec::new());
    encoder.begin_map().end();
    let mut answer = typed("application/cbor", encoder.into_writer());
    answer.headers_mut().insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    answer
}

fn page(parts: &Parts) -> Response<Body> {
    match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/health" | "/health/db" | "/health/redis") => {
            typed("application/json", json!({ "status": "ok" }).to_string())
        }
        (&Method::GET, "/") => {
            cached("no-cache", typed("text/html", "<!doctype html><title>LendPeak2</title>\n"))
        }
        (&Method::GET, "/assets/main.js") => cached(
            "public, max-age=31536000, immutable",
            typed("text/javascript", "document.title = \"LendPeak2\";\n"),
        ),
        (&Method::OPTIONS, "/api/auth/login") => {
            let mut answer = typed("text/plain", "");
            let headers = answer.headers_mut();
            if let Some(origin) = parts.headers.get(header::ORIGIN) {
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            }
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            answer
        }
        _ => not_canned(),
    }
}

fn cached(how: &'static str, mut answer: Response<Body>) -> Response<Body> {
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(how));
    answer
}

/// The variants make the same calls: another one ends the benchmark, by its answer.
fn not_canned() -> Response<Body> {
    let error = json!({ "__type": "InvalidAction", "message": "the benchmark has no answer to this call" });
    let mut answer = typed("application/x-amz-json-1.1", error.to_string());
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    answer
}

fn typed(content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut answer = Response::new(Full::new(body.into()));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.headers_mut().insert("x-amzn-requestid", HeaderValue::from_static("bench"));
    answer
}
