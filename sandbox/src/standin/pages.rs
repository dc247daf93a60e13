//! What LendPeak2 answers over HTTP.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, options, post};
use serde_json::json;

use super::{State, load};

#[derive(Debug, Clone)]
struct Site {
    state: Arc<State>,
    /// The front end's origin: the only one that the API lets in.
    origin: String,
}

pub(super) fn router(state: Arc<State>, origin: String) -> Router {
    Router::new()
        .route("/health", get(|site| health(site, Part::Api)))
        .route("/health/db", get(|site| health(site, Part::Database)))
        .route("/health/redis", get(|site| health(site, Part::Cache)))
        .route("/api/auth/login", options(preflight))
        .route("/api/loans", post(write))
        .route("/", get(page))
        .route("/index.html", get(page))
        .route(ASSET, get(asset))
        .layer(from_fn_with_state(Arc::clone(&state), canned))
        .with_state(Site { state, origin })
}

/// An answer that a test wants, in place of the stand-in's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canned {
    pub status: u16,
    /// One name may be there several times.
    pub headers: Vec<(&'static str, String)>,
    pub body: &'static str,
}

impl IntoResponse for Canned {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = (status, self.body).into_response();
        // The type of a text is no part of it.
        answer.headers_mut().remove(header::CONTENT_TYPE);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                answer.headers_mut().append(name, value);
            }
        }
        answer
    }
}

async fn canned(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let canned = state.canned().get(request.uri().path()).cloned();
    match canned {
        Some(canned) => canned.into_response(),
        None => next.run(request).await,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Api,
    Database,
    Cache,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Database => "database",
            Self::Cache => "cache",
        }
    }
}

async fn health(Shared(site): Shared<Site>, part: Part) -> Response {
    if part == Part::Database {
        site.state.look().await;
    }
    let now = *site.state.now();
    tokio::time::sleep(load::latency(now.load, now.running_tasks)).await;
    let database_down = site.state.database_down(now) && part != Part::Cache;
    // Which request meets the bad task is chance before a load balancer; here it is always this one, since a test is
    // no game of dice.
    let meets_bad_task = site.state.has_bad_task() && part == Part::Api;
    let (status, text) = match (now.broken, now.running_tasks) {
        (_, 0) => (StatusCode::SERVICE_UNAVAILABLE, "no task runs"),
        _ if meets_bad_task => (StatusCode::BAD_GATEWAY, "the task broke the connection"),
        _ if load::is_overload(now.load, now.running_tasks) => (StatusCode::SERVICE_UNAVAILABLE, "too busy"),
        _ if database_down && now.locked_out => {
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not let it in")
        }
        _ if database_down => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer"),
        (true, _) => (StatusCode::INTERNAL_SERVER_ERROR, "error"),
        (false, _) => (StatusCode::OK, "ok"),
    };
    (status, axum::Json(json!({ "part": part.name(), "status": text }))).into_response()
}

/// Anything that would change the data.
async fn write(Shared(site): Shared<Site>) -> Response {
    let now = *site.state.now();
    let (status, text) = match (now.broken, now.read_only) {
        (true, _) => (StatusCode::INTERNAL_SERVER_ERROR, "error"),
        (false, true) => (StatusCode::SERVICE_UNAVAILABLE, "read only"),
        (false, false) => (StatusCode::CREATED, "created"),
    };
    (status, axum::Json(json!({ "status": text }))).into_response()
}

async fn preflight(Shared(site): Shared<Site>, headers: HeaderMap) -> Response {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if origin != Some(site.origin.as_str()) || site.state.refuses_preflights.load(Ordering::Relaxed) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, site.origin),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS".to_owned()),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type".to_owned()),
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true".to_owned()),
        (header::ACCESS_CONTROL_MAX_AGE, "600".to_owned()),
        (header::VARY, "origin".to_owned()),
    ];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

async fn page() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (headers, "<!doctype html><title>LendPeak2</title><script src=/assets/main.js></script>\n")
}

const ASSET: &str = "/assets/main.js";

/// As CloudFront serves it.
async fn asset(Shared(site): Shared<Site>) -> Response {
    if site.state.asset_lost.load(Ordering::Relaxed) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let served = site.state.edge.serve(ASSET);
    if served.missing {
        let x_cache = (HeaderName::from_static("x-cache"), "Error from cloudfront");
        return (StatusCode::NOT_FOUND, [x_cache]).into_response();
    }
    let x_cache = if served.hit { "Hit from cloudfront" } else { "Miss from cloudfront" };
    let headers = [
        (header::CONTENT_TYPE, "text/javascript".to_owned()),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
        (header::ETAG, format!("\"main-{}\"", served.release)),
        (header::AGE, served.age.as_secs().to_string()),
        (HeaderName::from_static("x-cache"), x_cache.to_owned()),
    ];
    (headers, format!("document.title = \"LendPeak2, release {}\";\n", served.release)).into_response()
}
