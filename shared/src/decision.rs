//! What a run decided, why it did not act, and what a person should do next.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::code::Code;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Every action was done.
    Applied,
    /// Would have acted, but may only look.
    Observed,
    /// A person is asked; nothing was done.
    AwaitingApproval,
    /// Something was asked for, and a rule forbids it.
    Refused,
    /// There was no need.
    NothingToDo,
    /// The same event was answered before; this is that answer.
    Replayed,
    /// An action was begun and did not succeed.
    Failed,
}

impl Decision {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Observed => "observed",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Refused => "refused",
            Self::NothingToDo => "nothing_to_do",
            Self::Replayed => "replayed",
            Self::Failed => "failed",
        }
    }
}

/// The field of a request that approves a plan.
const APPROVE: &str = "approve";

/// The next step for a person, with the guide's support level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Next {
    #[serde(default)]
    pub what: String,
    /// 1 development, 2 DevOps, 3 AWS support.
    #[serde(default)]
    pub support_level: u8,
    /// The JSON to send to a function.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub send: Option<Value>,
}

impl Next {
    pub fn development(what: impl Into<String>) -> Self {
        Self { what: what.into(), support_level: 1, send: None }
    }

    pub fn devops(what: impl Into<String>) -> Self {
        Self { what: what.into(), support_level: 2, send: None }
    }

    /// Asks for the approval of a plan.
    pub(crate) fn approval(what: impl Into<String>, plan: &str) -> Self {
        Self { send: Some(json!({ (APPROVE): plan })), ..Self::development(what) }
    }

    /// The plan whose approval it asks for.
    pub fn plan(&self) -> Option<&str> {
        self.send.as_ref()?.get(APPROVE)?.as_str()
    }
}

/// A reason for not acting.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    pub decision: Decision,
    pub code: &'static Code,
    pub reason: String,
    pub next: Option<Next>,
}

impl Stop {
    pub fn refused(code: &'static Code, reason: impl Into<String>) -> Self {
        Self { decision: Decision::Refused, code, reason: reason.into(), next: None }
    }

    pub fn nothing_to_do(code: &'static Code, reason: impl Into<String>) -> Self {
        Self { decision: Decision::NothingToDo, code, reason: reason.into(), next: None }
    }

    #[must_use]
    pub fn next(mut self, next: Next) -> Self {
        self.next = Some(next);
        self
    }
}
