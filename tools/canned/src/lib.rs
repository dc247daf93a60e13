//! What the calls are answered, in each service's own wire format: one file a service.

mod cloudfront;
mod cloudwatch;
mod docdb;
mod dynamodb;
mod ecs;
mod lambda;
mod large;
mod pages;
mod sns;

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

pub use large::Size;

pub use docdb::{RESTORE, SOURCE};
pub use dynamodb::TABLE;
pub use large::{
    ALARM_PREFIX, ALARMS, BUILD_PROJECT, LOAD_BALANCER, LOG_EVENTS, LOG_GROUP, REDIS_SECURITY_GROUP,
    STOPPED_TASKS,
};

pub const MACHINE: &str =
    "arn:aws:states:us-east-1:123456789012:stateMachine:lendpeak2-production-service-down";

pub type Body = Full<Bytes>;

/// Knows nothing from one run to the next but what a run has changed, and that only until the run looks at it
/// for the last time: so that every run finds the same stack and sees its own change.
#[derive(Debug, Default)]
pub struct Canned {
    changed: Mutex<Changed>,
    large: Option<large::Large>,
}

#[derive(Debug, Default)]
struct Changed {
    ecs: ecs::Changed,
    instance: Option<docdb::Created>,
    invalidation: Option<cloudfront::Invalidation>,
}

impl Canned {
    /// A stack with much to read: so many times as much as there is in a large one.
    pub fn large(times: usize) -> Self {
        Self::of_size(Size::times(times))
    }

    /// A stack with as much to read as is wanted.
    pub fn of_size(size: Size) -> Self {
        Self { large: Some(large::Large::new(size)), ..Self::default() }
    }

    pub fn answer(&self, parts: &Parts, body: &[u8]) -> Response<Body> {
        if let Some(answer) = self.large.as_ref().and_then(|large| large.answer(parts, body)) {
            return answer;
        }
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let answer = if let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) {
            json_answer(operation, body, &mut changed)
        } else if let Some(operation) = body.strip_prefix(b"Action=") {
            query_answer(operation, &mut changed.instance)
        } else {
            cloudwatch::cbor(parts)
                .or_else(|| lambda::answer(parts))
                .or_else(|| cloudfront::answer(parts, body, &mut changed.invalidation))
                .or_else(|| pages::answer(parts, &mut changed.invalidation))
        };
        answer.unwrap_or_else(not_canned)
    }
}

fn json_answer(operation: &str, body: &[u8], changed: &mut Changed) -> Option<Response<Body>> {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let answer = match operation {
        "PutMetricData" => Some(json!({})),
        "DescribeScalableTargets" => Some(json!({ "ScalableTargets": [] })),
        "StartExecution" => {
            Some(json!({ "executionArn": format!("{MACHINE}:bench"), "startDate": 1_790_000_000.125 }))
        }
        _ => dynamodb::answer(operation, &request)
            .or_else(|| ecs::answer(operation, &request, &mut changed.ecs)),
    };
    Some(typed("application/x-amz-json-1.1", answer?.to_string()))
}

fn query_answer(operation: &[u8], created: &mut Option<docdb::Created>) -> Option<Response<Body>> {
    const REQUEST: &str = "<ResponseMetadata><RequestId>bench</RequestId></ResponseMetadata>";
    let answer = sns::query(operation, REQUEST)
        .or_else(|| cloudwatch::query(operation, REQUEST))
        .or_else(|| docdb::query(operation, REQUEST, created));
    Some(typed("text/xml", answer?))
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
