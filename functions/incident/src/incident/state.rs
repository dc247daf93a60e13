//! The incident itself, as the ledger holds it. The written names of some fields are those of earlier versions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{clock, diagnosis::Finding};

use super::{
    attempt::Attempt,
    old_forms,
    parts::{Acknowledged, Answered, OpsItem, Owner},
    pending::{NoticeKind, PendingNotice},
    severity::Severity,
};
use crate::slug::slug;

/// The cause that the state machine handles.
pub const SERVICE_DOWN: &str = "service-down";
/// The version of an incident's written form. Version 1 did not write it.
pub const SCHEMA: u32 = 2;
/// The last of the guide's levels: AWS.
pub const HIGHEST_LEVEL: u8 = 3;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact by itself in the ledger's item")]
pub struct Incident {
    pub id: String,
    pub cause: String,
    pub title: String,
    pub severity: Severity,
    pub assignee: Option<String>,
    /// Whether a person opened it: then only a person closes it.
    #[serde(default)]
    pub by_person: bool,
    /// Since when it is broken, as far as is known. If it came back, since when it is broken again.
    pub began_at: Timestamp,
    /// When it first broke, if it came back since.
    #[serde(default)]
    pub first_began_at: Option<Timestamp>,
    /// When it was last well, if it came back since.
    #[serde(default)]
    pub well_at: Option<Timestamp>,
    pub opened_at: Timestamp,
    /// When the first remedy was applied.
    pub acted_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    /// How it ended, in words.
    pub resolution: Option<String>,
    pub acknowledged: Option<Acknowledged>,
    /// The highest level of support that was told, 1 to 3.
    pub level: u8,
    pub level_since: Timestamp,
    #[serde(rename = "handling")]
    pub owner: Owner,
    /// Whether a person took it from the state machine, which then stays away.
    #[serde(default)]
    pub taken_over: bool,
    /// Its alarms that are in ALARM, and since when.
    #[serde(default, rename = "ringing", deserialize_with = "old_forms::firing")]
    pub firing: BTreeMap<String, Timestamp>,
    /// When each of its alarms was last OK.
    #[serde(default, rename = "quieted")]
    pub last_ok: BTreeMap<String, Timestamp>,
    /// Since when all its alarms are OK. `None` while one is in ALARM, or if none ever was.
    #[serde(rename = "quiet_since")]
    pub all_ok_since: Option<Timestamp>,
    /// How often it came back.
    #[serde(default)]
    pub reopened: u32,
    /// When it was opened, or last came back.
    #[serde(default, rename = "round_since")]
    pub episode_since: Timestamp,
    /// The first finding of the last diagnosis.
    pub found: Option<Finding>,
    #[serde(default, rename = "remedies")]
    pub attempts: Vec<Attempt>,
    /// Whether the state machine has waited once to see if it goes away by itself.
    #[serde(default)]
    pub waited: bool,
    /// Whether people know that a kill switch keeps the remedies from acting.
    #[serde(default, rename = "told_of_switch")]
    pub kill_switch_told: bool,
    pub answered: Option<Answered>,
    #[serde(rename = "owed")]
    pub pending_notice: Option<PendingNotice>,
    #[serde(default, deserialize_with = "old_forms::ops_item")]
    pub ops_item: Option<OpsItem>,
    /// Counts the writes.
    #[serde(skip)]
    pub version: u64,
    /// Whether it is in the ledger already.
    #[serde(skip)]
    pub is_written: bool,
}

impl Incident {
    pub fn new(cause: &str, title: String, severity: Severity, began_at: Timestamp, at: Timestamp) -> Self {
        Self {
            id: format!("{}-{cause}", Self::id_at(at)),
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
            owner: Owner::People,
            taken_over: false,
            firing: BTreeMap::new(),
            last_ok: BTreeMap::new(),
            all_ok_since: None,
            reopened: 0,
            episode_since: at,
            found: None,
            attempts: Vec::new(),
            waited: false,
            kill_switch_told: false,
            answered: None,
            pending_notice: Some(PendingNotice::new(NoticeKind::Opened, at)),
            ops_item: None,
            version: 0,
            is_written: false,
        }
    }

