//! Who called what: one entry for each request.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Fault, cloudfront};

/// The oldest entries go first: a sandbox that runs for days must not fill the memory.
const KEPT: usize = 20_000;

/// One request to the gateway.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    pub at: Timestamp,
    /// The app name in the caller's user agent, `-` without one.
    pub caller: String,
    /// Of the signature, `-` without one.
    pub region: String,
    /// As in an IAM action: `ecs`, `cloudwatch`, `dynamodb`.
    pub service: String,
    /// The operation, or method and path where the protocol has no name for it.
    pub operation: String,
    /// The body where it is JSON or CBOR, or a form's fields.
    pub request: Value,
    /// The answer's HTTP status; none while it runs, and for ever when the connection was cut.
    pub status: Option<u16>,
    pub took_ms: Option<u64>,
    pub fault: Option<Fault>,
    #[serde(skip)]
    pub(super) protocol: Protocol,
    /// The access key that signed, `-` without one.
    #[serde(skip)]
    pub(super) key: String,
    /// What the SDK calls all attempts of this call by.
    #[serde(skip)]
    pub(super) sdk_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Protocol {
    Json,
    Query,
    Cbor,
    RestXml,
    #[default]
    RestJson,
}

impl Call {
    pub(super) fn identify(parts: &http::request::Parts, body: &Bytes) -> Self {
        let headers = &parts.headers;
        let protocol = protocol(headers, body);
        let service = service(headers, parts.uri.path());
        let protocol =
            if ["cloudfront", "s3"].contains(&service.as_str()) { Protocol::RestXml } else { protocol };
        let operation = operation(protocol, headers, &parts.method, parts.uri.path(), body);
        Self {
            at: Timestamp::now(),
            caller: caller(headers).unwrap_or("-").to_owned(),
            region: scope(headers, 2).unwrap_or("-").to_owned(),
            operation,
            request: object(&service, parts.uri.path()).unwrap_or_else(|| request(protocol, body)),
            service,
            status: None,
            took_ms: None,
            fault: None,
            protocol,
            key: key(headers).unwrap_or("-").to_owned(),
            sdk_id: text(headers, "amz-sdk-invocation-id").map(str::to_owned),
        }
    }

