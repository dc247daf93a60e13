//! What a person should do, and the JSON for it.

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    diagnosis::{Finding, Sent},
    ledger::{ALL, Switch},
    settings::Mode,
    text,
};

use super::{
    deployment::{Deployment, WaitingPlan},
    wording::took,
};
use crate::incident::{Incident, NoticeKind};

/// JSON is never cut. A longer request is left to the report.
const MAX_JSON: usize = 600;

pub(super) fn lines(
    incident: &Incident,
    kind: &NoticeKind,
    deployment: &Deployment,
    now: Timestamp,
    most: usize,
) -> Vec<String> {
    let function = &deployment.function;
    let send = |lines: &mut Vec<String>, to: &str, what: &Value| {
        lines.push(format!("Send to {to}"));
        lines.push(what.to_string());
    };
    let line = |text: &str| text::line(text, most);
    let mut lines = Vec::new();
    match kind {
        NoticeKind::Resolved => {
            let stages = incident.stages();
            let acted =
                stages.acted_seconds.map_or(String::new(), |at| format!(", acted after {}", took(at)));
            let recovered = took(stages.recovered_seconds.unwrap_or_default());
            let detected = took(stages.detected_seconds);
            lines.push(format!("Noticed after {detected}{acted}, over after {recovered}."));
            lines.push(format!("You: nothing to do. For the report, send to {function}"));
            lines.push(json!({ "show": incident.id }).to_string());
            return lines;
        }
        NoticeKind::ProbePasses => {
            let diagnose = deployment.name_of("diagnose");
            lines.push(line(&format!("You: if it is still broken for you, send {{}} to {diagnose}.")));
            lines.push(format!("If it is over, send to {function}"));
            lines.push(json!({ "resolve": incident.id, "reason": "<how>" }).to_string());
        }
        NoticeKind::Opened
        | NoticeKind::Reopened
        | NoticeKind::Worse { .. }
        | NoticeKind::Escalated { .. } => {
            let stopped_by = stopped_by(incident, deployment);
            let plan = plan(incident, deployment);
            if let Some(switch) = stopped_by {
                let words = switch.in_words(now);
                let stops = match switch.stops.as_str() {
                    ALL => "No remedy acts".to_owned(),
                    function => format!("{function} does not act"),
                };
                lines.push(line(&format!(
                    "You: {words}. {stops} while it is on: mend it yourself, or lift it."
                )));
                send(&mut lines, function, &switch.lift());
            }
            if let Some(WaitingPlan { function: remedy, id }) = plan {
                let remedy = text::line(&deployment.name_of(remedy), most);
                lines.push(format!("You: approve, or it stays down. Send to {remedy}"));
                lines.push(json!({ "approve": id }).to_string());
            }
            if stopped_by.is_none() && plan.is_none() {
                if incident.is_with_the_machine() {
                    lines.push(line(&format!("You: {}", while_the_machine_works(deployment))));
                } else if let Some(found) = &incident.found {
                    lines.push(line(&format!("You: {}.", found.remedy.what.trim_end_matches('.'))));
                } else {
                    let diagnose = deployment.name_of("diagnose");
                    lines.push(line(&format!("You: find the cause. Send {{}} to {diagnose}")));
                }
            }
            if !incident.is_with_the_machine()
                && plan.is_none()
                && let Some(found) = &incident.found
            {
                lines.extend(remedy(incident, found, deployment, most));
            }
        }
    }
    let next = incident.deadline(deployment.acknowledge_within).map_or(String::new(), |within| {
        let (next, minutes) = (incident.level.saturating_add(1), within.as_secs() / 60);
        format!(" Level {next} is called in {minutes} min unless you acknowledge.")
    });
    lines.push(format!("Do you have it?{next} Send to {function}"));
    lines.push(json!({ "acknowledge": incident.id, "by": "<your name>" }).to_string());
    if incident.is_with_the_machine() {
        lines.push("Add \"take_over\": true to stop service-down.".to_owned());
    }
    if incident.by_person && incident.is_with_the_machine() {
        lines.push(line("A person opened it, so it stays open until a person resolves it."));
    }
    lines
}

/// What the state machine does meanwhile, in the modes of its remedies.
fn while_the_machine_works(deployment: &Deployment) -> &'static str {
    let may = |mode: Mode| deployment.remedies.values().any(|its| *its == mode);
    match (may(Mode::Auto), may(Mode::Approve)) {
        (true, false) => "watch. service-down is working on it.",
        (true, true) => "watch. service-down is working on it, and asks you before some of the remedies.",
        (false, true) => {
            "approve, or it stays down. service-down is looking for the cause; the next notice has the plan to approve."
        }
        (false, false) => {
            "mend it yourself. service-down is looking for the cause, but may change nothing here."
        }
    }
}

/// The kill switch that stops the remedy to be used, or any remedy while none is chosen.
fn stopped_by<'a>(incident: &Incident, deployment: &'a Deployment) -> Option<&'a Switch> {
    let chosen = incident.found.as_ref().and_then(|found| found.remedy.function());
    let stops = |switch: &&Switch| match chosen {
        Some(function) => switch.stops(function),
        None => deployment.remedies.keys().any(|function| switch.stops(function)),
    };
    deployment.switches.iter().find(stops)
}

/// The plan that the state machine waits for, or another plan of the remedy to be used.
fn plan<'a>(incident: &'a Incident, deployment: &'a Deployment) -> Option<&'a WaitingPlan> {
    let of_machine = incident.current_attempts().iter().rev().find_map(|attempt| {
        let id = attempt.approval.as_ref()?;
        deployment.plans.iter().find(|plan| plan.id == *id)
    });
    let chosen = incident.found.as_ref().and_then(|found| found.remedy.function());
    of_machine.or_else(|| {
        deployment.plans.iter().find(|plan| chosen.is_none_or(|function| plan.function == function))
    })
}

/// The request for the remedy, unless that has acted already.
fn remedy(incident: &Incident, found: &Finding, deployment: &Deployment, most: usize) -> Vec<String> {
    let Some(Sent { function, request }) = &found.remedy.sent else {
        return Vec::new();
    };
    let acted = |attempt: &crate::incident::Attempt| attempt.remedy.function == *function && attempt.acted();
    if incident.current_attempts().iter().any(acted) {
        return Vec::new();
    }
    let name = text::line(&deployment.name_of(function), most);
    let request = request.to_string();
    if request.len() > MAX_JSON {
        let show = json!({ "show": incident.id });
        return vec![format!("For what to send to {name}, send {show} to {}", deployment.function)];
    }
    vec![format!("Send to {name}: {request}")]
}
