//! The rules that stand between a plan and AWS. Only this module makes an [`Approved`].

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    clock::{self, month, readable},
    code,
    error::Error,
    ledger::{ALL, Approval, Attempt, Claim, Intent, Ledger, Memory, NotClaimed, Odd, Rejection, Switch},
    outcome::{Next, Outcome, Stop},
    plan::{FollowUpChange, Weight},
    settings::{Mode, Policy},
    trigger::{AlarmState, Kind, Trigger},
};

/// An action that was claimed in the ledger: the only kind that can be applied.
#[derive(Debug)]
pub struct Approved<A> {
    action: A,
    ledger: Ledger,
}

impl<A> Approved<A> {
    pub fn action(&self) -> &A {
        &self.action
    }

    /// Another action of the same intent, in this one's place.
    pub(crate) fn replaced_by(&self, action: A) -> Self {
        Self { action, ledger: self.ledger.clone() }
    }

    /// Looks whether somebody has set the kill switch since: before each write but the one that follows the claim,
    /// whose own condition has looked.
    pub async fn may_go_on(&self) -> Result<(), Error> {
        match self.ledger.kill_switch(clock::now()).await? {
            None => Ok(()),
            Some(switch) => {
                Err(Error::Refused { stop: Box::new(kill_switch(&switch, clock::now())), over: false })
            }
        }
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
        .next(Next::development("look whether the trouble is there; if so, send a request by hand")));
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
        .next(Next::development("look whether the trouble is still there; if so, send a request by hand")));
    }
    Ok(())
}

/// Whether what was seen then can still be acted on. What is dated ahead never becomes young.
fn is_fresh(policy: &Policy, seen: Timestamp, now: Timestamp) -> bool {
    !is_from_the_future(seen, now)
        && now.duration_since(seen)
            <= SignedDuration::try_from(policy.max_event_age).unwrap_or(SignedDuration::MAX)
}

pub fn is_from_the_future(seen: Timestamp, now: Timestamp) -> bool {
    /// Clocks of machines that keep time differ by less.
    const SKEW: SignedDuration = SignedDuration::from_secs(60);
    seen.duration_since(now) > SKEW
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
    /// A run died with this claim, and its intent is not carried out any more: that is an end of its own.
    GiveUp(&'a Claim, &'static str),
    Plan,
}

/// What comes before a plan of one's own.
pub fn course<'a>(
    policy: &Policy,
    memory: &'a Memory,
    asks_first: bool,
    trigger: &Trigger,
    now: Timestamp,
) -> Course<'a> {
    if let Some(earlier) = &memory.earlier {
        return Course::Replay(earlier);
    }
    let only_looks = trigger.asked().is_some_and(|asked| asked.dry_run);
    if only_looks {
        return Course::Plan;
    }
    if let Err(stop) = check_kill_switch(memory, now) {
        return Course::Stop(stop);
    }
    let Some(claim) = memory.claim.as_ref().filter(|claim| claim.open) else {
        return Course::Plan;
    };
    if now < claim.lease_until {
        return Course::Stop(busy(&format!("run {} is at work on this target", claim.execution_id)));
    }
    let intent = &claim.intent;
    if !is_fresh(policy, intent.trigger.at, now) {
        return Course::GiveUp(claim, "it is too old now");
    }
    let again = intent.trigger.id == trigger.id;
    // Who says yes to a plan asks for nothing new: the yes may be sent again just because the first one's run died.
    if matches!(&trigger.kind, Kind::Person(asked) if asked.approve.is_none()) && !again {
        return Course::GiveUp(claim, "a person has asked for something since");
    }
    let asks = asks_first || policy.mode == Mode::Approve;
    match policy.mode {
        Mode::Off | Mode::Observe => Course::GiveUp(claim, "MODE allows no change any more"),
        Mode::Approve | Mode::Auto
            if asks && !intent.approved.unwrap_or(asks_first) && intent.weight != Weight::PutsBack =>
        {
            Course::GiveUp(claim, "MODE is approve now, and nobody has approved it")
        }
        Mode::Approve | Mode::Auto => Course::TakeUp(claim),
    }
}

/// Whether another remedy leaves room for this one now.
pub fn check_room(memory: &Memory, function: &str, is_urgent: bool, now: Timestamp) -> Result<(), Stop> {
    if let Some(holder) = &memory.holder
        && holder.function != function
        && now < holder.lease_until
    {
        let until = readable(holder.lease_until);
        return Err(held(&format!("{} holds it until {until}", holder.function)));
    }
    match &memory.waiting {
        Some(waiting) if !is_urgent && now < waiting.until => {
            Err(held(&format!("{} waits for it, and goes first", waiting.function)))
        }
        _ => Ok(()),
    }
}

/// Whether cooldown and budget let a plan of this weight be carried out now. `about` is what they belong to.
pub fn check_limits(
    policy: &Policy,
    memory: &Memory,
    weight: Weight,
    about: &[String],
    now: Timestamp,
) -> Result<(), Stop> {
    let attempts: Vec<&Attempt> = memory
        .claim
        .iter()
        .flat_map(|claim| recent(&claim.attempts, now))
        .filter(|attempt| is_about(attempt, about))
        .collect();
    match weight {
        Weight::PutsBack => Ok(()),
        Weight::Wished => check_budget(policy, &attempts),
        Weight::Full => check_cooldown(policy, &attempts, now).and_then(|()| check_budget(policy, &attempts)),
    }
}

/// The first of `about` is what a plan is about; an attempt is also about what came of it.
fn is_about(attempt: &Attempt, about: &[String]) -> bool {
    attempt.about.is_empty() || about.first().is_none_or(|subject| attempt.about.contains(subject))
}

