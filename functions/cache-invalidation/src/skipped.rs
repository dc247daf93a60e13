//! Why nothing is sent, in words for people; and what it would cost.

use jiff::Timestamp;
use shared::{
    clock::readable,
    outcome::{Decision, Next, Stop},
};

use crate::{
    awaited::PATIENCE,
    settings::{FILES_IN_PROGRESS, WILDCARDS_IN_PROGRESS},
};

/// A thousandth of a dollar each: $0.005 (<https://aws.amazon.com/cloudfront/pricing/>).
const PATH_COSTS_MILLIDOLLARS: u32 = 5;

/// Why nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Skipped {
    AlreadyInProgress { id: String, created_at: Timestamp },
    AlreadyWaiting { due: Timestamp },
    FreePathsSpent { spent: u32, free: u32, asked: Vec<String> },
    NoRoom { files: usize, wildcards: usize },
    TooManyWaiting,
    NothingAwaited,
    StillInProgress { what: String, due: Timestamp },
    StillServed { what: String, due: Timestamp },
    NotSeenYet { what: String, due: Timestamp },
    WaitingForRoom { what: String, due: Timestamp },
    Verified { what: String },
    NotThere { what: String },
    NotSeen { what: String },
    NotVerified { what: String },
    NotSent { what: String, asked: Vec<String> },
    FollowUpUnreadable,
    StatusOf { invalidation: String, status: String, created_at: Timestamp, paths: String },
    InvalidationUnknown { id: String },
}

impl Skipped {
    #[expect(clippy::too_many_lines, reason = "one sentence for each reason")]
    pub(crate) fn stop(self) -> Stop {
        match self {
            Self::AlreadyInProgress { id, created_at } => Stop::nothing_to_do(
                "already_in_progress",
                format!(
                    "invalidation {id} of the same paths is in progress since {}: this joins it",
                    readable(created_at)
                ),
            )
            .next(asks_for_status(&id)),
            Self::AlreadyWaiting { due } => Stop::nothing_to_do(
                "already_waiting",
                format!(
                    "an invalidation of the same paths waits for room until {}: this joins it",
                    readable(due)
                ),
            ),
            Self::FreePathsSpent { spent, free, asked } => Stop::refused(
                "free_paths_spent",
                format!(
                    "{spent} of the month's {free} free paths were sent, and an alarm does not spend money: {} \
                     would cost {}",
                    counted(asked.len(), "path"),
                    cost(billed(spent, asked.len(), free))
                ),
            )
            .next(Next {
                send: Some(serde_json::json!({ "paths": asked })),
                ..Next::devops("send it by hand if it is worth the cost")
            }),
            Self::NoRoom { files, wildcards } => Stop::nothing_to_do(
                "waiting_for_room",
                format!(
                    "CloudFront is at work on {} and {} of this distribution, and takes {FILES_IN_PROGRESS} and \
                     {WILDCARDS_IN_PROGRESS} at once: the scheduled run sends this when there is room",
                    counted(files, "file"),
                    counted(wildcards, "wildcard")
                ),
            ),
            Self::TooManyWaiting => Stop::refused(
                "too_many_waiting",
                "CloudFront has no room, and as many invalidations wait for it as are kept",
            )
            .next(Next::devops("send it again when the others have ended, or send one wildcard for all")),
            Self::NothingAwaited => Stop::nothing_to_do("nothing_awaited", "no invalidation is looked after"),
            Self::StillInProgress { what, due } => Stop::nothing_to_do(
                "still_in_progress",
                format!("{what} is in progress; it may take until {}", readable(due)),
            ),
            Self::StillServed { what, due } => Stop::nothing_to_do(
                "still_served",
                format!("{what}; it is looked at again until {}", readable(due)),
            ),
            Self::NotSeenYet { what, due } => Stop::nothing_to_do(
                "not_seen_yet",
                format!("{what}; it is looked at again until {}", readable(due)),
            ),
            Self::WaitingForRoom { what, due } => Stop::nothing_to_do(
                "waiting_for_room",
                format!("CloudFront has no room for {what} yet; it waits until {}", readable(due)),
            ),
            Self::Verified { what } => Stop::nothing_to_do("verified", what),
            Self::NotThere { what } => Stop::nothing_to_do("not_there", what).next(Next::development(
                "nothing, if it was deleted; else upload it, and send its path again",
            )),
            Self::NotSeen { what } => Stop::nothing_to_do("not_seen", what).next(Next::devops(
                "look at it with `curl -I`; a firewall may refuse this function, and an origin may fail",
            )),
            Self::NotVerified { what } => Stop {
                decision: Decision::Failed,
                code: "not_verified",
                reason: what,
                next: Some(Next::devops(
                    "see the distribution's invalidations and its cache behaviour; ask AWS support if CloudFront \
                     does not come to an end",
                )),
            },
            Self::NotSent { what, asked } => Stop {
                decision: Decision::Failed,
                code: "not_sent",
                reason: format!("{what} could not be sent for {} minutes", PATIENCE.as_secs() / 60),
                next: Some(Next {
                    send: Some(serde_json::json!({ "paths": asked })),
                    ..Next::devops("see which invalidations are in progress, then send it by hand")
                }),
            },
            Self::FollowUpUnreadable => Stop {
                decision: Decision::Failed,
                code: "follow_up_unreadable",
                reason: "what was to be looked after cannot be read from the ledger".to_owned(),
                next: Some(Next::devops("see the last records of cache-invalidation, and check by `status`")),
            },
            Self::StatusOf { invalidation, status, created_at, paths } => Stop::nothing_to_do(
                "status",
                format!(
                    "invalidation {invalidation} of {paths} is {status}; it was created at {}",
                    readable(created_at)
                ),
            ),
            Self::InvalidationUnknown { id } => Stop::refused(
                "invalidation_unknown",
                format!("the distribution has no invalidation {id}"),
            )
            .next(Next::development("send the id that an answer or the console of CloudFront shows")),
        }
    }
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
    Next {
        send: Some(serde_json::json!({ "status": id })),
        ..Next::development("ask how it stands; what was deployed after it began is to be sent again")
    }
}
