//! Secrets Manager: a version that is put once more, with its token, is the one that is there. The local AWS would take
//! the labels from the version before.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};

use super::call::Call;
use super::forward::Upstream;
use super::{Answer, wire};

#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// The content of each version, by its secret and its token.
    put: Mutex<HashMap<(String, String), Value>>,
}

impl Secrets {
    pub(super) async fn answer(&self, call: &Call, parts: Parts, body: Bytes, upstream: &Upstream) -> Answer {
        let field = |name: &str| call.request.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(secret), Some(token), "PutSecretValue") =
            (field("SecretId"), field("ClientRequestToken"), call.operation.as_str())
        else {
            return upstream.forward(parts, body).await;
        };
        let (version, content) = ((secret, token), json!(field("SecretString")));
        let earlier = self.put.lock().unwrap_or_else(PoisonError::into_inner).get(&version).cloned();
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
            self.put.lock().unwrap_or_else(PoisonError::into_inner).insert(version, content);
        }
        answer
    }
}
