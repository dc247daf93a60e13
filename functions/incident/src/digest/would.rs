//! What a remedy that may only look would have done, and what happened instead.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use shared::{clock::spoken, outcome::Decision, text::line};

use super::{HOLDS_AFTER, LONGEST, Record, SeenIncident, Woken, page::minute};
use crate::woken::ChangedBy;

/// An alarm may ring some minutes after the one that opened the incident, or before it.
const BELONGS_WITHIN: SignedDuration = SignedDuration::from_mins(15);
/// How many changes and people are named.
const MOST: usize = 10;

/// What would have been done, at its first time: an alarm asks again while it rings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WouldHave {
    pub at: Timestamp,
    pub function: String,
    pub target: String,
    pub what: String,
    /// The alarm that asked for it. The state machine asks for its incident.
    pub alarm: Option<String>,
    /// How often it was asked for, each time within an hour of the last.
    pub times: usize,
    pub instead: Instead,
}

/// What happened instead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Instead {
    /// The incident that it belongs to, or would have kept from happening.
    pub incident: Option<String>,
    /// After how long that was over; nothing while it is open.
    pub over_after_seconds: Option<i64>,
    /// Whether it was over with nobody and nothing having acted.
    pub by_itself: bool,
    /// The remedies that changed something before it was over, whoever asked for them.
    pub changed: Vec<String>,
    /// The people who did something about the incident.
    pub people: Vec<String>,
    pub in_words: String,
}

/// The oldest first.
pub(super) fn of(records: &[&Record], incidents: &[SeenIncident], to: Timestamp) -> Vec<WouldHave> {
    let mut occasions: Vec<(WouldHave, Vec<&Record>)> = Vec::new();
    for record in records.iter().filter(|record| is_one(record)) {
        let same = |(one, runs): &&mut (WouldHave, Vec<&Record>)| {
            let last = runs.last().map_or(one.at, |run| run.at);
            one.function == record.function
                && one.target == record.target
                && record.at.duration_since(last) <= HOLDS_AFTER
        };
        match occasions.iter_mut().rev().find(same) {
            Some((one, runs)) => {
                one.times += 1;
                runs.push(record);
            }
            None => occasions.push((
                WouldHave {
                    at: record.at,
                    function: record.function.clone(),
                    target: line(&record.target, LONGEST),
                    what: record.what.clone(),
                    alarm: record.alarm.as_deref().map(|alarm| line(alarm, LONGEST)),
                    times: 1,
                    instead: Instead::default(),
                },
                vec![record],
            )),
        }
    }
    let told = occasions.into_iter().filter_map(|(one, runs)| {
        let instead = instead(runs.first()?, runs.last()?, records, incidents, to);
        Some(WouldHave { instead, ..one })
    });
    told.collect()
}

/// A person who asks in `observe` has the answer, and decides.
fn is_one(record: &Record) -> bool {
    let asked_by_person = matches!(
        record.by,
        Woken::DryRun | Woken::Rejection | Woken::By(ChangedBy::Person | ChangedBy::Approved)
    );
    record.decision == Decision::Observed && record.would_act && !asked_by_person
}

fn instead(
    first: &Record,
    last: &Record,
    records: &[&Record],
    incidents: &[SeenIncident],
    to: Timestamp,
) -> Instead {
    let found = incident_of(first, incidents);
    let end = match found {
        Some(seen) => seen.incident.resolved_at.unwrap_or(to),
        None => later(last.at, HOLDS_AFTER),
    };
    let meanwhile = || records.iter().filter(|record| record.at > first.at && record.at <= end);
    let changed = meanwhile().filter(|record| record.is_a_deed()).map(|record| record.in_short());
    let changed: Vec<String> = changed.take(MOST).collect();
    let Some(SeenIncident { incident, people }) = found else {
        let next = meanwhile().find(|record| {
            record.decision == Decision::NothingToDo
                && record.function == first.function
                && record.target == first.target
        });
        let in_words = match (changed.is_empty(), next) {
            (false, _) => format!("{}; no incident", joined(&changed)),
            (true, Some(next)) => format!("at {} {}", minute(next.at), next.what),
            (true, None) => "no incident, and nothing was changed within an hour".to_owned(),
        };
        return Instead { changed, in_words, ..Instead::default() };
    };
    let over_after = incident.resolved_at.map(|at| at.duration_since(incident.began_at));
    let mut people = people.clone();
    people.extend(incident.acknowledged.as_ref().map(|taken| line(&taken.by, 60)));
    let people: Vec<String> = people.into_iter().take(MOST).collect();
    let by_itself = over_after.is_some() && changed.is_empty() && people.is_empty();
    let over = match over_after {
        Some(after) if by_itself => format!("over by itself after {}", spoken(after)),
        Some(after) => format!("over after {}", spoken(after)),
        None => format!("still open after {}", spoken(to.duration_since(incident.began_at))),
    };
    let by = [joined(&changed), joined(&people)].into_iter().filter(|part| !part.is_empty());
    let by: Vec<String> = by.collect();
    let in_words = if by.is_empty() { over } else { format!("{}; {over}", by.join("; ")) };
    Instead {
        incident: Some(incident.id.clone()),
        over_after_seconds: over_after.map(|after| after.as_secs().max(0)),
        by_itself,
        changed,
        people,
        in_words,
    }
}

/// The incident for which the state machine asked; or the one that has the alarm; or else the one that was open then, or
/// began within a quarter of an hour.
fn incident_of<'a>(record: &Record, incidents: &'a [SeenIncident]) -> Option<&'a SeenIncident> {
    let asked = record
        .execution
        .as_ref()
        .and_then(|execution| incidents.iter().find(|seen| execution.contains(&seen.incident.id)));
    let is_near = |seen: &&SeenIncident| {
        let from = seen.incident.began_at.checked_sub(BELONGS_WITHIN).unwrap_or(Timestamp::MIN);
        from <= record.at && seen.incident.resolved_at.is_none_or(|end| record.at <= end)
    };
    let near: Vec<&SeenIncident> = incidents.iter().filter(is_near).collect();
    let has_alarm = |seen: &&&SeenIncident| record.alarm.as_ref().is_some_and(|alarm| seen.has_alarm(alarm));
    asked.or_else(|| near.iter().find(has_alarm).or_else(|| near.first()).copied())
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// At most three of them, each once.
fn joined(words: &[String]) -> String {
    const SHOWN: usize = 3;
    let all: BTreeSet<&String> = words.iter().collect();
    let mut shown: Vec<&str> = Vec::new();
    for word in words {
        if !shown.contains(&word.as_str()) && shown.len() < SHOWN {
            shown.push(word);
        }
    }
    match all.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
