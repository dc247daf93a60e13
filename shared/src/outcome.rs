//! What a run answers and leaves behind.

mod answer;
mod described;
mod summary;
mod woken_by;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

pub use answer::Answer;
pub(crate) use described::Described;
pub(crate) use summary::{About, capital, first, lower};
pub use woken_by::WokenBy;

pub use crate::decision::{Decision, Next, Stop};
use crate::{
    code::{Code, Name},
    error::{Error, chain},
    text,
};

/// Grows when a field changes its meaning or goes; a new field alone does not change it.
pub const VERSION: u32 = 1;

/// The ledger's audit record, and the answer to the caller: what a person reads first stands first. [`Outcome::shown`]
/// leaves the last three fields out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// In one line what was done, or would be, or why nothing was. Items of earlier versions do not have it.
    #[serde(default)]
    pub summary: String,
    pub decision: Decision,
    /// Why, for a program: `at_maximum`.
    pub code: Name,
    /// What a person should do.
    pub next: Option<Next>,
    /// Why, for a person.
    pub reason: String,
    /// What was or would be changed: `service/lendpeak2-production/backend`.
    pub target: String,
    pub steps: Vec<Step>,
    pub verification: Option<Verification>,
    /// Whether what was asked for is being done already. Items of earlier versions do not say it.
    #[serde(default)]
    pub under_way: bool,
    pub function: String,
    pub environment: String,
    pub execution_id: String,
    pub at: Timestamp,
    pub duration_ms: u64,
    pub version: u32,
    /// What was decided: the actions, and what a person should know about them, a line each.
    pub plan: Value,
    /// Who or what woke the function: a [`WokenBy`], masked and bounded.
    pub trigger: Value,
    /// What was read before deciding.
    pub observed: Value,
}

impl Outcome {
    /// Says why, for a program.
    pub(crate) fn says(&mut self, code: &'static Code) {
        self.code = code.into();
        self.under_way = code.is_under_way();
    }

    /// Who or what woke the function; `None` if too little of it is left to read.
    pub fn woken_by(&self) -> Option<WokenBy> {
        WokenBy::deserialize(&self.trigger).ok()
    }

    /// In one line, for a list. A record of an earlier version has no summary.
    pub fn in_a_line(&self) -> &str {
        in_a_line(&self.summary, &self.reason)
    }

    /// What was decided.
    pub(crate) fn described(&self) -> Described {
        Described::read(&self.plan)
    }

    /// In one line what was done, or would be, or why nothing was.
    pub(crate) fn summarized(&self, about: About<'_>) -> String {
        summary::of(self, about)
    }

    /// The outcome as it answers a request. Whoever asked for all of it gets all of it; a person in the console gets
    /// what to do now, and of the plan only the lines that are written for people.
    pub fn shown(&self, verbose: bool) -> Value {
        // Our own types always serialize.
        let mut shown = serde_json::to_value(self).unwrap_or_default();
        let Some(fields) = shown.as_object_mut().filter(|_| !verbose) else {
            return shown;
        };
        for name in ["plan", "trigger", "observed"] {
            fields.shift_remove(name);
        }
        let Described { lines, details, .. } = self.described();
        // What was done stands in the steps.
        let lines = if self.steps.is_empty() { lines } else { Vec::new() };
        let plan =
            [("lines", lines), ("details", details)].into_iter().filter(|(_, lines)| !lines.is_empty());
        let plan: Map<String, Value> = plan.map(|(name, lines)| (name.to_owned(), json!(lines))).collect();
        if !plan.is_empty() {
            fields.insert("plan".to_owned(), Value::Object(plan));
        }
        shown
    }

