//! Why a service is left as it is.

use jiff::Timestamp;
use shared::{
    clock::readable,
    freeze::{Freeze, Variable},
    outcome::{Next, Stop},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Skipped {
    ServiceMissing,
    ServiceInactive { status: String },
    NotRolling { controller: String },
    DefinitionMissing { task_definition: String },
    ContainerMissing { release: String, there: Vec<String> },
    FromSecret { release: String },
    OtherVariable { freeze: Freeze },
    CannotBeCopied { release: String, why: String },
    DeploymentFailed { release: String },
    AlreadyFrozen { freeze: Freeze, progress: String },
    NotFrozen { release: String },
    NothingToLookAfter,
    StillSettling { due: Timestamp, now: String },
    StillWaiting { due: Timestamp, progress: String },
    Told { release: String },
}

impl Skipped {
    pub(crate) fn stop(&self, service: &str, variable: &Variable) -> Stop {
        let Variable { container, name, .. } = variable;
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
            .next(Next::devops(format!("deploy {service} there, with {variable} in its container {container}"))),
            Self::CannotBeCopied { release, why } => Stop::refused(
                "cannot_be_copied",
                format!("{release} would have to be copied, and the copy would not be the same: {why}"),
            )
            .next(Next::devops(format!(
                "deploy {service} by hand with {variable} in its container {container}, or without it to let writes \
                 through"
            ))),
            Self::DefinitionMissing { task_definition } => Stop::refused(
                "task_definition_missing",
                format!("{service} is set to {task_definition}, which is being deleted"),
            )
            .next(Next::devops("deploy a release that exists, then send the request again")),
            Self::ContainerMissing { release, there } => Stop::refused(
                "container_missing",
                format!("{release} has no container {container}, only {}", there.join(", ")),
            )
            .next(Next::devops("correct BackendContainer of the stack")),
            Self::FromSecret { release } => Stop::refused(
                "variable_is_a_secret",
                format!(
                    "{release} takes {name} from a secret, and ECS does not let a container have it as a variable too"
                ),
            )
            .next(Next::devops("change that secret's value by hand and deploy the service anew; then mend the release")),
            Self::OtherVariable { freeze } => Stop::refused(
                "other_variable",
                format!(
                    "{} by {} in the container {}, which this stack calls {variable} in {container} by now",
                    freeze.said(),
                    freeze.variable,
                    freeze.variable.container
                ),
            )
            .next(Next::devops(
                "set BackendContainer, ReadOnlyVariable and ReadOnlyValue of the stack back, then send the request again",
            )),
            Self::DeploymentFailed { release } => Stop::refused(
                "deployment_failed",
                format!("the deployment of {release} has failed: a copy of it would fail the same way"),
            )
            .next(Next::development(
                "roll back first: send rollback {\"to\": \"previous\"}; then send this request again",
            )),
            Self::AlreadyFrozen { freeze, progress } => {
                Stop::nothing_to_do("already_frozen", format!("{}: {progress}", freeze.said()))
            }
            Self::NotFrozen { release } => Stop::nothing_to_do(
                "not_frozen",
                format!("writes are not frozen: {release} runs without {variable}"),
            ),
            Self::NothingToLookAfter => {
                Stop::nothing_to_do("nothing_to_look_after", "nothing is waiting to settle")
            }
            Self::StillSettling { due, now } => {
                Stop::nothing_to_do("still_settling", format!("it has until {}: {now}", readable(*due)))
            }
            Self::StillWaiting { due, progress } => Stop::nothing_to_do(
                "still_waiting",
                format!("a deployment is under way, and has until {}: {progress}", readable(*due)),
            ),
            Self::Told { release } => Stop::nothing_to_do(
                "told_before",
                format!("{release} runs without {variable}, although writes are to be frozen; people were told"),
            ),
        }
    }
}
