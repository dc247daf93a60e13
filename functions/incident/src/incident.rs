//! An incident: what is known of it, and what is due.

mod old_forms;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{clock, code, diagnosis::Finding};

use crate::{decide::Remedy, notice::News, request::slug};

/// The cause that the state machine handles.
pub const SERVICE_DOWN: &str = "service-down";
/// What an incident's item says of how it is written. 1 had no attribute for it.
pub const SCHEMA: u32 = 2;
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
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself in the ledger's item")]
pub struct Incident {
    pub id: String,
    pub cause: String,
    pub title: String,
    pub severity: Severity,
    pub assignee: Option<String>,
    /// Whether a person opened it: then a person closes it.
    #[serde(default)]
    pub by_person: bool,
    /// Since when it is broken, as far as is known; of what came back, since when it is broken again.
    pub began_at: Timestamp,
    /// When it was broken for the first time, if it came back since.
    #[serde(default)]
    pub first_began_at: Option<Timestamp>,
    /// When all was well for the last time, if it came back since.
    #[serde(default)]
    pub well_at: Option<Timestamp>,
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
    /// Whether a person took it from the state machine, which then stays away.
    #[serde(default)]
    pub taken_over: bool,
    /// The alarms that said that they are in ALARM, and not yet that they are OK; since when.
    #[serde(default, deserialize_with = "old_forms::ringing")]
    pub ringing: BTreeMap<String, Timestamp>,
    /// When each of its alarms was last OK.
    #[serde(default)]
    pub quieted: BTreeMap<String, Timestamp>,
    /// Since when none of the alarms rings; none where no alarm ever rang.
    pub quiet_since: Option<Timestamp>,
    /// How often the same trouble came back.
    #[serde(default)]
    pub reopened: u32,
    /// When it was opened, or came back.
    #[serde(default)]
    pub round_since: Timestamp,
    /// What the last diagnosis said first.
    pub found: Option<Finding>,
    #[serde(default)]
    pub remedies: Vec<Tried>,
    /// Whether it was seen if it goes over by itself.
    #[serde(default)]
    pub waited: bool,
    /// Whether people know of the kill switch that keeps the remedies from acting.
    #[serde(default)]
    pub told_of_switch: bool,
    /// The state machine's last step and its answer: a step that is asked again is answered the same.
    pub answered: Option<Answered>,
    /// What people are to be told and perhaps were not yet.
    pub owed: Option<Owed>,
    #[serde(default, deserialize_with = "old_forms::ops_item")]
    pub ops_item: Option<OpsItem>,
    /// Counts the writes.
    #[serde(skip)]
    pub version: u64,
    /// Whether it is in the ledger already.
    #[serde(skip)]
    pub is_written: bool,
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
    /// Why, for a program: `held_by_another_remedy`.
    #[serde(default)]
    pub code: Option<String>,
    /// Whether the same was being done already.
    #[serde(default)]
    pub under_way: bool,
    /// How often it was asked again, since it could not act yet.
    #[serde(default)]
    pub waits: u32,
}

impl Tried {
    /// Whether it could not act yet, and may any moment: it is asked again.
    pub fn is_waited_for(&self) -> bool {
        // An item of an earlier version has the code alone.
        let for_now = |name: &str| code::is_for_now(name) || code::is_under_way(name);
        matches!(self.decision.as_deref(), Some("refused" | "nothing_to_do"))
            && (self.under_way || self.code.as_deref().is_some_and(for_now))
    }

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
    /// The levels that were tried in vain.
    #[serde(default)]
    pub in_vain: BTreeSet<u8>,
}

impl Owed {
    fn new(news: News, since: Timestamp) -> Self {
        Self { news, since, told: BTreeSet::new(), in_vain: BTreeSet::new() }
    }
}

