//! A stack with much to read, for `diagnose`. What it is not asked here, the small stack answers.

mod cloudwatch;
mod logs;
mod network;
mod other;
mod tasks;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response};
use jiff::{SignedDuration, Timestamp};
use sandbox::cbor;
use serde_json::Value;

use super::{Body, typed};

pub const LOG_EVENTS: usize = 10_000;
pub const STOPPED_TASKS: usize = 500;
pub const ALARMS: usize = 200;

pub const LOAD_BALANCER: &str = "app/lendpeak2-production/0123456789abcdef";
pub const LOG_GROUP: &str = "/ecs/lendpeak2-production";
pub const BUILD_PROJECT: &str = "lendpeak2-frontend";
pub const REDIS_SECURITY_GROUP: &str = "sg-0123456789abcdef3";
pub const ALARM_PREFIX: &str = "lendpeak2-production-";

const CLOUDWATCH: &str = "/service/GraniteServiceVersion20100801/operation/";
const JSON: &str = "application/x-amz-json-1.1";
const CBOR: &str = "application/cbor";
/// What a question has of the clock: the answer is the same for the whole benchmark.
const CLOCK: [&str; 5] = ["startTime", "endTime", "StartTime", "StartDate", "EndDate"];

/// How much there is to read.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub log_events: usize,
    pub stopped_tasks: usize,
    pub alarms: usize,
}

impl Size {
    /// So many times as much as there is in a large stack.
    pub(super) fn times(times: usize) -> Self {
        Self { log_events: LOG_EVENTS * times, stopped_tasks: STOPPED_TASKS * times, alarms: ALARMS * times }
    }
}

#[derive(Debug)]
pub(super) struct Large {
    size: Size,
    at: Timestamp,
    /// Answers by their questions: what it takes to make one is not to be measured.
    ready: Mutex<HashMap<String, Bytes>>,
}

impl Large {
    pub(super) fn new(size: Size) -> Self {
        Self { size, at: Timestamp::now(), ready: Mutex::default() }
    }

    pub(super) fn answer(&self, parts: &Parts, body: &[u8]) -> Option<Response<Body>> {
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        if let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) {
            let request = serde_json::from_slice(body).ok()?;
            return Some(typed(JSON, self.value(JSON, operation, request)?));
        }
        if let Some(operation) = parts.uri.path().strip_prefix(CLOUDWATCH) {
            let mut answer = typed(CBOR, self.value(CBOR, operation, cbor::decode(body)?)?);
            answer.headers_mut().insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
            return Some(answer);
        }
        Some(typed("text/xml", network::query(body.strip_prefix(b"Action=")?)?))
    }

    fn value(&self, content_type: &str, operation: &str, mut request: Value) -> Option<Bytes> {
        if let Some(fields) = request.as_object_mut() {
            fields.retain(|name, _| !CLOCK.contains(&name.as_str()));
        }
        let question = format!("{content_type} {operation} {request}");
        let known = self.ready.lock().unwrap_or_else(PoisonError::into_inner).get(&question).cloned();
        if known.is_some() {
            return known;
        }
        let answer = logs::answer(self, operation, &request)
            .or_else(|| tasks::answer(self, operation, &request))
            .or_else(|| cloudwatch::answer(self, operation, &request))
            .or_else(|| other::answer(self, operation, &request))?;
        let answer = if content_type == CBOR { cbor::encode(&answer) } else { answer.to_string().into() };
        let answer = Bytes::from(answer);
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).insert(question, answer.clone());
        Some(answer)
    }

    /// In seconds since 1970.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^52")]
    fn seconds_ago(&self, seconds: usize) -> f64 {
        self.milliseconds_ago(seconds * 1_000) as f64 / 1e3
    }

    fn milliseconds_ago(&self, milliseconds: usize) -> i64 {
        self.at.as_millisecond() - i64::try_from(milliseconds).unwrap_or_default()
    }

    fn text_ago(&self, seconds: usize) -> String {
        let ago = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or_default());
        format!("{:.3}", self.at - ago)
    }
}

/// Those of a page, and the token of the next page if there is one.
fn page(request: &Value, token: &str, all: usize, a_page: usize) -> (std::ops::Range<usize>, Option<String>) {
    let from = request.get(token).and_then(Value::as_str).and_then(|token| token.parse().ok()).unwrap_or(0);
    let to = all.min(from + a_page);
    (from..to, (to < all).then(|| format!("{to:064}")))
}

fn with_next(mut answer: Value, name: &str, next: Option<String>) -> Value {
    if let (Some(fields), Some(next)) = (answer.as_object_mut(), next) {
        fields.insert(name.to_owned(), next.into());
    }
    answer
}

/// Digits that look like those of an id, always the same for a number.
fn spread(number: usize) -> u64 {
    (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn text<'a>(request: &'a Value, name: &str) -> &'a str {
    request.get(name).and_then(Value::as_str).unwrap_or_default()
}
