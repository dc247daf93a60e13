//! LendPeak2's API, and its front end as the CDN serves it.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, header};
use serde_json::json;

use super::cloudfront::Invalidation;
use super::{Body, typed};

pub(super) fn answer(parts: &Parts, invalidated: &mut Option<Invalidation>) -> Option<Response<Body>> {
    Some(match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/health" | "/health/db" | "/health/redis") => {
            typed("application/json", json!({ "status": "ok" }).to_string())
        }
        (&Method::GET, path) if path.starts_with("/api/loans/") => {
            typed("application/json", json!({ "id": path, "status": "active" }).to_string())
        }
        (&Method::GET, "/") => {
            cached("no-cache", typed("text/html", "<!doctype html><title>LendPeak2</title>\n"))
        }
        (&Method::GET, "/assets/main.js") => asset(),
        // A run asks before its invalidation, and once after it.
        (&Method::HEAD, "/assets/main.js") => {
            let mut answer = asset();
            served(answer.headers_mut(), invalidated.take().is_some());
            answer
        }
        (&Method::OPTIONS, "/api/auth/login") => {
            let mut answer = typed("text/plain", "");
            let headers = answer.headers_mut();
            if let Some(origin) = parts.headers.get(header::ORIGIN) {
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            }
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            answer
        }
        _ => return None,
    })
}

fn asset() -> Response<Body> {
    cached(
        "public, max-age=31536000, immutable",
        typed("text/javascript", "document.title = \"LendPeak2\";\n"),
    )
}

/// What CloudFront adds: an old copy, or, once that is invalidated, a new one.
fn served(headers: &mut HeaderMap, is_new: bool) {
    let (x_cache, age, etag) = if is_new {
        ("Miss from cloudfront", None, "\"2\"")
    } else {
        ("Hit from cloudfront", Some("86400"), "\"1\"")
    };
    headers.insert("x-cache", HeaderValue::from_static(x_cache));
    headers.insert(header::ETAG, HeaderValue::from_static(etag));
    if let Some(age) = age {
        headers.insert(header::AGE, HeaderValue::from_static(age));
    }
}

fn cached(how: &'static str, mut answer: Response<Body>) -> Response<Body> {
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(how));
    answer
}
