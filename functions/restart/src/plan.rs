//! Decides whether to restart, from what was read and nothing else.

use jiff::Timestamp;
use serde_json::json;
use shared::{
    alarms,
    ecs::{Service, ready, revision},
    outcome::Stop,
    plan::FollowUpChange,
};

use crate::{
    action::Action,
    follow_up::{Past, Plan, Restarted, look_after},
    observe::Observed,
    request::{Goal, Request},
    settings::Settings,
    skipped,
};

/// As in `backend: fresh tasks in place of 2 (lendpeak2-backend-production:7)`.
pub(crate) fn in_short(actions: &[Action], observed: &Observed, settings: &Settings) -> String {
    let Some(Action::Deploy { task_definition, .. }) = actions.first() else {
        return String::new();
    };
    let tasks = observed.service.as_ref().map_or(0, |service| service.running_count);
    format!("{}: fresh tasks in place of {tasks} ({})", settings.service, revision(task_definition))
}

/// The plan for one request.
pub(crate) fn plan(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    past: &Past,
) -> Plan {
    if let Some(why) = &observed.refused {
        return Plan::skip(why.stop(crate::FUNCTION));
    }
    let decided = match request.goal {
        Goal::LookAfter => look_after(now, observed, settings, past.follow_up.as_ref()),
        Goal::FreshTasks => restart(now, observed, request, settings, past),
    };
    decided.unwrap_or_else(Plan::skip)
}

/// Whether an action that was begun earlier is still to be done. Any deployment since has brought fresh tasks.
pub(crate) fn is_outstanding(action: &Action, observed: &Observed) -> bool {
    let Action::Deploy { replaces, .. } = action;
    observed
        .service
        .as_ref()
        .and_then(Service::primary)
        .is_some_and(|primary| primary.id == *replaces && !observed.is_deploying())
}

fn restart(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    past: &Past,
) -> Result<Plan, Stop> {
    let name = &settings.service;
    let service = replaceable(observed, request, name)?;
    new_tasks_would_start(now, observed, service, name)?;
    tasks_would_stay(service, name)?;
    let task_definition = service.task_definition.clone();
    // Between two deployments, ECS may name none as the primary one.
    let primary = service.primary().ok_or_else(|| ready::deployment_in_progress(service, name))?;
    let replaces = primary.id.clone();
    let restarted =
        Restarted { task_definition: task_definition.clone(), replaces: replaces.clone(), since: now };
    let because = match &request.alarm {
        Some(alarm) => format!("alarm {} rang", alarm.name),
        None => past.asked.clone(),
    };
    let frozen = past.freeze.as_ref().map(|freeze| format!("; {}, and stay so", freeze.said()));
    let reason = format!(
        "{because}; {} tasks of {} run, and at least {} stay while fresh ones start{}",
        service.running_count,
        revision(&task_definition),
        service.kept_by_a_deployment(),
        frozen.unwrap_or_default()
    );
    let action = Action::Deploy {
        cluster: settings.cluster.clone(),
        service: settings.service.clone(),
        task_definition,
        replaces,
    };
    Ok(Plan {
        follow_up: FollowUpChange::Set(restarted.until(now + settings.settle)),
        by_hand: Some(json!({})),
        ..Plan::act(vec![action], reason)
    })
}

/// The service, if it has tasks to replace and nobody is replacing them.
fn replaceable<'a>(observed: &'a Observed, request: &Request, name: &str) -> Result<&'a Service, Stop> {
    let service = ready::usable(observed.service.as_ref(), name)?;
    ready::deployed_by_ecs(service, name, "restart it there")?;
    if let Some(alarm) = &request.alarm {
        alarms::lasts(alarm, &observed.alarms)?;
    }
    ready::not_stopped(service, name)?;
    ready::not_failed(service, name)?;
    ready::still(service, name)?;
    if observed.is_deploying() {
        return Err(ready::deployment_in_progress(service, name));
    }
    Ok(service)
}

/// A restart takes living tasks away: only where others can take their place.
fn new_tasks_would_start(
    now: Timestamp,
    observed: &Observed,
    service: &Service,
    name: &str,
) -> Result<(), Stop> {
    // Those of another release say nothing about this one.
    let of_this =
        observed.stopped_tasks.iter().filter(|task| task.task_definition == service.task_definition);
    ready::tasks_start(of_this, now, name)?;
    match &observed.task_definition {
        None => return Err(ready::task_definition_missing(service, name)),
        Some(definition) if !definition.is_active => {
            return Err(skipped::task_definition_inactive(name, revision(&service.task_definition)));
        }
        Some(_) => {}
    }
    if !observed.missing.is_empty() {
        return Err(skipped::needs_missing(name, &observed.missing));
    }
    ready::complete(service, name)
}

/// ECS replaces tasks as the service's deployment configuration says.
fn tasks_would_stay(service: &Service, name: &str) -> Result<(), Stop> {
    let (kept, room) = (service.kept_by_a_deployment(), service.room_for_a_deployment());
    if kept == 0 {
        return Err(skipped::no_task_would_stay(name));
    }
    if kept >= service.desired_count && room <= service.desired_count {
        return Err(skipped::no_room(name, service.desired_count));
    }
    Ok(())
}

impl Observed {
    /// Whether a roll-out is under way, by either account of ECS.
    pub(crate) fn is_deploying(&self) -> bool {
        let under_way = |status: &str| {
            matches!(
                status,
                "PENDING" | "IN_PROGRESS" | "STOP_REQUESTED" | "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS"
            )
        };
        self.service.as_ref().is_some_and(Service::is_deploying)
            || self.deployments.iter().any(|deployment| under_way(&deployment.status))
    }
}

#[cfg(test)]
pub(crate) mod tests;
