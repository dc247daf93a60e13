//! Something a person should know about a check.

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Warning,
    /// Users are served today and soon will not be.
    Critical,
    /// Users are not served: the check is unhealthy.
    Failure,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub message: String,
}

impl Finding {
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, message: message.into() }
    }

    pub fn critical(message: impl Into<String>) -> Self {
        Self { severity: Severity::Critical, message: message.into() }
    }

    pub fn failure(message: impl Into<String>) -> Self {
        Self { severity: Severity::Failure, message: message.into() }
    }
}

/// A header's value for the report: readable and short, or absent.
pub fn header(headers: &http::HeaderMap, name: impl http::header::AsHeaderName) -> Option<String> {
    const MAX_CHARACTERS: usize = 200;
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.chars().take(MAX_CHARACTERS).collect())
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
