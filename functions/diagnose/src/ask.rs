//! What a rule can advise to send to another function. Each kind of request stands here, and a test tries each on the
//! function that it names (`tools/fuzz/tests/bounded/remedies.rs`): advice that would be refused is none.

use std::{borrow::Cow, iter::successors};

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{diagnosis::Sent, text::PERSON};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    RollBack,
    Restart {
        reason: Cow<'static, str>,
    },
    ScaleUp {
        reason: Cow<'static, str>,
    },
    ClearCache,
    /// How far an invalidation has come.
    LookAtInvalidation {
        id: String,
    },
    FreezeWrites {
        reason: Cow<'static, str>,
    },
    /// The database beside itself, as it was at that time.
    Restore {
        at: Timestamp,
    },
}

impl Ask {
    pub fn restart(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Restart { reason: reason.into() }
    }

    pub fn scale_up(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::ScaleUp { reason: reason.into() }
    }

    pub fn freeze_writes(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::FreezeWrites { reason: reason.into() }
    }

    /// One of each kind, for a test. Where there is a reason, it is this one.
    pub fn examples(reason: &str) -> impl Iterator<Item = Self> {
        successors(Some(Self::RollBack), move |ask| ask.after(reason))
    }

    /// The next of the examples. The compiler asks for a new kind here: put it in the place of `None`.
    fn after(&self, reason: &str) -> Option<Self> {
        Some(match self {
            Self::RollBack => Self::restart(reason.to_owned()),
            Self::Restart { .. } => Self::scale_up(reason.to_owned()),
            Self::ScaleUp { .. } => Self::ClearCache,
            Self::ClearCache => Self::LookAtInvalidation { id: "I2J0I21PCUYOIK".to_owned() },
            Self::LookAtInvalidation { .. } => Self::freeze_writes(reason.to_owned()),
            Self::FreezeWrites { .. } => Self::Restore { at: Timestamp::UNIX_EPOCH },
            Self::Restore { .. } => return None,
        })
    }
}

impl From<Ask> for Sent {
    fn from(ask: Ask) -> Self {
        let (function, request) = match ask {
            Ask::RollBack => ("rollback", json!({ "to": "previous" })),
            Ask::Restart { reason } => ("restart", json!({ "reason": bounded(&reason) })),
            Ask::ScaleUp { reason } => ("scale-up", json!({ "reason": bounded(&reason) })),
            Ask::ClearCache => ("cache-invalidation", json!({})),
            Ask::LookAtInvalidation { id } => ("cache-invalidation", json!({ "status": id })),
            Ask::FreezeWrites { reason } => {
                ("write-freeze", json!({ "state": "on", "reason": bounded(&reason) }))
            }
            Ask::Restore { at } => ("snapshot-restore", json!({ "point_in_time": at.to_string() })),
        };
        Self { function: Cow::Borrowed(function), request }
    }
}

/// A reason may be as long as a person's.
fn bounded(reason: &str) -> Value {
    reason.chars().take(PERSON).collect::<String>().into()
}
