//! Secrets Manager: a version that is put once more, with its token, is the one that is there (the local AWS would take
//! the labels from the version before); and secrets that were there before anyone looked.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::Call;
use super::forward::Upstream;
use super::{Answer, wire};

#[derive(Debug, Default)]
pub struct Secrets {
    /// The content of each version, by its secret and its token.
    put: Mutex<HashMap<(String, String), Value>>,
    /// What had happened by then happened that much earlier.
    aged: Mutex<Vec<(Timestamp, Duration)>>,
}

impl Secrets {
    /// All that happened to secrets so far happened that much earlier.
    pub fn age(&self, by: Duration) {
        self.aged.lock().unwrap_or_else(PoisonError::into_inner).push((Timestamp::now(), by));
    }

    pub(super) async fn answer(&self, call: &Call, parts: Parts, body: Bytes, upstream: &Upstream) -> Answer {
        let field = |name: &str| call.request.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(secret), Some(token), "PutSecretValue") =
            (field("SecretId"), field("ClientRequestToken"), call.operation.as_str())
        else {
            let answer = upstream.forward(parts, body).await;
            return self.show_ages(answer).await;
        };
        let (version, content) = ((secret, token), json!(field("SecretString")));
        let earlier = self.put().get(&version).cloned();
        if let Some(earlier) = earlier {
            let (name, token) = version;
            if earlier == content {
                return wire::json_1_1(StatusCode::OK, &json!({ "Name": name, "VersionId": token }));
            }
            let message = "You can't use this ClientRequestToken: a version with it has other content.";
            return wire::error(call, StatusCode::BAD_REQUEST, "ResourceExistsException", message);
        }
        let answer = upstream.forward(parts, body).await;
        if answer.status().is_success() {
            self.put().insert(version, content);
        }
        answer
    }

    fn put(&self) -> MutexGuard<'_, HashMap<(String, String), Value>> {
        self.put.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn show_ages(&self, answer: Answer) -> Answer {
        match wire::body(answer).await {
            Ok(mut body) => {
                let aged = self.aged.lock().unwrap_or_else(PoisonError::into_inner).clone();
                age(&mut body, &aged);
                wire::json_1_1(StatusCode::OK, &body)
            }
            Err(answer) => answer,
        }
    }
}

/// Every time in it, wherever it stands.
fn age(value: &mut Value, aged: &[(Timestamp, Duration)]) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_f64().filter(|_| name.ends_with("Date")) {
                    Some(then) => *value = json!(earlier(then, aged)),
                    None => age(value, aged),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| age(value, aged)),
        _ => {}
    }
}

fn earlier(then: f64, aged: &[(Timestamp, Duration)]) -> f64 {
    let since_epoch = |at: Timestamp| at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64();
    let by: Duration = aged.iter().filter(|(at, _)| then <= since_epoch(*at)).map(|(_, by)| *by).sum();
    then - by.as_secs_f64()
}
