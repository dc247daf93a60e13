//! The reason codes of this function alone.

use shared::code::Code;

pub const ALREADY_ROLLING_BACK: Code =
    Code::under_way("already_rolling_back", "ECS is rolling the service back already.");
pub const ALREADY_RUNS: Code = Code::new("already_runs", "The service runs the named release already.");
pub const RELEASE_TOO_OLD: Code = Code::new(
    "release_too_old",
    "An alarm asked, and the release has run for longer than a new one does: it is not the cause.",
);
pub const DATABASE_DOWN: Code = Code::new(
    "database_down",
    "The probe fails on the database while Redis answers: no older release would help.",
);
pub const NO_KNOWN_GOOD_RELEASE: Code = Code::new(
    "no_known_good_release",
    "Neither AWS's history nor the ledger has a release that is known to be good.",
);
pub const NO_USABLE_RELEASE: Code =
    Code::new("no_usable_release", "Of the releases that are known to be good, none can be deployed.");
pub const RELEASE_UNKNOWN: Code = Code::new("release_unknown", "The named release does not exist.");
pub const OTHER_FAMILY: Code =
    Code::new("other_family", "The named release is of another family of task definitions.");
pub const RELEASE_DOES_NOT_FIT: Code = Code::new(
    "release_does_not_fit",
    "The release lacks a port or a volume that the service names of its task definition.",
);
pub const RELEASE_REFUSED: Code = Code::new("release_refused", "ECS refused to deploy the release.");
pub const FROZEN_COPY: Code = Code::new(
    "frozen_copy",
    "The named release is the copy with which writes were frozen, and they are not any more.",
);
pub const CANNOT_STAY_FROZEN: Code = Code::new(
    "cannot_stay_frozen",
    "Writes are frozen, and the release lacks the container in which they could stay so.",
);
pub const NOT_AN_ERROR_ALARM: Code =
    Code::new("not_an_error_alarm", "The alarm watches something that tells nothing about a release.");
pub const DEPLOYMENT_NOT_FAILED: Code =
    Code::new("deployment_not_failed", "ECS's event is not of a deployment that has failed.");
pub const SHORT_ARN: Code =
    Code::new("short_arn", "The event or the named release does not say of which cluster the service is.");

pub const CODES: &[&Code] = &[
    &ALREADY_ROLLING_BACK,
    &ALREADY_RUNS,
    &RELEASE_TOO_OLD,
    &DATABASE_DOWN,
    &NO_KNOWN_GOOD_RELEASE,
    &NO_USABLE_RELEASE,
    &RELEASE_UNKNOWN,
    &OTHER_FAMILY,
    &RELEASE_DOES_NOT_FIT,
    &RELEASE_REFUSED,
    &FROZEN_COPY,
    &CANNOT_STAY_FROZEN,
    &NOT_AN_ERROR_ALARM,
    &DEPLOYMENT_NOT_FAILED,
    &SHORT_ARN,
];