/// What an alarm's ring means to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ring {
    /// It was heard before, or has been OK since.
    Known,
    /// One more alarm of the same outage.
    New,
    /// All of them were OK: this is another outage.
    Again,
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
            by_person: false,
            began_at: began_at.min(at),
            first_began_at: None,
            well_at: None,
            opened_at: at,
            acted_at: None,
            resolved_at: None,
            resolution: None,
            acknowledged: None,
            level: 1,
            level_since: at,
            handling: Handling::People,
            taken_over: false,
            ringing: BTreeMap::new(),
            quieted: BTreeMap::new(),
            quiet_since: None,
            reopened: 0,
            round_since: at,
            found: None,
            remedies: Vec::new(),
            waited: false,
            told_of_switch: false,
            answered: None,
            owed: Some(Owed::new(News::Opened, at)),
            ops_item: None,
            version: 0,
            is_written: false,
        }
    }

    /// What names it among the open ones: an alarm never joins what a person typed.
    pub fn open_key(&self) -> String {
        open_key(self.by_person, &self.cause, &self.title)
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

    /// It was over, and the same trouble came back. `began` says since when.
    pub fn reopen(&mut self, began: Timestamp, at: Timestamp) {
        let handled = self.handling != Handling::People;
        self.well_at = self.resolved_at.or(self.quiet_since);
        self.resolved_at = None;
        self.resolution = None;
        self.taken_over = false;
        // OpsCenter wants another item.
        self.ops_item = None;
        self.handling = if handled { Handling::Wanted { since: at } } else { Handling::People };
        self.begin_again(began, at);
    }

    /// All its alarms were OK, and one rings again before anybody called it over. The state machine comes again,
    /// unless it is there or a person has taken over.
    pub fn back_again(&mut self, began: Timestamp, at: Timestamp) {
        self.well_at = self.quiet_since.or(self.quieted.values().max().copied());
        self.handling = match std::mem::replace(&mut self.handling, Handling::People) {
            Handling::HandedOver { .. } if !self.taken_over => Handling::Wanted { since: at },
            Handling::Wanted { .. } => Handling::Wanted { since: at },
            with => with,
        };
        self.begin_again(began, at);
    }

    /// What was found and tried then may not be what is wrong now.
    fn begin_again(&mut self, began: Timestamp, at: Timestamp) {
        self.reopened = self.reopened.saturating_add(1);
        self.first_began_at.get_or_insert(self.began_at);
        self.began_at = began.min(at);
        self.round_since = at;
        self.acknowledged = None;
        self.found = None;
        self.acted_at = None;
        self.quiet_since = None;
        self.level_since = at;
        self.waited = false;
        self.told_of_switch = false;
        self.owed = Some(Owed::new(News::Reopened, at));
    }

    /// What the state machine tried since it broke, or broke again.
    pub fn tried_now(&self) -> &[Tried] {
        let first = self.remedies.iter().position(|tried| tried.at >= self.round_since);
        first.and_then(|first| self.remedies.get(first..)).unwrap_or_default()
    }

    /// It is worse than was thought.
    pub fn worsen(&mut self, at: Timestamp, severity: Severity) {
        let from = std::mem::replace(&mut self.severity, severity);
        self.owed = Some(Owed::new(News::Worse { from }, at));
    }

    /// The state machine sees nothing wrong, and only the person who opened it can say that it is over.
    pub fn passes(&mut self, at: Timestamp, reason: String) {
        self.handling = Handling::HandedOver { at, reason };
        if self.acknowledged.is_none() {
            self.level_since = at;
        }
        self.owed = Some(Owed::new(News::Passes, at));
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

    /// An alarm rings. Of a storm, one is enough; what comes late says nothing of now.
    pub fn rings(&mut self, alarm: &str, at: Timestamp) -> Ring {
        let is_known = |rang: &Timestamp| at.duration_since(*rang) < SAME_RING;
        if self.ringing.get(alarm).is_some_and(is_known)
            || self.quieted.get(alarm).is_some_and(|quiet| at < *quiet)
        {
            return Ring::Known;
        }
        let at_work = matches!(self.handling, Handling::Wanted { .. } | Handling::Machine { .. });
        let again = self.ringing.is_empty()
            && self.quiet_since.is_some_and(|quiet| {
                // Alarms that flap while the machine is at work are its outage still: it looks by itself.
                at >= quiet && !(at_work && at.duration_since(quiet) < SAME_RING)
            });
        self.ringing.insert(alarm.to_owned(), at);
        if again {
            // `back_again` notes since when it was well.
            return Ring::Again;
        }
        self.quiet_since = None;
        Ring::New
    }

    /// An alarm is OK. Whether that is news to the incident: it may have rung again since.
    pub fn is_quiet(&mut self, alarm: &str, at: Timestamp) -> bool {
        if self.ringing.get(alarm).is_none_or(|rang| at < *rang) {
            return false;
        }
        self.ringing.remove(alarm);
        self.quieted.insert(alarm.to_owned(), at);
        if self.ringing.is_empty() {
            self.quiet_since = self.quieted.values().max().copied();
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
        // What a person opened, a person closes.
        if !self.by_person
            && !self.is_with_the_machine()
            && self.quiet_since.is_some_and(|at| since(at) >= OVER_AFTER)
        {
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
            detected_seconds: after(self.round_since),
            acted_seconds: self.acted_at.map(after),
            recovered_seconds: self.resolved_at.map(after),
        }
    }

    /// As in `since 2026-11-24 14:05:00 UTC (12 min)`.
    pub fn since(&self, now: Timestamp) -> String {
        let until = self.resolved_at.unwrap_or(now);
        let began = clock::readable(self.began_at);
        format!("since {began} ({})", clock::spoken(until.duration_since(self.began_at)))
    }
}

/// What names an incident among the open ones.
pub fn open_key(by_person: bool, cause: &str, title: &str) -> String {
    if by_person { format!("person#{}#{}", slug(title), slug(cause)) } else { cause.to_owned() }
}

/// Seconds from when it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stages {
    pub detected_seconds: i64,
    pub acted_seconds: Option<i64>,
    pub recovered_seconds: Option<i64>,
}

#[cfg(test)]
mod tests;
