//! What people are told, on a phone's screen: what is broken, since when, what was done, what they should do, and
//! the JSON to send.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{clock, status::Level};

use crate::{
    decide::Confidence,
    incident::{Incident, spoken},
};

/// No line is longer than this: a screen has about twenty lines of forty letters.
const MAX_LINE: usize = 200;

/// Why people are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    Opened,
    Reopened,
    Escalated { reason: String },
    Resolved,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub subject: String,
    pub text: String,
    /// The levels that are told, as places in the list of topics.
    pub levels: u8,
}

/// Where it is, and what people are told of that.
#[derive(Debug, Clone)]
pub struct Place {
    pub environment: String,
    /// What they send the JSON to.
    pub function: String,
    /// How long levels 1 and 2 have.
    pub acknowledge_within: [Duration; 2],
}

pub fn notice(incident: &Incident, news: &News, place: &Place, now: Timestamp) -> Notice {
    let environment = &place.environment;
    let word = match news {
        News::Opened => "OPEN",
        News::Reopened => "BACK AGAIN",
        News::Escalated { .. } => "ESCALATED",
        News::Resolved => "RESOLVED",
    };
    let subject = format!("[{environment}] {word} {}: {}", incident.severity.as_str(), incident.title);
    let mut lines = vec![
        format!("{word}: {} ({})", incident.title, incident.severity.as_str()),
        clipped(&format!("{}.", capital(&incident.since(now)))),
    ];
    if let News::Escalated { reason } = news {
        lines.push(clipped(&format!("Now with {}: {reason}.", team(incident.level))));
    }
    if let Some(found) = &incident.found {
        let sure = match found.confidence {
            Confidence::Certain => "certain",
            Confidence::Likely => "likely",
            Confidence::Possible => "possible",
        };
        lines.push(clipped(&format!("Cause ({sure}): {}.", found.what)));
    }
    lines.push(clipped(&format!("Done: {}.", done(incident))));
    lines.extend(you(incident, news, place));
    lines.push(format!("Incident {}", incident.id));
    Notice { subject, text: lines.join("\n"), levels: incident.level }
}

/// What was tried and what came of it.
fn done(incident: &Incident) -> String {
    let tried: Vec<String> = incident
        .remedies
        .iter()
        .map(|tried| {
            let decision = tried.decision.as_deref().unwrap_or("begun").replace('_', " ");
            format!("{} {decision} ({} UTC)", tried.remedy.function, tried.at.strftime("%H:%M"))
        })
        .collect();
    match (tried.as_slice(), incident.resolution.as_deref()) {
        ([], None) => "nothing was changed yet".to_owned(),
        ([], Some(how)) => how.to_owned(),
        (tried, None) => tried.join(", "),
        (tried, Some(how)) => format!("{}; {how}", tried.join(", ")),
    }
}

/// What a person should do, and the JSON for it.
fn you(incident: &Incident, news: &News, place: &Place) -> Vec<String> {
    let function = &place.function;
    let show = json!({ "show": incident.id });
    if *news == News::Resolved {
        let stages = incident.stages();
        let seconds = |seconds: i64| spoken(jiff::SignedDuration::from_secs(seconds));
        let acted = stages.acted_seconds.map_or(String::new(), |at| format!(", acted {}", seconds(at)));
        let recovered = seconds(stages.recovered_seconds.unwrap_or_default());
        let detected = seconds(stages.detected_seconds);
        return vec![
            format!("After it broke: noticed {detected}{acted}, over {recovered}."),
            format!("You: nothing now. The report: send to {function}"),
            show.to_string(),
        ];
    }
    let acknowledge = json!({ "acknowledge": incident.id, "by": "<your name>" });
    if matches!(news, News::Opened | News::Reopened) && incident.is_with_the_machine() {
        let next = incident.deadline(place.acknowledge_within).map_or(String::new(), |within| {
            let minutes = within.as_secs() / 60;
            format!(" Level {} is called in {minutes} min unless you acknowledge.", incident.level + 1)
        });
        return vec![
            format!("You: watch; service-down is at work and goes on.{next}"),
            format!("Send to {function}"),
            acknowledge.to_string(),
            "and \"take_over\": true stops service-down.".to_owned(),
        ];
    }
    let mut lines = Vec::new();
    if let Some(found) = &incident.found {
        lines.push(clipped(&format!("You: {}.", found.remedy.what.trim_end_matches('.'))));
        if let (Some(remedy), Some(send)) = (&found.remedy.function, &found.remedy.send)
            && !incident.remedies.iter().any(|tried| tried.remedy.function == *remedy && tried.acted())
        {
            let prefix = function.trim_end_matches("incident");
            lines.push(format!("Send to {prefix}{remedy}: {send}"));
        }
    } else {
        lines.push("You: look for the cause; send {} to diagnose.".to_owned());
    }
    lines.push(format!("You have it? Send to {function}"));
    lines.push(acknowledge.to_string());
    lines
}

fn team(level: u8) -> &'static str {
    match level {
        1 => Level::Development.team(),
        2 => Level::DevOps.team(),
        _ => Level::Aws.team(),
    }
}

/// One line, and not too long a one.
fn clipped(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if one_line.chars().count() <= MAX_LINE {
        return one_line;
    }
    let start: String = one_line.chars().take(MAX_LINE - 3).collect();
    format!("{start}...")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// As a line of the timeline.
pub fn said(news: &News, levels: &BTreeSet<u8>) -> String {
    let what = match news {
        News::Opened => "it is open",
        News::Reopened => "it is back",
        News::Escalated { .. } => "it went up",
        News::Resolved => "it is over",
    };
    let levels: Vec<String> = levels.iter().map(u8::to_string).collect();
    let level = if levels.len() == 1 { "level" } else { "levels" };
    format!("told {level} {} that {what}", levels.join(", "))
}

/// As in `2026-11-24 14:05:00 UTC rollback: ...`.
pub fn line(at: Timestamp, by: &str, what: &str) -> String {
    format!("{} {by}: {what}", clock::readable(at))
}

#[cfg(test)]
mod tests;
