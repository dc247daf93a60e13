//! Passes a request on to the local AWS: as it came, or so that moto understands it.

use bytes::Bytes;
use http::request::Parts;
use http::uri::{Authority, Scheme, Uri};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::call::Call;
use super::moto::{self, Mending};
use super::{Answer, wire};
use crate::names::REGION;

#[derive(Debug)]
pub(super) struct Upstream {
    client: Client<HttpConnector, Full<Bytes>>,
    address: String,
    /// Where moto is the local AWS.
    mending: Option<Mending>,
}

impl Upstream {
    pub(super) fn new(address: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, address: address.to_owned(), mending: None }
    }

    pub(super) fn moto(address: &str) -> Self {
        Self { mending: Some(Mending::default()), ..Self::new(address) }
    }

    /// Whether the local AWS answers what the gateway would otherwise.
    pub(super) fn answers(&self, call: &Call) -> bool {
        self.mending.is_some() && moto::answers(call)
    }

    /// The local AWS's answer.
    pub(super) async fn forward(&self, parts: Parts, body: Bytes) -> Answer {
        match &self.mending {
            Some(mending) => mending.answer(parts, body, self).await,
            None => self.pass_on(parts, body).await,
        }
    }

    /// What comes back for just this. When nothing does, 502 with the cause.
    pub(super) async fn pass_on(&self, parts: Parts, body: Bytes) -> Answer {
        match self.send(parts, body).await {
            Ok(answer) => answer,
            Err(error) => {
                let body = json!({ "message": format!("the local AWS did not answer: {error:#}") });
                wire::plain_json(StatusCode::BAD_GATEWAY, &body)
            }
        }
    }

    /// A call of the gateway's own to ECS; null when it fails.
    pub(super) async fn ecs(&self, operation: &str, request: &Value) -> Value {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        let call = Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .header("authorization", signed("ecs"))
            .body(());
        let Ok((parts, ())) = call.map(Request::into_parts) else {
            return Value::Null;
        };
        let answer = self.forward(parts, request.to_string().into()).await;
        let Ok(body) = answer.into_body().collect().await;
        serde_json::from_slice(&body.to_bytes()).unwrap_or_default()
    }

    async fn send(&self, mut parts: Parts, body: Bytes) -> anyhow::Result<Answer> {
        let mut uri = parts.uri.into_parts();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(Authority::try_from(self.address.as_str())?);
        parts.uri = Uri::from_parts(uri)?;
        // The body has been read whole: its length takes the place of chunks.
        for hop in ["transfer-encoding", "connection", "expect", "content-length"] {
            parts.headers.remove(hop);
        }
        let answer = self.client.request(Request::from_parts(parts, Full::new(body))).await?;
        let (mut parts, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        for hop in ["transfer-encoding", "connection"] {
            parts.headers.remove(hop);
        }
        Ok(Response::from_parts(parts, Full::new(body)))
    }
}

/// The same call of CloudWatch in JSON, the one of its protocols that each local AWS knows whole.
pub(super) fn in_json(mut parts: Parts, operation: &str) -> Parts {
    let target = format!("GraniteServiceVersion20100801.{operation}");
    if let Ok(target) = HeaderValue::from_str(&target) {
        parts.headers.insert(HeaderName::from_static("x-amz-target"), target);
    }
    let kind = HeaderValue::from_static("application/x-amz-json-1.0");
    parts.headers.insert(http::header::CONTENT_TYPE, kind);
    parts.headers.remove("smithy-protocol");
    parts.uri = Uri::from_static("/");
    parts
}

/// What says of a call of the gateway's own which service it is for.
pub(super) fn signed(service: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request")
}
