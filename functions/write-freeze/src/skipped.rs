//! Why a service is left as it is.

use jiff::Timestamp;
use shared::{
    clock::readable,
    code,
    freeze::{Freeze, Variable},
    outcome::{Next, Stop},
};

use crate::{codes, settings::Settings};

pub(crate) fn cannot_be_copied(release: &str, why: &str, settings: &Settings) -> Stop {
    let Settings { service, variable, .. } = settings;
    let reason = format!("{release} would have to be copied, and the copy would not be the same: {why}");
    Stop::refused(&code::CANNOT_BE_COPIED, reason).next(Next::devops(format!(
        "deploy {service} by hand with {variable} in its container {}, or without it to let writes through",
        variable.container
    )))
}

pub(crate) fn container_missing(release: &str, container: &str, there: &[String]) -> Stop {
    let reason = format!("{release} has no container {container}, only {}", there.join(", "));
    Stop::refused(&codes::CONTAINER_MISSING, reason)
        .next(Next::devops("correct BackendContainer of the stack"))
}

pub(crate) fn from_secret(release: &str, variable: &Variable) -> Stop {
    let reason = format!(
        "{release} takes {} from a secret, and ECS does not let a container have it as a variable too",
        variable.name
    );
    Stop::refused(&codes::VARIABLE_IS_A_SECRET, reason).next(Next::devops(
        "change that secret's value by hand and deploy the service anew; then mend the release",
    ))
}

pub(crate) fn other_variable(freeze: &Freeze, variable: &Variable) -> Stop {
    let reason = format!(
        "writes were frozen with {} in container {}, but this stack is now configured for {variable} in {}",
        freeze.variable, freeze.variable.container, variable.container
    );
    Stop::refused(&codes::OTHER_VARIABLE, reason).next(Next::devops(
        "set BackendContainer, ReadOnlyVariable and ReadOnlyValue of the stack back, then send the request again",
    ).again())
}

pub(crate) fn already_frozen(freeze: &Freeze, progress: &str) -> Stop {
    Stop::nothing_to_do(&codes::ALREADY_FROZEN, format!("{}: {progress}", freeze.said()))
}

pub(crate) fn not_frozen(release: &str, variable: &Variable) -> Stop {
    let reason = format!("writes are not frozen: {release} runs without {variable}");
    Stop::nothing_to_do(&codes::NOT_FROZEN, reason)
}

pub(crate) fn still_waiting(due: Timestamp, progress: &str) -> Stop {
    let reason = format!("a deployment is under way, and has until {}: {progress}", readable(due));
    Stop::nothing_to_do(&codes::STILL_WAITING, reason)
}

pub(crate) fn told_before(release: &str, variable: &Variable) -> Stop {
    let reason =
        format!("writes should be frozen but are not: {release} runs without {variable}; people were told");
    Stop::nothing_to_do(&codes::TOLD_BEFORE, reason)
}
