//! Why there is no answer, and what to do about it.

use std::{error::Error, fmt};

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::{Value, json};

use crate::exit::Exit;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line asks for what cannot be.
    #[error("{what}")]
    Usage { what: String, help: String },
    /// What was named is not there, or may not be decided about.
    #[error("{what}")]
    Refused { code: &'static str, what: String, help: String },
    /// A call of AWS failed. `action` is what IAM calls it.
    #[error("cannot {doing}")]
    Aws {
        doing: String,
        action: &'static str,
        kind: Kind,
        /// Whether AWS said nothing at all.
        unanswered: bool,
        /// Whether a change may have been made all the same.
        may_be_done: bool,
        #[source]
        source: Cause,
    },
    /// The function ended with an error of its own.
    #[error("{function} failed: {message}")]
    Function { function: String, kind: String, message: String },
    /// It was begun, and came to nothing; or an answer has not the form of one.
    #[error("{what}")]
    Failed { what: String },
    #[error("{what}")]
    Here {
        what: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{what}")]
    TimedOut { what: String },
    #[error("interrupted")]
    Interrupted { goes_on: Option<String> },
    /// A person said no.
    #[error("nothing was done")]
    Declined,
}

/// What kind of failure of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    NoCredentials,
    /// There are some, and AWS does not take them.
    BadCredentials,
    Denied,
    Other,
}

/// AWS's own words.
#[derive(Debug)]
pub(crate) struct Cause(String);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Cause {}

impl Failure {
    pub(crate) fn usage(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { what: what.into(), help: help.into() }
    }

    pub(crate) fn refused(code: &'static str, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Refused { code, what: what.into(), help: help.into() }
    }

    /// `doing` is as in `read the ledger`.
    pub(crate) fn aws<E, R>(doing: impl Into<String>, action: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: fmt::Debug + 'static,
        SdkError<E, R>: Error,
    {
        let answered = matches!(error, SdkError::ServiceError(_) | SdkError::ConstructionFailure(_));
        let kind = kind(error);
        Self::Aws {
            doing: doing.into(),
            action,
            kind,
            unanswered: !answered && kind == Kind::Other,
            may_be_done: false,
            source: Cause(words(error, kind)),
        }
    }

    /// The same, where credentials were to come from a profile: the SDK does not say that there is none of that name.
    #[must_use]
    pub(crate) fn of_profile(mut self, profile: Option<&str>) -> Self {
        if let (Self::Aws { kind: Kind::NoCredentials, source, .. }, Some(profile)) = (&mut self, profile) {
            *source = Cause(format!("profile `{profile}` is not there, or has no credentials"));
        }
        self
    }

    /// The same, where a change was asked for: without an answer nobody knows whether it was made.
    #[must_use]
    pub(crate) fn of_a_change(mut self) -> Self {
        if let Self::Aws { unanswered, may_be_done, .. } = &mut self {
            *may_be_done = *unanswered;
        }
        self
    }

    /// Whether AWS does not allow it to whoever asks.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self, Self::Aws { kind: Kind::Denied, .. })
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } => Exit::Usage,
            Self::Refused { .. } => Exit::Refused,
            Self::Aws { kind: Kind::NoCredentials | Kind::BadCredentials | Kind::Denied, .. } => {
                Exit::NoAccess
            }
            Self::Aws { .. } | Self::Function { .. } | Self::Failed { .. } | Self::Here { .. } => {
                Exit::Failed
            }
            Self::TimedOut { .. } => Exit::TimedOut,
            Self::Interrupted { .. } | Self::Declined => Exit::Interrupted,
        }
    }

    /// A word for programs.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Usage { .. } => "usage",
            Self::Refused { code, .. } => code,
            Self::Aws { kind: Kind::NoCredentials, .. } => "no_credentials",
            Self::Aws { kind: Kind::BadCredentials, .. } => "bad_credentials",
            Self::Aws { kind: Kind::Denied, .. } => "access_denied",
            Self::Aws { .. } => "aws_failed",
            Self::Function { kind, .. } => kind,
            Self::Failed { .. } | Self::Here { .. } => "failed",
            Self::TimedOut { .. } => "timed_out",
            Self::Interrupted { .. } => "interrupted",
            Self::Declined => "declined",
        }
    }

    /// What to do about it; empty where that is plain.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Usage { help, .. } | Self::Refused { help, .. } => help.clone(),
            Self::Aws { kind: Kind::NoCredentials, .. } => {
                "sign in by `aws sso login` or `aws login`, or name a profile by --profile".to_owned()
            }
            Self::Aws { kind: Kind::BadCredentials, .. } => {
                "they have expired or are of another account: sign in again by `aws sso login` or `aws login`"
                    .to_owned()
            }
            Self::Aws { kind: Kind::Denied, action, .. } => {
                format!("your role needs {action}: docs/permissions/operate.json has all of it")
            }
            Self::Aws { may_be_done: true, .. } => {
                "it may have been done all the same: `lendpeak2 history` says whether it was".to_owned()
            }
            Self::Interrupted { goes_on: Some(what) } => what.clone(),
            _ => String::new(),
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let (what, help) = (self.chain(), self.help());
        let mut error = json!({ "error": what, "code": self.code(), "exit": self.exit().code() });
        if let Some(error) = error.as_object_mut().filter(|_| !help.is_empty()) {
            error.insert("help".to_owned(), json!(help));
        }
        error
    }

    /// Why something was left out that could not be read.
    pub(crate) fn why_not_read(&self) -> String {
        match self {
            Self::Aws { kind: Kind::Denied, doing, action, .. } => {
                format!("AWS denied it to {doing}: your role needs {action}")
            }
            _ => self.chain(),
        }
    }

    /// The action that AWS denied, if that is what went wrong.
    pub(crate) fn denied(&self) -> Option<&'static str> {
        match self {
            Self::Aws { kind: Kind::Denied, action, .. } => Some(action),
            _ => None,
        }
    }

    /// The error and all its causes, in one line.
    pub(crate) fn chain(&self) -> String {
        chain(self)
    }
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        // Some say their cause themselves.
        if !text.is_empty() && !words.iter().any(|said| said.contains(&text)) {
            words.push(text);
        }
        next = error.source();
    }
    words.join(": ")
}

