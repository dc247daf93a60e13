//! The step after the plan: everything that decides whether it is carried out.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    limits::check_limits,
    refusals::{check_kill_switch, held, used},
};
use crate::{
    clock::{near, readable},
    code,
    decision::{Decision, Next, Stop},
    ledger::{Approval, Memory, Rejection},
    outcome::{first, lower},
    plan::{Limits, Plan, lines},
    settings::{Mode, Policy},
    trigger::{Asked, Kind, Trigger},
    vote,
};

/// What is known when a plan is decided on.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    pub policy: &'a Policy,
    pub memory: &'a Memory,
    pub trigger: &'a Trigger,
    /// The plan that the trigger approves.
    pub approval: Option<&'a Approval>,
    /// The plan's function.
    pub function: &'a str,
    /// Whether this remedy asks a person in mode `auto` too.
    pub asks_first: bool,
    /// Whether others let this remedy go first.
    pub is_urgent: bool,
    pub now: Timestamp,
}

/// What may be done about a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Admitted {
    /// Claim the target and act, for this reason.
    Act { reason: String },
    /// Ask a person, for this reason.
    Ask { reason: String },
    /// There is nothing to do, and this is the answer. The follow-up becomes what the plan says.
    Settle(Stop),
    /// Only say what would be done, and why it would be refused now, if it would be.
    Show { stop: Stop, refused: Option<String> },
}

/// Decides whether a plan is carried out: mode, kill switch, room beside other remedies, cooldown, budget, approval.
/// `plan_hash` says whether it is the plan that was approved.
pub fn admit<A: ToString, F>(case: &Case<'_>, plan: &Plan<A, F>, plan_hash: &str) -> Result<Admitted, Stop> {
    let dry_run = case.trigger.only_looks();
    let stopped = check_kill_switch(case.memory, case.now);
    if !dry_run {
        stopped.clone()?;
    }
    if let Some(approval) = case.approval {
        check_approval(approval, case.now)?;
    }
    if let Some(stop) = &plan.skipped {
        let may_settle = !dry_run && case.policy.mode.may_act();
        return if may_settle { Ok(Admitted::Settle(stop.clone())) } else { Err(stop.clone()) };
    }
    let mut reason = plan.reason.clone();
    let refused = match stopped.and_then(|()| check_room_and_limits(case, plan)) {
        Ok(None) => None,
        Ok(Some(limit)) => {
            reason = format!("{reason}; overridden by a person: {limit}");
            None
        }
        Err(stop) if dry_run => Some(stop),
        Err(stop) => return Err(stop),
    };
    let actions = lines(&plan.actions);
    if let Some(approval) = case.approval {
        if let Some(by) = case.trigger.asked() {
            let approved = if dry_run { LOOKED.to_owned() } else { approved(by, approval, case.now) };
            reason = format!("{reason}; {approved}");
        }
        check_same_plan(approval, plan_hash, &actions)?;
    }
    if dry_run || !case.policy.mode.may_act() {
        return Ok(would_act(&actions, &reason, refused));
    }
    Ok(if asks(case, plan.limits) { Admitted::Ask { reason } } else { Admitted::Act { reason } })
}

/// Whether a person has to approve first. A request only ever tightens, and so does a remedy that asks first.
fn asks(case: &Case<'_>, limits: Limits) -> bool {
    let by_request = case.trigger.asked().is_some_and(|asked| asked.ask);
    // Undoing an action needs no second approval.
    let by_rule = (case.asks_first || case.policy.mode == Mode::Approve) && limits != Limits::Exempt;
    case.approval.is_none() && (by_request || by_rule)
}

/// Answers with the limit that a person overrides, if there is one.
fn check_room_and_limits<A, F>(case: &Case<'_>, plan: &Plan<A, F>) -> Result<Option<String>, Stop> {
    check_room(case.memory, case.function, case.is_urgent, case.now)?;
    match check_limits(case.policy, case.memory, plan.limits, &plan.about, case.now) {
        Ok(()) => Ok(None),
        Err(stop) if is_definite(case, plan.limits) => Ok(Some(lower(first(&stop.reason)))),
        Err(stop) => Err(by_hand(stop, plan.by_hand.clone())),
    }
}

