//! Decides how many tasks a service gets, from what was read and nothing else.

use jiff::Timestamp;
use serde_json::json;
use shared::{
    alarms, code,
    ecs::{Service, ready},
    outcome::Stop,
    plan::{FollowUpChange, Limits},
};

use crate::{
    action::Action,
    follow_up::{Past, Plan, RaisedMinimum, restore_minimum},
    observe::Observed,
    request::{Goal, Request},
    settings::Settings,
    skipped,
};

/// One step never more than doubles the service: a wrong metric must not buy a hundred tasks.
const MAX_STEP_FACTOR: u32 = 2;

/// As in `backend: 2 → 4 tasks`.
pub(crate) fn in_short(actions: &[Action], observed: &Observed) -> String {
    let change = |is: Option<u32>, to: u32| match is {
        Some(is) if is != to => format!("{is} → {to}"),
        _ => to.to_string(),
    };
    let tasks = observed.service.as_ref().map(|service| service.desired_count);
    let minimum = observed.scalable_target.as_ref().map(|target| target.min_capacity);
    match actions.last() {
        Some(Action::SetDesiredCount { service, desired_count, .. }) => {
            format!("{service}: {} tasks", change(tasks, *desired_count))
        }
        Some(
            Action::SetMinCapacity { resource_id, min_capacity }
            | Action::RestoreMinCapacity { resource_id, min_capacity, .. },
        ) => {
            // service/<cluster>/<service>
            let service = resource_id.rsplit('/').next().unwrap_or(resource_id);
            format!("{service}: a minimum of {} tasks", change(minimum, *min_capacity))
        }
        None => String::new(),
    }
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
    let follow_up = past.follow_up.as_ref();
    let frozen = past.freeze.as_ref().map(|freeze| format!("; {}", freeze.said())).unwrap_or_default();
    let lasting = observed.alarms.iter().any(|alarm| alarm.is_in_alarm);
    let decided = match request.goal {
        Goal::LookAfter if !lasting => restore_minimum(now, observed, request, settings, follow_up),
        _ => more_tasks(now, observed, request, settings, past),
    };
    decided.map_or_else(Plan::skip, |plan| Plan { reason: plan.reason.clone() + &frozen, ..plan })
}

/// Whether an action that was begun earlier still has to be done. A count that somebody has set higher since
/// is left as it is.
pub(crate) fn is_outstanding(action: &Action, observed: &Observed) -> bool {
    let min_capacity = observed.scalable_target.as_ref().map(|target| target.min_capacity);
    match action {
        Action::SetMinCapacity { min_capacity: wanted, .. } => min_capacity.is_some_and(|now| now < *wanted),
        Action::RestoreMinCapacity { min_capacity: wanted, raised_to, .. } => {
            min_capacity.is_some_and(|now| now > *wanted && raised_to.is_none_or(|raised| raised == now))
        }
        Action::SetDesiredCount { desired_count, .. } => {
            observed.service.as_ref().is_some_and(|service| service.desired_count < *desired_count)
        }
    }
}

/// Whether today's settings allow what was decided earlier.
pub(crate) fn allows(action: &Action, settings: &Settings) -> Result<(), Stop> {
    let no = |why: String| Err(Stop::refused(&code::NOT_ALLOWED, why));
    match action {
        Action::SetDesiredCount { cluster, service, desired_count } => {
            if *cluster != settings.cluster || *service != settings.service {
                return no(format!(
                    "service {service} of cluster {cluster} is none of this function's any more"
                ));
            }
            if *desired_count > settings.max_tasks {
                return no(format!(
                    "{desired_count} tasks are more than the {} that are allowed now",
                    settings.max_tasks
                ));
            }
            Ok(())
        }
        Action::SetMinCapacity { resource_id, min_capacity }
        | Action::RestoreMinCapacity { resource_id, min_capacity, .. } => {
            if *resource_id != settings.target() {
                return no(format!("{resource_id} is none of this function's any more"));
            }
            if *min_capacity > settings.max_tasks {
                return no(format!(
                    "a minimum of {min_capacity} is more than the {} that are allowed now",
                    settings.max_tasks
                ));
            }
            Ok(())
        }
    }
}

