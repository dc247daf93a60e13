//! Why a service is left as it is.

use jiff::Timestamp;
use serde_json::json;
use shared::{
    clock::readable,
    ecs::{Stage, some_of},
    outcome::{Next, Stop},
};

use crate::needs::{Kind, Missing};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Skipped {
    ServiceMissing,
    ServiceInactive { status: String },
    NotRolling { controller: String },
    AlarmNotInAlarm { alarm: String },
    ScaledToZero,
    DeploymentFailed { release: String },
    DeploymentInProgress { progress: String },
    DeploymentStage { stage: Stage },
    TasksFailToStart { reasons: Vec<String> },
    DefinitionMissing { release: String },
    DefinitionInactive { release: String },
    NeedsMissing { missing: Vec<Missing> },
    TasksPending { running: u32, desired: u32 },
    NoTaskWouldStay,
    NoRoom { desired: u32 },
    NothingToLookAfter,
    StillSettling { due: Timestamp, now: String },
}

impl Skipped {
    #[expect(clippy::too_many_lines, reason = "one sentence for each reason")]
    pub(crate) fn stop(&self, service: &str) -> Stop {
        match self {
            Self::ServiceMissing => {
                Stop::refused("service_missing", format!("there is no service {service}"))
                    .next(Next::devops("correct ClusterName and ServiceName of the stack"))
            }
            Self::ServiceInactive { status } => {
                Stop::refused("service_inactive", format!("service {service} is {status}, not ACTIVE")).next(
                    Next::devops("see who deleted the service, and create it again if that was a mistake"),
                )
            }
            Self::NotRolling { controller } => Stop::refused(
                "not_deployed_by_ecs",
                format!("deployments of {service} are carried out by {controller}, not by ECS"),
            )
            .next(Next::devops("restart it there")),
            Self::AlarmNotInAlarm { alarm } => {
                Stop::nothing_to_do("alarm_not_in_alarm", format!("alarm {alarm} is not in ALARM any more"))
            }
            Self::ScaledToZero => Stop::refused(
                "scaled_to_zero",
                format!("{service} has a desired count of 0: somebody stopped it, and there is nothing to restart"),
            )
            .next(Next::development("find out who stopped it and why before starting it again")),
            Self::DeploymentFailed { release } => Stop::refused(
                "deployment_failed",
                format!("the last deployment of {service}, of {release}, has failed: another would fail the same way"),
            )
            .next(roll_back()),
            Self::DeploymentInProgress { progress } => Stop::refused(
                "deployment_in_progress",
                format!("a deployment of {service} is under way, which brings fresh tasks by itself: {progress}"),
            )
            .next(Next::development("wait for the deployment to end; if it fails, roll it back")),
            Self::DeploymentStage { stage } => stage.stop(format!(
                "a deployment of {service} is under way, which has brought fresh tasks by itself: {}",
                stage.said()
            )),
            Self::TasksFailToStart { reasons } => Stop::refused(
                "tasks_fail_to_start",
                format!(
                    "fresh tasks of {service} fail to start ({}): a restart would take living ones away",
                    some_of(reasons)
                ),
            )
            .next(roll_back()),
            Self::DefinitionMissing { release } => Stop::refused(
                "task_definition_missing",
                format!("{service} is set to {release}, which is being deleted: no task can be started from it"),
            )
            .next(Next::development("deploy a release that exists")),
            Self::DefinitionInactive { release } => Stop::refused(
                "task_definition_inactive",
                format!("{service} runs {release}, which is INACTIVE: ECS refuses to deploy it"),
            )
            .next(Next::development("deploy the release again, as a new revision")),
            Self::NeedsMissing { missing } => {
                let listed: Vec<String> = missing.iter().map(ToString::to_string).collect();
                let reason = format!(
                    "fresh tasks of {service} could not start ({}): a restart would take living ones away",
                    listed.join("; ")
                );
                if missing.iter().any(|missing| missing.kind == Kind::Image) {
                    Stop::refused("image_missing", reason)
                        .next(Next::development("push the image again, or deploy a release whose image is there"))
                } else {
                    Stop::refused("secret_missing", reason)
                        .next(Next::devops("restore the secret, or create it again, before any task is replaced"))
                }
            }
            Self::TasksPending { running, desired } => Stop::refused(
                "tasks_pending",
                format!("{running} of {desired} tasks of {service} run: the others are being started, fresh ones"),
            )
            .next(Next::development("wait for them; if they do not start, look at the service's events")),
            Self::NoTaskWouldStay => Stop::refused(
                "no_task_would_stay",
                format!(
                    "the deployment configuration of {service} has a minimum healthy percent of 0: ECS may stop every \
                     task before a fresh one runs"
                ),
            )
            .next(Next::devops(
                "set the service's minimum healthy percent to 100 and its maximum percent to 200, then send the \
                 request again",
            )),
            Self::NoRoom { desired } => Stop::refused(
                "no_room_for_a_deployment",
                format!(
                    "the deployment configuration of {service} lets no fresh task start beside its {desired}, nor an \
                     old one stop before: the deployment would never end"
                ),
            )
            .next(Next::devops("set the service's maximum percent to 200, then send the request again")),
            Self::NothingToLookAfter => {
                Stop::nothing_to_do("nothing_to_look_after", "no restart is waiting to settle")
            }
            Self::StillSettling { due, now } => Stop::nothing_to_do(
                "still_settling",
                format!("the restart of {service} has until {}: {now}", readable(*due)),
            ),
        }
    }
}

fn roll_back() -> Next {
    let what = "roll back to the last release that worked: send this to rollback";
    Next { send: Some(json!({ "to": "previous" })), ..Next::development(what) }
}