    /// The beginning of the id of an incident that was opened then: ids are in the order of time.
    pub fn id_at(at: Timestamp) -> String {
        at.strftime("%Y%m%d-%H%M%S").to_string()
    }

    /// As read from the ledger: fills in what an earlier version did not write.
    #[must_use]
    pub fn completed(mut self) -> Self {
        if self.episode_since == Timestamp::UNIX_EPOCH {
            self.episode_since = self.opened_at;
        }
        if let Owner::HandedOver { reason, .. } = &self.owner {
            // Before `taken_over` was written, only the reason said it.
            self.taken_over |= reason.ends_with(" took it over");
        }
        self
    }

    /// Its key among the open incidents: an alarm never joins what a person reported.
    pub fn open_key(&self) -> String {
        open_key(self.by_person, &self.cause, &self.title)
    }

    pub fn is_open(&self) -> bool {
        self.resolved_at.is_none()
    }

    /// Whether the state machine is working on it, or about to.
    pub fn is_with_the_machine(&self) -> bool {
        matches!(self.owner, Owner::MachineRequested { .. } | Owner::StateMachine { .. })
    }

    /// The name of the state machine's execution: the same for everyone who starts it.
    pub fn execution_name(&self) -> String {
        if self.reopened == 0 {
            self.id.clone()
        } else {
            format!("{}-{}", self.id, self.reopened.saturating_add(1))
        }
    }

    /// What the state machine has tried since it broke, or last came back.
    pub fn current_attempts(&self) -> &[Attempt] {
        let first = self.attempts.iter().position(|attempt| attempt.at >= self.episode_since);
        first.and_then(|first| self.attempts.get(first..)).unwrap_or_default()
    }

    /// Makes a notice pending. It replaces an older one: the new notice has the whole state.
    pub fn announce(&mut self, kind: NoticeKind, at: Timestamp) {
        self.pending_notice = Some(PendingNotice::new(kind, at));
    }

    /// Its severity rises.
    pub fn worsen(&mut self, at: Timestamp, severity: Severity) {
        let from = std::mem::replace(&mut self.severity, severity);
        self.announce(NoticeKind::Worse { from }, at);
    }

    /// The state machine finds nothing wrong, and only the person who opened the incident can say that it is over.
    pub fn probe_passes(&mut self, at: Timestamp, reason: String) {
        self.owner = Owner::HandedOver { at, reason };
        if self.acknowledged.is_none() {
            self.level_since = at;
        }
        self.announce(NoticeKind::ProbePasses, at);
    }

    pub fn resolve(&mut self, at: Timestamp, how: String) {
        self.resolved_at = Some(at);
        self.resolution = Some(how);
        self.announce(NoticeKind::Resolved, at);
    }

    /// Tells a level. For a level that was not told before the clock starts again, and it has to acknowledge itself.
    pub fn escalate(&mut self, at: Timestamp, level: u8, reason: String) {
        let level = level.min(HIGHEST_LEVEL);
        if level > self.level {
            self.level = level;
            self.level_since = at;
            self.acknowledged = None;
        }
        self.announce(NoticeKind::Escalated { reason }, at);
    }

    /// The state machine gives it to people, because it can do no more.
    pub fn hand_over(&mut self, at: Timestamp, level: u8, reason: String) {
        self.owner = Owner::HandedOver { at, reason: reason.clone() };
        if self.acknowledged.is_none() {
            // Until now there was nothing for them to do.
            self.level_since = at;
        }
        self.escalate(at, level, reason);
    }

    /// How long it took to notice, to act and to recover, as far as it has got.
    pub fn stages(&self) -> Stages {
        let after = |at: Timestamp| at.duration_since(self.began_at).as_secs().max(0);
        Stages {
            detected_seconds: after(self.episode_since),
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

/// The key of an incident among the open ones.
pub fn open_key(by_person: bool, cause: &str, title: &str) -> String {
    if by_person { format!("person#{}#{}", slug(title), slug(cause)) } else { cause.to_owned() }
}

/// Seconds since it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stages {
    pub detected_seconds: i64,
    pub acted_seconds: Option<i64>,
    pub recovered_seconds: Option<i64>,
}