fn more_tasks(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    past: &Past,
) -> Result<Plan, Stop> {
    let name = &request.service;
    let service = running_well(now, observed, request)?;
    let maximum = observed
        .scalable_target
        .as_ref()
        .map_or(settings.max_tasks, |target| target.max_capacity.min(settings.max_tasks));
    let desired = service.desired_count;
    let wanted = match request.goal {
        Goal::DesiredCount(asked) if asked > maximum => {
            return Err(skipped::count_out_of_range(name, asked, desired, maximum));
        }
        Goal::DesiredCount(asked) if asked <= desired => return Err(skipped::enough_tasks(name, desired)),
        _ if desired >= maximum => return Err(skipped::at_maximum(name, maximum)),
        Goal::DesiredCount(asked) => asked,
        Goal::By(more) => desired.saturating_add(more),
        Goal::Step | Goal::LookAfter => desired + desired.div_ceil(2),
    };
    let count = wanted.min(desired.saturating_mul(MAX_STEP_FACTOR)).min(maximum);

    let resource_id = settings.target();
    let mut actions = Vec::new();
    let mut change = FollowUpChange::Keep;
    if let Some(target) = observed.scalable_target.as_ref().filter(|target| target.min_capacity < count) {
        actions.push(Action::SetMinCapacity { resource_id, min_capacity: count });
        let raised = RaisedMinimum::new(target, count, past.follow_up.as_ref());
        change = FollowUpChange::Set(raised.until(now + settings.raised_minimum));
    }
    actions.push(Action::SetDesiredCount {
        cluster: settings.cluster.clone(),
        service: request.service.clone(),
        desired_count: count,
    });
    let why = why(observed, request, &past.asked);
    let limit = if count < wanted {
        format!("; {wanted} would be too many at once: a step at most doubles the tasks, up to {maximum}")
    } else if count == maximum {
        "; that is the maximum".to_owned()
    } else {
        String::new()
    };
    let reason = format!("{why}; all {desired} tasks run{limit}");
    // Somebody who names a number has looked.
    let limits =
        if matches!(request.goal, Goal::DesiredCount(_)) { Limits::SkipCooldown } else { Limits::Apply };
    let by_hand = Some(json!({ "service": request.service, "desired_count": count }));
    Ok(Plan { follow_up: change, limits, by_hand, ..Plan::act(actions, reason) })
}

fn why(observed: &Observed, request: &Request, asked: &str) -> String {
    let lasting = observed.alarms.iter().find(|alarm| alarm.is_in_alarm);
    match (&request.alarm, request.goal, lasting) {
        (Some(alarm), _, _) => format!("alarm {} rang", alarm.name),
        (None, Goal::LookAfter, Some(alarm)) => format!("alarm {} is still in ALARM", alarm.name),
        _ => asked.to_owned(),
    }
}

/// The service, if it is one that more tasks can help.
fn running_well<'a>(now: Timestamp, observed: &'a Observed, request: &Request) -> Result<&'a Service, Stop> {
    let name = &request.service;
    let service = ready::usable(observed.service.as_ref(), name)?;
    if let Some(alarm) = &request.alarm {
        alarms::lasts(alarm, &observed.alarms)?;
    }
    if service.is_daemon {
        return Err(skipped::daemon(name));
    }
    ready::tasks_start(&observed.stopped_tasks, now, name)?;
    // While a deployment bakes, a new count is that of old and new tasks.
    ready::still_or_baking(service, name)?;
    ready::not_stopped(service, name)?;
    ready::complete(service, name)?;
    Ok(service)
}

#[cfg(test)]
mod tests;
