//! A page as files.

use sha2::{Digest, Sha256};

use crate::{api, feeds, history, html, html::Site, model::Page};

const CSS: &str = include_str!("assets/page.css");
const JS: &str = include_str!("assets/page.js");

const FOR_EVER: &str = "max-age=31536000, immutable";
const A_MINUTE: &str = "max-age=60";
const SOON: &str = "max-age=15, stale-if-error=86400";
const FIRST: &str = "max-age=15, stale-while-revalidate=60, stale-if-error=86400";

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";

/// A file as the web gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Without a slash before it.
    pub path: String,
    pub content_type: &'static str,
    pub cache_control: &'static str,
    pub body: String,
}

/// All files of a page, in the order in which they must be written: what a file refers to is there before it, and the first
/// page, which holds all that it shows, comes last. A file that says nothing new has the same bytes at another time, but
/// for `index.html`, and `updated_at` and `updated` in the JSON and the feeds.
pub fn files(page: &Page) -> Vec<File> {
    let (css, js) = (named(CSS, "css"), named(JS, "js"));
    let site = Site { page, css: format!("/{css}"), js: format!("/{js}") };
    let file =
        |path: String, content_type, cache_control, body| File { path, content_type, cache_control, body };
    let mut files = vec![
        file(css, "text/css; charset=utf-8", FOR_EVER, CSS.to_owned()),
        file(js, "text/javascript; charset=utf-8", FOR_EVER, JS.to_owned()),
    ];
    for incident in &page.incidents {
        let path = format!("incidents/{}.html", incident.id.as_str());
        files.push(file(path, HTML, A_MINUTE, html::incident(&site, incident)));
    }
    let months = history::months(page);
    for (place, month) in months.iter().enumerate() {
        let path = month.path().trim_start_matches('/').to_owned();
        files.push(file(path, HTML, A_MINUTE, html::month(&site, &months, place, month)));
    }
    for (name, body) in api::documents(page) {
        files.push(file(format!("api/v2/{name}.json"), JSON, SOON, body));
    }
    files.push(file(
        "history.atom".to_owned(),
        "application/atom+xml; charset=utf-8",
        SOON,
        feeds::atom(page),
    ));
    files.push(file("history.rss".to_owned(), "application/rss+xml; charset=utf-8", SOON, feeds::rss(page)));
    files.push(file("404.html".to_owned(), HTML, A_MINUTE, html::not_found(&site)));
    files.push(file("index.html".to_owned(), HTML, FIRST, html::index(&site)));
    files
}

/// By the first eight bytes of its content's hash.
fn named(content: &str, ending: &str) -> String {
    let hash = Sha256::digest(content).first_chunk().copied().map_or(0, u64::from_be_bytes);
    format!("assets/{hash:016x}.{ending}")
}
