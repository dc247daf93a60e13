//! What a run decided, why it did not act, and what a person should do next.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{code::Code, settings::function_name, status::Level};

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
    /// Only something to read was asked for, and here it is.
    Listed,
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
            Self::Listed => "listed",
            Self::Replayed => "replayed",
            Self::Failed => "failed",
        }
    }
}

/// The field of a request that approves a plan.
const APPROVE: &str = "approve";

/// The next step for a person.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Next {
    pub what: String,
    /// The function to send it to: its full name, as in `lendpeak2-production-rollback`. Before it is an answer, the
    /// function's short name, or nothing for the one that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// The JSON to send to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send: Option<Value>,
    /// The plan that waits for people whom AWS itself names: they decide over the queue of approvals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The guide's level of support: 1 development, 2 DevOps, 3 AWS support.
    #[serde(alias = "support_level")]
    pub level: u8,
}

impl Next {
    pub fn development(what: impl Into<String>) -> Self {
        Self { what: what.into(), level: Level::Development as u8, ..Self::default() }
    }

    pub fn devops(what: impl Into<String>) -> Self {
        Self { level: Level::DevOps as u8, ..Self::development(what) }
    }

    /// With a request to the function that answers.
    #[must_use]
    pub fn send(self, request: Value) -> Self {
        Self { send: Some(request), ..self }
    }

    /// With a request to another function, by its short name.
    #[must_use]
    pub fn send_to(self, function: &str, request: Value) -> Self {
        Self { function: Some(function.to_owned()), ..self.send(request) }
    }

    /// Asks for the approval of a plan.
    pub(crate) fn approval(what: impl Into<String>, plan: &str) -> Self {
        Self::development(what).send(json!({ (APPROVE): plan }))
    }

    /// Asks for the approval of a plan over the queue of approvals: no request to the function would do.
    pub(crate) fn approval_by_name(what: impl Into<String>, plan: &str) -> Self {
        Self { plan: Some(plan.to_owned()), ..Self::development(what) }
    }

    /// The plan whose approval it asks for.
    pub fn plan(&self) -> Option<&str> {
        let sent = || self.send.as_ref()?.get(APPROVE)?.as_str();
        self.plan.as_deref().or_else(sent)
    }

    /// With the full name of the function that takes the request: `own` unless it says another.
    #[must_use]
    pub fn addressed(mut self, environment: &str, own: &str) -> Self {
        if self.send.is_some() {
            let full = function_name(environment, self.function.as_deref().unwrap_or(own));
            self.function = Some(full);
        }
        self
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
        Self { decision: Decision::NothingToDo, ..Self::refused(code, reason) }
    }

    /// The answer has what was asked for.
    pub fn listed(code: &'static Code, reason: impl Into<String>) -> Self {
        Self { decision: Decision::Listed, ..Self::refused(code, reason) }
    }

    #[must_use]
    pub fn next(mut self, next: Next) -> Self {
        self.next = Some(next);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_step_names_its_function_in_full_where_there_is_something_to_send() {
        let addressed = |next: Next| next.addressed("production", "rollback").function;
        let full = |task: &str| Some(format!("lendpeak2-production-{task}"));
        assert_eq!(addressed(Next::development("look")), None);
        assert_eq!(addressed(Next::approval("approve", "a")), full("rollback"));
        assert_eq!(addressed(Next::devops("x").send_to("incident", json!({}))), full("incident"));
        // What is answered again has its name already.
        let again = Next::devops("x").send_to("lendpeak2-production-incident", json!({}));
        assert_eq!(addressed(again), full("incident"));
    }
}
