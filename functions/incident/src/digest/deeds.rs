//! What remedies did, and whether it held.

use jiff::Timestamp;
use serde::Serialize;
use shared::{clock::spoken, outcome::Decision, text::line};

use super::{HOLDS_AFTER, LONGEST, Record, SeenIncident, Woken};
use crate::{incident::SERVICE_DOWN, woken::ChangedBy};

/// These end by themselves, or by a person, what they began: a further step of theirs is no sign that the first did not hold.
const IN_STEPS: [&str; 2] = ["snapshot-restore", "write-freeze"];

/// What a remedy did; for one that goes in steps, with those that followed each within an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deed {
    pub at: Timestamp,
    pub function: String,
    pub target: String,
    pub what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<ChangedBy>,
    pub steps: usize,
    pub held: Held,
    /// What came after it within the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// For an hour, no other remedy on the target and no incident of the service.
    Yes,
    CameBack,
    /// The hour is not over.
    TooEarly,
    /// It did not do what it began.
    Failed,
}

/// The oldest first.
pub(super) fn of(records: &[&Record], incidents: &[SeenIncident], to: Timestamp) -> Vec<Deed> {
    let mut deeds: Vec<(Deed, &Record)> = Vec::new();
    for record in records.iter().filter(|record| record.is_a_deed()) {
        let goes_on = |(deed, last): &&mut (Deed, &Record)| {
            IN_STEPS.contains(&deed.function.as_str())
                && deed.function == record.function
                && last.target == record.target
                && record.at.duration_since(last.at) <= HOLDS_AFTER
        };
        match deeds.iter_mut().rev().find(goes_on) {
            Some((deed, last)) => {
                deed.steps += 1;
                *last = record;
            }
            None => deeds.push((
                Deed {
                    at: record.at,
                    function: record.function.clone(),
                    target: line(&record.target, LONGEST),
                    what: record.what.clone(),
                    by: match record.by {
                        Woken::By(by) => Some(by),
                        Woken::DryRun | Woken::Rejection => None,
                    },
                    steps: 1,
                    held: Held::TooEarly,
                    then: None,
                },
                record,
            )),
        }
    }
    let judged = deeds.into_iter().map(|(deed, last)| {
        let (held, then) = held(last, records, incidents, to);
        Deed { held, then, ..deed }
    });
    judged.collect()
}

/// Judged from its last step on.
fn held(
    last: &Record,
    records: &[&Record],
    incidents: &[SeenIncident],
    to: Timestamp,
) -> (Held, Option<String>) {
    if last.decision == Decision::Failed {
        return (Held::Failed, None);
    }
    let soon = |at: Timestamp| at > last.at && at.duration_since(last.at) <= HOLDS_AFTER;
    let remedy = records.iter().find(|other| {
        let is_own_step = other.function == last.function && IN_STEPS.contains(&other.function.as_str());
        soon(other.at) && other.is_a_deed() && other.target == last.target && !is_own_step
    });
    let incident = incidents.iter().map(|seen| (seen, &seen.incident)).find(|(seen, incident)| {
        let concerns =
            incident.cause == SERVICE_DOWN || last.alarm.as_ref().is_some_and(|alarm| seen.has_alarm(alarm));
        // What began before is what it was done for.
        concerns && soon(incident.began_at)
    });
    let next = remedy.map(|other| (other.at, other.function.clone()));
    let next = next.into_iter().chain(incident.map(|(_, incident)| (incident.began_at, incident.id.clone())));
    match next.min() {
        Some((at, what)) => {
            (Held::CameBack, Some(format!("{what} after {}", spoken(at.duration_since(last.at)))))
        }
        None if to.duration_since(last.at) < HOLDS_AFTER => (Held::TooEarly, None),
        None => (Held::Yes, None),
    }
}
