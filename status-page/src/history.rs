//! Incidents and maintenance as one row of events, the newest first.

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    model::{Incident, Maintenance, MaintenancePhase, Page},
    times,
};

/// So long the first page shows what is over.
const RECENT: SignedDuration = SignedDuration::from_hours(14 * 24);

#[derive(Clone, Copy)]
pub(crate) enum Entry<'a> {
    Incident(&'a Incident),
    Maintenance(&'a Maintenance, MaintenancePhase),
}

impl Entry<'_> {
    /// When it began. Work that was called off never did: then when that was.
    pub(crate) fn began(&self) -> Timestamp {
        match self {
            Self::Incident(incident) => incident.began_at,
            Self::Maintenance(maintenance, _) => maintenance.from.min(maintenance.end()),
        }
    }

    /// When it was over, if it is.
    fn over(&self) -> Option<Timestamp> {
        match self {
            Self::Incident(incident) => incident.resolved_at,
            Self::Maintenance(work, MaintenancePhase::Completed | MaintenancePhase::CalledOff) => {
                Some(work.end())
            }
            Self::Maintenance(..) => None,
        }
    }

    /// When there was the last word about it.
    pub(crate) fn changed(&self) -> Timestamp {
        match self {
            Self::Incident(incident) => incident.updates.last().map_or(incident.began_at, |update| update.at),
            Self::Maintenance(work, MaintenancePhase::Scheduled) => work.announced_at,
            Self::Maintenance(..) => self.over().unwrap_or_else(|| self.began()),
        }
    }

    /// When customers first read of it.
    pub(crate) fn told(&self) -> Timestamp {
        match self {
            Self::Incident(incident) => {
                incident.updates.first().map_or(incident.began_at, |update| update.at)
            }
            Self::Maintenance(work, _) => work.announced_at,
        }
    }

    fn month(&self) -> Date {
        times::date_of(self.began()).first_of_month()
    }
}

/// Everything, the newest first.
pub(crate) fn entries(page: &Page) -> Vec<Entry<'_>> {
    let incidents = page.incidents.iter().map(Entry::Incident);
    let works = page.maintenances.iter().map(|work| Entry::Maintenance(work, work.phase(page.at)));
    let mut entries: Vec<Entry> = incidents.chain(works).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.began()));
    entries
}

/// What is over, of the last days.
pub(crate) fn recent(page: &Page) -> Vec<Entry<'_>> {
    let since = page.at.checked_sub(RECENT).unwrap_or(Timestamp::MIN);
    let mut entries = entries(page);
    entries.retain(|entry| entry.over().is_some_and(|over| over >= since));
    entries
}

pub(crate) struct Month<'a> {
    /// Its first day.
    pub(crate) first: Date,
    /// The newest first.
    pub(crate) entries: Vec<Entry<'a>>,
}

impl Month<'_> {
    /// As in `2026-12`.
    pub(crate) fn name(&self) -> String {
        self.first.strftime("%Y-%m").to_string()
    }

    pub(crate) fn path(&self) -> String {
        format!("/history/{}.html", self.name())
    }
}

/// The months in which something began, the newest first. What is announced comes in when it begins.
pub(crate) fn months(page: &Page) -> Vec<Month<'_>> {
    let mut months: Vec<Month> = Vec::new();
    for entry in entries(page) {
        if matches!(entry, Entry::Maintenance(_, MaintenancePhase::Scheduled)) {
            continue;
        }
        match months.last_mut() {
            Some(month) if month.first == entry.month() => month.entries.push(entry),
            _ => months.push(Month { first: entry.month(), entries: vec![entry] }),
        }
    }
    months
}
