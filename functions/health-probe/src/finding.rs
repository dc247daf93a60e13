//! Something a person should know about a check.

pub use shared::probe::{Finding, Severity};

/// How many characters of a header's value are reported.
const MAX_CHARACTERS: usize = 200;

/// A header's value for the report: readable and short, or absent.
pub fn header(headers: &http::HeaderMap, name: impl http::header::AsHeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.chars().take(MAX_CHARACTERS).collect())
}

/// The same for a header that must come once: if it comes several times, browsers see one value with commas
/// (<https://fetch.spec.whatwg.org/#concept-header-list-get>).
pub fn joined(headers: &http::HeaderMap, name: http::HeaderName) -> Option<String> {
    let values: Vec<_> =
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!values.is_empty()).then(|| values.join(", ").chars().take(MAX_CHARACTERS).collect())
}

/// The entries of a header that is a comma-separated list and may come several times.
pub fn list(headers: &http::HeaderMap, name: http::HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
}
