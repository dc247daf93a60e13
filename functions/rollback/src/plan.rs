//! Decides whether to roll back and to which release, from what was read and nothing else.

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    clock::readable,
    ecs::{self, Service, TaskDefinition, revision},
    freeze::{Freeze, Variable},
    ledger::{FollowUp, FollowUpChange},
    outcome::{Decision, Next, Stop, Verification},
    remedy::{Past, Plan, Weight},
};

use crate::{
    choice::{self, PastDeployment, Why},
    observe::Observed,
    request::{Because, Request, To},
    settings::Settings,
    skipped::Skipped,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// So that nothing ever rolls back to it by itself.
    NoteRolledBack { release: String },
    /// Has ECS undo a deployment that is under way.
    StopDeployment { service_deployment: String, from: String, to: String },
    /// Points the service at an older task definition.
    Deploy {
        from: String,
        to: String,
        /// Whether a copy of it must be registered first.
        copy: bool,
        /// Images to be named by digest in the copy, since their tag has moved on.
        images: BTreeMap<String, String>,
        /// What the copy must have, since writes are frozen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freeze: Option<Variable>,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoteRolledBack { release } => write!(f, "note that {release} was rolled back from"),
            Self::StopDeployment { from, to, .. } => {
                write!(f, "stop the deployment of {from} and have ECS roll back to {to}")
            }
            Self::Deploy { from, to, copy: false, freeze: None, .. } => {
                write!(f, "roll back from {from} to {to}")
            }
            Self::Deploy { from, to, images, freeze, .. } => {
                write!(f, "roll back from {from} to a copy of {to}")?;
                let variable = freeze.iter().map(ToString::to_string);
                let with: Vec<String> = variable.chain(images.values().cloned()).collect();
                if with.is_empty() {
                    write!(f, ", which is INACTIVE")
                } else {
                    write!(f, " with {}", with.join(" and "))
                }
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
    let decided = match request.to {
        To::LookAfter => look_after(now, observed, settings, past.follow_up.as_ref()),
        _ => roll_back(now, observed, request, settings, past.freeze.as_ref()),
    };
    decided.unwrap_or_else(|skipped| Plan::skip(skipped.stop(&settings.service)))
}

/// Whether an action that was begun earlier is still to be done. If somebody has deployed something else
/// since, it is not.
pub(crate) fn is_outstanding(action: &Action, observed: &Observed) -> bool {
    match action {
        Action::NoteRolledBack { .. } => true,
        Action::StopDeployment { service_deployment, .. } => observed
            .history
            .iter()
            .any(|deployment| deployment.arn == *service_deployment && deployment.is_under_way()),
        Action::Deploy { from, .. } => {
            observed.service.as_ref().is_some_and(|service| revision(&service.task_definition) == from)
        }
    }
}

fn roll_back(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    freeze: Option<&Freeze>,
) -> Result<Plan<Action>, Skipped> {
    let service = observed.service.as_ref().ok_or(Skipped::ServiceMissing)?;
    if service.status != "ACTIVE" {
        return Err(Skipped::ServiceInactive { status: service.status.clone() });
    }
    if service.deployment_controller != "ECS" {
        return Err(Skipped::NotRolling { controller: service.deployment_controller.clone() });
    }
    let current = revision(&service.task_definition);
    let is_named = matches!(request.to, To::Revision(_) | To::Release(_));
    if !is_named {
        is_called_for(now, observed, request, settings, service)?;
    }
    if let Some(deployment) = observed.history.iter().find(|deployment| deployment.is_rolling_back()) {
        return Err(Skipped::AlreadyRollingBack { deployment: deployment.arn.clone() });
    }

    let stoppable = under_way(observed, current, freeze.is_some());
    let (action, why) = match (&request.to, stoppable) {
        (To::Revision(named) | To::Release(named), _) => {
            let target = observed.named.as_ref().ok_or_else(|| Skipped::RevisionMissing {
                named: named.clone(),
                existing: observed.existing.clone(),
            })?;
            (deploy(observed, current, target, freeze)?, "it was named by hand".to_owned())
        }
        (_, Some((deployment, to))) => {
            let action = Action::StopDeployment {
                service_deployment: deployment.arn.clone(),
                from: current.to_owned(),
                to: revision(to).to_owned(),
            };
            (action, format!("{} is the last release that was deployed successfully", revision(to)))
        }
        (_, None) => {
            let (candidate, target) = observed
                .candidates
                .iter()
                .find_map(|(candidate, found)| Some((candidate, found.as_ref()?)))
                .ok_or_else(|| Skipped::NoKnownGood { existing: observed.existing.clone() })?;
            let why = match candidate.why {
                Why::ProbePassed => "the health probe passed while it ran",
                Why::DeploymentSucceeded => "its deployment succeeded, and more is not known of it",
            };
            (deploy(observed, current, target, freeze)?, why.to_owned())
        }
    };
    let to = match &action {
        Action::StopDeployment { to, .. } | Action::Deploy { to, .. } => to.clone(),
        Action::NoteRolledBack { release } => release.clone(),
    };
    let frozen = freeze.map(|freeze| format!("; {}, and stay so", freeze.said())).unwrap_or_default();
    let reason = format!(
        "{}; {to} is the choice, since {why}{frozen}{}",
        because(request, service),
        failures(observed)
    );
    let release = choice::stands_for(&observed.releases, current).to_owned();
    Ok(Plan {
        follow_up: FollowUpChange::Set(FollowUp {
            due: now + settings.settle,
            what: json!({ "from": current, "to": to }),
            until_verified: true,
        }),
        weight: if is_named { Weight::Wished } else { Weight::Full },
        ..Plan::act(vec![Action::NoteRolledBack { release }, action], reason)
    })
}

/// Whether an older release would help.
fn is_called_for(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    service: &Service,
) -> Result<(), Skipped> {
    match &request.because {
        Because::Alarm(alarm) => {
            if observed.alarms.iter().any(|seen| seen.name == alarm.name && !seen.is_in_alarm) {
                return Err(Skipped::AlarmNotInAlarm { alarm: alarm.name.clone() });
            }
            let young = SignedDuration::try_from(settings.young_release).unwrap_or(SignedDuration::MAX);
            let since = choice::released_at(&observed.history, &observed.releases, &service.task_definition)
                .or_else(|| service.primary()?.created_at);
            if let Some(since) = since.filter(|since| now.duration_since(*since) > young) {
                let release = revision(&service.task_definition).to_owned();
                return Err(Skipped::OldRelease { release, since });
            }
        }
        Because::Deployment(event) => {
            let failed = service.primary().filter(|primary| {
                event.deployment.as_ref().is_none_or(|id| *id == primary.id) && !primary.is_completed()
            });
            if failed.is_none() {
                return Err(Skipped::Superseded);
            }
        }
        Because::Person | Because::Schedule => {}
    }
    match &observed.health {
        Some(health) if health.is_the_database() => {
            Err(Skipped::DatabaseDown { probe: health.summary.clone() })
        }
        _ => Ok(()),
    }
}

/// The deployment under way that ECS can undo, and the task definition that it would go back to.
fn under_way<'a>(
    observed: &'a Observed,
    current: &str,
    frozen: bool,
) -> Option<(&'a PastDeployment, &'a str)> {
    let deployment = observed.history.iter().find(|deployment| deployment.is_under_way())?;
    let last_success = observed
        .history
        .iter()
        .filter(|past| past.has_succeeded() && past.created_at <= deployment.created_at)
        .max_by_key(|past| past.created_at)?;
    let to = last_success.task_definition.as_deref()?;
    let release = choice::stands_for(&observed.releases, to);
    let rolled_back =
        observed.releases.iter().any(|known| known.revision == release && known.rolled_back_at.is_some());
    let stays_as_it_is = (release != revision(to)) == frozen;
    // To undo a restart brings nothing else; and ECS would mind neither a release that we rolled back from nor one
    // that ends a freeze, or begins one.
    (release != choice::stands_for(&observed.releases, current) && !rolled_back && stays_as_it_is)
        .then_some((deployment, to))
}

fn deploy(
    observed: &Observed,
    current: &str,
    target: &TaskDefinition,
    freeze: Option<&Freeze>,
) -> Result<Action, Skipped> {
    let to = target.revision();
    if to == current || observed.current.as_ref().is_some_and(|runs| runs.is(to)) {
        return Err(Skipped::AlreadyRuns { release: to.to_owned() });
    }
    let family = ecs::family(current);
    if ecs::family(to) != family {
        return Err(Skipped::OtherFamily { named: to.to_owned(), family: family.to_owned() });
    }
    let images = choice::moved_images(&observed.history, to);
    let copy = !target.is_active || !images.is_empty();
    let freeze = match (&target.frozen_from, freeze) {
        (Some(release), None) => {
            return Err(Skipped::FrozenCopy { named: to.to_owned(), release: release.clone() });
        }
        (None, Some(freeze)) if !target.images.contains_key(&freeze.variable.container) => {
            let container = freeze.variable.container.clone();
            return Err(Skipped::CannotFreeze { release: to.to_owned(), container });
        }
        // A copy with which they were frozen needs nothing more.
        (Some(_), Some(freeze)) => copy.then(|| freeze.variable.clone()),
        (None, freeze) => freeze.map(|freeze| freeze.variable.clone()),
    };
    Ok(Action::Deploy { from: current.to_owned(), to: to.to_owned(), copy, images, freeze })
}

fn because(request: &Request, service: &Service) -> String {
    let release = revision(&service.task_definition);
    match &request.because {
        Because::Alarm(alarm) => format!("alarm {} is in ALARM, and {release} is new", alarm.name),
        Because::Deployment(event) => {
            let reason = event.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("the deployment of {release} has failed{reason}")
        }
        Because::Person | Because::Schedule => "it was asked for by hand".to_owned(),
    }
}

/// What the release's tasks died of, for whoever has to mend it.
fn failures(observed: &Observed) -> String {
    let current = observed.service.as_ref().map(|service| service.task_definition.as_str());
    let mut reasons: Vec<&str> = observed
        .stopped_tasks
        .iter()
        .filter(|task| task.failed && Some(task.task_definition.as_str()) == current)
        .map(|task| task.reason.as_str())
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    if reasons.is_empty() {
        String::new()
    } else {
        format!("; its tasks stopped with: {}", reasons.join("; "))
    }
}

fn look_after(
    now: Timestamp,
    observed: &Observed,
    settings: &Settings,
    follow_up: Option<&FollowUp>,
) -> Result<Plan<Action>, Skipped> {
    let follow_up = follow_up.ok_or(Skipped::NothingToLookAfter)?;
    let text = |name: &str| follow_up.what.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let (from, to) = (text("from"), text("to"));
    let seen = settled(observed, to);
    if seen.verified {
        let reason = format!("the roll-back to {to} has settled: {}", seen.what);
        return Ok(Plan::settle(Stop::nothing_to_do("verified", reason)));
    }
    let runs =
        observed.service.as_ref().map(|service| revision(&service.task_definition)).unwrap_or_default();
    let is_it = observed.current.as_ref().is_some_and(|current| current.is(to));
    if !runs.is_empty() && runs != from && runs != to && observed.current.is_some() && !is_it {
        let reason = format!("{runs} was deployed since: the roll-back to {to} is not looked after any more");
        return Ok(Plan::settle(Stop::nothing_to_do("superseded", reason)));
    }
    if now < follow_up.due {
        return Err(Skipped::StillSettling { to: to.to_owned(), due: follow_up.due, now: seen.what });
    }
    Ok(Plan::settle(Stop {
        decision: Decision::Failed,
        code: "not_verified",
        reason: format!(
            "the roll-back of {} to {to} has not settled by {}: {}",
            settings.service,
            readable(follow_up.due),
            seen.what
        ),
        next: Some(Next::devops(
            "look at the service's events and stopped tasks; if the older release fails too, the cause lies elsewhere",
        )),
    }))
}

/// Whether the service runs the release, all of it, and the probe agrees.
pub(crate) fn settled(observed: &Observed, to: &str) -> Verification {
    let (runs, what) = deployed(observed, to);
    match &observed.health {
        _ if !runs => Verification { verified: false, what },
        Some(health) if health.api => {
            Verification { verified: true, what: format!("{what}, and /health passes") }
        }
        Some(health) => {
            Verification { verified: false, what: format!("{what}, but /health fails: {}", health.summary) }
        }
        None => Verification { verified: false, what: format!("{what}, but the probe did not answer") },
    }
}

/// Whether the service runs the release as far as ECS can tell, and what it runs.
pub(crate) fn deployed(observed: &Observed, to: &str) -> (bool, String) {
    let Some(service) = &observed.service else {
        return (false, "the service is gone".to_owned());
    };
    let is_it = observed.current.as_ref().is_some_and(|current| current.is(to));
    (is_it && service.is_steady(), service.progress())
}

#[cfg(test)]
pub(crate) mod tests;
