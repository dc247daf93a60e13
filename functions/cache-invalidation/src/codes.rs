//! The reason codes of this function alone.

use shared::code::Code;

pub const ALREADY_IN_PROGRESS: Code = Code::under_way(
    "already_in_progress",
    "An invalidation of the same paths is in progress: the answer has its id.",
);
pub const ALREADY_WAITING: Code =
    Code::under_way("already_waiting", "An invalidation of the same paths waits until CloudFront has room.");
pub const WAITING_FOR_ROOM: Code = Code::new(
    "waiting_for_room",
    "CloudFront is at work on as much as it takes at once: the scheduled run sends this when there is room.",
);
pub const TOO_MANY_WAITING: Code =
    Code::new("too_many_waiting", "CloudFront has no room, and as many invalidations wait as are kept.");
pub const FREE_PATHS_SPENT: Code = Code::new(
    "free_paths_spent",
    "An alarm asked, and the month's free paths are spent: an alarm does not spend money.",
);
pub const NOT_A_CACHE_ALARM: Code =
    Code::new("not_a_cache_alarm", "The alarm watches something that no invalidation helps.");
pub const NOT_DEPLOYED: Code =
    Code::new("not_deployed", "The build or the pipeline run has not succeeded: nothing new is deployed.");
pub const STATUS: Code = Code::new("status", "The answer says how the named invalidation stands.");
pub const INVALIDATION_UNKNOWN: Code =
    Code::new("invalidation_unknown", "The distribution has no invalidation of the named id.");
pub const NOTHING_AWAITED: Code =
    Code::new("nothing_awaited", "The scheduled run found no invalidation in progress.");
pub const STILL_IN_PROGRESS: Code =
    Code::under_way("still_in_progress", "The scheduled run saw that an invalidation is still in progress.");
pub const STILL_SERVED: Code = Code::new(
    "still_served",
    "An invalidation is completed, and the old content is still served. It is looked at again.",
);
pub const NOT_SEEN_YET: Code = Code::new(
    "not_seen_yet",
    "An invalidation is completed, and no fresh copy was seen yet. It is looked at again.",
);
pub const NOT_SEEN: Code =
    Code::new("not_seen", "An invalidation is completed, and no fresh copy was seen in its time.");
pub const NOT_THERE: Code =
    Code::new("not_there", "An invalidation is completed, and a file of it is answered with 404 or 410.");
pub const NOT_SENT: Code =
    Code::new("not_sent", "CloudFront had no room for an invalidation for as long as one waits.");

pub const CODES: &[&Code] = &[
    &ALREADY_IN_PROGRESS,
    &ALREADY_WAITING,
    &WAITING_FOR_ROOM,
    &TOO_MANY_WAITING,
    &FREE_PATHS_SPENT,
    &NOT_A_CACHE_ALARM,
    &NOT_DEPLOYED,
    &STATUS,
    &INVALIDATION_UNKNOWN,
    &NOTHING_AWAITED,
    &STILL_IN_PROGRESS,
    &STILL_SERVED,
    &NOT_SEEN_YET,
    &NOT_SEEN,
    &NOT_THERE,
    &NOT_SENT,
];
