//! Lambda: a payload that is no JSON is refused, and no function sees it. The local AWS would take it for `{}`. Where
//! that runs no functions at all, a process answers for one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::de::IgnoredAny;
use serde_json::json;

use super::call::Call;
use super::{Answer, wire};
use crate::runtime_api::{self, Bootstrap};

/// As long as a function may run in the template.
const DEADLINE: Duration = Duration::from_mins(1);

/// The functions that the local AWS does not run.
#[derive(Debug, Default)]
pub struct Lambda {
    processes: Mutex<HashMap<String, Arc<Bootstrap>>>,
}

impl Lambda {
    /// Who invokes this function is answered by this process.
    pub fn serve(&self, function: &str, process: Bootstrap) {
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        processes.insert(function.to_owned(), Arc::new(process));
    }

    /// None for what the local AWS answers.
    pub(super) async fn answer(&self, call: &Call, parts: &Parts, body: &Bytes) -> Option<Answer> {
        if call.operation != "Invoke" {
            return None;
        }
        if let Some(reason) = reason_to_refuse(body) {
            let message = format!("Could not parse request body into json: {reason}");
            return Some(wire::error(
                call,
                StatusCode::BAD_REQUEST,
                "InvalidRequestContentException",
                &message,
            ));
        }
        let function = parts.uri.path().split("/functions/").nth(1)?.strip_suffix("/invocations")?;
        let process = self.processes.lock().unwrap_or_else(PoisonError::into_inner).get(function).cloned()?;
        Some(match process.invoke(body.clone(), DEADLINE).await {
            runtime_api::Answer::Ok(payload) => wire::plain_json(StatusCode::OK, &payload),
            other => {
                let mut failed =
                    wire::plain_json(StatusCode::OK, &json!({ "errorMessage": format!("{other:?}") }));
                failed.headers_mut().insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
                failed
            }
        })
    }
}

/// Without a payload, a function is given `{}` on AWS too.
fn reason_to_refuse(body: &Bytes) -> Option<String> {
    if body.is_empty() {
        return None;
    }
    match std::str::from_utf8(body).map(serde_json::from_str::<IgnoredAny>) {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    }
}
