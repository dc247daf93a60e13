//! How a check turned out.

use crate::failure::Failure;

/// The worst first: in this order a person reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    /// It keeps the runbook, or a part of it, from working.
    Bad,
    /// It will hurt one day, or in some outages.
    Warn,
    /// AWS did not let it be seen, or did not answer.
    Unseen,
    Ok,
}

impl Word {
    pub(crate) const ALL: [Self; 4] = [Self::Bad, Self::Warn, Self::Unseen, Self::Ok];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Unseen => "not seen",
            Self::Ok => "ok",
        }
    }
}

/// What is so, the harm that it does, and the command that mends it. The last two are empty where all is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) word: Word,
    pub(crate) says: String,
    pub(crate) costs: String,
    pub(crate) mend: String,
}

impl Verdict {
    pub(crate) fn ok(says: impl Into<String>) -> Self {
        Self { word: Word::Ok, says: says.into(), costs: String::new(), mend: String::new() }
    }

    pub(crate) fn warn(says: impl Into<String>, costs: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { word: Word::Warn, says: says.into(), costs: costs.into(), mend: mend.into() }
    }

    pub(crate) fn bad(says: impl Into<String>, costs: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { word: Word::Bad, ..Self::warn(says, costs, mend) }
    }
}

/// Why something could not be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unseen {
    why: String,
    help: String,
}

impl Unseen {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), help: String::new() }
    }
}

impl From<Failure> for Unseen {
    fn from(failure: Failure) -> Self {
        let help = match failure.denied() {
            Some(action) => {
                format!("your role needs {action}: docs/permissions/doctor.json has all that is looked at")
            }
            None => failure.help(),
        };
        Self { why: failure.chain(), help }
    }
}

impl From<Unseen> for Verdict {
    fn from(unseen: Unseen) -> Self {
        Self { word: Word::Unseen, says: unseen.why, costs: unseen.help, mend: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::{error::SdkError, operation::invoke::InvokeError};
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

    use super::*;

    #[test]
    fn what_is_denied_names_the_action_that_is_missing() {
        let error = InvokeError::generic(ErrorMetadata::builder().code("AccessDeniedException").build());
        let answer = HttpResponse::new(400.try_into().unwrap(), SdkBody::empty());
        let error = SdkError::service_error(error, answer);
        let failure = Failure::aws("read the queue", "sqs:GetQueueAttributes", &error);
        let verdict = Verdict::from(Unseen::from(failure));
        assert_eq!(verdict.word, Word::Unseen);
        assert_eq!(verdict.says, "cannot read the queue: AccessDeniedException");
        assert_eq!(
            verdict.costs,
            "your role needs sqs:GetQueueAttributes: docs/permissions/doctor.json has all that is looked at"
        );
    }
}
