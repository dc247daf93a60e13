//! Lambda: a payload that is no JSON is refused, and no function sees it. The local AWS would take it for `{}`.

use bytes::Bytes;
use http::StatusCode;
use serde::de::IgnoredAny;

use super::call::Call;
use super::{Answer, wire};

/// None for what the local AWS answers.
pub(super) fn answer(call: &Call, body: &Bytes) -> Option<Answer> {
    // Without a payload, a function is given `{}` on AWS too.
    if call.operation != "Invoke" || body.is_empty() {
        return None;
    }
    let reason = match std::str::from_utf8(body).map(serde_json::from_str::<IgnoredAny>) {
        Ok(Ok(_)) => return None,
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    let message = format!("Could not parse request body into json: {reason}");
    Some(wire::error(call, StatusCode::BAD_REQUEST, "InvalidRequestContentException", &message))
}
