//! What `incident` answers: JSON for machines, and `text` for people.

use std::fmt::Write;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    FUNCTION,
    incident::{Incident, Severity, spoken},
    notice,
    store::{Line, StatusNow},
};

/// Grows when a field changes its meaning or goes.
const VERSION: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    Opened,
    /// There was one for this cause.
    Joined,
    Reopened,
    /// The alarm is from before it was resolved.
    WasOver,
    Noted,
    Acknowledged,
    Escalated,
    Resolved,
    /// There was nothing to change.
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    pub did: Did,
    /// The incident's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
    /// The highest level of support that was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// Whether all this is only what would be.
    pub dry_run: bool,
    pub text: String,
    pub function: &'static str,
    pub version: u32,
}

impl Answer {
    pub(super) fn new(did: Did, incident: &Incident, text: String, dry_run: bool) -> Self {
        Self {
            did,
            incident: Some(incident.id.clone()),
            severity: Some(incident.severity),
            open: Some(incident.is_open()),
            level: Some(incident.level),
            dry_run,
            text,
            function: FUNCTION,
            version: VERSION,
        }
    }

    pub(super) fn nothing(why: &str) -> Self {
        Self {
            did: Did::Nothing,
            incident: None,
            severity: None,
            open: None,
            level: None,
            dry_run: false,
            text: why.to_owned(),
            function: FUNCTION,
            version: VERSION,
        }
    }
}

impl From<Answer> for Value {
    fn from(answer: Answer) -> Self {
        serde_json::to_value(answer).unwrap_or_default()
    }
}

pub(super) fn list(
    open: &[Incident],
    newest: &[Incident],
    components: &[StatusNow],
    now: Timestamp,
) -> Value {
    let mut text = match open.len() {
        0 => "No incident is open.\n".to_owned(),
        1 => "1 incident is open:\n".to_owned(),
        count => format!("{count} incidents are open:\n"),
    };
    // Writing to a String cannot fail.
    for incident in open {
        let _ = writeln!(text, "- {}", one_line(incident, now));
    }
    let over: Vec<&Incident> = newest.iter().filter(|incident| !incident.is_open()).collect();
    if !over.is_empty() {
        text.push_str("Over:\n");
    }
    for incident in &over {
        let _ = writeln!(text, "- {}", one_line(incident, now));
    }
    for status in components {
        let _ = writeln!(text, "{}", component(status));
    }
    json!({
        "open": open.iter().map(brief).collect::<Vec<_>>(),
        "over": over.into_iter().map(brief).collect::<Vec<_>>(),
        "components": components,
        "text": text.trim_end(),
        "function": FUNCTION,
        "version": VERSION,
    })
}

pub(super) fn show(incident: &Incident, lines: &[Line], now: Timestamp) -> Value {
    let mut text = format!("{}\n", one_line(incident, now));
    if let Some(acknowledged) = &incident.acknowledged {
        let _ = writeln!(text, "With {}, level {}.", acknowledged.by, incident.level);
    }
    for line in lines {
        let _ = writeln!(text, "{}", notice::line(line.at, &line.by, &line.what));
    }
    json!({
        "incident": incident,
        "stages": incident.stages(),
        "timeline": lines,
        "text": text.trim_end(),
        "function": FUNCTION,
        "version": VERSION,
    })
}

pub(super) fn status(now: &StatusNow, all: &[StatusNow], dry_run: bool) -> Value {
    json!({
        "did": "status_updated",
        "component": now,
        "components": all,
        "dry_run": dry_run,
        "text": component(now),
        "function": FUNCTION,
        "version": VERSION,
    })
}

fn brief(incident: &Incident) -> Value {
    json!({
        "incident": incident.id,
        "title": incident.title,
        "severity": incident.severity,
        "level": incident.level,
        "began_at": incident.began_at,
        "resolved_at": incident.resolved_at,
        "acknowledged": incident.acknowledged,
    })
}

fn one_line(incident: &Incident, now: Timestamp) -> String {
    let Incident { id, title, level, .. } = incident;
    let severity = incident.severity.as_str();
    match (incident.resolved_at, &incident.acknowledged) {
        (Some(at), _) => {
            let took = spoken(at.duration_since(incident.began_at));
            let how = incident.resolution.as_deref().unwrap_or_default();
            format!("{id}: {title} ({severity}), over after {took}: {how}")
        }
        (None, Some(acknowledged)) => {
            format!("{id}: {title} ({severity}), {}, with {}", incident.since(now), acknowledged.by)
        }
        (None, None) => {
            format!("{id}: {title} ({severity}), {}, level {level} was told", incident.since(now))
        }
    }
}

fn component(status: &StatusNow) -> String {
    let crate::request::Component { component, status: word, message } = &status.component;
    format!("{component} is {}: {message}", word.as_str())
}
