//! Who or what had a remedy act, in the words of a report.

use serde::Serialize;
use shared::{
    outcome::{Outcome, WokenBy},
    trigger::Kind,
};

/// Who or what woke the function that made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangedBy {
    Machine,
    Approved,
    Person,
    Alarm,
    Schedule,
    Other,
}

impl ChangedBy {
    pub fn of(outcome: &Outcome) -> Self {
        match outcome.woken_by() {
            Some(WokenBy::Approval { .. }) => Self::Approved,
            Some(WokenBy::Trigger(trigger)) => match &trigger.kind {
                Kind::Person(asked) if asked.approve.is_some() => Self::Approved,
                Kind::Person(_) => Self::Person,
                // A restore's steps are asked for by a state machine of its own.
                Kind::StepFunctions { execution, .. } if execution.contains("-snapshot-restore:") => {
                    Self::Other
                }
                Kind::StepFunctions { .. } => Self::Machine,
                Kind::Alarm(_) => Self::Alarm,
                Kind::Schedule { .. } => Self::Schedule,
                Kind::Ecs(_) | Kind::Pipeline(_) => Self::Other,
            },
            Some(WokenBy::Rejection { .. } | WokenBy::Wanted { .. }) | None => Self::Other,
        }
    }

    pub fn in_words(self) -> &'static str {
        match self {
            Self::Machine => "by service-down",
            Self::Approved => "approved by hand",
            Self::Person => "by hand",
            Self::Alarm => "by an alarm",
            Self::Schedule | Self::Other => "by its schedule or an event",
        }
    }
}
