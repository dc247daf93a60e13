//! What a person should do, and the JSON for it.

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    diagnosis::{Finding, Sent},
    ledger::Switch,
    settings::Mode,
    text,
};

use super::{MAX_LINE, News, Place, Waiting, took};
use crate::incident::Incident;

/// JSON is never cut: what is longer is looked up.
const MAX_JSON: usize = 600;

pub(super) fn lines(
    incident: &Incident,
    news: &News,
    place: &Place,
    now: Timestamp,
    most: usize,
) -> Vec<String> {
    let function = &place.function;
    let send = |lines: &mut Vec<String>, to: &str, what: &Value| {
        lines.push(format!("Send to {to}"));
        lines.push(what.to_string());
    };
    let line = |text: &str| text::line(text, most);
    let mut lines = Vec::new();
    match news {
        News::Resolved => {
            let stages = incident.stages();
            let acted = stages.acted_seconds.map_or(String::new(), |at| format!(", acted {}", took(at)));
            let recovered = took(stages.recovered_seconds.unwrap_or_default());
            let detected = took(stages.detected_seconds);
            lines.push(format!("After it broke: noticed {detected}{acted}, over {recovered}."));
            lines.push(format!("You: nothing now. The report: send to {function}"));
            lines.push(json!({ "show": incident.id }).to_string());
            return lines;
        }
        News::Passes => {
            lines.push(
                "You: is it still broken for you? Then look for the cause; send {} to diagnose.".to_owned(),
            );
            lines.push(format!("It is over? Send to {function}"));
            lines.push(json!({ "resolve": incident.id, "reason": "<how>" }).to_string());
        }
        News::Opened | News::Reopened | News::Worse { .. } | News::Escalated { .. } => {
            let stopped = stopped(incident, place);
            let plan = plan(incident, place);
            if let Some(switch) = stopped {
                let words = switch.in_words(now);
                lines.push(line(&format!(
                    "You: {words}. Nothing is mended while it is on: mend it yourself, or lift it."
                )));
                send(&mut lines, function, &switch.lift());
            }
            if let Some(Waiting { function: remedy, id }) = plan {
                lines.push(format!("You: approve, or it stays down. Send to {}", named(place, remedy)));
                lines.push(json!({ "approve": id }).to_string());
            }
            if stopped.is_none() && plan.is_none() {
                if incident.is_with_the_machine() {
                    lines.push(line(&format!("You: {}", watch(place))));
                } else if let Some(found) = &incident.found {
                    lines.push(line(&format!("You: {}.", found.remedy.what.trim_end_matches('.'))));
                } else {
                    lines.push("You: look for the cause; send {} to diagnose.".to_owned());
                }
            }
            if !incident.is_with_the_machine()
                && plan.is_none()
                && let Some(found) = &incident.found
            {
                lines.extend(remedy(incident, found, place));
            }
        }
    }
    let next = incident.deadline(place.acknowledge_within).map_or(String::new(), |within| {
        let minutes = within.as_secs() / 60;
        format!(
            " Level {} is called in {minutes} min unless you acknowledge.",
            incident.level.saturating_add(1)
        )
    });
    lines.push(format!("You have it?{next} Send to {function}"));
    lines.push(json!({ "acknowledge": incident.id, "by": "<your name>" }).to_string());
    if incident.is_with_the_machine() {
        lines.push("and \"take_over\": true stops service-down.".to_owned());
    }
    if incident.by_person && incident.is_with_the_machine() {
        lines.push(line("A person opened it: it stays open until a person sends resolve."));
    }
    lines
}

/// What the state machine does meanwhile, in the mode that its remedies have.
fn watch(place: &Place) -> String {
    let may = |mode: Mode| place.remedies.values().any(|its| *its == mode);
    let what = match (may(Mode::Auto), may(Mode::Approve)) {
        (true, false) => "watch; service-down is at work and goes on",
        (true, true) => {
            "watch; service-down is at work, and asks you to approve what it may not do by itself"
        }
        (false, true) => {
            "approve, or it stays down: service-down looks for the cause, and a notice brings {\"approve\": \"...\"}"
        }
        (false, false) => "mend it yourself: service-down looks for the cause, and may change nothing here",
    };
    format!("{what}.")
}

/// The kill switch that stops the remedy that is wanted, or any of them while none is.
fn stopped<'a>(incident: &Incident, place: &'a Place) -> Option<&'a Switch> {
    let wanted = incident.found.as_ref().and_then(|found| found.remedy.function());
    let counts = |switch: &&Switch| match wanted {
        Some(function) => switch.stops(function),
        None => place.remedies.keys().any(|function| switch.stops(function)),
    };
    place.switches.iter().find(counts)
}

/// The plan that the state machine waits for, or another one of the remedy that is wanted.
fn plan<'a>(incident: &'a Incident, place: &'a Place) -> Option<&'a Waiting> {
    let of_machine = incident.tried_now().iter().rev().find_map(|tried| {
        let id = tried.approval.as_ref()?;
        place.plans.iter().find(|plan| plan.id == *id)
    });
    let wanted = incident.found.as_ref().and_then(|found| found.remedy.function());
    of_machine
        .or_else(|| place.plans.iter().find(|plan| wanted.is_none_or(|function| plan.function == function)))
}

/// The remedy's JSON, unless it has been tried.
fn remedy(incident: &Incident, found: &Finding, place: &Place) -> Vec<String> {
    let Some(Sent { function, request }) = &found.remedy.sent else {
        return Vec::new();
    };
    if incident.tried_now().iter().any(|tried| tried.remedy.function == *function && tried.acted()) {
        return Vec::new();
    }
    let send = request.to_string();
    if send.len() > MAX_JSON {
        let show = json!({ "show": incident.id });
        return vec![format!("What to send to {}: see {show} of {}", named(place, function), place.function)];
    }
    vec![format!("Send to {}: {send}", named(place, function))]
}

/// How a person finds another function in the console.
fn named(place: &Place, task: &str) -> String {
    text::line(&format!("{}{task}", place.function.trim_end_matches("incident")), MAX_LINE)
}
