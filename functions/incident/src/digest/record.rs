//! A remedy's audit record, as far as a report needs it.

use jiff::Timestamp;
use serde_json::Value;
use shared::{
    code,
    outcome::{Decision, Outcome, StepResult, WokenBy},
    text::line,
    trigger::Kind,
};

use super::LONGEST;
use crate::woken::ChangedBy;

/// An audit record without what was observed: a week has many of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub at: Timestamp,
    pub function: String,
    pub target: String,
    pub decision: Decision,
    pub by: Woken,
    /// The alarm that woke it.
    pub alarm: Option<String>,
    /// The state machine's execution that asked for it.
    pub execution: Option<String>,
    /// In one line what was done, or would be.
    pub what: String,
    /// Whether it is what would be done, and nothing would refuse it.
    pub would_act: bool,
    /// The actions that were done, as they are in the plan.
    pub done: Vec<Value>,
}

/// Why a remedy ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// A person only wanted to see.
    DryRun,
    /// A person rejected its plan.
    Rejection,
    By(ChangedBy),
}

impl Record {
    pub fn of(outcome: &Outcome) -> Self {
        let (mut alarm, mut execution, mut by) = (None, None, Woken::By(ChangedBy::of(outcome)));
        match outcome.woken_by() {
            Some(WokenBy::Trigger(trigger)) => {
                if trigger.asked().is_some_and(|asked| asked.dry_run) {
                    by = Woken::DryRun;
                }
                match trigger.kind {
                    Kind::Alarm(fired) => alarm = Some(fired.name),
                    Kind::StepFunctions { execution: of, .. } => execution = Some(of),
                    _ => {}
                }
            }
            Some(WokenBy::Rejection { .. }) => by = Woken::Rejection,
            _ => {}
        }
        let summary = outcome.in_a_line();
        let what = summary.strip_prefix("would do: ").unwrap_or(summary);
        Self {
            at: outcome.at,
            function: line(&outcome.function, 60),
            target: outcome.target.clone(),
            decision: outcome.decision,
            by,
            alarm,
            execution,
            what: line(what, LONGEST),
            would_act: outcome.code.is(&code::WOULD_ACT) && !summary.starts_with("would be refused now"),
            done: done(outcome),
        }
    }

    /// Whether it changed something, or may have.
    pub(super) fn has_acted(&self) -> bool {
        matches!(self.decision, Decision::Applied | Decision::Failed)
    }

    /// Whether it changed something for a reason of its own: the schedule only finishes what was begun.
    pub(super) fn is_a_deed(&self) -> bool {
        self.has_acted() && !matches!(self.by, Woken::DryRun | Woken::By(ChangedBy::Schedule))
    }

    /// As in `rollback (by hand, 14:05)`.
    pub(super) fn in_short(&self) -> String {
        let at = self.at.strftime("%H:%M");
        match self.by {
            Woken::By(by) => format!("{} ({}, {at})", self.function, by.in_words()),
            Woken::DryRun | Woken::Rejection => format!("{} ({at})", self.function),
        }
    }
}

/// The actions whose steps were done. A record with other steps than actions has none that are known.
fn done(outcome: &Outcome) -> Vec<Value> {
    let actions = outcome.plan.get("actions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let steps = outcome.steps.iter().map(|step| step.result);
    let is_done = |result| matches!(result, StepResult::Done | StepResult::AlreadyDone);
    actions
        .iter()
        .zip(steps)
        .filter(|(_, result)| is_done(*result))
        .map(|(action, _)| action.clone())
        .collect()
}
