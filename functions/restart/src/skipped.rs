//! Why a service is left as it is.

use shared::{
    code,
    outcome::{Next, Stop},
};

use crate::{
    codes,
    needs::{Kind, Missing},
};

pub(crate) fn task_definition_inactive(service: &str, release: &str) -> Stop {
    let reason = format!("{service} runs {release}, which is INACTIVE: ECS refuses to deploy it");
    Stop::refused(&codes::TASK_DEFINITION_INACTIVE, reason)
        .next(Next::development("deploy the release again, as a new revision"))
}

pub(crate) fn needs_missing(service: &str, missing: &[Missing]) -> Stop {
    let listed: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let reason = format!(
        "fresh tasks of {service} could not start ({}): a restart would take living ones away",
        listed.join("; ")
    );
    if missing.iter().any(|missing| missing.kind == Kind::Image) {
        Stop::refused(&codes::IMAGE_MISSING, reason)
            .next(Next::development("push the image again, or deploy a release whose image is there"))
    } else {
        Stop::refused(&code::SECRET_MISSING, reason)
            .next(Next::devops("restore the secret, or create it again, before any task is replaced"))
    }
}

pub(crate) fn no_task_would_stay(service: &str) -> Stop {
    let reason = format!(
        "the deployment configuration of {service} has a minimum healthy percent of 0: ECS may stop every task before a \
         fresh one runs"
    );
    Stop::refused(&codes::NO_TASK_WOULD_STAY, reason).next(Next::devops(
        "set the service's minimum healthy percent to 100 and its maximum percent to 200, then send the request again",
    ).again())
}

pub(crate) fn no_room(service: &str, desired: u32) -> Stop {
    let reason = format!(
        "the deployment configuration of {service} lets no fresh task start beside its {desired}, nor an old one stop \
         before: the deployment would never end"
    );
    Stop::refused(&codes::NO_ROOM_FOR_A_DEPLOYMENT, reason)
        .next(Next::devops("set the service's maximum percent to 200, then send the request again").again())
}