/// Stops while somebody holds the kill switch.
fn check_kill_switch(memory: &Memory, now: Timestamp) -> Result<(), Stop> {
    memory.kill_switch.as_ref().map_or(Ok(()), |switch| Err(kill_switch(switch, now)))
}

/// Stops while the effect of the last action is awaited.
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

/// Stops a remedy that was tried too often to be the right one.
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

/// A new claim, on top of what is known of earlier ones.
pub fn next_claim(
    memory: &Memory,
    intent: Intent,
    what: &str,
    execution_id: &str,
    now: Timestamp,
    deadline: Timestamp,
) -> Claim {
    let earlier = memory.claim.as_ref();
    let mut attempts: Vec<Attempt> =
        earlier.map(|claim| recent(&claim.attempts, now).cloned().collect()).unwrap_or_default();
    // An intent that is taken up counts already, if its run may have changed something. Its effect is awaited from now
    // on: it is only now that it may be brought about.
    let taken_up = earlier.filter(|claim| claim.open && claim.intent.trigger.id == intent.trigger.id);
    let before = taken_up.and_then(|claim| claim.counted);
    if let Some(place) = attempts.iter().rposition(|attempt| Some(attempt.at) == before) {
        attempts.remove(place);
    }
    let mut counted = None;
    let mut units = 0;
    if intent.weight != Weight::PutsBack {
        counted = Some(now);
        let counts_already = before.is_some() && taken_up.is_some_and(|claim| claim.month == month(now));
        units = if counts_already { 0 } else { intent.units };
        attempts.push(Attempt { at: now, about: intent.about.clone(), what: what.to_owned() });
    }
    Claim {
        execution_id: execution_id.to_owned(),
        open: true,
        claimed_at: now,
        lease_until: deadline.max(now),
        attempts,
        counted,
        month: month(now),
        month_units: memory.month_units(now).saturating_add(units),
        intent,
        version: earlier.map_or(0, |claim| claim.version),
        in_place_of: earlier.map_or_else(|| unreadable_claim(memory), |claim| claim.in_place_of.clone()),
    }
}

/// A claim that could not be read: a new one takes the place of just that item.
fn unreadable_claim(memory: &Memory) -> Option<Odd> {
    memory
        .odd
        .iter()
        .find(|odd| odd.pk.starts_with("target#") && !odd.sk.contains('#') && odd.sk != "freeze")
        .cloned()
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
        Ok(()) => Ok(actions.into_iter().map(|action| Approved { action, ledger: ledger.clone() }).collect()),
        Err(NotClaimed::KillSwitch) => {
            Err(stopped("a kill switch was set just now".to_owned(), &json!({ "go": ALL })))
        }
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
    if let Some(rejection) = &approval.rejected {
        return Err(Stop::refused(&code::APPROVAL_REJECTED, rejected(rejection)).next(ask_again()));
    }
    if now >= approval.expires {
        let reason = format!("the plan's approval expired at {}", readable(approval.expires));
        return Err(Stop::refused(&code::APPROVAL_EXPIRED, reason).next(ask_again()));
    }
    Ok(())
}

/// Who said no, when and why.
pub fn rejected(rejection: &Rejection) -> String {
    let by = if rejection.by.is_empty() { String::new() } else { format!(" by {}", rejection.by) };
    let why = if rejection.reason.is_empty() { String::new() } else { format!(": {}", rejection.reason) };
    format!("the plan was rejected{by} at {}{why}", rejection.at)
}

/// Checks that what was approved is what would be done now.
pub fn check_same_plan(approval: &Approval, plan_hash: &str, plan: &[String]) -> Result<(), Stop> {
    if approval.plan_hash == plan_hash {
        return Ok(());
    }
    let list = |lines: &[String]| if lines.is_empty() { "nothing".to_owned() } else { lines.join(", ") };
    // A plan that was stored by an earlier version is known by its hash alone.
    let approved = if approval.plan.is_empty() { "another plan".to_owned() } else { list(&approval.plan) };
    let reason =
        format!("things have changed: approved was: {approved}; what would be done now is: {}", list(plan));
    Err(Stop::refused(&code::PLAN_CHANGED, reason).next(ask_again()))
}

fn ask_again() -> Next {
    Next::development("send the request again for a new plan")
}

pub fn busy(why: &str) -> Stop {
    Stop::refused(&code::CLAIMED_BY_ANOTHER, format!("{why}; it answers for this"))
}

fn held(why: &str) -> Stop {
    Stop::refused(&code::HELD_BY_ANOTHER_REMEDY, format!("another remedy is at work on the target: {why}"))
        .next(Next::development("send the request again once that has ended, if it did not help"))
}

pub fn no_ledger(error: &crate::error::Error) -> Stop {
    Stop::refused(
        &code::LEDGER_UNAVAILABLE,
        format!("without the ledger nothing is changed: {}", crate::error::chain(error)),
    )
    .next(Next::devops(
        "see whether the ledger's table exists and this function may use it; act by hand meanwhile",
    ))
}

fn used() -> Stop {
    Stop::refused(&code::APPROVAL_USED, "this plan was approved before; an approval acts once")
}

fn kill_switch(switch: &Switch, now: Timestamp) -> Stop {
    stopped(switch.in_words(now), &switch.lift())
}

fn stopped(reason: String, lift: &Value) -> Stop {
    Stop::refused(&code::KILL_SWITCH, reason).next(Next::development(format!(
        "when it is safe, send {lift} to incident, which lifts it, and then this request again"
    )))
}

fn recent(attempts: &[Attempt], now: Timestamp) -> impl Iterator<Item = &Attempt> {
    const DAY: SignedDuration = SignedDuration::from_hours(24);
    attempts.iter().filter(move |attempt| now.duration_since(attempt.at) < DAY)
}
