//! What a page shows.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::public::{Id, Public};

/// Everything that the page shows, at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Of the product, as in `LendPeak`.
    pub name: Public,
    /// Where the page is, without a slash at the end; needed in feeds and in the JSON.
    pub url: String,
    /// When it was made.
    pub at: Timestamp,
    /// In the order in which they are shown; those of one group beside each other.
    pub components: Vec<Component>,
    /// The newest first.
    pub incidents: Vec<Incident>,
    /// By their beginning, the latest first.
    pub maintenances: Vec<Maintenance>,
    /// Of the last 24 hours, the oldest first. An hour without a measurement is left out.
    pub response_times: Vec<Hour>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    pub id: Id,
    pub name: Public,
    pub group: Option<Public>,
    pub status: Status,
    /// Since when it has this status, if that is known.
    pub since: Option<Timestamp>,
    /// What a person said of the status.
    pub message: Option<Public>,
    /// By date, the oldest first: at most 90, today the last. Days before the first that was measured are left out.
    pub days: Vec<Day>,
}

/// The worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Operational,
    /// Nothing was measured for some minutes: that is not good news.
    Unknown,
    UnderMaintenance,
    DegradedPerformance,
    PartialOutage,
    MajorOutage,
}

/// The minutes of one day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    pub date: Date,
    #[serde(default)]
    pub up: u16,
    /// Slow, but it works: it counts as up.
    #[serde(default)]
    pub degraded: u16,
    #[serde(default)]
    pub partial: u16,
    #[serde(default)]
    pub down: u16,
    /// Announced: it counts neither as up nor as down.
    #[serde(default)]
    pub maintenance: u16,
    /// Nothing was measured: it counts neither as up nor as down.
    #[serde(default)]
    pub unknown: u16,
}

/// Response times of one hour, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour {
    pub at: Timestamp,
    pub median_ms: u32,
    pub p95_ms: u32,
}

/// How an incident goes on, in the words that status pages use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Investigating,
    Identified,
    Monitoring,
    Resolved,
}

/// The worst that an incident did to a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    None,
    Minor,
    Major,
    Critical,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incident {
    pub id: Id,
    /// What a person called it. Without one, the page says what is affected.
    pub title: Option<Public>,
    pub impact: Impact,
    pub components: Vec<Id>,
    pub began_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    /// When customers hear the next word, at the latest; while it is open.
    pub next_update_by: Option<Timestamp>,
    /// The oldest first; never empty.
    pub updates: Vec<Update>,
}

/// One word about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    pub at: Timestamp,
    pub phase: Phase,
    /// What a person typed for customers. Without it, the sentence of the phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Public>,
}

impl Incident {
    pub fn phase(&self) -> Phase {
        self.updates.last().map_or(Phase::Investigating, |update| update.phase)
    }
}

/// Announced work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Maintenance {
    pub id: Id,
    pub title: Public,
    pub text: Option<Public>,
    /// Empty means all.
    pub components: Vec<Id>,
    pub announced_at: Timestamp,
    pub from: Timestamp,
    pub until: Timestamp,
    /// When a person ended it, before `until`; or called it off, before `from`.
    pub ended_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaintenancePhase {
    Scheduled,
    InProgress,
    Completed,
    CalledOff,
}

impl Maintenance {
    pub fn phase(&self, now: Timestamp) -> MaintenancePhase {
        match self.ended_at {
            Some(ended) if ended <= self.from => MaintenancePhase::CalledOff,
            None if now < self.from => MaintenancePhase::Scheduled,
            None if now < self.until => MaintenancePhase::InProgress,
            Some(_) | None => MaintenancePhase::Completed,
        }
    }

    /// When it was over, or will be.
    pub fn end(&self) -> Timestamp {
        self.ended_at.map_or(self.until, |ended| ended.min(self.until))
    }
}

impl Day {
    /// A day of which nothing is known.
    pub fn unknown(date: Date) -> Self {
        Self { date, up: 0, degraded: 0, partial: 0, down: 0, maintenance: 0, unknown: 1_440 }
    }

    /// The minutes that count.
    pub fn measured(&self) -> u32 {
        [self.up, self.degraded, self.partial, self.down].into_iter().map(u32::from).sum()
    }
}

/// A partial outage counts as three tenths of an outage.
const PARTIAL_TENTHS: u64 = 3;

impl Component {
    /// The part of the measured minutes in which it worked, in hundredths of a percent, cut and not rounded. `None` if
    /// nothing was measured.
    pub fn uptime(&self) -> Option<u32> {
        let sum = |minutes: fn(&Day) -> u32| self.days.iter().map(|day| u64::from(minutes(day))).sum::<u64>();
        let measured = sum(Day::measured);
        let lost = 10 * sum(|day| day.down.into()) + PARTIAL_TENTHS * sum(|day| day.partial.into());
        let kept = (10 * measured).checked_sub(lost)?;
        u32::try_from((10_000 * kept).checked_div(10 * measured)?).ok()
    }
}

impl Page {
    /// The worst status of all components.
    pub fn status(&self) -> Status {
        self.components.iter().map(|component| component.status).max().unwrap_or(Status::Unknown)
    }
}
