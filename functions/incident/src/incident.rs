//! An incident: what is known of it, and what is due.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

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
    /// The alarms that said that they are in ALARM, and not yet that they are OK; since when.
    pub ringing: BTreeMap<String, Timestamp>,
    /// Since when none of the alarms rings; none where no alarm ever rang.
    pub quiet_since: Option<Timestamp>,
    /// How often the same trouble came back.
    pub reopened: u32,
    /// When it was opened, or opened again.
    pub round_since: Timestamp,
    /// What the last diagnosis said first.
    pub found: Option<Finding>,
    pub remedies: Vec<Tried>,
    /// Whether it was seen if it goes over by itself.
    pub waited: bool,
    /// The state machine's last step and its answer: a step that is asked again is answered the same.
    pub answered: Option<Answered>,
    /// What people are to be told and perhaps were not yet.
    pub owed: Option<Owed>,
    pub ops_item: Option<OpsItem>,
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
        self.counts() && !matches!(self.decision.as_deref(), Some("awaiting_approval" | "not_approved"))
    }

    /// Whether it is one of the few that there may be: it acted, or a person was asked to let it.
    pub fn counts(&self) -> bool {
        !matches!(self.decision.as_deref(), Some("refused" | "nothing_to_do" | "observed"))
    }
}

/// What OpsCenter was told last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpsItem {
    pub id: String,
    pub open: bool,
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
    /// The levels that were told already, while the way to another one was closed.
    #[serde(default)]
    pub told: BTreeSet<u8>,
}

impl Owed {
    fn new(news: News, since: Timestamp) -> Self {
        Self { news, since, told: BTreeSet::new() }
    }
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
    /// No alarm has rung for so long that it is over, though nobody said so.
    Over,
}

/// An alarm looks at periods of a minute: it does not ring twice within one.
const SAME_RING: SignedDuration = SignedDuration::from_mins(1);
/// As long as the alarms have been OK by then, nobody has anything to do.
const OVER_AFTER: Duration = Duration::from_mins(15);
/// The probe's alarm looks at three minutes.
const SEEN_BY_ALARMS: SignedDuration = SignedDuration::from_mins(5);
/// Whoever owed it to people has told them by then, or died.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_secs(30);
/// An execution that was asked for begins within a second: after a minute it is asked for again.
const START_AGAIN: Duration = Duration::from_mins(1);
/// After that, a person is quicker.
const START_GIVEN_UP: Duration = Duration::from_mins(5);

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
            ringing: BTreeMap::new(),
            quiet_since: None,
            reopened: 0,
            round_since: at,
            found: None,
            remedies: Vec::new(),
            waited: false,
            answered: None,
            owed: Some(Owed::new(News::Opened, at)),
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
        if self.reopened == 0 {
            self.id.clone()
        } else {
            format!("{}-{}", self.id, self.reopened.saturating_add(1))
        }
    }

    /// The same trouble came back: what was tried before is not tried again.
    pub fn reopen(&mut self, at: Timestamp) {
        let handled = self.handling != Handling::People;
        self.reopened = self.reopened.saturating_add(1);
        self.round_since = at;
        self.resolved_at = None;
        self.resolution = None;
        self.acknowledged = None;
        // What was found then may not be what is wrong now, and OpsCenter wants another item.
        self.found = None;
        self.ops_item = None;
        self.acted_at = None;
        self.quiet_since = None;
        self.level_since = at;
        self.handling = if handled { Handling::Wanted { since: at } } else { Handling::People };
        self.waited = false;
        self.owed = Some(Owed::new(News::Reopened, at));
    }

    pub fn resolve(&mut self, at: Timestamp, how: String) {
        self.resolved_at = Some(at);
        self.resolution = Some(how);
        self.owed = Some(Owed::new(News::Resolved, at));
    }

    /// Passes it up. The clock starts again where a level is told that was not told before; what a level
    /// acknowledged, another has not.
    pub fn escalate(&mut self, at: Timestamp, level: u8, reason: String) {
        let level = level.min(HIGHEST_LEVEL);
        if level > self.level {
            self.level = level;
            self.level_since = at;
            self.acknowledged = None;
        }
        self.owed = Some(Owed::new(News::Escalated { reason }, at));
    }

    /// The state machine is done with it and it is not over.
    pub fn hand_over(&mut self, at: Timestamp, level: u8, reason: String) {
        self.handling = Handling::HandedOver { at, reason: reason.clone() };
        if self.acknowledged.is_none() {
            // Until now there was nothing for them to do.
            self.level_since = at;
        }
        self.escalate(at, level, reason);
    }

    /// An alarm rings. Whether that is news to the incident: of a storm, one is enough.
    pub fn rings(&mut self, alarm: &str, at: Timestamp) -> bool {
        let is_known = |rang: &Timestamp| at.duration_since(*rang) < SAME_RING;
        if self.ringing.get(alarm).is_some_and(is_known) {
            return false;
        }
        self.ringing.insert(alarm.to_owned(), at);
        self.quiet_since = None;
        true
    }

    /// An alarm is OK. Whether that is news to the incident: it may have rung again since.
    pub fn is_quiet(&mut self, alarm: &str, at: Timestamp) -> bool {
        if self.ringing.get(alarm).is_none_or(|rang| at < *rang) {
            return false;
        }
        self.ringing.remove(alarm);
        if self.ringing.is_empty() {
            self.quiet_since = Some(at);
        }
        true
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
        // A clock that goes back makes nothing due.
        let since = |at: Timestamp| Duration::try_from(now.duration_since(at)).unwrap_or_default();
        let mut due = Vec::new();
        match &self.handling {
            Handling::Wanted { since: at } if since(*at) >= START_GIVEN_UP => due.push(Due::NotStarted),
            Handling::Wanted { since: at } if since(*at) >= START_AGAIN => due.push(Due::Start),
            Handling::Machine { since: at, .. } if since(*at) >= handling => due.push(Due::TooLong),
            Handling::Machine { execution, .. } => {
                due.push(Due::LookAfter { execution: execution.clone() });
            }
            Handling::People | Handling::Wanted { .. } | Handling::HandedOver { .. } => {}
        }
        if !self.is_with_the_machine() && self.quiet_since.is_some_and(|at| since(at) >= OVER_AFTER) {
            return vec![Due::Over];
        }
        let deadline = self.deadline(within);
        if self.acknowledged.is_none()
            && let Some(deadline) = deadline
            && since(self.level_since) >= deadline
        {
            let minutes = deadline.as_secs() / 60;
            let reason = format!("nobody of level {} acknowledged it within {minutes} minutes", self.level);
            due.push(Due::NextLevel { level: self.level.saturating_add(1), reason });
        }
        due
    }

    /// How long the present level has to acknowledge; none where there is no level above.
    pub fn deadline(&self, [level_1, level_2]: [Duration; 2]) -> Option<Duration> {
        match self.level {
            1 => Some(level_1),
            2 => Some(level_2),
            _ => None,
        }
    }

    /// Whether its alarms are to be asked if they ring still: it was resolved, and they have had time to see it.
    pub fn may_not_be_over(&self, now: Timestamp) -> bool {
        self.resolved_at.is_some_and(|at| (SEEN_BY_ALARMS..REOPENED_WITHIN).contains(&now.duration_since(at)))
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
