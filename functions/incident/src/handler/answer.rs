//! What `incident` answers: JSON for machines, and `text` for people.

use std::fmt::Write;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Heard, LISTED, MAX_SAID};
use shared::{clock::spoken, ledger::Switch, text::line};

use crate::{
    FUNCTION,
    incident::{Incident, Severity},
    notice,
    store::{Line, Shelf, StatusNow, Unreadable},
};

/// Grows when a field changes its meaning or goes.
pub(super) const VERSION: u32 = 1;
/// An answer stays under 100 KB, and says everything twice: for programs and for people.
const MAX_LINES_BYTES: usize = 30_000;
/// As many as fit and are read.
const MAX_LISTED: usize = 100;

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
    /// Who heard of it just now, and who did not.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub heard: Value,
    pub text: String,
    pub function: &'static str,
    pub version: u32,
}

impl Answer {
    pub(super) fn new(did: Did, incident: &Incident, text: String, heard: &Heard, dry_run: bool) -> Self {
        let is_told = !heard.told.is_empty() || !heard.in_vain().is_empty();
        Self {
            did,
            incident: Some(incident.id.clone()),
            severity: Some(incident.severity),
            open: Some(incident.is_open()),
            level: Some(incident.level),
            dry_run,
            heard: if is_told { serde_json::to_value(heard).unwrap_or_default() } else { Value::Null },
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
            heard: Value::Null,
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
    shelf: &Shelf,
    components: &[StatusNow],
    switches: &[Switch],
    unreadable: &[Unreadable],
    now: Timestamp,
) -> Value {
    let Shelf { open, over, .. } = shelf;
    let mut text = match open.len() {
        0 => "No incident is open.\n".to_owned(),
        1 => "1 incident is open:\n".to_owned(),
        count => format!("{count} incidents are open:\n"),
    };
    // Writing to a String cannot fail.
    for incident in open.iter().take(MAX_LISTED) {
        let _ = writeln!(text, "- {}", one_line(incident, now));
    }
    if open.len() > MAX_LISTED {
        let _ = writeln!(text, "- and {} less severe ones", open.len() - MAX_LISTED);
    }
    for switch in switches.iter().take(MAX_LISTED) {
        let on = line(&switch.in_words(now), MAX_SAID);
        let _ = writeln!(text, "{on}: to lift it send {}", switch.lift());
    }
    let over: Vec<&Incident> = over.iter().take(LISTED).collect();
    if !over.is_empty() {
        text.push_str("Over:\n");
    }
    for incident in &over {
        let _ = writeln!(text, "- {}", one_line(incident, now));
    }
    let components: Vec<&StatusNow> = components.iter().take(MAX_LISTED).collect();
    for status in &components {
        let _ = writeln!(text, "{}", line(&component(status), MAX_SAID));
    }
    let unreadable: Vec<String> = unreadable
        .iter()
        .take(LISTED)
        .map(|item| line(&format!("{} / {} cannot be read: {}", item.pk, item.sk, item.why), MAX_SAID))
        .collect();
    for item in &unreadable {
        let _ = writeln!(text, "Left out: {item}");
    }
    json!({
        "open": open.iter().take(MAX_LISTED).map(brief).collect::<Vec<_>>(),
        "open_in_all": open.len(),
        "over": over.into_iter().map(brief).collect::<Vec<_>>(),
        "components": components.into_iter().map(short).collect::<Vec<_>>(),
        "switches": switches.iter().take(MAX_LISTED).collect::<Vec<_>>(),
        "unreadable": unreadable,
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
    let mut shown: Vec<&Line> = Vec::new();
    let mut bytes = 0;
    for line in lines.iter().rev() {
        bytes += line.what.len() + line.by.len() + 80;
        if bytes > MAX_LINES_BYTES {
            break;
        }
        shown.push(line);
    }
    shown.reverse();
    let left_out = lines.len() - shown.len();
    if left_out > 0 {
        let _ = writeln!(text, "{left_out} older lines are left out.");
    }
    for line in &shown {
        let _ = writeln!(text, "{}", notice::line(line.at, &line.by, &line.what));
    }
    json!({
        "incident": incident,
        "stages": incident.stages(),
        "timeline": shown,
        "left_out": left_out,
        "text": text.trim_end(),
        "function": FUNCTION,
        "version": VERSION,
    })
}

pub(super) fn status(now: &StatusNow, all: &[StatusNow], dry_run: bool) -> Value {
    json!({
        "did": "status_updated",
        "component": now,
        "components": all.iter().take(MAX_LISTED).map(short).collect::<Vec<_>>(),
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

pub(super) fn one_line(incident: &Incident, now: Timestamp) -> String {
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

/// Whatever a person wrote about it, among a hundred others.
fn short(status: &StatusNow) -> Value {
    let mut short = status.clone();
    short.component.message = line(&short.component.message, 200);
    serde_json::to_value(short).unwrap_or_default()
}

fn component(status: &StatusNow) -> String {
    let crate::request::Component { component, status: word, message } = &status.component;
    format!("{component} is {}: {message}", word.as_str())
}
