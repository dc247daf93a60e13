//! Answers in the wire format of the protocol that the caller speaks.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use super::call::{Call, Protocol};
use super::{Answer, query};

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

/// The caller's role does not allow it.
pub(super) fn denied(call: &Call) -> Answer {
    let code = match (call.service.as_str(), call.protocol) {
        ("ec2", _) => "UnauthorizedOperation",
        (_, Protocol::Query | Protocol::RestXml) => "AccessDenied",
        _ => "AccessDeniedException",
    };
    let status =
        if call.protocol == Protocol::Json { StatusCode::BAD_REQUEST } else { StatusCode::FORBIDDEN };
    error(call, status, code, "User is not authorized to perform this, as a test asked")
}

/// The request is none that AWS takes.
pub(super) fn invalid(call: &Call, problems: &str) -> Answer {
    let code = match call.service.as_str() {
        "cloudfront" => "InvalidArgument",
        "codebuild" => "InvalidInputException",
        "ec2" | "rds" => "InvalidParameterValue",
        "ecr" | "ecs" | "logs" | "secretsmanager" => "InvalidParameterException",
        "elasticloadbalancing" => "ValidationError",
        "sns" => "InvalidParameter",
        _ => "ValidationException",
    };
    error(call, StatusCode::BAD_REQUEST, code, problems)
}

/// A good answer with nothing in it.
pub(super) fn empty(call: &Call) -> Answer {
    let operation = call.operation.as_str();
    match call.protocol {
        Protocol::Json => json_1_1(StatusCode::OK, &json!({})),
        Protocol::Cbor => cbor(&json!({})),
        Protocol::RestJson => plain_json(StatusCode::OK, &json!({})),
        Protocol::Query => {
            xml(StatusCode::OK, format!("<{operation}Response><{operation}Result/></{operation}Response>"))
        }
        Protocol::RestXml => xml(StatusCode::OK, format!("<{operation}/>")),
    }
}

/// A good answer of a service that speaks several protocols, in the one that the caller speaks.
pub(super) fn in_protocol(call: &Call, body: &Value) -> Answer {
    match call.protocol {
        Protocol::Cbor => cbor(body),
        Protocol::Query => xml(StatusCode::OK, query::document(&call.operation, body)),
        Protocol::Json | Protocol::RestJson | Protocol::RestXml => json_1_1(StatusCode::OK, body),
    }
}

/// A refusal that came in JSON, in the protocol that the caller speaks.
pub(super) async fn refused(call: &Call, answer: Answer) -> Answer {
    let status = answer.status();
    let Ok(body) = answer.into_body().collect().await;
    let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    error(call, status, text("__type").rsplit('#').next().unwrap_or_default(), text("message"))
}

/// An error answer with the service's own code for it.
pub(super) fn error(call: &Call, status: StatusCode, code: &str, message: &str) -> Answer {
    match call.protocol {
        Protocol::Json => json_1_1(status, &json!({ "__type": code, "message": message })),
        Protocol::Cbor => cbor_error(status, code, message),
        Protocol::RestJson => rest_json_error(status, code, message),
        Protocol::Query | Protocol::RestXml => {
            let says = element("Code", code) + &element("Message", message);
            let request_id = element("RequestId", "sandbox");
            let document = match call.service.as_str() {
                "s3" => block("Error", &(says + &request_id)),
                "ec2" => {
                    let errors = block("Errors", &block("Error", &says));
                    block("Response", &(errors + &element("RequestID", "sandbox")))
                }
                _ => {
                    let fault = if status.is_server_error() { "Receiver" } else { "Sender" };
                    let error = block("Error", &(element("Type", fault) + &says));
                    block("ErrorResponse", &(error + &request_id))
                }
            };
            xml(status, document)
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

fn cbor(body: &Value) -> Answer {
    cbor_answer(StatusCode::OK, body)
}

fn cbor_error(status: StatusCode, code: &str, message: &str) -> Answer {
    cbor_answer(status, &json!({ "__type": code, "message": message }))
}

fn cbor_answer(status: StatusCode, body: &Value) -> Answer {
    let mut answer = answer(status, "application/cbor", crate::cbor::encode(body));
    answer.headers_mut().insert("smithy-protocol", http::HeaderValue::from_static("rpc-v2-cbor"));
    answer
}

/// The body of a good answer in JSON or CBOR; none of any other.
pub(super) async fn body(answer: Answer) -> Result<Value, Answer> {
    if answer.status() != StatusCode::OK {
        return Err(answer);
    }
    let is_cbor = answer.headers().get("content-type").is_some_and(|kind| kind == "application/cbor");
    let (parts, body) = answer.into_parts();
    let Ok(body) = body.collect().await;
    let body = body.to_bytes();
    let read = if is_cbor { crate::cbor::decode(&body) } else { serde_json::from_slice(&body).ok() };
    read.ok_or_else(|| Response::from_parts(parts, Full::new(body)))
}

/// An XML element with a text.
pub(super) fn element(name: &str, value: &str) -> String {
    block(name, &escaped(value))
}

/// A text as it stands in XML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An XML element around others.
pub(super) fn block(name: &str, content: &str) -> String {
    ["<", name, ">", content, "</", name, ">"].concat()
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert("content-type", http::HeaderValue::from_static(content_type));
    answer.headers_mut().insert("x-amzn-requestid", http::HeaderValue::from_static("sandbox"));
    answer
}
