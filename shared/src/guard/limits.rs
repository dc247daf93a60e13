//! Cooldown and budget.

use jiff::{SignedDuration, Timestamp};

use crate::{
    clock::{near, readable, spoken},
    code,
    decision::{Next, Stop},
    ledger::{Attempt, Memory},
    plan::Limits,
    settings::Policy,
};

/// Checks cooldown and budget. `about` is what they are counted for.
pub(super) fn check_limits(
    policy: &Policy,
    memory: &Memory,
    limits: Limits,
    about: &[String],
    now: Timestamp,
) -> Result<(), Stop> {
    let attempts: Vec<&Attempt> = memory
        .claim
        .iter()
        .flat_map(|claim| recent(&claim.attempts, now))
        .filter(|attempt| is_about(attempt, about))
        .collect();
    match limits {
        Limits::Exempt => Ok(()),
        Limits::SkipCooldown => check_budget(policy, &attempts),
        Limits::Apply => {
            check_cooldown(policy, memory, &attempts, now).and_then(|()| check_budget(policy, &attempts))
        }
    }
}

/// The first of `about` is what a plan is about; an attempt is also about what came of it.
fn is_about(attempt: &Attempt, about: &[String]) -> bool {
    attempt.about.is_empty() || about.first().is_none_or(|subject| attempt.about.contains(subject))
}

/// Refuses while the effect of the last action is awaited.
fn check_cooldown(
    policy: &Policy,
    memory: &Memory,
    attempts: &[&Attempt],
    now: Timestamp,
) -> Result<(), Stop> {
    let Some(last) = attempts.iter().max_by_key(|attempt| attempt.at) else {
        return Ok(());
    };
    let until = last.at.checked_add(policy.cooldown).unwrap_or(Timestamp::MAX);
    if now >= until {
        return Ok(());
    }
    let run = memory.claim.as_ref().filter(|claim| claim.counted == Some(last.at));
    let run = run.map(|claim| format!("run {} did this", claim.execution_id));
    let reason = format!(
        "Cooling down until {}. At {} ({} ago) {}: {}",
        near(until, now),
        near(last.at, now),
        spoken(now.duration_since(last.at)),
        run.as_deref().unwrap_or("this was done"),
        if last.what.is_empty() { "the target was acted on" } else { &last.what }
    );
    Err(Stop::refused(&code::COOLDOWN, reason).next(Next::development(
        "look whether that helped; if not, and this is right all the same, send the request below",
    )))
}

/// Refuses a remedy that was tried too often to be the right one.
fn check_budget(policy: &Policy, attempts: &[&Attempt]) -> Result<(), Stop> {
    let spent = attempts.len();
    if spent < policy.attempts_per_day {
        return Ok(());
    }
    Err(Stop::refused(
        &code::BUDGET_SPENT,
        format!(
            "the target was acted on {spent} times in 24 hours, and {} are allowed: {}",
            policy.attempts_per_day,
            told(attempts)
        ),
    )
    .next(Next::devops(
        "this remedy does not hold: find the cause; if this is right all the same, send the request below",
    )))
}

/// What was done when, and who asked for it.
fn told(attempts: &[&Attempt]) -> String {
    const MOST: usize = 6;
    let lines: Vec<String> = attempts
        .iter()
        .rev()
        .take(MOST)
        .map(|attempt| match attempt.what.as_str() {
            "" => format!("the target was acted on at {}", readable(attempt.at)),
            what => format!("{what} at {}", readable(attempt.at)),
        })
        .collect();
    lines.join("; ")
}

/// The attempts of the last 24 hours.
pub(super) fn recent(attempts: &[Attempt], now: Timestamp) -> impl Iterator<Item = &Attempt> {
    const DAY: SignedDuration = SignedDuration::from_hours(24);
    attempts.iter().filter(move |attempt| now.duration_since(attempt.at) < DAY)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::Environment;

    fn policy() -> Policy {
        let set = [("ENVIRONMENT", "production"), ("LEDGER_TABLE", "ledger"), ("COOLDOWN_SECONDS", "1800")];
        Policy::from_environment(&Environment::from_pairs(set)).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// `set the desired count of backend to 3` was done at 19:56:45 by run Z.
    fn acted(counted: bool) -> Memory {
        let done = at("2026-11-28T19:56:45.5Z");
        let trigger = json!({ "id": "a", "at": done, "kind": { "person": {} } });
        let claim = json!({
            "execution_id": "Z", "open": false, "claimed_at": done, "lease_until": done,
            "attempts": [{ "at": done, "what": "set the desired count of backend to 3 (asked by hand: queue grows)" }],
            "counted": counted.then_some(done),
            "intent": { "trigger": trigger, "actions": [], "reason": "because", "weight": "full" },
        });
        Memory { claim: Some(serde_json::from_value(claim).unwrap()), ..Memory::default() }
    }

    #[test]
    fn a_cooldown_says_until_when_it_lasts_and_what_was_done_by_which_run() {
        let now = at("2026-11-28T20:02:32.7Z");
        let stop = |memory: &Memory| check_limits(&policy(), memory, Limits::Apply, &[], now).unwrap_err();
        assert_eq!(
            stop(&acted(true)).reason,
            "Cooling down until 20:26:45 UTC. At 19:56:45 UTC (5 min ago) run Z did this: set the desired count of \
             backend to 3 (asked by hand: queue grows)"
        );
        // It is not known whose it was.
        assert!(stop(&acted(false)).reason.contains("(5 min ago) this was done: set"));
        assert_eq!(*stop(&acted(true)).code, code::COOLDOWN);
        let over = at("2026-11-28T20:26:46Z");
        assert_eq!(check_limits(&policy(), &acted(true), Limits::Apply, &[], over), Ok(()));
    }
}