fn kind<E, R>(error: &SdkError<E, R>) -> Kind
where
    E: ProvideErrorMetadata + Error + 'static,
    R: fmt::Debug + 'static,
    SdkError<E, R>: Error,
{
    if let SdkError::ServiceError(answer) = error {
        return match answer.err().code().unwrap_or_default() {
            "AccessDenied"
            | "AccessDeniedException"
            | "AuthorizationError"
            | "AuthorizationErrorException"
            | "UnauthorizedOperation" => Kind::Denied,
            "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "InvalidAccessKeyId" => Kind::BadCredentials,
            _ => Kind::Other,
        };
    }
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(cause) = next {
        if let Some(credentials) = cause.downcast_ref::<CredentialsError>() {
            return match credentials {
                CredentialsError::CredentialsNotLoaded(_) => Kind::NoCredentials,
                _ => Kind::BadCredentials,
            };
        }
        next = cause.source();
    }
    Kind::Other
}

/// Of a chain of providers that had no credentials, the last says why, and then lists all of them.
fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    let text = last.to_string();
    let first = text.lines().next().unwrap_or_default();
    first.split(" Attempted:").next().unwrap_or_default().trim_end_matches('.').to_owned()
}

fn words<E, R>(error: &SdkError<E, R>, kind: Kind) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
    R: fmt::Debug + 'static,
    SdkError<E, R>: Error,
{
    if let SdkError::ServiceError(answer) = error {
        let (code, message) = (answer.err().code(), answer.err().message());
        return match (code, message) {
            (Some(code), Some(message)) => format!("{message} ({code})"),
            (Some(word), None) | (None, Some(word)) => word.to_owned(),
            (None, None) => "AWS gave no reason".to_owned(),
        };
    }
    match kind {
        Kind::NoCredentials | Kind::BadCredentials => deepest(error),
        Kind::Denied | Kind::Other => error.source().map_or_else(|| error.to_string(), chain),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::operation::invoke::InvokeError;
    use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::ConnectorError};
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    type Sdk = SdkError<InvokeError, HttpResponse>;

    fn answered(code: &str) -> Failure {
        let error = InvokeError::generic(ErrorMetadata::builder().code(code).message("words").build());
        let raw = HttpResponse::new(400.try_into().unwrap(), aws_smithy_types::body::SdkBody::empty());
        Failure::aws("ask rollback", "lambda:InvokeFunction", &Sdk::service_error(error, raw))
    }

    #[track_caller]
    fn check(failure: &Failure, exit: u8, code: &str, says: &str) {
        assert_eq!((failure.exit().code(), failure.code()), (exit, code));
        let all = format!("{}; {}", failure.chain(), failure.help());
        assert!(all.contains(says), "{all}");
    }

    #[test]
    fn a_denied_call_names_the_action_that_is_missing() {
        check(
            &answered("AccessDeniedException"),
            4,
            "access_denied",
            "your role needs lambda:InvokeFunction",
        );
    }

    #[test]
    fn what_could_not_be_read_says_which_action_is_missing_or_what_aws_said() {
        assert_eq!(
            answered("AccessDeniedException").why_not_read(),
            "AWS denied it to ask rollback: your role needs lambda:InvokeFunction"
        );
        assert_eq!(answered("InvalidAction").why_not_read(), "cannot ask rollback: words (InvalidAction)");
    }

    #[test]
    fn expired_credentials_are_no_access_and_a_throttled_call_is_a_failure() {
        check(
            &answered("ExpiredTokenException"),
            4,
            "bad_credentials",
            "words (ExpiredTokenException); they have expired",
        );
        check(&answered("TooManyRequestsException"), 1, "aws_failed", "cannot ask rollback: words");
    }

    #[test]
    fn missing_credentials_are_found_however_deep_they_are() {
        let missing = CredentialsError::not_loaded("no providers");
        let error = Sdk::dispatch_failure(ConnectorError::other(missing.into(), None));
        let failure = Failure::aws("find the stack", "cloudformation:DescribeStacks", &error);
        check(&failure, 4, "no_credentials", "aws sso login");
    }

    #[test]
    fn a_change_without_an_answer_may_have_been_made_and_a_look_has_changed_nothing() {
        let error = Sdk::timeout_error("too slow");
        let failure = Failure::aws("ask rollback", "lambda:InvokeFunction", &error);
        assert_eq!(failure.help(), "");
        check(&failure.of_a_change(), 1, "aws_failed", "may have been done all the same");
        assert_eq!(answered("TooManyRequestsException").of_a_change().help(), "");
    }
}
