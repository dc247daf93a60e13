//! The reason codes of this function alone.

use shared::code::Code;

pub const AT_MAXIMUM: Code = Code::new("at_maximum", "The service has as many tasks as it may have.");
pub const COUNT_OUT_OF_RANGE: Code =
    Code::new("count_out_of_range", "More tasks were asked for than the service may have.");
pub const ENOUGH_TASKS: Code =
    Code::new("enough_tasks", "The service's desired count is as high as was asked for already.");
pub const DAEMON_SERVICE: Code = Code::new(
    "daemon_service",
    "The service runs one task on each container instance (DAEMON): there is no count to set.",
);
pub const NOT_A_LOAD_ALARM: Code =
    Code::new("not_a_load_alarm", "The alarm watches something that more tasks do not help.");
pub const NO_MINIMUM_RAISED: Code =
    Code::new("no_minimum_raised", "The scheduled run found no raised minimum to bring back.");
pub const MINIMUM_NOT_EXPIRED: Code =
    Code::new("minimum_not_expired", "The scheduled run found a raised minimum that still has time.");
pub const MINIMUM_CHANGED: Code = Code::new(
    "minimum_changed",
    "Somebody has set another minimum since it was raised, and that was left as it is.",
);

pub const CODES: &[&Code] = &[
    &AT_MAXIMUM,
    &COUNT_OUT_OF_RANGE,
    &ENOUGH_TASKS,
    &DAEMON_SERVICE,
    &NOT_A_LOAD_ALARM,
    &NO_MINIMUM_RAISED,
    &MINIMUM_NOT_EXPIRED,
    &MINIMUM_CHANGED,
];
