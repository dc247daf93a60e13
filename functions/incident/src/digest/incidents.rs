//! How long incidents took, and which were false alarms.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::Serialize;

use super::Record;
use crate::incident::{Attempt, Incident};

/// An incident that is over by then, without anybody or anything having acted, was a false alarm. All its alarms are OK for
/// 15 minutes before it is closed.
pub(super) const FALSE_ALARM_WITHIN: SignedDuration = SignedDuration::from_mins(30);

/// An incident, and which people did something about it.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenIncident {
    pub incident: Incident,
    pub people: BTreeSet<String>,
}

impl SeenIncident {
    pub(super) fn has_alarm(&self, alarm: &str) -> bool {
        self.incident.firing.contains_key(alarm) || self.incident.last_ok.contains_key(alarm)
    }

    fn is_false_alarm(&self, records: &[&Record]) -> bool {
        let Incident { began_at, episode_since, by_person, acted_at, acknowledged, reopened, .. } =
            &self.incident;
        let Some(end) = self.incident.resolved_at else {
            return false;
        };
        let nobody = self.people.is_empty() && acknowledged.is_none() && !by_person;
        let is_meanwhile = |record: &&&Record| record.at >= *began_at && record.at <= end;
        let nothing = acted_at.is_none()
            && !self.incident.attempts.iter().any(Attempt::acted)
            && !records.iter().filter(is_meanwhile).any(|record| record.is_a_deed());
        nobody && nothing && *reopened == 0 && end.duration_since(*episode_since) <= FALSE_ALARM_WITHIN
    }
}

/// The incidents that were opened, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Incidents {
    pub opened: usize,
    pub came_back: usize,
    pub false_alarms: usize,
    /// From when it broke until somebody or something noticed.
    pub detect: Option<Span>,
    /// From then until a remedy was applied.
    pub act: Option<Span>,
    /// From when it broke until it was over.
    pub recover: Option<Span>,
}

/// How long something took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    pub median_seconds: i64,
    pub worst_seconds: i64,
    /// How many incidents have got so far.
    pub of: usize,
}

pub(super) fn of(seen: &[SeenIncident], records: &[&Record]) -> Incidents {
    let stages = || seen.iter().map(|seen| seen.incident.stages());
    let acted = seen.iter().filter_map(|SeenIncident { incident, .. }| {
        Some(incident.acted_at?.duration_since(incident.episode_since).as_secs().max(0))
    });
    Incidents {
        opened: seen.len(),
        came_back: seen.iter().filter(|seen| seen.incident.reopened > 0).count(),
        false_alarms: seen.iter().filter(|seen| seen.is_false_alarm(records)).count(),
        detect: span(stages().map(|stages| stages.detected_seconds).collect()),
        act: span(acted.collect()),
        recover: span(stages().filter_map(|stages| stages.recovered_seconds).collect()),
    }
}

/// The median of an even number is the longer of the two in the middle: it is a time that was needed.
fn span(mut seconds: Vec<i64>) -> Option<Span> {
    seconds.sort_unstable();
    let median_seconds = *seconds.get(seconds.len() / 2)?;
    Some(Span { median_seconds, worst_seconds: *seconds.last()?, of: seconds.len() })
}
