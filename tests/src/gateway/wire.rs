//! Answers in the wire format of the protocol that the caller speaks.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use super::Answer;
use super::call::{Call, Protocol};

pub(super) fn throttled(call: &Call) -> Answer {
    match call.service.as_str() {
        "s3" => error(call, StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate."),
        "lambda" => error(call, StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate exceeded"),
        _ => error(call, StatusCode::BAD_REQUEST, "ThrottlingException", "Rate exceeded"),
    }
}

pub(super) fn internal_error(call: &Call) -> Answer {
    let code = match call.service.as_str() {
        "application-autoscaling" => "InternalServiceException",
        "cloudwatch" => "InternalServiceFault",
        "dynamodb" => "InternalServerError",
        "ecs" => "ServerException",
        "lambda" => "ServiceException",
        _ => "InternalError",
    };
    error(call, StatusCode::INTERNAL_SERVER_ERROR, code, "Internal error, asked for by a test")
}

/// An error answer with the service's own code for it.
pub(super) fn error(call: &Call, status: StatusCode, code: &str, message: &str) -> Answer {
    match call.protocol {
        Protocol::Json => json_1_1(status, &json!({ "__type": code, "message": message })),
        Protocol::Cbor => cbor_error(status, code, message),
        Protocol::RestJson => rest_json_error(status, code, message),
        Protocol::RestXml if call.service == "s3" => xml(
            status,
            format!(
                "<Error><Code>{code}</Code><Message>{message}</Message><RequestId>sandbox</RequestId></Error>"
            ),
        ),
        Protocol::Query | Protocol::RestXml => {
            let fault = if status.is_server_error() { "Receiver" } else { "Sender" };
            xml(
                status,
                format!(
                    "<ErrorResponse><Error><Type>{fault}</Type><Code>{code}</Code>\
                     <Message>{message}</Message></Error><RequestId>sandbox</RequestId></ErrorResponse>"
                ),
            )
        }
    }
}

pub(super) fn json_1_1(status: StatusCode, body: &Value) -> Answer {
    answer(status, "application/x-amz-json-1.1", body.to_string())
}

pub(super) fn plain_json(status: StatusCode, body: &Value) -> Answer {
    answer(status, "application/json", body.to_string())
}

fn rest_json_error(status: StatusCode, code: &str, message: &str) -> Answer {
    let mut answer = plain_json(status, &json!({ "Type": "User", "message": message }));
    if let Ok(code) = code.parse() {
        answer.headers_mut().insert("x-amzn-errortype", code);
    }
    answer
}

pub(super) fn xml(status: StatusCode, body: String) -> Answer {
    answer(status, "text/xml", body)
}

fn cbor_error(status: StatusCode, code: &str, message: &str) -> Answer {
    let mut body = aws_smithy_cbor::Encoder::new(Vec::new());
    body.begin_map().str("__type").str(code).str("message").str(message).end();
    let mut answer = answer(status, "application/cbor", body.into_writer());
    answer.headers_mut().insert("smithy-protocol", http::HeaderValue::from_static("rpc-v2-cbor"));
    answer
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert("content-type", http::HeaderValue::from_static(content_type));
    answer.headers_mut().insert("x-amzn-requestid", http::HeaderValue::from_static("sandbox"));
    answer
}
