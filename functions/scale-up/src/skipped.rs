//! Why a service is left as it is.

use jiff::Timestamp;
use serde_json::json;
use shared::{
    clock::readable,
    outcome::{Next, Stop},
};

use crate::codes;

pub(crate) fn daemon(service: &str) -> Stop {
    let reason =
        format!("{service} has a task on each container instance (DAEMON), and no count that could be set");
    Stop::refused(&codes::DAEMON_SERVICE, reason).next(Next::devops("add container instances to the cluster"))
}

pub(crate) fn at_maximum(service: &str, maximum: u32) -> Stop {
    Stop::refused(&codes::AT_MAXIMUM, format!("{service} has its maximum of {maximum} tasks")).next(
        Next::devops(
            "find what costs the load; raise MaximumTasks or the scalable target's maximum if it is real",
        ),
    )
}

pub(crate) fn count_out_of_range(service: &str, asked: u32, desired: u32, maximum: u32) -> Stop {
    let reason = format!("{asked} tasks were asked for, and {service} may have {maximum} at most");
    let raise = "raise MaximumTasks or the scalable target's maximum";
    Stop::refused(&codes::COUNT_OUT_OF_RANGE, reason).next(if desired < maximum {
        Next::devops(format!("ask for {maximum} by the request below, or {raise}"))
            .send(json!({ "desired_count": maximum }))
    } else {
        Next::devops(format!("{service} has as many already: {raise}"))
    })
}

pub(crate) fn enough_tasks(service: &str, desired: u32) -> Stop {
    let reason = format!("{service} has a desired count of {desired} already");
    Stop::nothing_to_do(&codes::ENOUGH_TASKS, reason)
}

pub(crate) fn no_minimum_raised(service: &str) -> Stop {
    let reason = format!("no raised minimum of {service} is to be brought back");
    Stop::nothing_to_do(&codes::NO_MINIMUM_RAISED, reason)
}

pub(crate) fn minimum_changed(service: &str, raised_to: u32, now: u32) -> Stop {
    let reason = format!(
        "the minimum of {service} was raised to {raised_to}, and somebody has set it to {now} since: it stays so"
    );
    Stop::nothing_to_do(&codes::MINIMUM_CHANGED, reason)
}

pub(crate) fn minimum_not_expired(service: &str, due: Timestamp) -> Stop {
    let reason = format!("the raised minimum of {service} stays until {}", readable(due));
    Stop::nothing_to_do(&codes::MINIMUM_NOT_EXPIRED, reason)
}
