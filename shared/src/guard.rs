//! The rules that stand between a plan and AWS. Only this module makes an [`Approved`].

use jiff::{SignedDuration, Timestamp};

use crate::{
    clock::{month, readable},
    ledger::{Approval, Claim, FollowUpChange, Intent, Ledger, Memory, NotClaimed},
    outcome::{Next, Outcome, Stop},
    remedy::Weight,
    settings::{Mode, Policy},
    trigger::{AlarmState, Kind, Trigger},
};

/// An action that was claimed in the ledger: the only kind that can be applied.
#[derive(Debug)]
pub struct Approved<A>(A);

impl<A> Approved<A> {
    pub fn action(&self) -> &A {
        &self.0
    }
}

/// What a plan that wants to act may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Say it, and no more.
    Observe,
    /// Ask a person.
    Ask,
    /// Claim the target and act.
    Act,
}

/// Stops a trigger before anything is read.
pub fn gate(policy: &Policy, trigger: &Trigger, now: Timestamp) -> Result<(), Stop> {
    if policy.mode == Mode::Off {
        return Err(Stop::refused("mode_off", "this function is switched off (MODE is off)"));
    }
    if let Kind::Alarm(alarm) = &trigger.kind
        && alarm.state != AlarmState::Alarm
    {
        let state = if alarm.state == AlarmState::Ok { "OK" } else { "INSUFFICIENT_DATA" };
        return Err(Stop::nothing_to_do(
            "alarm_not_in_alarm",
            format!("alarm {} is in {state}, not in ALARM", alarm.name),
        ));
    }
    if !is_fresh(policy, trigger.at, now) {
        return Err(Stop::refused(
            "event_too_old",
            format!(
                "the event is from {}, older than {} minutes: what it saw may be over",
                readable(trigger.at),
                policy.max_event_age.as_secs() / 60
            ),
        )
        .next(Next::development("look whether the trouble is still there; if so, send a request by hand")));
    }
    Ok(())
}

/// Whether what was seen then can still be acted on.
pub fn is_fresh(policy: &Policy, seen: Timestamp, now: Timestamp) -> bool {
    now.duration_since(seen) <= SignedDuration::try_from(policy.max_event_age).unwrap_or(SignedDuration::MAX)
}

/// What the mode and the request allow. A request only ever tightens, and so does a remedy that asks first.
pub fn admit(policy: &Policy, asks_first: bool, dry_run: bool, approved: bool) -> Admission {
    match policy.mode {
        _ if dry_run => Admission::Observe,
        Mode::Off | Mode::Observe => Admission::Observe,
        Mode::Approve | Mode::Auto if !approved && (asks_first || policy.mode == Mode::Approve) => {
            Admission::Ask
        }
        Mode::Approve | Mode::Auto => Admission::Act,
    }
}

/// What a run turns to, from what the ledger knows.
#[derive(Debug)]
pub enum Course<'a> {
    /// The event was answered before.
    Replay(&'a Outcome),
    Stop(Stop),
    /// A run died with this claim: its intent comes first.
    TakeUp(&'a Claim),
    Plan,
}

/// What comes before a plan of one's own.
pub fn course<'a>(policy: &Policy, memory: &'a Memory, admission: Admission, now: Timestamp) -> Course<'a> {
    if let Some(earlier) = &memory.earlier {
        return Course::Replay(earlier);
    }
    if let Err(stop) = check_kill_switch(memory) {
        return Course::Stop(stop);
    }
    let Some(claim) = memory.claim.as_ref().filter(|claim| claim.open) else {
        return Course::Plan;
    };
    if now < claim.lease_until {
        return Course::Stop(busy(&format!("run {} is at work on this target", claim.execution_id)));
    }
    // It was admitted when it was claimed. One as old as an event that would be refused is left alone.
    if !is_fresh(policy, claim.intent.trigger.at, now) || admission == Admission::Observe {
        return Course::Plan;
    }
    match check_attempts(policy, memory, claim.intent.weight, now) {
        Ok(()) => Course::TakeUp(claim),
        Err(stop) => Course::Stop(stop),
    }
}

/// Whether a plan of this weight may be carried out now.
pub fn check_plan(
    policy: &Policy,
    memory: &Memory,
    function: &str,
    weight: Weight,
    now: Timestamp,
) -> Result<(), Stop> {
    check_holder(memory, function, now)?;
    if weight == Weight::Full {
        check_cooldown(memory, now)?;
    }
    check_attempts(policy, memory, weight, now)
}

/// What puts back an earlier change is no further attempt.
fn check_attempts(policy: &Policy, memory: &Memory, weight: Weight, now: Timestamp) -> Result<(), Stop> {
    if weight == Weight::PutsBack { Ok(()) } else { check_budget(policy, memory, now) }
}

/// Stops while somebody holds the kill switch.
fn check_kill_switch(memory: &Memory) -> Result<(), Stop> {
    memory.kill_switch.as_deref().map_or(Ok(()), |reason| Err(kill_switch(reason)))
}

/// Stops while the effect of the last action is awaited.
fn check_cooldown(memory: &Memory, now: Timestamp) -> Result<(), Stop> {
    let Some(claim) = memory.claim.as_ref().filter(|claim| now < claim.cooldown_until) else {
        return Ok(());
    };
    let acted = readable(claim.claimed_at);
    let until = readable(claim.cooldown_until);
    Err(Stop::refused(
        "cooldown",
        format!("the target was acted on at {acted}; until {until} the effect of that is awaited"),
    )
    .next(Next::development("see whether the last action helped; if it did not, look for another cause")))
}

