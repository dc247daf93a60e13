//! Errors as the caller sees them: a kind to search for, and a message that says what to change.
//!
//! An `Err` reaches Lambda only when nothing was written: Lambda repeats a failed asynchronous run.

use std::error::Error as StdError;

use lambda_runtime::Diagnostic;

use crate::{aws::Cause, outcome::Stop, text};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body has no content at all.
    #[error("the request is empty")]
    EmptyRequest,
    /// The body is not JSON.
    #[error("the request is not JSON")]
    InvalidJson(#[source] serde_json::Error),
    /// The body is JSON, and no object.
    #[error("the request must be a JSON object, and is {0}")]
    NotAnObject(&'static str),
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
            Self::NotAnObject(_) | Self::InvalidRequest(_) => "InvalidRequest",
            Self::UnknownEvent { .. } => "UnknownEvent",
            Self::Aws { .. } => "Aws",
            Self::Unclaimed(_) => "LedgerUnavailable",
            Self::Refused { .. } => "Refused",
        }
    }

    /// What the caller reads. Whoever sent no request at all is shown one that the function takes: its own `example`.
    pub fn diagnostic(&self, example: &str) -> Diagnostic {
        let mut error_message = chain(self);
        if matches!(self, Self::EmptyRequest | Self::InvalidJson(_) | Self::NotAnObject(_)) {
            error_message = format!("{error_message}; send a JSON object, as in {example}");
        }
        Diagnostic { error_type: self.kind().to_owned(), error_message }
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
        assert_eq!(error.diagnostic("{}").error_message, text);
    }

    #[test]
    fn whoever_sent_no_request_is_shown_one_of_the_function_and_nobody_else() {
        let says = |error: &Error| error.diagnostic(r#"{"to": "previous"}"#).error_message;
        let shown = r#"; send a JSON object, as in {"to": "previous"}"#;
        assert_eq!(says(&Error::EmptyRequest), format!("the request is empty{shown}"));
        let list = Error::NotAnObject("a list");
        assert_eq!(says(&list), format!("the request must be a JSON object, and is a list{shown}"));
        let broken = Error::InvalidJson(serde_json::from_str::<u8>("{").unwrap_err());
        assert!(says(&broken).starts_with("the request is not JSON: ") && says(&broken).ends_with(shown));
        assert_eq!(says(&Error::InvalidRequest("`to` is missing".to_owned())), "`to` is missing");
    }

    #[test]
    fn an_error_that_can_be_read_is_told_in_full() {
        assert_eq!(chain(&Error::InvalidRequest("x".repeat(LONGEST))).len(), LONGEST);
    }
}
