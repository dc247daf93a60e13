//! Errors as the caller sees them: a kind to search for, and a message that says what to change.
//!
//! An `Err` reaches Lambda only when nothing was written: Lambda repeats a failed asynchronous run.

use std::{error::Error as StdError, fmt};

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use lambda_runtime::Diagnostic;

use crate::{decision::Stop, text};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body has no content at all.
    #[error("the request is empty")]
    EmptyRequest,
    /// The body is not JSON, or has a number that nothing here can hold.
    #[error("the request cannot be read as JSON")]
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
    /// AWS refused an action for a reason with its own answer, and a retry alone cannot help.
    #[error("{}", .stop.reason)]
    Refused {
        stop: Box<Stop>,
        /// Whether the follow-up ends with that.
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

    /// Whether it is about the request, and no failure of the function. An event that it does not know is none that a
    /// person has mistyped.
    pub fn is_of_the_request(&self) -> bool {
        matches!(
            self,
            Self::EmptyRequest | Self::InvalidJson(_) | Self::NotAnObject(_) | Self::InvalidRequest(_)
        )
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

/// Why an AWS call failed, in words fit for people and records: AWS's error code and message or the kind
/// of transport failure; never a response body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    text: String,
    /// Whether the call may have taken effect all the same.
    pub may_have_happened: bool,
    /// Whether AWS has refused what was asked, and would again: neither was it busy, nor were rights missing.
    pub is_refused: bool,
}

/// The most characters of AWS's message that people read.
const MAX_MESSAGE: usize = 1_000;

impl Cause {
    pub fn new(text: impl AsRef<str>) -> Self {
        Self { text: text::line(text.as_ref(), MAX_MESSAGE), may_have_happened: false, is_refused: false }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Cause {}

impl<E: ProvideErrorMetadata> From<&SdkError<E, HttpResponse>> for Cause {
    fn from(error: &SdkError<E, HttpResponse>) -> Self {
        let text = match error {
            SdkError::ServiceError(context) => {
                let code = context.err().code().unwrap_or("an error without a code");
                context.err().message().map_or_else(
                    || code.to_owned(),
                    |message| format!("{code}: {}", text::line(message, MAX_MESSAGE)),
                )
            }
            SdkError::TimeoutError(_) => "AWS did not answer in time".to_owned(),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                "AWS could not be reached in time".to_owned()
            }
            SdkError::DispatchFailure(_) => "the connection to AWS failed".to_owned(),
            SdkError::ResponseError(_) => "AWS's answer could not be read".to_owned(),
            _ => "the call could not be made".to_owned(),
        };
        let may_have_happened = match error {
            SdkError::ServiceError(context) => context.raw().status().is_server_error(),
            SdkError::ConstructionFailure(_) => false,
            _ => true,
        };
        let is_refused = match error {
            SdkError::ServiceError(context) => {
                let status = context.raw().status().as_u16();
                let is_denied = context.err().code().is_some_and(|code| code.contains("AccessDenied"));
                matches!(status, 400 | 404 | 409) && !is_denied && !is_busy(context.err())
            }
            _ => false,
        };
        Self { text, may_have_happened, is_refused }
    }
}

/// Whether AWS only asks for patience.
pub(crate) fn is_busy(error: &impl ProvideErrorMetadata) -> bool {
    const CODES: [&str; 5] = [
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "ConflictException",
    ];
    // ECS has no code for it: "Too many concurrent attempts to create a new revision of the specified family".
    const WORDS: [&str; 2] = ["concurrent", "rate exceeded"];
    let message = error.message().unwrap_or_default().to_ascii_lowercase();
    error.code().is_some_and(|code| CODES.contains(&code)) || WORDS.iter().any(|word| message.contains(word))
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
        assert!(
            says(&broken).starts_with("the request cannot be read as JSON: ")
                && says(&broken).ends_with(shown)
        );
        assert_eq!(says(&Error::InvalidRequest("`to` is missing".to_owned())), "`to` is missing");
    }

    #[test]
    fn what_a_person_mistypes_is_of_the_request_and_a_failure_or_an_event_is_not() {
        let of = |errors: &[Error]| errors.iter().map(Error::is_of_the_request).collect::<Vec<_>>();
        let broken = Error::InvalidJson(serde_json::from_str::<u8>("{").unwrap_err());
        let invalid = Error::InvalidRequest("`to` is missing".to_owned());
        assert_eq!(of(&[Error::EmptyRequest, broken, Error::NotAnObject("a list"), invalid]), [true; 4]);
        let event = Error::UnknownEvent { detail: String::new(), keys: "Records".to_owned() };
        let aws = Error::Aws { operation: "read", resource: "x".to_owned(), source: Cause::new("busy") };
        assert_eq!(of(&[event, aws]), [false; 2]);
    }

    #[test]
    fn an_error_that_can_be_read_is_told_in_full() {
        assert_eq!(chain(&Error::InvalidRequest("x".repeat(LONGEST))).len(), LONGEST);
    }
}
