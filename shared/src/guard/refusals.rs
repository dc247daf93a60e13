//! Refusals that several steps give.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    code,
    decision::{Next, Stop},
    error::{Error, chain},
    ledger::{Memory, Switch},
};

/// Refuses while a kill switch is on.
pub(crate) fn check_kill_switch(memory: &Memory, now: Timestamp) -> Result<(), Stop> {
    memory.kill_switch.as_ref().map_or(Ok(()), |switch| Err(kill_switch(switch, now)))
}

pub(crate) fn busy(why: &str) -> Stop {
    Stop::refused(&code::CLAIMED_BY_ANOTHER, format!("{why}; it answers for this"))
}

pub(super) fn held(why: &str) -> Stop {
    Stop::refused(&code::HELD_BY_ANOTHER_REMEDY, format!("another remedy is at work on the target: {why}"))
        .next(Next::development("send the request again once that has ended, if it did not help"))
}

pub(crate) fn no_ledger(error: &Error) -> Stop {
    Stop::refused(
        &code::LEDGER_UNAVAILABLE,
        format!("without the ledger nothing is changed: {}", chain(error)),
    )
    .next(Next::devops(
        "see whether the ledger's table exists and this function may use it; act by hand meanwhile",
    ))
}

pub(super) fn used() -> Stop {
    Stop::refused(&code::APPROVAL_USED, "this plan was approved before; an approval acts once")
}

pub(super) fn kill_switch(switch: &Switch, now: Timestamp) -> Stop {
    stopped(switch.in_words(now), &switch.lift())
}

pub(super) fn stopped(reason: String, lift: &Value) -> Stop {
    Stop::refused(&code::KILL_SWITCH, reason).next(Next::development(format!(
        "when it is safe, send {lift} to incident, which lifts it, and then this request again"
    )))
}