/// Stops a remedy that was tried too often to be the right one.
fn check_budget(policy: &Policy, memory: &Memory, now: Timestamp) -> Result<(), Stop> {
    let spent = memory.claim.as_ref().map_or(0, |claim| recent(&claim.attempts, now).count());
    if spent < policy.attempts_per_day {
        return Ok(());
    }
    Err(Stop::refused(
        "budget_spent",
        format!(
            "the target was acted on {spent} times in 24 hours, and {} are allowed",
            policy.attempts_per_day
        ),
    )
    .next(Next::devops("this remedy does not hold: find the cause before acting again")))
}

/// Stops while another remedy is at work on the target.
fn check_holder(memory: &Memory, function: &str, now: Timestamp) -> Result<(), Stop> {
    match &memory.holder {
        Some(holder) if holder.function != function && now < holder.lease_until => {
            Err(held(&format!("{} holds it until {}", holder.function, readable(holder.lease_until))))
        }
        _ => Ok(()),
    }
}

/// A new claim, on top of what is known of earlier ones. `units` is what it adds to the month's count.
pub fn next_claim(
    policy: &Policy,
    memory: &Memory,
    mut intent: Intent,
    units: u32,
    execution_id: &str,
    now: Timestamp,
    deadline: Timestamp,
) -> Claim {
    let earlier = memory.claim.as_ref();
    if let Some(left) = earlier.filter(|claim| claim.open && claim.intent != intent) {
        // This claim takes its place in the ledger: that it was begun would be told nowhere else.
        intent.reason = format!(
            "{} (run {} left something unfinished that is too old now: {})",
            intent.reason, left.execution_id, left.intent.reason
        );
    }
    let mut attempts: Vec<Timestamp> =
        earlier.map(|claim| recent(&claim.attempts, now).collect()).unwrap_or_default();
    let mut cooldown_until = earlier.map_or(now, |claim| claim.cooldown_until);
    if intent.weight != Weight::PutsBack {
        attempts.push(now);
        cooldown_until = now + policy.cooldown;
    }
    Claim {
        execution_id: execution_id.to_owned(),
        open: true,
        claimed_at: now,
        lease_until: deadline.max(now),
        cooldown_until,
        attempts,
        month: month(now),
        month_units: memory.month_units(now).saturating_add(units),
        intent,
        version: earlier.map_or(0, |claim| claim.version),
    }
}

/// Takes the target in the ledger. Without that, nothing may be applied.
pub async fn claim<A>(
    ledger: &Ledger,
    target: &str,
    claim: &Claim,
    follow_up: &FollowUpChange,
    approval: Option<&Approval>,
    actions: Vec<A>,
) -> Result<Vec<Approved<A>>, Stop> {
    match ledger.claim(target, claim, follow_up, approval).await {
        Ok(()) => Ok(actions.into_iter().map(Approved).collect()),
        Err(NotClaimed::KillSwitch) => Err(kill_switch("set just now")),
        Err(NotClaimed::Overtaken) => Err(busy("another run was quicker to claim the target")),
        Err(NotClaimed::Held) => Err(held("it was quicker to claim it")),
        Err(NotClaimed::Answered) => Err(busy("another run has answered this event just now")),
        Err(NotClaimed::ApprovalUsed) => Err(used()),
        Err(NotClaimed::Ledger(error)) => Err(no_ledger(&error)),
    }
}

/// Checks that a stored approval is still good.
pub fn check_approval(approval: &Approval, now: Timestamp) -> Result<(), Stop> {
    if approval.used {
        return Err(used());
    }
    if now >= approval.expires {
        let reason = format!("the plan's approval expired at {}", readable(approval.expires));
        return Err(Stop::refused("approval_expired", reason).next(ask_again()));
    }
    Ok(())
}

/// Checks that what was approved is what would be done now.
pub fn check_same_plan(approval: &Approval, plan_hash: &str) -> Result<(), Stop> {
    if approval.plan_hash == plan_hash {
        return Ok(());
    }
    let reason = "things have changed: what would be done now is not what was approved";
    Err(Stop::refused("plan_changed", reason).next(ask_again()))
}

fn ask_again() -> Next {
    Next::development("send the request again for a new plan")
}

pub fn busy(why: &str) -> Stop {
    Stop::refused("claimed_by_another", format!("{why}; it answers for this"))
}

fn held(why: &str) -> Stop {
    Stop::refused("held_by_another_remedy", format!("another remedy is at work on the target: {why}"))
        .next(Next::development("send the request again once that has ended, if it did not help"))
}

pub fn no_ledger(error: &crate::error::Error) -> Stop {
    Stop::refused(
        "ledger_unavailable",
        format!("without the ledger nothing is changed: {}", crate::error::chain(error)),
    )
    .next(Next::devops(
        "see whether the ledger's table exists and this function may use it; act by hand meanwhile",
    ))
}

fn used() -> Stop {
    Stop::refused("approval_used", "this plan was approved before; an approval acts once")
}

fn kill_switch(reason: &str) -> Stop {
    Stop::refused("kill_switch", format!("the kill switch is on ({reason})")).next(Next::development(
        "when it is safe, delete the kill-switch item from the ledger and send the request again",
    ))
}

fn recent(attempts: &[Timestamp], now: Timestamp) -> impl Iterator<Item = Timestamp> {
    const DAY: SignedDuration = SignedDuration::from_hours(24);
    attempts.iter().copied().filter(move |attempt| now.duration_since(*attempt) < DAY)
}
