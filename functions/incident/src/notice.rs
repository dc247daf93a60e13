//! What people are told, on a phone's screen: what is broken, since when, what was done, what they should do, and
//! the JSON to send.

mod advice;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    clock::{self, spoken},
    diagnosis::Confidence,
    ledger::Switch,
    settings::Mode,
    status::Level,
    text::{self, MAX_NOTICE},
};

use crate::incident::{Incident, Severity, Tried};

/// No line is longer than this: a screen has about twenty lines of forty letters.
const MAX_LINE: usize = 200;

/// Why people are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    Opened,
    /// It was over, or its alarms were OK.
    Reopened,
    /// It is worse than was thought.
    Worse {
        from: Severity,
    },
    Escalated {
        reason: String,
    },
    /// A person opened it, and the probe sees nothing wrong.
    Passes,
    Resolved,
}

impl News {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Opened => "OPEN",
            Self::Reopened => "BACK AGAIN",
            Self::Worse { .. } => "WORSE",
            Self::Escalated { .. } => "ESCALATED",
            Self::Passes => "PROBE PASSES",
            Self::Resolved => "RESOLVED",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub subject: String,
    pub text: String,
    /// The levels that are told, as places in the list of topics.
    pub levels: u8,
}

/// A plan that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub function: String,
    pub id: String,
}

/// Where it is, what holds there, and what people are told of that.
#[derive(Debug, Clone)]
pub struct Place {
    pub environment: String,
    /// What they send the JSON to.
    pub function: String,
    /// How long levels 1 and 2 have.
    pub acknowledge_within: [Duration; 2],
    /// How far each remedy of the state machine may go.
    pub remedies: BTreeMap<String, Mode>,
    /// The kill switches that are on.
    pub switches: Vec<Switch>,
    /// The plans of the remedies that wait for a person.
    pub plans: Vec<Waiting>,
    /// Why a level is told that would not be told otherwise.
    pub unheard: Vec<String>,
}

pub fn notice(incident: &Incident, news: &News, place: &Place, now: Timestamp) -> Notice {
    let severity = incident.severity.as_str();
    let subject = format!("[{}] {} {severity}: {}", place.environment, news.word(), title_in_ascii(incident));
    // Where letters take more than a byte, less of each line is shown.
    let mut most = MAX_LINE;
    let text = loop {
        let text = lines(incident, news, place, now, most).join("\n");
        if text.len() <= MAX_NOTICE || most <= 40 {
            break text;
        }
        most -= 40;
    };
    Notice { subject, text, levels: incident.level }
}

fn lines(incident: &Incident, news: &News, place: &Place, now: Timestamp, most: usize) -> Vec<String> {
    let line = |text: &str| text::line(text, most);
    let severity = incident.severity.as_str();
    let mut lines = vec![
        line(&format!("{}: {} ({severity})", news.word(), incident.title)),
        line(&format!("{}.", capital(&incident.since(now)))),
    ];
    if let Some(first) = incident.first_began_at {
        let times = incident.reopened.saturating_add(1);
        lines.push(line(&format!(
            "It is the {} time; the first was at {}.",
            nth(times),
            clock::readable(first)
        )));
    }
    match news {
        News::Escalated { reason } => {
            lines.push(line(&format!(
                "Now with {}: {}.",
                team(incident.level),
                reason.trim_end_matches('.')
            )));
        }
        News::Worse { from } => lines.push(format!("It was {}, and is {severity}.", from.as_str())),
        News::Passes => lines.push(line("The probe passes twice, and service-down has changed nothing.")),
        News::Opened | News::Reopened | News::Resolved => {}
    }
    lines.extend(place.unheard.iter().map(|why| line(&format!("{}.", capital(why)))));
    if let Some(assignee) = incident.assignee.as_ref().filter(|_| *news != News::Resolved) {
        lines.push(line(&format!("Assigned to {assignee}.")));
    }
    if let Some(found) = &incident.found {
        let sure = match found.confidence {
            Confidence::Certain => "certain",
            Confidence::Likely => "likely",
            Confidence::Possible => "possible",
        };
        lines.push(line(&format!("Cause ({sure}): {}.", found.what.trim_end_matches('.'))));
    }
    lines.push(line(&format!("Done: {}.", done(incident))));
    lines.extend(advice::lines(incident, news, place, now, most));
    lines.push(format!("Incident {}", incident.id));
    lines
}

/// SNS takes a subject of ASCII alone: a title of other letters is told by the incident's id.
fn title_in_ascii(incident: &Incident) -> String {
    let title = text::line(&incident.title, MAX_LINE);
    if title.is_ascii() {
        return title;
    }
    let words: Vec<&str> =
        title.split(|c: char| !c.is_ascii() || c == ' ').filter(|w| !w.is_empty()).collect();
    if words.is_empty() { incident.id.clone() } else { format!("{} ({})", words.join(" "), incident.id) }
}

/// What was tried since it broke and what came of it.
fn done(incident: &Incident) -> String {
    let resolution = incident.resolution.as_deref();
    // What did nothing did not end it.
    let tried = incident.tried_now().iter().filter(|tried| resolution.is_none() || tried.acted());
    let tried: Vec<String> = tried.map(came_of).collect();
    match (tried.as_slice(), resolution) {
        ([], None) => "nothing was changed yet".to_owned(),
        ([], Some(how)) => how.trim_end_matches('.').to_owned(),
        (tried, None) => tried.join(", "),
        (tried, Some(how)) => format!("{}; {}", tried.join(", "), how.trim_end_matches('.')),
    }
}

fn came_of(tried: &Tried) -> String {
    let function = &tried.remedy.function;
    let at = tried.at.strftime("%H:%M");
    if tried.is_waited_for() {
        let why = tried.code.as_deref().unwrap_or_default().replace('_', " ");
        return format!("{function} waits to act ({why}, since {at} UTC)");
    }
    let decision = tried.decision.as_deref().unwrap_or("begun").replace('_', " ");
    format!("{function} {decision} ({at} UTC)")
}

pub fn team(level: u8) -> &'static str {
    match level {
        1 => Level::Development.team(),
        2 => Level::DevOps.team(),
        _ => Level::Aws.team(),
    }
}

fn nth(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// As in `levels 1 and 2`.
pub fn levels(levels: &BTreeSet<u8>) -> String {
    let all: Vec<String> = levels.iter().map(u8::to_string).collect();
    match all.as_slice() {
        [] => "nobody".to_owned(),
        [one] => format!("level {one}"),
        [rest @ .., last] => format!("levels {} and {last}", rest.join(", ")),
    }
}

/// As a line of the timeline.
pub fn said(news: &News, told: &BTreeSet<u8>) -> String {
    let what = match news {
        News::Opened => "it is open",
        News::Reopened => "it is back",
        News::Worse { .. } => "it is worse",
        News::Escalated { .. } => "it went up",
        News::Passes => "the probe passes",
        News::Resolved => "it is over",
    };
    format!("told {} that {what}", levels(told))
}

/// As in `2026-11-24 14:05:00 UTC rollback: ...`.
pub fn line(at: Timestamp, by: &str, what: &str) -> String {
    format!("{} {by}: {what}", clock::readable(at))
}

/// How long something took, as people say it.
fn took(seconds: i64) -> String {
    spoken(jiff::SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
