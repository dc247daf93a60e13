//! Cooldown and budget.

use jiff::{SignedDuration, Timestamp};

use crate::{
    clock::readable,
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
            check_cooldown(policy, &attempts, now).and_then(|()| check_budget(policy, &attempts))
        }
    }
}

/// The first of `about` is what a plan is about; an attempt is also about what came of it.
fn is_about(attempt: &Attempt, about: &[String]) -> bool {
    attempt.about.is_empty() || about.first().is_none_or(|subject| attempt.about.contains(subject))
}

/// Refuses while the effect of the last action is awaited.
fn check_cooldown(policy: &Policy, attempts: &[&Attempt], now: Timestamp) -> Result<(), Stop> {
    let Some(last) = attempts.iter().max_by_key(|attempt| attempt.at) else {
        return Ok(());
    };
    let until = last.at.checked_add(policy.cooldown).unwrap_or(Timestamp::MAX);
    if now >= until {
        return Ok(());
    }
    let minutes = now.duration_since(last.at).as_mins().max(0);
    Err(Stop::refused(
        &code::COOLDOWN,
        format!("{} {minutes} min ago, and until {} its effect is awaited", told(&[last]), readable(until)),
    )
    .next(Next::development(
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
