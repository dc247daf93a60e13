//! Announced work. While it lasts, alarms of its components open no incident; one that still fires at its end does.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use shared::clock;
use status_page::{Id, Maintenance, MaintenancePhase, Public};

/// Nobody repairs for longer without saying so once more.
pub const MAX_SPAN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// What is announced earlier is forgotten by then.
pub const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(365 * 24);

/// An announced window, as the ledger holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub id: Id,
    pub title: Public,
    #[serde(default)]
    pub text: Option<Public>,
    /// Empty means all.
    #[serde(default)]
    pub components: Vec<Id>,
    pub announced_at: Timestamp,
    pub from: Timestamp,
    pub until: Timestamp,
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    pub by: String,
    /// The alarms that it held back, and since when they are in ALARM.
    #[serde(default)]
    pub held: BTreeMap<String, Timestamp>,
    /// Counts the writes.
    #[serde(skip)]
    pub version: u64,
}

impl Window {
    /// As the page shows it.
    pub fn shown(&self) -> Maintenance {
        Maintenance {
            id: self.id.clone(),
            title: self.title.clone(),
            text: self.text.clone(),
            components: self.components.clone(),
            announced_at: self.announced_at,
            from: self.from,
            until: self.until,
            ended_at: self.ended_at,
        }
    }

    pub fn phase(&self, now: Timestamp) -> MaintenancePhase {
        self.shown().phase(now)
    }

    pub fn is_on(&self, now: Timestamp) -> bool {
        self.phase(now) == MaintenancePhase::InProgress
    }

    /// Whether it was announced as that one: clocks tell two ends apart that differ by less than a minute, people do not.
    pub fn is_as(&self, other: &Self) -> bool {
        const SAME_END: SignedDuration = SignedDuration::from_mins(1);
        self.ended_at.is_none()
            && self.until.duration_since(other.until).abs() < SAME_END
            && (&self.components, &self.text) == (&other.components, &other.text)
    }

    /// Whether all of these components are under its work.
    pub fn covers(&self, components: &[&Id]) -> bool {
        self.components.is_empty() || components.iter().all(|component| self.components.contains(component))
    }

    /// As in `Database upgrade (api), until 2026-11-24 14:05:00 UTC, by Ana`.
    pub fn in_words(&self, now: Timestamp) -> String {
        let components: Vec<&str> = self.components.iter().map(Id::as_str).collect();
        let of = if components.is_empty() { "everything".to_owned() } else { components.join(", ") };
        let when = match self.phase(now) {
            MaintenancePhase::Scheduled => {
                format!("from {} to {}", clock::readable(self.from), clock::readable(self.until))
            }
            MaintenancePhase::InProgress => format!("until {}", clock::readable(self.until)),
            MaintenancePhase::Completed => {
                format!("ended {}", clock::readable(self.ended_at.unwrap_or(self.until)))
            }
            MaintenancePhase::CalledOff => "called off".to_owned(),
        };
        format!("{} ({of}), {when}, by {}", self.title.as_str(), self.by)
    }
}

/// The window that holds back an alarm about these components now.
pub fn holding<'a>(windows: &'a [Window], components: &[&Id], now: Timestamp) -> Option<&'a Window> {
    windows.iter().find(|window| window.is_on(now) && window.covers(components))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn id(text: &str) -> Id {
        Id::of(text).unwrap()
    }

    fn window(components: &[&str], ended: Option<i64>) -> Window {
        Window {
            id: id("20270115-080000"),
            title: Public::typed("Database upgrade").unwrap(),
            text: None,
            components: components.iter().map(|name| id(name)).collect(),
            announced_at: at(-30),
            from: at(0),
            until: at(60),
            ended_at: ended.map(at),
            by: "Ana".to_owned(),
            held: BTreeMap::new(),
            version: 1,
        }
    }

    #[track_caller]
    fn check(window: Window, alarm: &[&str], minute: i64, holds: bool) {
        let components: Vec<Id> = alarm.iter().map(|name| id(name)).collect();
        let components: Vec<&Id> = components.iter().collect();
        assert_eq!(holding(&[window], &components, at(minute)).is_some(), holds);
    }

    #[test]
    fn an_alarm_is_held_back_while_the_work_on_all_its_components_lasts() {
        check(window(&[], None), &["api", "website"], 0, true);
        check(window(&["api"], None), &["api"], 59, true);
        check(window(&["api"], None), &["api", "website"], 30, false);
        check(window(&["website"], None), &["api"], 30, false);
    }

    #[test]
    fn a_window_ends_by_itself_and_whenever_a_person_ends_it() {
        check(window(&[], None), &["api"], -1, false);
        check(window(&[], None), &["api"], 60, false);
        check(window(&[], Some(20)), &["api"], 30, false);
        check(window(&[], Some(-5)), &["api"], 30, false);
        assert_eq!(window(&[], Some(-5)).phase(at(30)), MaintenancePhase::CalledOff);
        assert_eq!(window(&[], Some(20)).phase(at(10)), MaintenancePhase::Completed);
    }
}