    /// Nothing that others wrote leaves the function as it came: one line each, masked, and no more than fits.
    pub(crate) fn tidy(&mut self) {
        const LONGEST: usize = text::PERSON;
        /// Further steps are only counted.
        const MOST_STEPS: usize = 50;
        let tidy = |text: &mut String| *text = text::line(text, LONGEST);
        tidy(&mut self.summary);
        tidy(&mut self.reason);
        tidy(&mut self.target);
        if let Some(next) = &mut self.next {
            tidy(&mut next.what);
        }
        if let Some(verification) = &mut self.verification {
            tidy(&mut verification.what);
        }
        self.steps.truncate(MOST_STEPS);
        for step in &mut self.steps {
            tidy(&mut step.action);
            step.error.as_mut().map(tidy);
        }
        let mut rest = json!({ "observed": self.observed, "plan": self.plan, "trigger": self.trigger });
        text::tidy(&mut rest);
        for (name, value) in
            [("observed", &mut self.observed), ("plan", &mut self.plan), ("trigger", &mut self.trigger)]
        {
            *value = rest.get_mut(name).map(Value::take).unwrap_or_default();
        }
        // What was seen is the most, and the least missed.
        if serde_json::to_string(self).is_ok_and(|text| text.len() >= text::MAX_ANSWER) {
            self.observed = json!("left out: it would be too long");
        }
        if serde_json::to_string(self).is_ok_and(|text| text.len() >= text::MAX_ANSWER) {
            self.plan = json!("left out: it would be too long");
        }
    }
}

/// The summary, or the reason where an earlier version made no summary.
fn in_a_line<'a>(summary: &'a str, reason: &'a str) -> &'a str {
    if summary.is_empty() { reason } else { summary }
}

/// One action and how it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub action: String,
    pub result: StepResult,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    Done,
    /// An earlier run had done it before it died.
    AlreadyDone,
    /// Somebody else changed it meanwhile, and that change stays.
    LeftAlone,
    Failed,
}

impl StepResult {
    /// For a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::AlreadyDone => "done by an earlier run",
            Self::LeftAlone => "left as somebody else has set it meanwhile",
            Self::Failed => "failed",
        }
    }
}

impl Step {
    /// The result of one action.
    pub fn of(action: &impl ToString, result: Result<(), Error>) -> Self {
        let error = result.err().map(|error| chain(&error));
        let result = if error.is_some() { StepResult::Failed } else { StepResult::Done };
        Self { action: action.to_string(), result, error }
    }

    pub fn already_done(action: &impl ToString) -> Self {
        Self { action: action.to_string(), result: StepResult::AlreadyDone, error: None }
    }

    pub fn left_alone(action: &impl ToString) -> Self {
        Self { action: action.to_string(), result: StepResult::LeftAlone, error: None }
    }
}

/// What a second look showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    pub verified: bool,
    pub what: String,
}

impl Verification {
    pub fn not_seen(why: &str) -> Self {
        Self { verified: false, what: format!("could not look again: {why}") }
    }

    /// Looks once, and then again until what was done shows, or for as long as there is patience.
    pub async fn wait(
        patience: Duration,
        between_looks: Duration,
        look: impl AsyncFn() -> Result<Self, Error>,
    ) -> Self {
        let look = async || look().await.unwrap_or_else(|error| Self::not_seen(&chain(&error)));
        let begun = Instant::now();
        let mut seen = look().await;
        let again = async {
            while !seen.verified {
                tokio::time::sleep(between_looks).await;
                seen = look().await;
            }
        };
        // The last look that ended is what was seen.
        let _ = tokio::time::timeout_at(begun + patience, again).await;
        seen
    }
}

