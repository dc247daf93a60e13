//! Why nothing is sent, in words for people; and what it would cost.

use jiff::Timestamp;
use serde_json::json;
use shared::{
    clock::readable,
    code,
    outcome::{Decision, Next, Stop},
};

use crate::{
    codes,
    settings::{FILES_IN_PROGRESS, PATIENCE, WILDCARDS_IN_PROGRESS},
};

/// A thousandth of a dollar each: $0.005 (<https://aws.amazon.com/cloudfront/pricing/>).
const PATH_COSTS_MILLIDOLLARS: u32 = 5;

pub(crate) fn already_in_progress(id: &str, created_at: Timestamp) -> Stop {
    let reason = format!(
        "invalidation {id} of the same paths is in progress since {}: this joins it",
        readable(created_at)
    );
    Stop::nothing_to_do(&codes::ALREADY_IN_PROGRESS, reason).next(asks_for_status(id))
}

pub(crate) fn already_waiting(due: Timestamp) -> Stop {
    let reason =
        format!("an invalidation of the same paths waits for room until {}: this joins it", readable(due));
    Stop::nothing_to_do(&codes::ALREADY_WAITING, reason)
}

pub(crate) fn free_paths_spent(spent: u32, free: u32, asked: &[String]) -> Stop {
    let reason = format!(
        "{spent} of the month's {free} free paths were sent, and an alarm does not spend money: {} would cost {}",
        counted(asked.len(), "path"),
        cost(billed(spent, asked.len(), free))
    );
    Stop::refused(&codes::FREE_PATHS_SPENT, reason)
        .next(Next::devops("send it by hand if it is worth the cost").send(json!({ "paths": asked })))
}

pub(crate) fn no_room(files: usize, wildcards: usize) -> Stop {
    let reason = format!(
        "CloudFront is at work on {} and {} of this distribution, and takes {FILES_IN_PROGRESS} and \
         {WILDCARDS_IN_PROGRESS} at once: the scheduled run sends this when there is room",
        counted(files, "file"),
        counted(wildcards, "wildcard")
    );
    Stop::nothing_to_do(&codes::WAITING_FOR_ROOM, reason)
}

pub(crate) fn too_many_waiting() -> Stop {
    let reason = "CloudFront has no room, and as many invalidations wait for it as are kept";
    Stop::refused(&codes::TOO_MANY_WAITING, reason)
        .next(Next::devops("send it again when the others have ended, or send one wildcard for all"))
}

pub(crate) fn nothing_awaited() -> Stop {
    Stop::nothing_to_do(&codes::NOTHING_AWAITED, "no invalidation is looked after")
}

pub(crate) fn still_in_progress(what: &str, due: Timestamp) -> Stop {
    let reason = format!("{what} is in progress; it may take until {}", readable(due));
    Stop::nothing_to_do(&codes::STILL_IN_PROGRESS, reason)
}

pub(crate) fn still_served(what: &str, due: Timestamp) -> Stop {
    Stop::nothing_to_do(&codes::STILL_SERVED, looked_at_again(what, due))
}

pub(crate) fn not_seen_yet(what: &str, due: Timestamp) -> Stop {
    Stop::nothing_to_do(&codes::NOT_SEEN_YET, looked_at_again(what, due))
}

fn looked_at_again(what: &str, due: Timestamp) -> String {
    format!("{what}; it is looked at again until {}", readable(due))
}

pub(crate) fn still_no_room(what: &str, due: Timestamp) -> Stop {
    let reason = format!("CloudFront has no room for {what} yet; it waits until {}", readable(due));
    Stop::nothing_to_do(&codes::WAITING_FOR_ROOM, reason)
}

pub(crate) fn not_there(what: String) -> Stop {
    Stop::nothing_to_do(&codes::NOT_THERE, what)
        .next(Next::development("nothing, if it was deleted; else upload it, and send its path again"))
}

pub(crate) fn not_seen(what: String) -> Stop {
    Stop::nothing_to_do(&codes::NOT_SEEN, what).next(Next::devops(
        "look at it with `curl -I`; a firewall may refuse this function, and an origin may fail",
    ))
}

pub(crate) fn not_verified(what: String) -> Stop {
    Stop {
        decision: Decision::Failed,
        code: &code::NOT_VERIFIED,
        reason: what,
        next: Some(Next::devops(
            "see the distribution's invalidations and its cache behaviour; ask AWS support if CloudFront does not come \
             to an end",
        )),
    }
}

pub(crate) fn not_sent(what: &str, asked: &[String]) -> Stop {
    Stop {
        decision: Decision::Failed,
        code: &codes::NOT_SENT,
        reason: format!("{what} could not be sent for {} minutes", PATIENCE.as_secs() / 60),
        next: Some(
            Next::devops("see which invalidations are in progress, then send it by hand")
                .send(json!({ "paths": asked })),
        ),
    }
}

pub(crate) fn invalidation_unknown(id: &str) -> Stop {
    let reason = format!("the distribution has no invalidation {id}");
    Stop::refused(&codes::INVALIDATION_UNKNOWN, reason)
        .next(Next::development("send the id that an answer or the console of CloudFront shows"))
}

/// How many of these paths are billed.
pub(crate) fn billed(spent: u32, asked: usize, free: u32) -> u32 {
    let asked = u32::try_from(asked).unwrap_or(u32::MAX);
    spent.saturating_add(asked).saturating_sub(free).min(asked)
}

pub(crate) fn cost(paths: u32) -> String {
    let millidollars = u64::from(paths) * u64::from(PATH_COSTS_MILLIDOLLARS);
    format!("${}.{:03}", millidollars / 1_000, millidollars % 1_000)
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn asks_for_status(id: &str) -> Next {
    Next::development("ask how it stands; what was deployed after it began is to be sent again")
        .send(json!({ "status": id }))
}
