//! An incident: what is known of it, and what is due.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::clock;

use crate::{
    decide::{Finding, Remedy},
    notice::News,
};

/// The cause that the state machine handles.
pub const SERVICE_DOWN: &str = "service-down";
/// The same trouble within this time is the same incident.
pub const REOPENED_WITHIN: SignedDuration = SignedDuration::from_mins(15);
/// The last of the guide's levels: AWS.
pub const HIGHEST_LEVEL: u8 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    pub id: String,
    pub cause: String,
    pub title: String,
    pub severity: Severity,
    pub assignee: Option<String>,
    /// Since when it is broken, as far as is known.
    pub began_at: Timestamp,
    pub opened_at: Timestamp,
    /// When the first remedy was done.
    pub acted_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    /// How it ended, in words.
    pub resolution: Option<String>,
    pub acknowledged: Option<Acknowledged>,
    /// The highest level of support that was told, 1 to 3.
    pub level: u8,
    pub level_since: Timestamp,
    pub handling: Handling,
    /// How often the same trouble came back.
    pub reopened: u32,
    /// What the last diagnosis said first.
    pub found: Option<Finding>,
    pub remedies: Vec<Tried>,
    /// Whether it was seen if it goes over by itself.
    pub waited: bool,
    /// The state machine's last step and its answer: a step that is asked again is answered the same.
    pub answered: Option<Answered>,
    /// What people are to be told and perhaps were not yet.
    pub owed: Option<Owed>,
    pub ops_item: Option<String>,
    /// Counts the writes.
    #[serde(skip)]
    pub version: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    pub by: String,
    pub at: Timestamp,
}

/// Who is at work on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// People; no machine was asked.
    People,
    /// The state machine is to be started.
    Wanted { since: Timestamp },
    /// The state machine.
    Machine { execution: String, since: Timestamp },
    /// People again, and why.
    HandedOver { at: Timestamp, reason: String },
}

/// A remedy that the state machine chose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    #[serde(flatten)]
    pub remedy: Remedy,
    pub at: Timestamp,
    /// What came of it: a decision and a code, as in `applied` and `scaled_up`.
    pub decision: Option<String>,
    pub reason: Option<String>,
    /// The plan that a person was asked to approve.
    pub approval: Option<String>,
}

impl Tried {
    /// Whether it changed something, or may have.
    pub fn acted(&self) -> bool {
        !matches!(
            self.decision.as_deref(),
            Some("refused" | "nothing_to_do" | "observed" | "awaiting_approval" | "not_approved")
        )
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    pub step: String,
    pub answer: Value,
}

/// What people are to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    pub news: News,
    pub since: Timestamp,
}

/// What has to happen because time has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Nobody acknowledged it in time.
    NextLevel { level: u8, reason: String },
    /// The state machine has not begun.
    Start,
    /// The state machine has not begun for too long.
    NotStarted,
    /// Whether the state machine still runs has to be looked at.
    LookAfter { execution: String },
    /// The state machine has been at work for too long.
    TooLong,
}

/// Whoever owed it to people has told them by then, or died.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_secs(30);
/// An execution that was asked for begins within a second: after a minute it is asked for again.
const START_AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// After that, a person is quicker.
const START_GIVEN_UP: SignedDuration = SignedDuration::from_mins(5);

impl Incident {
    pub fn new(cause: &str, title: String, severity: Severity, began_at: Timestamp, at: Timestamp) -> Self {
        Self {
            id: format!("{}-{cause}", at.strftime("%Y%m%d-%H%M%S")),
            cause: cause.to_owned(),
            title,
            severity,
            assignee: None,
            began_at: began_at.min(at),
            opened_at: at,
            acted_at: None,
            resolved_at: None,
            resolution: None,
            acknowledged: None,
            level: 1,
            level_since: at,
            handling: Handling::People,
            reopened: 0,
            found: None,
            remedies: Vec::new(),
            waited: false,
            answered: None,
            owed: Some(Owed { news: News::Opened, since: at }),
            ops_item: None,
            version: 0,
        }
    }

    pub fn is_open(&self) -> bool {
        self.resolved_at.is_none()
    }

    /// Whether the state machine is at work on it, or about to be.
    pub fn is_with_the_machine(&self) -> bool {
        matches!(self.handling, Handling::Wanted { .. } | Handling::Machine { .. })
    }

