//! What `incident` answers: first a summary, then the facts for programs, the next step, and lines for people.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use shared::{clock::spoken, text::line};

use super::{actor::Actor, context::Handler, delivery::Delivery};
use crate::{
    FUNCTION,
    incident::{Incident, NoticeKind, Severity},
    notice::{Deployment, notice},
};

/// Grows when a field changes its meaning or goes. Since 2, `summary` and `lines` are in place of `text`.
pub(super) const VERSION: u32 = 2;
/// The longest summary.
pub(super) const MAX_SUMMARY: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Did {
    Opened,
    /// An incident of this cause was open already.
    Joined,
    Reopened,
    /// The alarm changed before the incident was resolved.
    WasOver,
    Noted,
    Acknowledged,
    Escalated,
    Resolved,
    /// Nothing had to be changed.
    Nothing,
}

impl Did {
    /// The words before the incident's id.
    fn verb(self, dry_run: bool) -> &'static str {
        match (self, dry_run) {
            (Self::Opened, false) => "opened",
            (Self::Opened, true) => "would open",
            (Self::Joined, false) => "joined",
            (Self::Joined, true) => "would join",
            (Self::Reopened, false) => "reopened",
            (Self::Reopened, true) => "would reopen",
            (Self::Noted, false) => "added to the timeline of",
            (Self::Noted, true) => "would add to the timeline of",
            (Self::Acknowledged, false) => "acknowledged",
            (Self::Acknowledged, true) => "would acknowledge",
            (Self::Escalated, false) => "escalated",
            (Self::Escalated, true) => "would escalate",
            (Self::Resolved, false) => "resolved",
            (Self::Resolved, true) => "would resolve",
            (Self::WasOver | Self::Nothing, false) => "changed nothing about",
            (Self::WasOver | Self::Nothing, true) => "would change nothing about",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Answer {
    pub(super) summary: String,
    pub(super) did: Did,
    /// The incident's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) incident: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<bool>,
    /// The highest level of support that was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<u8>,
    /// Whether all this is only what would be done.
    dry_run: bool,
    /// Who was told just now, and who could not be.
    #[serde(skip_serializing_if = "Value::is_null")]
    notified: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    next: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<String>,
    function: &'static str,
    version: u32,
}

impl Answer {
    /// Nothing was done, for no incident.
    pub(super) fn nothing(why: &str) -> Self {
        Self {
            summary: why.to_owned(),
            did: Did::Nothing,
            incident: None,
            severity: None,
            open: None,
            level: None,
            dry_run: false,
            notified: Value::Null,
            next: Value::Null,
            lines: Vec::new(),
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

impl Handler {
    /// What was done to an incident. `what` is the detail after the verb and the id.
    pub(super) fn done(
        &self,
        did: Did,
        incident: &Incident,
        what: &str,
        delivery: &Delivery,
        actor: &Actor<'_>,
    ) -> Answer {
        let deployment = self.deployment();
        let mut summary = vec![format!("{} {}: {what}", did.verb(actor.dry_run), incident.id)];
        if !actor.dry_run {
            summary.extend(delivery.in_words());
        }
        let kind = match did {
            Did::Opened => Some(NoticeKind::Opened),
            Did::Reopened => Some(NoticeKind::Reopened),
            _ => None,
        };
        let lines = match kind {
            Some(kind) => {
                let notice = notice(incident, &kind, &deployment, actor.now);
                notice.text.lines().map(str::to_owned).collect()
            }
            None => vec![one_line(incident, actor.now)],
        };
        Answer {
            summary: line(&summary.join("; "), MAX_SUMMARY),
            did,
            incident: Some(incident.id.clone()),
            severity: Some(incident.severity),
            open: Some(incident.is_open()),
            level: Some(incident.level),
            dry_run: actor.dry_run,
            notified: if delivery.is_empty() {
                Value::Null
            } else {
                serde_json::to_value(delivery).unwrap_or_default()
            },
            next: if actor.dry_run { Value::Null } else { next(incident, &deployment) },
            lines,
            function: FUNCTION,
            version: VERSION,
        }
    }
}

/// The next step for whoever has the incident.
pub(super) fn next(incident: &Incident, deployment: &Deployment) -> Value {
    let id = &incident.id;
    let (what, send) = if !incident.is_open() {
        ("read the report".to_owned(), json!({ "show": id }))
    } else if incident.acknowledged.is_some() {
        ("resolve it once it is over".to_owned(), json!({ "resolve": id, "reason": "<how>" }))
    } else {
        let what = match incident.deadline(deployment.acknowledge_within) {
            Some(within) => {
                let (level, minutes) = (incident.level.saturating_add(1), within.as_secs() / 60);
                format!("acknowledge it, or level {level} is called in {minutes} min")
            }
            None => "acknowledge it".to_owned(),
        };
        (what, json!({ "acknowledge": id, "by": "<your name>" }))
    };
    next_step(&what, &deployment.function, &send, incident.level)
}

/// A step that a person takes by sending JSON to this function, in the form that every function answers.
pub(super) fn next_step(what: &str, function: &str, send: &Value, level: u8) -> Value {
    json!({ "what": what, "function": function, "send": send, "level": level })
}

/// An incident in one line.
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
