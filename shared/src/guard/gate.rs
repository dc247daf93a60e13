//! What stops a trigger before anything is read.

use jiff::{SignedDuration, Timestamp};

use crate::{
    clock::readable,
    code,
    decision::{Next, Stop},
    settings::{Mode, Policy},
    trigger::{AlarmState, Kind, Trigger},
};

/// Stops a trigger before anything is read.
pub fn gate(policy: &Policy, trigger: &Trigger, now: Timestamp) -> Result<(), Stop> {
    if policy.mode == Mode::Off {
        return Err(Stop::refused(&code::MODE_OFF, "this function is switched off (MODE is off)"));
    }
    if let Some(foreign) = &trigger.origin.foreign {
        let here = trigger.origin.here.as_ref().map(|here| format!(", not of {here}")).unwrap_or_default();
        return Err(Stop::refused(&code::NOT_OF_THIS_ACCOUNT, format!("the event is of {foreign}{here}"))
            .next(Next::devops(
                "correct what calls this function: only events of its own account and region count",
            )));
    }
    if let Kind::Alarm(alarm) = &trigger.kind
        && alarm.state != AlarmState::Alarm
    {
        let state = if alarm.state == AlarmState::Ok { "OK" } else { "INSUFFICIENT_DATA" };
        return Err(Stop::nothing_to_do(
            &code::ALARM_NOT_IN_ALARM,
            format!("alarm {} is in {state}, not in ALARM", alarm.name),
        ));
    }
    if is_from_the_future(trigger.at, now) {
        return Err(Stop::refused(
            &code::EVENT_FROM_THE_FUTURE,
            format!(
                "the event is from {}, and it is {} now: a clock is wrong, or somebody made it up",
                readable(trigger.at),
                readable(now)
            ),
        )
        .next(look("look whether the trouble is there")));
    }
    if !is_fresh(policy, trigger.at, now) {
        return Err(Stop::refused(
            &code::EVENT_TOO_OLD,
            format!(
                "the event is from {}, older than {} minutes: what it saw may be over",
                readable(trigger.at),
                policy.max_event_age.as_secs() / 60
            ),
        )
        .next(look("look whether the trouble is still there")));
    }
    Ok(())
}

fn look(first: &str) -> Next {
    Next::development(format!(
        "{first}; if so, the request below shows what would be done about it now, and does it without `dry_run`"
    ))
    .again()
}

/// Whether an event of that time may still cause an action. One dated in the future never may.
pub(super) fn is_fresh(policy: &Policy, seen: Timestamp, now: Timestamp) -> bool {
    !is_from_the_future(seen, now)
        && now.duration_since(seen)
            <= SignedDuration::try_from(policy.max_event_age).unwrap_or(SignedDuration::MAX)
}

pub fn is_from_the_future(seen: Timestamp, now: Timestamp) -> bool {
    /// Clocks of machines that keep time differ by less than this.
    const SKEW: SignedDuration = SignedDuration::from_secs(60);
    seen.duration_since(now) > SKEW
}
