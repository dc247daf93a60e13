//! Decides how many tasks a service gets, from what was read and nothing else.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::{
    alarms,
    clock::readable,
    code,
    ecs::{Service, ready},
    outcome::Stop,
    plan::{FollowUp, FollowUpChange, Past, Plan, Weight},
};

use crate::{
    observe::{Observed, ScalableTarget},
    request::{Goal, Request},
    settings::Settings,
    skipped,
};

/// One step never more than doubles the service: a wrong metric must not buy a hundred tasks.
const MAX_STEP_FACTOR: u32 = 2;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    SetMinCapacity {
        resource_id: String,
        min_capacity: u32,
    },
    SetDesiredCount {
        cluster: String,
        service: String,
        desired_count: u32,
    },
    RestoreMinCapacity {
        resource_id: String,
        min_capacity: u32,
        /// What it was raised to: another minimum is somebody else's.
        #[serde(default)]
        raised_to: Option<u32>,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetMinCapacity { resource_id, min_capacity } => {
                write!(f, "raise the minimum capacity of {resource_id} to {min_capacity}")
            }
            Self::SetDesiredCount { service, desired_count, .. } => {
                write!(f, "set the desired count of {service} to {desired_count}")
            }
            Self::RestoreMinCapacity { resource_id, min_capacity, .. } => {
                write!(f, "bring the minimum capacity of {resource_id} back to {min_capacity}")
            }
        }
    }
}

/// The plan for one request.
pub(crate) fn plan(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    past: &Past,
) -> Plan<Action> {
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

/// Whether an action that was begun earlier is still to be done. A count that somebody has set higher since
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
) -> Result<Plan<Action>, Stop> {
    let follow_up = past.follow_up.as_ref();
    let name = &request.service;
    let service = running_well(now, observed, request)?;
    let maximum = observed
        .scalable_target
        .as_ref()
        .map_or(settings.max_tasks, |target| target.max_capacity.min(settings.max_tasks));
    let desired = service.desired_count;
    let wanted = match request.goal {
        Goal::DesiredCount(asked) if asked > maximum => {
            return Err(skipped::count_out_of_range(name, asked, maximum));
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
        change = FollowUpChange::Set(FollowUp {
            due: now + settings.raised_minimum,
            what: json!({ "min_capacity": original_minimum(target, follow_up), "raised_to": count }),
            until_verified: false,
        });
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
    let reason = format!("{why}, and {desired} tasks run as they should{limit}");
    // Whoever says how many has looked.
    let weight = if matches!(request.goal, Goal::DesiredCount(_)) { Weight::Wished } else { Weight::Full };
    let by_hand = Some(json!({ "service": request.service, "desired_count": count }));
    Ok(Plan { follow_up: change, weight, by_hand, ..Plan::act(actions, reason) })
}

fn why(observed: &Observed, request: &Request, asked: &str) -> String {
    let lasting = observed.alarms.iter().find(|alarm| alarm.is_in_alarm);
    match (&request.alarm, request.goal, lasting) {
        (Some(alarm), _, _) => format!("alarm {} is in ALARM", alarm.name),
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

/// The minimum to go back to: of several raises, the one before the first, unless somebody has set another since.
fn original_minimum(target: &ScalableTarget, follow_up: Option<&FollowUp>) -> u32 {
    let ours = |follow_up: &&FollowUp| {
        number(follow_up, "raised_to").is_none_or(|raised_to| raised_to == target.min_capacity)
    };
    let recorded = follow_up.filter(ours).and_then(minimum);
    recorded.map_or(target.min_capacity, |recorded| recorded.min(target.min_capacity))
}

/// Whether it says what minimum to bring back.
pub(crate) fn understands(what: &Value) -> bool {
    what.get("min_capacity").and_then(Value::as_u64).is_some_and(|minimum| u32::try_from(minimum).is_ok())
}

fn minimum(follow_up: &FollowUp) -> Option<u32> {
    number(follow_up, "min_capacity")
}

fn number(follow_up: &FollowUp, name: &str) -> Option<u32> {
    follow_up.what.get(name)?.as_u64().and_then(|number| u32::try_from(number).ok())
}

fn restore_minimum(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    follow_up: Option<&FollowUp>,
) -> Result<Plan<Action>, Stop> {
    let (follow_up, min_capacity) = follow_up
        .and_then(|follow_up| Some((follow_up, minimum(follow_up)?)))
        .ok_or_else(|| skipped::no_minimum_raised(&request.service))?;
    if now < follow_up.due {
        return Err(skipped::minimum_not_expired(&request.service, follow_up.due));
    }
    let raised_to = number(follow_up, "raised_to");
    let is = observed.scalable_target.as_ref().map_or(0, |target| target.min_capacity);
    if let Some(raised_to) = raised_to.filter(|raised_to| *raised_to != is) {
        return Ok(Plan::settle(skipped::minimum_changed(&request.service, raised_to, is)));
    }
    let resource_id = settings.target();
    let action = Action::RestoreMinCapacity { resource_id, min_capacity, raised_to };
    let reason =
        format!("the minimum was raised until {}, and no load alarm is in ALARM", readable(follow_up.due));
    Ok(Plan { follow_up: FollowUpChange::Clear, weight: Weight::PutsBack, ..Plan::act(vec![action], reason) })
}

#[cfg(test)]
mod tests;
