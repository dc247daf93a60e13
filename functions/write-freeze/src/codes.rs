//! The reason codes of this function alone.

use shared::code::Code;

pub const ALREADY_FROZEN: Code = Code::new("already_frozen", "Writes are frozen already.");
pub const NOT_FROZEN: Code = Code::new(
    "not_frozen",
    "Writes are not frozen: there is no freeze to end, or a deployment did not end in time for one.",
);
pub const CONTAINER_MISSING: Code =
    Code::new("container_missing", "The release has no container of the configured name.");
pub const VARIABLE_IS_A_SECRET: Code = Code::new(
    "variable_is_a_secret",
    "The release takes the variable from a secret, and ECS does not take it as a variable too.",
);
pub const OTHER_VARIABLE: Code = Code::new(
    "other_variable",
    "Writes are frozen by another variable than the one that the settings name today.",
);
pub const STILL_WAITING: Code = Code::new(
    "still_waiting",
    "The scheduled run saw that a deployment is still under way, after which writes are to be frozen.",
);
pub const RELEASE_NOT_FROZEN: Code =
    Code::new("release_not_frozen", "A release was deployed into a freeze, and writes go through again.");
pub const TOLD_BEFORE: Code = Code::new(
    "told_before",
    "People were told before that a release was deployed into a freeze, and it still runs.",
);

pub const CODES: &[&Code] = &[
    &ALREADY_FROZEN,
    &NOT_FROZEN,
    &CONTAINER_MISSING,
    &VARIABLE_IS_A_SECRET,
    &OTHER_VARIABLE,
    &STILL_WAITING,
    &RELEASE_NOT_FROZEN,
    &TOLD_BEFORE,
];