    /// What the state machine's execution is called: the same for everyone who starts it.
    pub fn execution_name(&self) -> String {
        if self.reopened == 0 { self.id.clone() } else { format!("{}-{}", self.id, self.reopened + 1) }
    }

    /// The same trouble came back: what was tried before is not tried again.
    pub fn reopen(&mut self, at: Timestamp) {
        let handled = self.handling != Handling::People;
        self.reopened += 1;
        self.resolved_at = None;
        self.resolution = None;
        self.acknowledged = None;
        self.level_since = at;
        self.handling = if handled { Handling::Wanted { since: at } } else { Handling::People };
        self.waited = false;
        self.owed = Some(Owed { news: News::Reopened, since: at });
    }

    pub fn resolve(&mut self, at: Timestamp, how: String) {
        self.resolved_at = Some(at);
        self.resolution = Some(how);
        self.owed = Some(Owed { news: News::Resolved, since: at });
    }

    /// Passes it up. The clock starts again where a level is told that was not told before; what a level
    /// acknowledged, another has not.
    pub fn escalate(&mut self, at: Timestamp, level: u8, reason: String) {
        if level > self.level {
            self.level = level.min(HIGHEST_LEVEL);
            self.level_since = at;
            self.acknowledged = None;
        }
        self.owed = Some(Owed { news: News::Escalated { reason }, since: at });
    }

    /// The state machine is done with it and it is not over.
    pub fn hand_over(&mut self, at: Timestamp, level: u8, reason: String) {
        self.handling = Handling::HandedOver { at, reason: reason.clone() };
        self.escalate(at, level, reason);
    }

    /// Whether people were to be told long ago.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.owed.as_ref().is_some_and(|owed| now.duration_since(owed.since) >= TOLD_WITHIN)
    }

    /// What is due by now, the most urgent first.
    pub fn due(&self, now: Timestamp, within: [Duration; 2], handling: Duration) -> Vec<Due> {
        if !self.is_open() {
            return Vec::new();
        }
        let since = |at: Timestamp| now.duration_since(at);
        let mut due = Vec::new();
        match &self.handling {
            Handling::Wanted { since: at } if since(*at) >= START_GIVEN_UP => due.push(Due::NotStarted),
            Handling::Wanted { since: at } if since(*at) >= START_AGAIN => due.push(Due::Start),
            Handling::Machine { since: at, .. } if since(*at).unsigned_abs() >= handling => {
                due.push(Due::TooLong);
            }
            Handling::Machine { execution, .. } => {
                due.push(Due::LookAfter { execution: execution.clone() });
            }
            Handling::People | Handling::Wanted { .. } | Handling::HandedOver { .. } => {}
        }
        let [level_1, level_2] = within;
        let deadline = match self.level {
            1 => Some(level_1),
            2 => Some(level_2),
            _ => None,
        };
        if self.acknowledged.is_none()
            && let Some(deadline) = deadline
            && since(self.level_since).unsigned_abs() >= deadline
            && now > self.level_since
        {
            let minutes = deadline.as_secs() / 60;
            let reason = format!("nobody of level {} acknowledged it within {minutes} minutes", self.level);
            due.push(Due::NextLevel { level: self.level + 1, reason });
        }
        due
    }

    /// How long each stage took, as far as it came: until it was noticed, until something was done, until it
    /// was over. In seconds from when it broke.
    pub fn stages(&self) -> Stages {
        let after = |at: Timestamp| at.duration_since(self.began_at).as_secs().max(0);
        Stages {
            detected_seconds: after(self.opened_at),
            acted_seconds: self.acted_at.map(after),
            recovered_seconds: self.resolved_at.map(after),
        }
    }

    /// As in `since 2026-11-24 14:05:00 UTC (12 min)`.
    pub fn since(&self, now: Timestamp) -> String {
        let until = self.resolved_at.unwrap_or(now);
        let began = clock::readable(self.began_at);
        format!("since {began} ({})", spoken(until.duration_since(self.began_at)))
    }
}

/// Seconds from when it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stages {
    pub detected_seconds: i64,
    pub acted_seconds: Option<i64>,
    pub recovered_seconds: Option<i64>,
}

/// As in `45 s`, `12 min`, `3 h 5 min`.
pub fn spoken(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests;
