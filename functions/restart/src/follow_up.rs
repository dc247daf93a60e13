//! How a restart ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    clock::readable,
    code,
    ecs::{Deployment, Service, revision, some_of},
    outcome::{Decision, Next, Stop},
    plan::{self, nothing_to_look_after, still_settling},
};

use crate::{action::Action, codes, observe::Observed, settings::Settings};

pub(crate) type FollowUp = plan::FollowUp<Restarted>;
pub(crate) type Past = plan::Past<Restarted>;
pub(crate) type Plan = plan::Plan<Action, Restarted>;

/// A restart that was begun: what is looked after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restarted {
    pub(crate) task_definition: String,
    /// The deployment before it.
    pub(crate) replaces: String,
    pub(crate) since: Timestamp,
}

impl Restarted {
    /// That it has begun is seen at once; how it ends is for the scheduled run.
    pub(crate) fn until(self, due: Timestamp) -> FollowUp {
        FollowUp { due, what: self, until_verified: false }
    }
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// ECS shows no new deployment yet.
    NotBegun,
    UnderWay,
    Completed,
    /// ECS has given up on it, or somebody has stopped it.
    Failed,
    /// Another task definition was deployed since.
    Superseded {
        runs: String,
    },
    ServiceGone,
}

pub(crate) fn look_after(
    now: Timestamp,
    observed: &Observed,
    settings: &Settings,
    follow_up: Option<&FollowUp>,
) -> Result<Plan, Stop> {
    let follow_up = follow_up.ok_or_else(nothing_to_look_after)?;
    let restarted = &follow_up.what;
    let state = state(observed, restarted);
    let progress = progress(observed);
    let failed = |code, what: &str, next| {
        let reason = format!(
            "the restart of {} {what}: {progress}{}",
            settings.service,
            failures(observed, restarted)
        );
        Ok(Plan::settle(Stop { decision: Decision::Failed, code, reason, next: Some(next) }))
    };
    match state {
        State::Completed => {
            let reason = format!("the restart of {} has ended well: {progress}", settings.service);
            Ok(Plan::settle(Stop::nothing_to_do(&code::VERIFIED, reason)))
        }
        State::Superseded { runs } => {
            let reason = format!("{runs} was deployed since: the restart is not looked after any more");
            Ok(Plan::settle(Stop::nothing_to_do(&code::SUPERSEDED, reason)))
        }
        State::Failed => failed(
            &codes::RESTART_FAILED,
            "has failed, and ECS has given its deployment up",
            Next::devops(
                "see why fresh tasks do not start: ask diagnose {\"symptom\": \"application-wont-start\"}; the tasks \
                 from before go on meanwhile",
            ),
        ),
        State::NotBegun | State::UnderWay | State::ServiceGone if now < follow_up.due => {
            Err(still_settling(&format!("the restart of {}", settings.service), follow_up.due, &progress))
        }
        State::NotBegun | State::UnderWay | State::ServiceGone => failed(
            &code::NOT_VERIFIED,
            &format!("has not settled by {}", readable(follow_up.due)),
            Next::devops(
                "look at the service's events and stopped tasks: something keeps fresh tasks from taking over",
            ),
        ),
    }
}

fn state(observed: &Observed, restarted: &Restarted) -> State {
    let Some(service) = &observed.service else {
        return State::ServiceGone;
    };
    if service.task_definition != restarted.task_definition {
        return State::Superseded { runs: revision(&service.task_definition).to_owned() };
    }
    // The newest first: where ECS rolls back, the service's own deployments tell only that another one runs.
    let of_restart = observed
        .deployments
        .iter()
        .find(|deployment| deployment.created_at.is_some_and(|created_at| created_at >= restarted.since));
    let begun = has_begun(service, &restarted.replaces);
    let failed = begun && service.primary().is_some_and(Deployment::has_failed);
    match of_restart.map(|deployment| deployment.status.as_str()) {
        _ if failed => State::Failed,
        Some("STOPPED" | "STOP_REQUESTED") => State::Failed,
        Some(status) if status.starts_with("ROLLBACK") => State::Failed,
        _ if begun && service.is_steady() => State::Completed,
        _ if begun => State::UnderWay,
        _ => State::NotBegun,
    }
}

/// Whether another deployment is the primary one than before.
pub(crate) fn has_begun(service: &Service, replaces: &str) -> bool {
    service.primary().is_some_and(|primary| primary.id != replaces)
}

fn progress(observed: &Observed) -> String {
    observed.service.as_ref().map_or_else(|| "the service is gone".to_owned(), Service::progress)
}

/// What its fresh tasks died of.
fn failures(observed: &Observed, restarted: &Restarted) -> String {
    let mut reasons: Vec<&str> = observed
        .stopped_tasks
        .iter()
        .filter(|task| task.failed && task.task_definition == restarted.task_definition)
        // By whole seconds: a clock may tell no more.
        .filter(|task| task.stopped_at.is_none_or(|at| at.as_second() >= restarted.since.as_second()))
        .map(|task| task.reason.as_str())
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    if reasons.is_empty() { String::new() } else { format!("; tasks stopped with: {}", some_of(&reasons)) }
}
