//! Metrics: the SDK for Rust sends them as CBOR, the AWS CLI in the query protocol, boto3 as JSON.

use http::request::Parts;
use http::{HeaderValue, Response};

use super::{Body, typed};

/// An empty map: `PutMetricData` has nothing to say.
/// Metrics are put, and AWS Health, which speaks the same protocol, knows of no event: nothing is said of either.
pub(super) fn cbor(parts: &Parts) -> Option<Response<Body>> {
    let path = parts.uri.path();
    if !["/operation/PutMetricData", "/operation/DescribeEvents"].iter().any(|end| path.ends_with(end)) {
        return None;
    }
    let mut encoder = aws_smithy_cbor::Encoder::new(Vec::new());
    encoder.begin_map().end();
    let mut answer = typed("application/cbor", encoder.into_writer());
    answer.headers_mut().insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    Some(answer)
}

pub(super) fn query(operation: &[u8], request: &str) -> Option<String> {
    operation.starts_with(b"PutMetricData&").then(|| {
        format!(
            "<PutMetricDataResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">{request}</PutMetricDataResponse>"
        )
    })
}