/// Whether a person has asked for exactly this, whatever cooldown and budget say.
fn is_definite(case: &Case<'_>, limits: Limits) -> bool {
    let overrides = case.trigger.asked().is_some_and(|asked| asked.overrides);
    matches!(case.trigger.kind, Kind::Person(_))
        && (overrides || case.approval.is_some() || limits == Limits::SkipCooldown)
}

/// Refuses while another remedy holds the target, or goes first.
fn check_room(memory: &Memory, function: &str, is_urgent: bool, now: Timestamp) -> Result<(), Stop> {
    if let Some(holder) = &memory.holder
        && holder.function != function
        && now < holder.lease_until
    {
        let until = near(holder.lease_until, now);
        return Err(held(&format!(
            "{} is at work on the target, until {until} at the latest",
            holder.function
        )));
    }
    match &memory.waiting {
        Some(waiting) if !is_urgent && now < waiting.until => {
            Err(held(&format!("{} waits for the target, and goes first", waiting.function)))
        }
        _ => Ok(()),
    }
}

/// Adds the request with which a person overrides the refusal.
fn by_hand(stop: Stop, request: Option<Value>) -> Stop {
    let mut request = match request {
        Some(Value::Object(request)) => request,
        _ => Map::new(),
    };
    request.insert("override".to_owned(), json!(true));
    request.insert(
        "reason".to_owned(),
        json!(format!("not waited for: {}", stop.code.name().replace('_', " "))),
    );
    let next = stop.next.clone().unwrap_or_else(|| Next::development("send the request below"));
    stop.next(next.send(Value::Object(request)))
}

/// The answer of a run that may only look. `refused` is what would refuse the plan now.
fn would_act(actions: &[String], reason: &str, refused: Option<Stop>) -> Admitted {
    let why = refused.as_ref().map(|refused| lower(first(&refused.reason)));
    let refusal = why.as_ref().map(|why| format!("; it would be refused now: {why}")).unwrap_or_default();
    let stop = Stop {
        decision: Decision::Observed,
        code: &code::WOULD_ACT,
        reason: format!("would {}: {reason}{refusal}", actions.join(", ")),
        next: refused.and_then(|refused| refused.next),
    };
    Admitted::Show { stop, refused: why }
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
pub(crate) fn rejected(rejection: &Rejection) -> String {
    let by = if rejection.by.is_empty() { String::new() } else { format!(" by {}", rejection.by) };
    let why = if rejection.reason.is_empty() { String::new() } else { format!(": {}", rejection.reason) };
    format!("the plan was rejected{by} at {}{why}", rejection.at)
}

/// Checks that what was approved is what would be done now.
fn check_same_plan(approval: &Approval, plan_hash: &str, plan: &[String]) -> Result<(), Stop> {
    if approval.plan_hash == plan_hash {
        return Ok(());
    }
    let list = |lines: &[String]| if lines.is_empty() { "nothing".to_owned() } else { lines.join(", ") };
    // A plan that was stored by an earlier version is known by its hash alone.
    let approved = if approval.plan.is_empty() { "another plan".to_owned() } else { list(&approval.plan) };
    let reason = format!(
        "the plan has changed since it was approved. Approved was: {approved}. Now it would be: {}",
        list(plan)
    );
    Err(Stop::refused(&code::PLAN_CHANGED, reason).next(ask_again()))
}

fn ask_again() -> Next {
    Next::development("send the request again for a new plan")
}

/// Of a dry run of an approval.
const LOOKED: &str = "this was only a look, which approves nothing";

/// Who has approved, when and why.
fn approved(asked: &Asked, approval: &Approval, at: Timestamp) -> String {
    let why = asked.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    if asked.verified {
        return format!("approved by {}{why}", vote::with_times(&approval.votes));
    }
    let by = asked.decider().map(|by| format!(" by {by}")).unwrap_or_default();
    format!("approved{by} at {}{why}", readable(at))
}

#[cfg(test)]
mod tests;
