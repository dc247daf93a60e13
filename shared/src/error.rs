//! Errors as the caller sees them: a kind to search for, and a message that says what to change.
//!
//! An `Err` reaches Lambda only when nothing was written: Lambda repeats a failed asynchronous run.

use std::error::Error as StdError;

use lambda_runtime::Diagnostic;

use crate::{aws::Cause, outcome::Stop, text};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body has no content at all.
    #[error("the request is empty: send a JSON object, as in {{\"dry_run\": true}}")]
    EmptyRequest,
    /// The body is not JSON.
    #[error("the request is not JSON")]
    InvalidJson(#[source] serde_json::Error),
    /// The body is JSON, and says something this function does not take.
    #[error("{0}")]
    InvalidRequest(String),
    /// The body looks like an AWS event that no function here knows.
    #[error(
        "unknown event{detail}; its top-level keys are: {keys}. Known are CloudWatch alarms (direct, EventBridge, SNS), schedules, ECS events, builds, pipeline runs and Step Functions tasks"
    )]
    UnknownEvent { detail: String, keys: String },
    /// An AWS call failed before anything was written; a retry can help.
    #[error("cannot {operation} {resource}")]
    Aws {
        /// As in `describe service`.
        operation: &'static str,
        /// As in `backend in cluster lendpeak2-production`.
        resource: String,
        #[source]
        source: Cause,
    },
    /// The ledger did not answer a claim for an event: Lambda repeats that, and finds the claim if it was written.
    #[error("{}", .0.reason)]
    Unclaimed(Box<Stop>),
    /// AWS refused an action for a reason that has an answer of its own, and trying again by itself is no use.
    #[error("{}", .stop.reason)]
    Refused {
        stop: Box<Stop>,
        /// Whether what the run was to look after is over with that.
        over: bool,
    },
}

impl Error {
    /// The name that Lambda shows as `errorType`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::EmptyRequest => "EmptyRequest",
            Self::InvalidJson(_) => "InvalidJson",
            Self::InvalidRequest(_) => "InvalidRequest",
            Self::UnknownEvent { .. } => "UnknownEvent",
            Self::Aws { .. } => "Aws",
            Self::Unclaimed(_) => "LedgerUnavailable",
            Self::Refused { .. } => "Refused",
        }
    }

    /// Whether AWS has refused the call, and would again.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Aws { source, .. } if source.is_refused)
    }

    /// Whether the call that failed may have taken effect.
    pub fn may_have_happened(&self) -> bool {
        matches!(self, Self::Aws { source, .. } if source.may_have_happened)
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self { error_type: error.kind().to_owned(), error_message: chain(&error) }
    }
}

/// Characters, as many as a person reads. An error repeats what it does not understand: that may be of any length.
const LONGEST: usize = 2_000;

/// An error with its causes, outermost first, on one line, masked, and no longer than anybody reads.
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text::line(&text, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_repeats_only_the_beginning_of_what_is_long() {
        let error = Error::InvalidRequest(format!("`format` is `{}`", "ä".repeat(100_000)));
        let text = chain(&error);
        assert!(text.starts_with("`format` is `ää") && text.ends_with("ä…"), "{text}");
        assert_eq!(text.chars().count(), LONGEST);
        assert_eq!(Diagnostic::from(error).error_message, text);
    }

    #[test]
    fn an_error_that_can_be_read_is_told_in_full() {
        assert_eq!(chain(&Error::InvalidRequest("x".repeat(LONGEST))).len(), LONGEST);
    }
}