impl Stop {
    /// Makes it the answer.
    pub(crate) fn onto(self, outcome: &mut Outcome) {
        outcome.decision = self.decision;
        outcome.says(self.code);
        outcome.reason = self.reason;
        outcome.next = self.next.map(|next| next.addressed(&outcome.environment, &outcome.function));
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    fn written(change: &Value) -> Outcome {
        let mut written = json!({
            "summary": "backend: 2 → 4 tasks", "decision": "observed", "code": "would_act", "next": null,
            "reason": "asked by hand", "target": "service/a/backend", "steps": [], "verification": null,
            "under_way": false, "function": "scale-up", "environment": "production", "execution_id": "run-1",
            "at": "2026-11-24T14:00:00Z", "duration_ms": 1, "version": 1,
            "plan": { "lines": ["set the count to 4"], "reason": "asked", "actions": [1], "details": ["it costs $1"] },
            "trigger": { "id": "a" }, "observed": { "tasks": 2 },
        });
        for (name, value) in change.as_object().into_iter().flatten() {
            written[name] = value.clone();
        }
        serde_json::from_value(written).unwrap()
    }

    #[test]
    fn an_answer_begins_with_what_counts_and_ends_with_what_was_observed_where_that_is_wanted() {
        let names = |shown: &Value| shown.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let first = ["summary", "decision", "code", "next", "reason", "target", "steps", "verification"];
        let whole = written(&json!({})).shown(true);
        assert_eq!(names(&whole)[..8], first);
        assert_eq!(names(&whole)[15..], ["plan", "trigger", "observed"]);
        assert_eq!(whole, serde_json::to_value(written(&json!({}))).unwrap(), "the record has all of it");
        let short = written(&json!({})).shown(false);
        assert_eq!(names(&short)[..8], first);
        assert_eq!(names(&short)[14..], ["version", "plan"]);
        // Of the plan what is written for people.
        let plan = json!({ "lines": ["set the count to 4"], "details": ["it costs $1"] });
        assert_eq!(short["plan"], plan);
    }

    #[test]
    fn what_was_done_is_not_repeated_as_a_plan() {
        let steps = json!([{ "action": "set the count to 4", "result": "done" }]);
        let done = json!({ "steps": steps, "plan": { "lines": ["set the count to 4"], "actions": [1] } });
        assert_eq!(written(&done).shown(false).get("plan"), None);
        assert_eq!(written(&json!({ "plan": null })).shown(false).get("plan"), None);
        let left_out = json!({ "plan": "left out: it would be too long" });
        assert_eq!(written(&left_out).shown(false).get("plan"), None);
    }

    #[test]
    fn an_outcome_of_an_earlier_version_is_read() {
        let mut earlier = serde_json::to_value(written(&json!({}))).unwrap();
        earlier.as_object_mut().unwrap().retain(|name, _| !["summary", "under_way"].contains(&name.as_str()));
        earlier["next"] = json!({ "what": "look", "support_level": 2 });
        let read: Outcome = serde_json::from_value(earlier).unwrap();
        assert_eq!((read.in_a_line(), &read.next), ("asked by hand", &Some(Next::devops("look"))));
        assert_eq!(written(&json!({})).in_a_line(), "backend: 2 → 4 tasks");
    }

    const PATIENCE: Duration = Duration::from_secs(20);
    const BETWEEN: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn slow_looks_take_no_more_time_than_there_is_patience() {
        let (begun, slow) = (Instant::now(), Duration::from_secs(12));
        let seen = Verification::wait(PATIENCE, BETWEEN, async || {
            sleep(slow).await;
            Ok(Verification { verified: false, what: "0 of 2 tasks run".to_owned() })
        })
        .await;
        assert_eq!(seen, Verification { verified: false, what: "0 of 2 tasks run".to_owned() });
        assert_eq!(begun.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn it_looks_until_the_change_shows() {
        let begun = Instant::now();
        let seen = Verification::wait(PATIENCE, BETWEEN, async || {
            let verified = begun.elapsed() >= 3 * BETWEEN;
            Ok(Verification { verified, what: String::new() })
        })
        .await;
        assert_eq!((seen.verified, begun.elapsed()), (true, 3 * BETWEEN));
    }

    #[tokio::test(start_paused = true)]
    async fn without_patience_it_looks_once() {
        let seen = Verification::wait(Duration::ZERO, BETWEEN, async || Err(Error::EmptyRequest)).await;
        assert!(!seen.verified && seen.what.starts_with("could not look again: the request is empty"));
    }
}
