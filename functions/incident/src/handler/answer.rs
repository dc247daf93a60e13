//! What `incident` answers: first a summary, then the facts for programs, the next step, and lines for people.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use shared::{clock::spoken, ledger::Switch, text::line};

use super::{
    actor::Actor,
    context::{Handler, MAX_TEXT, RECENT},
    delivery::Delivery,
};
use crate::{
    FUNCTION,
    incident::{Incident, NoticeKind, Severity},
    notice::{Deployment, capital, notice, timeline_line},
    request,
    store::{ComponentState, OpenAndRecent, TimelineEntry, Unreadable},
};

/// Grows when a field changes its meaning or goes. Since 2, `summary` and `lines` are in place of `text`.
pub(super) const VERSION: u32 = 2;
/// An answer stays under 100 KB, and may have the timeline twice: for people and for programs.
const MAX_TIMELINE_BYTES: usize = 30_000;
/// How many incidents, components or kill switches a list has at most.
const MAX_LISTED: usize = 100;
const MAX_SUMMARY: usize = 1_000;

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
fn next(incident: &Incident, deployment: &Deployment) -> Value {
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
fn next_step(what: &str, function: &str, send: &Value, level: u8) -> Value {
    json!({ "what": what, "function": function, "send": send, "level": level })
}

pub(super) fn list(
    incidents: &OpenAndRecent,
    components: &[ComponentState],
    switches: &[Switch],
    unreadable: &[Unreadable],
    function: &str,
    now: Timestamp,
) -> Value {
    let OpenAndRecent { open, ended, .. } = incidents;
    let mut summary = vec![match open.as_slice() {
        [] => "no incident is open".to_owned(),
        [one] => format!("1 incident is open: {}", one_line(one, now)),
        [first, ..] => {
            format!("{} incidents are open, the most severe: {}", open.len(), one_line(first, now))
        }
    }];
    let mut lines: Vec<String> =
        open.iter().take(MAX_LISTED).map(|incident| format!("open: {}", one_line(incident, now))).collect();
    if open.len() > MAX_LISTED {
        lines.push(format!("open: {} more, less severe", open.len() - MAX_LISTED));
    }
    let switches: Vec<&Switch> = switches.iter().take(MAX_LISTED).collect();
    for switch in &switches {
        let on = line(&switch.in_words(now), MAX_TEXT);
        lines.push(format!("{on}; to lift it, send {}", switch.lift()));
    }
    match switches.len() {
        0 => {}
        1 => summary.push("1 kill switch is on".to_owned()),
        count => summary.push(format!("{count} kill switches are on")),
    }
    let ended: Vec<&Incident> = ended.iter().take(RECENT).collect();
    lines.extend(ended.iter().map(|incident| format!("ended: {}", one_line(incident, now))));
    let components: Vec<&ComponentState> = components.iter().take(MAX_LISTED).collect();
    lines.extend(components.iter().map(|component| component_line(component)));
    let unreadable: Vec<String> = unreadable
        .iter()
        .take(RECENT)
        .map(|item| line(&format!("{} / {} cannot be read: {}", item.pk, item.sk, item.why), MAX_TEXT))
        .collect();
    lines.extend(unreadable.iter().map(|item| format!("left out: {item}")));
    let next = open.first().map(|incident| {
        next_step("see its timeline", function, &json!({ "show": incident.id }), incident.level)
    });
    let mut answer = json!({
        "summary": line(&summary.join("; "), MAX_SUMMARY),
        "did": "listed",
        "open_in_all": open.len(),
        "open": open.iter().take(MAX_LISTED).map(brief).collect::<Vec<_>>(),
        "over": ended.into_iter().map(brief).collect::<Vec<_>>(),
        "components": components.into_iter().map(short).collect::<Vec<_>>(),
        "switches": switches,
        "unreadable": unreadable,
        "next": next,
        "lines": lines,
        "function": FUNCTION,
        "version": VERSION,
    });
    drop_empty(&mut answer, &["next", "lines"]);
    answer
}

/// An incident and its timeline. With `verbose`, also both as they are in the ledger.
pub(super) fn show(
    incident: &Incident,
    timeline: &[TimelineEntry],
    deployment: &Deployment,
    verbose: bool,
    now: Timestamp,
) -> Value {
    let mut shown: Vec<&TimelineEntry> = Vec::new();
    let mut bytes = 0;
    for entry in timeline.iter().rev() {
        bytes += entry.what.len() + entry.by.len() + 80;
        if bytes > MAX_TIMELINE_BYTES {
            break;
        }
        shown.push(entry);
    }
    shown.reverse();
    let left_out = timeline.len() - shown.len();
    let mut lines = Vec::new();
    if left_out > 0 {
        lines.push(format!("{left_out} older entries are left out"));
    }
    lines.extend(shown.iter().map(|entry| timeline_line(entry.at, &entry.by, &entry.what)));
    let mut answer = json!({ "summary": line(&one_line(incident, now), MAX_SUMMARY), "did": "shown" });
    let rest = json!({
        "cause": incident.cause,
        "assignee": incident.assignee,
        "stages": incident.stages(),
        "next": next(incident, deployment),
        "lines": lines,
        "left_out": left_out,
        "record": verbose.then_some(incident),
        "timeline": verbose.then_some(shown),
        "function": FUNCTION,
        "version": VERSION,
    });
    for part in [brief(incident), rest] {
        if let (Value::Object(answer), Value::Object(part)) = (&mut answer, part) {
            answer.extend(part);
        }
    }
    drop_empty(&mut answer, &["record", "timeline"]);
    answer
}

pub(super) fn status(state: &ComponentState, all: &[ComponentState], dry_run: bool) -> Value {
    let is_so = component_line(state);
    let lines: Vec<String> = all.iter().take(MAX_LISTED).map(component_line).collect();
    let mut answer = json!({
        "summary": if dry_run { format!("would say that {is_so}") } else { is_so },
        "did": "status_updated",
        "component": short(state),
        "dry_run": dry_run,
        "components": all.iter().take(MAX_LISTED).map(short).collect::<Vec<_>>(),
        "lines": lines,
        "function": FUNCTION,
        "version": VERSION,
    });
    drop_empty(&mut answer, &["lines"]);
    answer
}

/// Kill switches were set or lifted. `switches` are those that are on afterwards.
pub(super) fn switched(
    did: &str,
    what: &str,
    names: &[String],
    switches: &[Switch],
    delivery: &[String],
    function: &str,
    actor: &Actor<'_>,
) -> Value {
    let next = switches
        .first()
        .filter(|_| !actor.dry_run)
        .map(|switch| next_step("lift it when functions may act again", function, &switch.lift(), 1));
    let mut lines = delivery.to_vec();
    for switch in switches {
        let on = line(&switch.in_words(actor.now), MAX_TEXT);
        lines.push(format!("{}. To lift it, send {}", capital(&on), switch.lift()));
    }
    let mut answer = json!({
        "summary": if actor.dry_run { format!("dry run, nothing was changed: {what}") } else { what.to_owned() },
        "did": did,
        "names": names,
        "switches": switches,
        "dry_run": actor.dry_run,
        "next": next,
        "lines": lines,
        "function": FUNCTION,
        "version": VERSION,
    });
    drop_empty(&mut answer, &["next", "lines"]);
    answer
}

/// The run of every minute: what was due, and done.
pub(super) fn checked(done: &[(String, String)], notices_sent: usize) -> Value {
    let lines: Vec<String> = done.iter().map(|(id, what)| format!("{id}: {what}")).collect();
    let mut summary = vec![match lines.as_slice() {
        [] => "nothing was due".to_owned(),
        [one] => one.clone(),
        many => format!("{} things were due", many.len()),
    }];
    match notices_sent {
        0 => {}
        1 => summary.push("1 pending notice was sent".to_owned()),
        count => summary.push(format!("{count} pending notices were sent")),
    }
    let done: Vec<Value> = done.iter().map(|(id, what)| json!({ "incident": id, "what": what })).collect();
    let mut answer = json!({
        "summary": line(&summary.join("; "), MAX_SUMMARY),
        "did": "checked",
        "done": done,
        "pending_notices_sent": notices_sent,
        "lines": lines,
        "function": FUNCTION,
        "version": VERSION,
    });
    drop_empty(&mut answer, &["lines"]);
    answer
}

fn drop_empty(answer: &mut Value, names: &[&str]) {
    if let Value::Object(fields) = answer {
        fields.retain(|name, value| {
            !names.contains(&name.as_str())
                || !(value.is_null() || value.as_array().is_some_and(Vec::is_empty))
        });
    }
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

/// An incident in one line.
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

/// A component's state, with as much of the message as fits beside a hundred others.
fn short(state: &ComponentState) -> Value {
    let mut short = state.clone();
    short.component.message = line(&short.component.message, 200);
    serde_json::to_value(short).unwrap_or_default()
}

fn component_line(state: &ComponentState) -> String {
    let request::Component { component, status, message } = &state.component;
    line(&format!("{component} is {}: {message}", status.as_str()), MAX_TEXT)
}
