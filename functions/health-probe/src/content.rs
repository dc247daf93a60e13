//! Whether a browser uses what the front end sends. That depends on its type, as the HTML and Fetch standards say
//! (<https://html.spec.whatwg.org/multipage/webappapis.html#fetch-a-single-module-script>,
//! <https://fetch.spec.whatwg.org/#should-response-to-request-be-blocked-due-to-nosniff?>), and by whether anything is in
//! it.

use http::HeaderMap;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

use crate::finding::{Finding, list};
use crate::http::Answer;

/// JavaScript by its present name and its former ones (<https://mimesniff.spec.whatwg.org/#javascript-mime-type>).
const JAVASCRIPT: [&str; 16] = [
    "application/ecmascript",
    "application/javascript",
    "application/x-ecmascript",
    "application/x-javascript",
    "text/ecmascript",
    "text/javascript",
    "text/javascript1.0",
    "text/javascript1.1",
    "text/javascript1.2",
    "text/javascript1.3",
    "text/javascript1.4",
    "text/javascript1.5",
    "text/jscript",
    "text/livescript",
    "text/x-ecmascript",
    "text/x-javascript",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Page,
    /// Front ends are built as modules, for which browsers are strict.
    Script,
    Style,
    Other,
}

impl Kind {
    fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("js" | "mjs") => Self::Script,
            Some("css") => Self::Style,
            Some("html" | "htm") => Self::Page,
            _ if name.is_empty() => Self::Page,
            _ => Self::Other,
        }
    }
}

pub fn judge_page(answer: &Answer) -> Vec<Finding> {
    judge(answer, Kind::Page, "page")
}

pub fn judge_asset(answer: &Answer, path: &str) -> Vec<Finding> {
    let kind = Kind::of(path);
    let is_page = essence(&answer.headers).as_deref().is_some_and(is_html);
    if is_page && kind != Kind::Page {
        // A front end with client-side routing answers its page for every path that it does not have.
        let message = "the asset's address answers with a page: the deployment does not have this file";
        return vec![Finding::failure(message).code("not_the_file")];
    }
    judge(answer, kind, "asset")
}

fn judge(answer: &Answer, kind: Kind, what: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings
        .extend(refused(&answer.headers, kind).map(|message| Finding::failure(message).code("content_type")));
    // These two statuses have no body by definition.
    if answer.is_blank && !matches!(answer.status, 204 | 205) {
        findings.push(Finding::failure(format!("the {what} is empty")).code("empty"));
    }
    findings
}

/// Why a browser rejects the content.
fn refused(headers: &HeaderMap, kind: Kind) -> Option<String> {
    let essence = essence(headers);
    let sent = |what: &str, then: &str| {
        let how = match &essence {
            Some(essence) => format!("as `{}`", essence.chars().take(100).collect::<String>()),
            None if forbids_guessing(headers) => "without a Content-Type, and with nosniff".to_owned(),
            None => "without a Content-Type".to_owned(),
        };
        format!("the {what} is sent {how}: {then}")
    };
    match kind {
        Kind::Script => (essence.as_deref().is_none_or(|essence| !JAVASCRIPT.contains(&essence)))
            .then(|| sent("script", "browsers run a module only as `text/javascript`")),
        Kind::Style => {
            (essence.as_deref().map_or(forbids_guessing(headers), |essence| essence != "text/css"))
                .then(|| sent("stylesheet", "browsers apply it only as `text/css`"))
        }
        Kind::Page => (essence.as_deref().map_or(forbids_guessing(headers), |essence| !is_markup(essence)))
            .then(|| {
                sent("page", "browsers show its source or save it, where `text/html` is shown as a page")
            }),
        Kind::Other => None,
    }
}

fn is_html(essence: &str) -> bool {
    matches!(essence, "text/html" | "application/xhtml+xml")
}

fn is_markup(essence: &str) -> bool {
    is_html(essence) || matches!(essence, "text/xml" | "application/xml") || essence.ends_with("+xml")
}

/// The type as browsers extract it: the last valid one of several
/// (<https://fetch.spec.whatwg.org/#concept-header-extract-mime-type>). `None` if they guess.
fn essence(headers: &HeaderMap) -> Option<String> {
    let types = list(headers, CONTENT_TYPE).filter_map(|value| {
        let essence = value.split(';').next()?.trim().to_ascii_lowercase();
        let (kind, of_it) = essence.split_once('/')?;
        let is_guessed = matches!(essence.as_str(), "*/*" | "unknown/unknown" | "application/unknown");
        (is_token(kind) && is_token(of_it) && !is_guessed).then_some(essence)
    });
    types.last()
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// As the Fetch standard determines nosniff: by the first value.
fn forbids_guessing(headers: &HeaderMap) -> bool {
    list(headers, X_CONTENT_TYPE_OPTIONS).next().is_some_and(|value| value.eq_ignore_ascii_case("nosniff"))
}

#[cfg(test)]
mod tests;