    /// A call that was answered with 200, for tests of what judges calls.
    pub fn answered(caller: &str, [service, operation]: [&str; 2], request: Value) -> Self {
        Self {
            at: Timestamp::UNIX_EPOCH,
            caller: caller.to_owned(),
            region: "us-east-1".to_owned(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            request,
            status: Some(200),
            took_ms: None,
            fault: None,
            protocol: Protocol::Json,
            key: "-".to_owned(),
            sdk_id: None,
        }
    }

    /// `ecs UpdateService`.
    pub fn name(&self) -> String {
        format!("{} {}", self.service, self.operation)
    }

    /// Whether the call reads only, by the naming rules of AWS operations.
    pub fn is_read(&self) -> bool {
        ["Describe", "List", "Get", "BatchGet", "Filter", "Query", "Scan", "GET ", "HEAD "]
            .iter()
            .any(|prefix| self.operation.starts_with(prefix))
    }
}

fn request(protocol: Protocol, body: &[u8]) -> Value {
    match protocol {
        Protocol::Query => {
            let fields = url::form_urlencoded::parse(body);
            fields.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
        }
        Protocol::Cbor => crate::cbor::decode(body).unwrap_or_default(),
        _ => serde_json::from_slice(body).unwrap_or_default(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn protocol(headers: &HeaderMap, body: &[u8]) -> Protocol {
    let content_type = text(headers, "content-type").unwrap_or_default();
    if text(headers, "smithy-protocol").is_some_and(|protocol| protocol.contains("cbor")) {
        Protocol::Cbor
    } else if headers.contains_key("x-amz-target") {
        Protocol::Json
    } else if content_type.starts_with("application/x-www-form-urlencoded") || body.starts_with(b"Action=") {
        Protocol::Query
    } else {
        Protocol::RestJson
    }
}

/// `app/scale-up` anywhere in the user agent. The SDKs send two agents; either will do.
fn caller(headers: &HeaderMap) -> Option<&str> {
    ["x-amz-user-agent", "user-agent"]
        .into_iter()
        .filter_map(|name| text(headers, name))
        .flat_map(str::split_whitespace)
        .find_map(|word| word.strip_prefix("app/"))
}

/// A part of the signature's scope (`Credential=key/date/region/service/aws4_request`), counted from its end.
fn scope(headers: &HeaderMap, part: usize) -> Option<&str> {
    let credential = text(headers, "authorization")?.split("Credential=").nth(1)?.split(',').next()?;
    credential.split('/').nth_back(part)
}

fn key(headers: &HeaderMap) -> Option<&str> {
    text(headers, "authorization")?.split("Credential=").nth(1)?.split('/').next()
}

fn service(headers: &HeaderMap, path: &str) -> String {
    let unsigned = || match text(headers, "x-amz-target").and_then(|target| target.split('.').next()) {
        Some("AnyScaleFrontendService") => "application-autoscaling",
        Some("AmazonEC2ContainerServiceV20141113") => "ecs",
        Some("DynamoDB_20120810") => "dynamodb",
        Some(other) => other,
        None if path.starts_with("/service/GraniteServiceVersion20100801/") => "cloudwatch",
        None => "-",
    };
    match scope(headers, 1).unwrap_or_else(unsigned) {
        "monitoring" => "cloudwatch".to_owned(),
        other => other.to_owned(),
    }
}

fn operation(protocol: Protocol, headers: &HeaderMap, method: &Method, path: &str, body: &[u8]) -> String {
    let target = text(headers, "x-amz-target").and_then(|target| target.rsplit('.').next());
    let form = || {
        let body = std::str::from_utf8(body).ok()?;
        body.split('&').find_map(|pair| pair.strip_prefix("Action="))
    };
    let named = match protocol {
        Protocol::Json => target,
        Protocol::Query => form(),
        Protocol::Cbor => path.split("/operation/").nth(1),
        Protocol::RestJson if path.ends_with("/invocations") => Some("Invoke"),
        Protocol::RestXml => cloudfront::operation(method, path).or_else(|| of_an_object(method, path)),
        Protocol::RestJson => None,
    };
    named.map_or_else(|| format!("{method} {path}"), str::to_owned)
}

/// What S3 calls it, by bucket and key in the path.
fn of_an_object(method: &Method, path: &str) -> Option<&'static str> {
    object("s3", path)?;
    (*method == Method::PUT).then_some("PutObject")
}

/// Bucket and key of an object of S3, which stand in the path.
fn object(service: &str, path: &str) -> Option<Value> {
    let (bucket, key) = path.trim_start_matches('/').split_once('/').filter(|_| service == "s3")?;
    // Without a key it is about the bucket.
    (!key.is_empty()).then_some(())?;
    Some(json!({ "Bucket": bucket, "Key": key }))
}

/// The record of every call, in the order of arrival.
#[derive(Debug, Default)]
pub struct Calls {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    kept: VecDeque<Call>,
    forgotten: usize,
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, call: Call) -> usize {
        let mut entries = self.lock();
        if entries.kept.len() == KEPT {
            entries.kept.pop_front();
            entries.forgotten += 1;
        }
        entries.kept.push_back(call);
        entries.forgotten + entries.kept.len() - 1
    }

    pub(super) fn end(&self, number: usize, status: Option<u16>) {
        let mut entries = self.lock();
        let index = number.checked_sub(entries.forgotten);
        if let Some(call) = index.and_then(|index| entries.kept.get_mut(index)) {
            call.status = status;
            let took = Timestamp::now().duration_since(call.at).as_millis();
            call.took_ms = took.try_into().ok();
        }
    }

    pub fn all(&self) -> Vec<Call> {
        self.lock().kept.iter().cloned().collect()
    }

    /// The calls of one caller (an app name), in order.
    pub fn by(&self, caller: &str) -> Vec<Call> {
        self.lock().kept.iter().filter(|call| call.caller == caller).cloned().collect()
    }

    /// `["ecs DescribeServices", …]` of one caller, in order.
    pub fn names(&self, caller: &str) -> Vec<String> {
        self.lock().kept.iter().filter(|call| call.caller == caller).map(Call::name).collect()
    }

    /// How often anyone called `operation` of `service`.
    pub fn count(&self, service: &str, operation: &str) -> usize {
        let entries = self.lock();
        entries.kept.iter().filter(|call| call.service == service && call.operation == operation).count()
    }

    /// Waits until `caller` has made a call of `service` and `operation`; false if it has not in time.
    pub async fn wait_for(&self, caller: &str, service: &str, operation: &str, within: Duration) -> bool {
        let name = format!("{service} {operation}");
        let started = Instant::now();
        while started.elapsed() < within {
            if self.names(caller).contains(&name) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    /// Forgets all, so that a test sees its own calls only.
    pub fn clear(&self) {
        let mut entries = self.lock();
        entries.forgotten += entries.kept.len();
        entries.kept.clear();
    }

    /// For people: all, or with `caller=<name>` the calls of one.
    pub(super) fn as_json(&self, query: Option<&str>) -> Value {
        let caller = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("caller=")));
        let calls = caller.map_or_else(|| self.all(), |caller| self.by(caller));
        serde_json::to_value(calls).unwrap_or_default()
    }
}
