//! CloudWatch Logs: a filter pattern that is a regular expression (`%…%`), which the local AWS takes for a word.

use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use regex_lite::Regex;
use serde_json::Value;

use super::call::Call;
use super::forward::Upstream;
use super::{Answer, wire};

pub(super) async fn answer(call: &Call, parts: Parts, body: Bytes, upstream: &Upstream) -> Answer {
    let pattern = call.request.get("filterPattern").and_then(Value::as_str);
    let pattern = pattern.and_then(|pattern| pattern.strip_prefix('%')?.strip_suffix('%'));
    let Some(pattern) = pattern.filter(|_| call.operation == "FilterLogEvents") else {
        return upstream.forward(parts, body).await;
    };
    let Ok(pattern) = Regex::new(pattern) else {
        return wire::error(
            call,
            StatusCode::BAD_REQUEST,
            "InvalidParameterException",
            "Invalid filter pattern",
        );
    };
    let mut request = call.request.clone();
    if let Some(fields) = request.as_object_mut() {
        fields.remove("filterPattern");
    }
    match wire::body(upstream.forward(parts, Bytes::from(request.to_string())).await).await {
        Ok(mut answer) => {
            let matches = |event: &Value| {
                event.get("message").and_then(Value::as_str).is_some_and(|message| pattern.is_match(message))
            };
            if let Some(events) = answer.get_mut("events").and_then(Value::as_array_mut) {
                events.retain(matches);
            }
            wire::json_1_1(StatusCode::OK, &answer)
        }
        Err(answer) => answer,
    }
}
