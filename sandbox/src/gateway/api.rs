//! What AWS has published of its APIs, beside what is asked and answered here. `models.py` writes it into the Python
//! environment, from what botocore carries.

mod check;
mod form;
#[cfg(test)]
mod tests;
mod xml;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use fancy_regex::Regex;
use http::request::Parts;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Answer;
use super::call::{Call, Protocol};
use check::Checker;

#[derive(Debug)]
pub(super) struct Api {
    folder: PathBuf,
    /// As they were asked for, with those that are not in the models.
    read: Mutex<BTreeMap<PathBuf, Option<Arc<Operation>>>>,
}

#[derive(Debug, Deserialize)]
struct Operation {
    uri: String,
    input: Option<String>,
    output: Option<String>,
    /// The element around a query's answer.
    wrapper: Option<String>,
    shapes: BTreeMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
struct Shape {
    r#type: Kind,
    #[serde(default)]
    members: BTreeMap<String, Member>,
    #[serde(default)]
    required: Vec<String>,
    /// Of a list.
    member: Option<Member>,
    /// Of a map, as `value`.
    key: Option<Member>,
    value: Option<Member>,
    #[serde(default)]
    flattened: bool,
    /// The member that is the body.
    payload: Option<String>,
    #[serde(default)]
    union: bool,
    #[serde(default)]
    document: bool,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<Pattern>,
    #[serde(default)]
    r#enum: Vec<String>,
}

/// What a whole text is like; AWS looks at all of it, also where the pattern does not say so.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
struct Pattern {
    text: String,
    /// Made when it is first asked for. None where it cannot be read.
    whole: OnceLock<Option<Regex>>,
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self { text, whole: OnceLock::new() }
    }
}

impl Pattern {
    /// None where that cannot be told.
    fn is_match(&self, text: &str) -> Option<bool> {
        let read = || Regex::new(&format!(r"\A(?:{})\z", self.text)).ok();
        self.whole.get_or_init(read).as_ref()?.is_match(text).ok()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Structure,
    List,
    Map,
    String,
    Character,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Timestamp,
    Blob,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    shape: String,
    /// Where it is, if not in the body.
    location: Option<String>,
    location_name: Option<String>,
    query_name: Option<String>,
    #[serde(default)]
    flattened: bool,
}

/// What AWS would not take, or not say. None where it is not in the models.
pub(super) type Problems = Option<Vec<String>>;

impl Api {
    pub(super) fn read() -> Self {
        Self { folder: crate::python::virtual_environment().join("api"), read: Mutex::default() }
    }

    /// What AWS would refuse of a request.
    pub(super) fn of_request(&self, call: &Call, parts: &Parts, body: &Bytes) -> Problems {
        let operation = self.operation(call)?;
        let Some(shape) = operation.input.as_deref() else { return Some(Vec::new()) };
        let request = match call.protocol {
            Protocol::Json | Protocol::Cbor => call.request.clone(),
            Protocol::Query => form::decode(&operation, shape, &call.request, call.service == "ec2"),
            Protocol::RestXml => xml::request(&operation, shape, parts, body)?,
            Protocol::RestJson => return None,
        };
        Some(Checker::of_request(&operation, shape, &request))
    }

    /// What AWS would not answer; the answer is as it was.
    pub(super) async fn of_answer(&self, call: &Call, answer: Answer) -> (Answer, Problems) {
        let operation = self.operation(call).filter(|_| answer.status() == StatusCode::OK);
        let Some((operation, shape)) =
            operation.and_then(|operation| Some((Arc::clone(&operation), operation.output.clone()?)))
        else {
            return (answer, None);
        };
        let (parts, body) = answer.into_parts();
        let Ok(body) = body.collect().await;
        let body = body.to_bytes();
        let said = match call.protocol {
            Protocol::Json => serde_json::from_slice(&body).ok(),
            Protocol::Cbor => crate::cbor::decode(&body),
            Protocol::Query => xml::answer(&operation, &shape, &body),
            // What it says is in its headers.
            Protocol::RestXml if body.is_empty() => Some(Value::Object(Map::new())),
            Protocol::RestXml => xml::document(&operation, &shape, &body),
            Protocol::RestJson => None,
        };
        let problems = match said {
            Some(said) => Checker::of_answer(&operation, &shape, &said),
            None => vec!["the answer cannot be read".to_owned()],
        };
        (Response::from_parts(parts, Full::new(body)), Some(problems))
    }

    fn operation(&self, call: &Call) -> Option<Arc<Operation>> {
        let is_a_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !is_a_name(&call.service) || !is_a_name(&call.operation) {
            return None;
        }
        let place = self.folder.join(&call.service).join(format!("{}.json", call.operation));
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(place)
            .or_insert_with_key(|place| {
                serde_json::from_slice(&std::fs::read(place).ok()?).map(Arc::new).ok()
            })
            .clone()
    }
}

impl Operation {
    fn shape(&self, name: &str) -> Option<&Shape> {
        self.shapes.get(name)
    }
}

/// A leaf that came as text.
fn leaf(kind: Kind, text: &str) -> Value {
    let read = match kind {
        Kind::Integer | Kind::Long => text.parse::<i64>().ok().map(Value::from),
        Kind::Float | Kind::Double => text.parse::<f64>().ok().map(Value::from),
        Kind::Boolean => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    read.unwrap_or_else(|| Value::from(text))
}

/// A structure whose members have been found by their names on the wire; what is left has no member.
fn structure(members: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(members.into_iter().collect::<Map<String, Value>>())
}
