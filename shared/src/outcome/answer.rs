//! A remedy's answer as the state machine hands it on.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Decision, Next, in_a_line};
use crate::lenient::if_known;

/// The fields of an [`Outcome`](super::Outcome) that decide what follows it, or the error that the run ended with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// In one line, for people. Empty in what an earlier version answered.
    pub summary: String,
    /// Nothing where it is a later version's word.
    #[serde(deserialize_with = "if_known")]
    pub decision: Option<Decision>,
    pub code: String,
    /// Whether the same is being done already.
    pub under_way: bool,
    pub reason: String,
    #[serde(deserialize_with = "if_known")]
    pub next: Option<Next>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Answer {
    /// An answer that cannot be read may have been given by a run that acted.
    pub fn read(answer: &Value) -> Self {
        Self::deserialize(answer).unwrap_or_default()
    }

    /// What was decided. Where that is not known, the run is taken for one that failed on its way.
    pub fn decision(&self) -> Decision {
        self.decision.unwrap_or(Decision::Failed)
    }

    /// Why, in words: its reason, or its code if it gave no reason.
    pub fn why(&self) -> Cow<'_, str> {
        match &self.error {
            Some(error) => format!("it did not answer ({error}), so it may or may not have acted").into(),
            None if self.reason.is_empty() => self.code.as_str().into(),
            None => self.reason.as_str().into(),
        }
    }

    /// In one line, for a timeline.
    pub fn in_a_line(&self) -> Cow<'_, str> {
        let said = in_a_line(&self.summary, &self.reason);
        if self.error.is_some() || said.is_empty() { self.why() } else { said.into() }
    }

    /// The plan that waits for a person.
    pub fn plan(&self) -> Option<&str> {
        self.next.as_ref()?.plan()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::outcome::Outcome;

    /// The state machine picks these fields of what a function answered.
    #[test]
    fn an_answer_is_a_part_of_an_outcome() {
        let written = json!({
            "version": 1, "summary": "waits for approval: scale to 4 tasks", "decision": "awaiting_approval", "code": "approval_needed", "reason": "scale to 4 tasks",
            "next": { "what": "approve by noon", "support_level": 1, "send": { "approve": "0a1b2c3d4e5f" } },
            "target": "service/lendpeak2-production/backend", "steps": [], "verification": null, "plan": null,
            "observed": null, "trigger": null, "function": "scale-up", "environment": "production",
            "execution_id": "run-1", "at": "2026-11-24T14:00:00Z", "duration_ms": 1,
        });
        let outcome: Outcome = serde_json::from_value(written).unwrap();
        let answer = Answer::read(&serde_json::to_value(&outcome).unwrap());
        let expected = Answer {
            summary: "waits for approval: scale to 4 tasks".to_owned(),
            decision: Some(Decision::AwaitingApproval),
            code: "approval_needed".to_owned(),
            under_way: false,
            reason: "scale to 4 tasks".to_owned(),
            next: Some(Next::approval("approve by noon", "0a1b2c3d4e5f")),
            error: None,
        };
        assert_eq!(answer, expected);
        assert_eq!(answer.in_a_line(), outcome.in_a_line());
        assert_eq!((answer.next.as_ref(), answer.plan()), (outcome.next.as_ref(), Some("0a1b2c3d4e5f")));
    }

    #[test]
    fn a_line_is_the_summary_or_what_else_is_known() {
        let answer = |summary: &str, reason: &str, error: Option<&str>| Answer {
            summary: summary.to_owned(),
            reason: reason.to_owned(),
            code: "applied".to_owned(),
            error: error.map(str::to_owned),
            ..Answer::default()
        };
        let unknown = "it did not answer (timeout), so it may or may not have acted";
        let cases = [
            (answer("s", "r", None), "r", "s"),
            (answer("", "r", None), "r", "r"),
            (answer("", "", None), "applied", "applied"),
            (answer("s", "r", Some("timeout")), unknown, unknown),
        ];
        for (answer, why, line) in cases {
            assert_eq!((answer.why().as_ref(), answer.in_a_line().as_ref()), (why, line), "{answer:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_the_rest_is_read() {
        let later =
            json!({ "decision": "handed_back", "code": "c", "reason": "r", "next": 7, "weather": "fair" });
        let answer = Answer::read(&later);
        assert_eq!((answer.decision(), answer.code.as_str(), answer.plan()), (Decision::Failed, "c", None));
        for odd in [json!("what is this"), Value::Null, json!([])] {
            assert_eq!(Answer::read(&odd), Answer::default(), "{odd}");
        }
    }
}
