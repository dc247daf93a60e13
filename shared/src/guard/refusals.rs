//! Refusals that several steps give.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    code,
    decision::{Next, Stop},
    error::{Error, chain},
    ledger::{KILL_SWITCH, Memory, Switch},
    outcome::capital,
};

/// Refuses while a kill switch is on.
pub(crate) fn check_kill_switch(memory: &Memory, now: Timestamp) -> Result<(), Stop> {
    memory.kill_switch.as_ref().map_or(Ok(()), |switch| Err(kill_switch(switch, now)))
}

pub(crate) fn busy(why: &str) -> Stop {
    Stop::refused(&code::CLAIMED_BY_ANOTHER, format!("{why}; look there for the result"))
}

pub(super) fn held(why: &str) -> Stop {
    Stop::refused(&code::HELD_BY_ANOTHER_REMEDY, why)
        .next(Next::development("send the request again once that has ended, if it did not help").again())
}

pub(crate) fn no_ledger(error: &Error) -> Stop {
    Stop::refused(
        &code::LEDGER_UNAVAILABLE,
        format!("{}. Nothing is changed without the ledger", capital(&chain(error))),
    )
    .next(Next::devops(
        "see whether the ledger's table exists and this function may use it; act by hand meanwhile",
    ))
}

pub(super) fn used() -> Stop {
    Stop::refused(&code::APPROVAL_USED, "this plan was approved before; an approval acts once")
}

pub(super) fn kill_switch(switch: &Switch, now: Timestamp) -> Stop {
    stopped(switch.in_words(now), &switch.name, switch.lift())
}

pub(super) fn stopped(reason: String, name: &str, lift: Value) -> Stop {
    let what = format!(
        "when it is safe, lift the kill switch by the request below (or delete pk={KILL_SWITCH}, sk={name} from the \
         ledger); then send this request again"
    );
    Stop::refused(&code::KILL_SWITCH, reason).next(Next::development(what).send_to("incident", lift))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kill_switch_is_told_with_the_request_that_lifts_it_and_with_its_key() {
        let switch = Switch { name: "all".to_owned(), stops: "all".to_owned(), ..Switch::default() };
        let memory = Memory { kill_switch: Some(switch), ..Memory::default() };
        let stop = check_kill_switch(&memory, Timestamp::UNIX_EPOCH).unwrap_err();
        let next = stop.next.unwrap().addressed("production", "rollback");
        assert_eq!(next.function.as_deref(), Some("lendpeak2-production-incident"));
        assert_eq!(next.send.as_ref().map(|send| &send["go"]), Some(&json!("all")));
        assert!(next.what.contains("pk=kill-switch, sk=all"), "{}", next.what);
    }

    #[test]
    fn without_the_ledger_the_cause_comes_first() {
        let source = crate::error::Cause::new("AccessDenied");
        let error = Error::Aws { operation: "read the ledger", resource: "ledger".to_owned(), source };
        assert_eq!(
            no_ledger(&error).reason,
            "Cannot read the ledger ledger: AccessDenied. Nothing is changed without the ledger"
        );
    }
}
