//! What a person should do, and the JSON for it.

use jiff::Timestamp;
use serde_json::json;
use shared::{
    diagnosis::{Finding, Sent},
    ledger::{ALL, Switch},
    notice::Step,
    settings::Mode,
    text,
};

use super::deployment::{Deployment, WaitingPlan};
use crate::incident::{Incident, NoticeKind};

/// JSON is never cut. A longer request is left to the report.
const MAX_JSON: usize = 600;

pub(super) fn steps(
    incident: &Incident,
    kind: &NoticeKind,
    deployment: &Deployment,
    now: Timestamp,
    most: usize,
) -> Vec<Step> {
    let function = &deployment.function;
    let line = |text: &str| text::line(text, most);
    let mut steps = Vec::new();
    match kind {
        NoticeKind::Resolved => {
            let show = json!({ "show": incident.id });
            return vec![Step::new("You: nothing to do. For the report,").send(function, show)];
        }
        NoticeKind::ProbePasses => {
            let diagnose = deployment.name_of("diagnose");
            let broken = Step::new("You: if it is still broken for you,");
            steps.push(broken.send(line(&diagnose), json!({})));
            let resolve = json!({ "resolve": incident.id, "reason": "<how>" });
            steps.push(Step::new("If it is over,").send(function, resolve));
        }
        NoticeKind::Opened
        | NoticeKind::Reopened
        | NoticeKind::Worse { .. }
        | NoticeKind::Escalated { .. } => {
            let switch_on = stopped_by(incident, deployment);
            let plan = plan(incident, deployment);
            if let Some(switch) = switch_on {
                let words = switch.in_words(now);
                let scope = match switch.stops.as_str() {
                    ALL => "No remedy acts".to_owned(),
                    function => format!("{function} does not act"),
                };
                let words =
                    line(&format!("You: {words}. {scope} while it is on: mend it yourself, or lift it."));
                steps.push(Step::new(words).send(function, switch.lift()));
            }
            if let Some(WaitingPlan { function: remedy, id }) = plan {
                steps.push(if deployment.named_approvers {
                    Step::new(line(&format!("You: approve, or it stays down: `lendpeak2 approve {id}`")))
                } else {
                    let approve = Step::new("You: approve, or it stays down.");
                    approve.send(line(&deployment.name_of(remedy)), json!({ "approve": id }))
                });
            }
            if switch_on.is_none() && plan.is_none() {
                steps.push(if incident.is_with_the_machine() {
                    Step::new(line(&format!("You: {}", while_the_machine_works(deployment))))
                } else if let Some(found) = &incident.found {
                    Step::new(line(&format!("You: {}.", found.remedy.what.trim_end_matches('.'))))
                } else {
                    let diagnose = line(&deployment.name_of("diagnose"));
                    Step::new("You: find the cause.").send(diagnose, json!({}))
                });
            }
            if !incident.is_with_the_machine()
                && plan.is_none()
                && let Some(found) = &incident.found
            {
                steps.extend(remedy(incident, found, deployment, most));
            }
        }
    }
    let next = incident.deadline(deployment.acknowledge_within).map_or(String::new(), |within| {
        let (next, minutes) = (incident.level.saturating_add(1), within.as_secs() / 60);
        format!(" Level {next} is called in {minutes} min unless you acknowledge.")
    });
    let acknowledge = json!({ "acknowledge": incident.id, "by": "<your name>" });
    steps.push(Step::new(format!("Do you have it?{next}")).send(function, acknowledge));
    if incident.is_with_the_machine() {
        steps.push(Step::new("Add \"take_over\": true to stop service-down."));
    }
    if incident.by_person && incident.is_with_the_machine() {
        steps.push(Step::new(line("A person opened it, so it stays open until a person resolves it.")));
    }
    steps
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
pub(super) fn plan<'a>(incident: &'a Incident, deployment: &'a Deployment) -> Option<&'a WaitingPlan> {
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
fn remedy(incident: &Incident, found: &Finding, deployment: &Deployment, most: usize) -> Option<Step> {
    let Sent { function, request } = found.remedy.sent.as_ref()?;
    let acted = |attempt: &crate::incident::Attempt| attempt.remedy.function == *function && attempt.acted();
    if incident.current_attempts().iter().any(acted) {
        return None;
    }
    let name = text::line(&deployment.name_of(function), most);
    if request.to_string().len() > MAX_JSON {
        let show = json!({ "show": incident.id });
        return Some(Step::new(format!(
            "For what to send to {name}, send {show} to {}",
            deployment.function
        )));
    }
    Some(Step::default().send(name, request.clone()))
}
