//! The Runtime API itself: one event at a time, answers by request id.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;

use super::Answer;

#[derive(Debug)]
pub(super) struct Runtime {
    pub(super) first_poll: watch::Sender<Option<Instant>>,
    pub(super) init_error: watch::Sender<Option<Answer>>,
    events: mpsc::UnboundedSender<Event>,
    waiting: Mutex<mpsc::UnboundedReceiver<Event>>,
    posted: mpsc::UnboundedSender<Posted>,
}

#[derive(Debug)]
struct Event {
    request: String,
    body: Vec<u8>,
    deadline: Timestamp,
}

#[derive(Debug)]
pub(super) struct Posted {
    pub(super) request: String,
    pub(super) answer: Answer,
}

type Served = (Arc<Runtime>, mpsc::UnboundedReceiver<Posted>, String);

impl Runtime {
    /// Serves on a free loopback port; returns also where answers come out, and `host:port`.
    pub(super) async fn serve(tasks: &mut JoinSet<()>) -> anyhow::Result<Served> {
        let (events, waiting) = mpsc::unbounded_channel();
        let (posted, answers) = mpsc::unbounded_channel();
        let runtime = Arc::new(Self {
            first_poll: watch::Sender::new(None),
            init_error: watch::Sender::new(None),
            events,
            waiting: Mutex::new(waiting),
            posted,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{request}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{request}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(Arc::clone(&runtime));
        tasks.spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok((runtime, answers, address))
    }

    /// Puts an event where the process will find it; returns its request id.
    pub(super) fn queue(&self, body: Vec<u8>, deadline: Duration) -> String {
        // Several bootstraps of one test must not look like retries of one event.
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let request = format!("00000000-0000-4000-8000-{number:012}");
        let event = Event { request: request.clone(), body, deadline: Timestamp::now() + deadline };
        // The receiver lives as long as this sender does.
        let _ = self.events.send(event);
        request
    }
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    runtime.first_poll.send_if_modified(|first| {
        let is_first = first.is_none();
        first.get_or_insert_with(Instant::now);
        is_first
    });
    let Some(event) = runtime.waiting.lock().await.recv().await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (HeaderName::from_static("lambda-runtime-aws-request-id"), event.request),
        (HeaderName::from_static("lambda-runtime-deadline-ms"), event.deadline.as_millisecond().to_string()),
        (
            HeaderName::from_static("lambda-runtime-invoked-function-arn"),
            "arn:aws:lambda:us-east-1:000000000000:function:lendpeak2-production-function".to_owned(),
        ),
    ];
    (headers, event.body).into_response()
}

async fn response(
    State(runtime): State<Arc<Runtime>>,
    Path(request): Path<String>,
    body: Bytes,
) -> StatusCode {
    let answer = serde_json::from_slice(&body).unwrap_or_else(|_| {
        // Lambda passes any bytes on; text is what a test can show.
        Value::String(String::from_utf8_lossy(&body).into_owned())
    });
    let _ = runtime.posted.send(Posted { request, answer: Answer::Ok(answer) });
    StatusCode::ACCEPTED
}

async fn error(
    State(runtime): State<Arc<Runtime>>,
    Path(request): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let _ = runtime.posted.send(Posted { request, answer: failure(&headers, &body) });
    StatusCode::ACCEPTED
}

async fn init_error(State(runtime): State<Arc<Runtime>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    runtime.init_error.send_replace(Some(failure(&headers, &body)));
    StatusCode::ACCEPTED
}

fn failure(headers: &HeaderMap, body: &[u8]) -> Answer {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let header = || headers.get("lambda-runtime-function-error-type")?.to_str().ok().map(str::to_owned);
    Answer::Err {
        error_type: text("errorType").or_else(header).unwrap_or_default(),
        error_message: text("errorMessage").unwrap_or_default(),
    }
}
