//! Answers that have more than one incident, or none: lists, a timeline, components, kill switches, and the sweep.

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{ledger::Switch, text::line};

use super::{
    actor::Actor,
    answer::{MAX_SUMMARY, VERSION, next, next_step, one_line},
    limits::{MAX_TEXT, RECENT},
};
use crate::{
    FUNCTION,
    incident::Incident,
    notice::{Deployment, capital, timeline_line},
    request::Component,
    status::{maintenance::Window, said::ComponentState},
    store::{OpenAndRecent, TimelineEntry, Unreadable},
};

/// An answer stays under 100 KB, and may have the timeline twice: for people and for programs.
const MAX_TIMELINE_BYTES: usize = 30_000;
/// How many incidents, components or kill switches a list has at most.
const MAX_LISTED: usize = 100;

/// The open incidents and those that ended last, with the kill switches and components.
pub(super) fn list(
    incidents: &OpenAndRecent,
    components: &[ComponentState],
    windows: &[Window],
    switches: &[Switch],
    unreadable: &[Unreadable],
    deployment: &Deployment,
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
    let windows: Vec<&Window> = windows.iter().take(MAX_LISTED).collect();
    lines.extend(windows.iter().map(|window| {
        line(&format!("maintenance {}: {}", window.id.as_str(), window.in_words(now)), MAX_TEXT)
    }));
    let unreadable: Vec<String> = unreadable
        .iter()
        .take(RECENT)
        .map(|item| line(&format!("{} / {} cannot be read: {}", item.pk, item.sk, item.why), MAX_TEXT))
        .collect();
    lines.extend(unreadable.iter().map(|item| format!("left out: {item}")));
    let next = next_of(open, &switches, deployment, now);
    let mut answer = json!({
        "summary": line(&summary.join("; "), MAX_SUMMARY),
        "did": "listed",
        "open_in_all": open.len(),
        "open": open.iter().take(MAX_LISTED).map(brief).collect::<Vec<_>>(),
        "over": ended.into_iter().map(brief).collect::<Vec<_>>(),
        "components": components.into_iter().map(short).collect::<Vec<_>>(),
        "maintenance": windows,
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

/// To acknowledge what nobody has yet, to read on about what is open, or to lift what stops the functions.
fn next_of(
    open: &[Incident],
    switches: &[&Switch],
    deployment: &Deployment,
    now: Timestamp,
) -> Option<Value> {
    let function = &deployment.function;
    let acknowledge = || {
        let unheard = open.iter().find(|incident| incident.acknowledged.is_none())?;
        Some(next(unheard, deployment, now))
    };
    let show = || {
        let first = open.first()?;
        Some(next_step("see its timeline", function, &json!({ "show": first.id }), first.level))
    };
    let lift = || Some(lifting(switches.first()?, function));
    acknowledge().or_else(show).or_else(lift)
}

fn lifting(switch: &Switch, function: &str) -> Value {
    next_step("lift it when functions may act again", function, &switch.lift(), 1)
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
        "next": next(incident, deployment, now),
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
    let next = switches.first().filter(|_| !actor.dry_run).map(|switch| lifting(switch, function));
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

/// A component's state, with as much of the message as fits beside a hundred others.
fn short(state: &ComponentState) -> Value {
    let mut short = state.clone();
    short.component.message = line(&short.component.message, 200);
    serde_json::to_value(short).unwrap_or_default()
}

fn component_line(state: &ComponentState) -> String {
    let Component { component, status, message } = &state.component;
    line(&format!("{component} is {}: {message}", status.as_str()), MAX_TEXT)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, slice, time::Duration};

    use jiff::SignedDuration;

    use super::*;
    use crate::incident::{Acknowledged, Severity};

    fn at(minutes: i64) -> Timestamp {
        "2026-11-24T03:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
    }

    fn deployment() -> Deployment {
        let minutes = Duration::from_mins;
        Deployment {
            environment: "production".to_owned(),
            function: "lendpeak2-production-incident".to_owned(),
            acknowledge_within: [minutes(15), minutes(30)],
            remedies: [].into(),
            switches: Vec::new(),
            plans: Vec::new(),
            named_approvers: false,
            unreached: Vec::new(),
        }
    }

    fn incident(cause: &str, acknowledged: bool) -> Incident {
        let mut incident = Incident::new(cause, "Service down".to_owned(), Severity::High, at(0), at(0));
        incident.acknowledged = acknowledged.then(|| Acknowledged { by: "Ana".to_owned(), at: at(1) });
        incident
    }

    /// What is to be done and sent next, after so many minutes.
    fn next_after(minutes: i64, open: Vec<Incident>, switches: &[Switch]) -> (Value, Value) {
        let incidents = OpenAndRecent { open, ended: Vec::new(), indexed: BTreeSet::new() };
        let list = list(&incidents, &[], &[], switches, &[], &deployment(), at(minutes));
        (list["next"]["what"].clone(), list["next"]["send"].clone())
    }

    #[test]
    fn a_list_says_first_to_acknowledge_what_nobody_has_and_when_the_next_level_is_called() {
        let heard = incident("heard", true);
        let unheard = incident("unheard", false);
        let acknowledge = json!({ "acknowledge": unheard.id, "by": "<your name>" });
        let open = || vec![heard.clone(), unheard.clone()];
        for (minutes, what) in [
            (0, "acknowledge it, or level 2 is called in 15 min"),
            (9, "acknowledge it, or level 2 is called in 6 min"),
            (16, "acknowledge it: level 2 is called now"),
        ] {
            assert_eq!(next_after(minutes, open(), &[]), (json!(what), acknowledge.clone()));
        }
        let show = json!({ "show": heard.id });
        assert_eq!(next_after(9, vec![heard.clone()], &[]), (json!("see its timeline"), show));
    }

    #[test]
    fn where_nothing_is_open_a_kill_switch_is_lifted_next() {
        let switch = Switch { name: "all".to_owned(), stops: "all".to_owned(), ..Switch::default() };
        let what = "lift it when functions may act again";
        assert_eq!(next_after(0, Vec::new(), slice::from_ref(&switch)), (json!(what), switch.lift()));
        assert_eq!(next_after(0, Vec::new(), &[]), (Value::Null, Value::Null));
    }
}
