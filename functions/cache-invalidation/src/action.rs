//! What `cache-invalidation` can do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::observe::Asset;

/// More paths than this are not written out for a person.
const MAX_TOLD: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    CreateInvalidation {
        distribution: String,
        paths: Vec<String>,
        /// What was widened, and why.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        widened: Vec<String>,
        /// CloudFront takes the same one once.
        caller_reference: String,
        /// The assets as they were, only to compare.
        #[serde(skip)]
        before: Vec<Asset>,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::CreateInvalidation { distribution, paths, widened, .. } = self;
        write!(f, "invalidate {} of distribution {distribution}", told(paths))?;
        if widened.is_empty() { Ok(()) } else { write!(f, ", wider than was asked: {}", reasons(widened)) }
    }
}

/// Paths for people.
pub(crate) fn told(paths: &[String]) -> String {
    let some: Vec<&str> = paths.iter().take(MAX_TOLD).map(String::as_str).collect();
    match paths.len().saturating_sub(MAX_TOLD) {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}

/// Why paths were widened, for people.
pub(crate) fn reasons(widened: &[String]) -> String {
    let some: Vec<&str> = widened.iter().take(MAX_TOLD).map(String::as_str).collect();
    match widened.len().saturating_sub(MAX_TOLD) {
        0 => some.join("; "),
        more => format!("{}; and {more} more", some.join("; ")),
    }
}

/// What CloudFront counts.
pub(crate) fn units(paths: &[String]) -> u32 {
    u32::try_from(paths.len()).unwrap_or(u32::MAX)
}
