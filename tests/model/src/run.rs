//! One run: what it has seen, what it decides from that, and which call is next. The deciding is
//! `shared::guard`'s; only the order of the calls is told again here.

use serde_json::{Value, json};
use shared::{
    guard::{self, Course},
    ledger::{Holder, Intent, Memory},
    outcome::{Decision, Outcome, Stop, VERSION},
    settings::{Mode, Policy},
};

use crate::{
    broken::Broken,
    scenario::{Cause, Delivery, Tick, approval, at, plan_hash},
    store::{Entry, Holding, Request, Store, Taken, Unmet},
};

/// What a run reads beside other reads: each item of a `BatchGetItem` is true for its own moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Whether the event was answered.
    Answer,
    /// The kill switch, the claim and the holder.
    Claim,
    /// The ledger's items at one moment.
    Ledger,
    /// The service.
    Service,
}

/// What was read so far.
#[derive(Debug, Clone, PartialEq, Hash, Default)]
pub struct Seen {
    pub answered: Option<bool>,
    pub ledger: Option<(bool, Option<Taken>, Option<Holding>)>,
    pub count: Option<u8>,
}

impl Seen {
    pub fn read(&mut self, part: Part, delivery: &Delivery, store: &Store, count: u8) {
        if matches!(part, Part::Answer | Part::Ledger) {
            self.answered = Some(store.answers.contains(&(delivery.function, delivery.event.to_owned())));
        }
        if matches!(part, Part::Claim | Part::Ledger) {
            let claim = store.claim(delivery.function).cloned();
            self.ledger = Some((store.kill_switch, claim, store.holder.clone()));
        }
        if part == Part::Service {
            self.count = Some(count);
        }
    }

    pub fn is_complete(&self) -> bool {
        self.answered.is_some() && self.ledger.is_some() && self.count.is_some()
    }

    /// What `Ledger::look` makes of it.
    pub fn memory(&self, broken: Option<Broken>) -> Memory {
        let (kill_switch, claim, holder) = self.ledger.clone().unwrap_or_default();
        let mut claim = claim.map(|claim| (*claim.0).clone());
        if let Some(claim) = &mut claim {
            match broken {
                Some(Broken::LeaseIgnored) => claim.lease_until = at(0),
                Some(Broken::CooldownIgnored) => claim.cooldown_until = at(0),
                Some(Broken::BudgetIgnored) => claim.attempts.clear(),
                Some(Broken::NothingTakenUp) => claim.open = false,
                _ => {}
            }
        }
        Memory {
            kill_switch: kill_switch.then(|| "for all".to_owned()),
            claim,
            holder: holder.map(|holder| Holder {
                function: holder.function.name().to_owned(),
                lease_until: at(holder.lease_until),
            }),
            earlier: self.answered.unwrap_or_default().then(kept_answer),
            ..Memory::default()
        }
    }
}

/// What a run does under its claim.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct Work {
    pub claim: Taken,
    pub observed: u8,
    pub approval: bool,
    /// Whether a dead run began it.
    pub taken_up: bool,
    /// Whether what the run itself came for is still to be answered.
    pub comes_again: bool,
}

impl Work {
    /// As a remedy's `is_outstanding`: a count that is higher by now is left as it is.
    pub fn is_outstanding(&self) -> bool {
        self.observed < self.claim.value()
    }
}

/// How a run, or a part of it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    Applied {
        taken_up: bool,
        already_done: bool,
    },
    Failed,
    Replayed,
    /// With the code of its answer.
    Stopped(&'static str),
    /// The ledger did not answer its claim.
    NoLedger,
    Killed,
}

#[derive(Debug, Clone, PartialEq, Hash)]
pub enum Phase {
    Awaited,
    Looking { now: Tick, seen: Seen, approval_used: Option<bool> },
    Claiming(Work),
    Acting(Work),
    Recording { work: Work, request: Request, end: End },
    Over,
}

#[derive(Debug, Clone, PartialEq, Hash)]
pub struct Run {
    pub phase: Phase,
    /// When Lambda ends it.
    pub deadline: Tick,
    pub ends: Vec<End>,
}

impl Run {
    pub fn awaited() -> Self {
        Self { phase: Phase::Awaited, deadline: 0, ends: Vec::new() }
    }

    /// Begins to look: `Runner::walk` up to its reads.
    pub fn start(&mut self, delivery: &Delivery, policy: &Policy, now: Tick, store: &Store) {
        if let Err(stop) = guard::gate(policy, &delivery.trigger(now), at(now)) {
            return self.end(End::Stopped(stop.code));
        }
        let approval_used = (delivery.cause == Cause::Approval).then_some(store.approval_used);
        self.phase = Phase::Looking { now, seen: Seen::default(), approval_used };
    }

    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    pub fn is_alive(&self) -> bool {
        !matches!(self.phase, Phase::Awaited | Phase::Over)
    }

    pub fn end(&mut self, end: End) {
        self.ends.push(end);
        self.phase = Phase::Over;
    }

    /// The reads that are still to come.
    pub fn unread(&self, torn_reads: bool) -> Vec<Part> {
        let Phase::Looking { seen, .. } = &self.phase else {
            return Vec::new();
        };
        let mut parts = Vec::new();
        if torn_reads && seen.answered.is_none() {
            parts.push(Part::Answer);
        }
        if seen.ledger.is_none() {
            parts.push(if torn_reads { Part::Claim } else { Part::Ledger });
        }
        if seen.count.is_none() {
            parts.push(Part::Service);
        }
        parts
    }
}

/// Who decides, and by what rules.
pub struct Decider<'a> {
    pub policy: &'a Policy,
    pub delivery: &'a Delivery,
    pub execution_id: String,
    pub deadline: Tick,
    pub broken: Option<Broken>,
}

impl Decider<'_> {
    /// What comes after the reads: a claim, or the end. Mirrors the rest of `Runner::walk`, up to its claim,
    /// with a remedy that plans one step up from what it saw, and nothing on a schedule.
    pub fn decide(&self, now: Tick, seen: &Seen, approval_used: Option<bool>) -> Result<Work, End> {
        let memory = seen.memory(self.broken);
        let observed = seen.count.unwrap_or_default();
        let admission = guard::admit(self.policy, false, false, approval_used.is_some());
        let work = |claim, approval, taken_up, comes_again| Work {
            claim: Taken::new(claim),
            observed,
            approval,
            taken_up,
            comes_again,
        };
        let trigger = self.delivery.trigger(now);
        let next = |intent: Intent| {
            let (deadline, reason) = (at(self.deadline), intent.reason.clone());
            let mut claim =
                guard::next_claim(self.policy, &memory, intent, 0, &self.execution_id, at(now), deadline);
            if self.broken == Some(Broken::LeftIntentsNotNamed) {
                claim.intent.reason = reason;
            }
            claim
        };
        match guard::course(self.policy, &memory, admission, at(now)) {
            Course::Replay(_) => return Err(End::Replayed),
            Course::Stop(stop) => return Err(stopped(&stop)),
            Course::TakeUp(dead) => {
                let comes_again = dead.intent.trigger.id != trigger.id && !self.delivery.cause.is_scheduled();
                return Ok(work(next(dead.intent.clone()), false, true, comes_again));
            }
            Course::Plan => {}
        }
        let approval = approval_used.map(approval);
        if let Some(approval) = &approval {
            guard::check_approval(approval, at(now)).map_err(|stop| stopped(&stop))?;
        }
        if self.delivery.cause.is_scheduled() {
            return Err(End::Stopped("enough_tasks"));
        }
        let (value, weight) = (observed + 1, self.delivery.cause.weight());
        guard::check_plan(self.policy, &memory, self.delivery.function.name(), weight, at(now))
            .map_err(|stop| stopped(&stop))?;
        if let Some(approval) = &approval {
            guard::check_same_plan(approval, &plan_hash(value)).map_err(|stop| stopped(&stop))?;
        } else if self.policy.mode != Mode::Auto {
            return Err(End::Stopped("approval_needed"));
        }
        let reason = self.delivery.event.to_owned();
        let intent = Intent { trigger, actions: json!(value), reason, weight };
        Ok(work(next(intent), approval.is_some(), false, false))
    }

    /// What a run does with the ledger's answer to its claim: `guard::claim`, then `Runner::act`.
    pub fn claimed(&self, work: Work, answer: Result<(), Unmet>) -> Result<Phase, End> {
        match answer {
            Ok(()) if work.is_outstanding() => Ok(Phase::Acting(work)),
            Ok(()) => Ok(self.acted(work, true, true, 0)),
            Err(unmet) => Err(End::Stopped(match unmet {
                Unmet::KillSwitch => "kill_switch",
                Unmet::Version | Unmet::Answered => "claimed_by_another",
                Unmet::Holder => "held_by_another_remedy",
                Unmet::Approval => "approval_used",
            })),
        }
    }

    /// What a run records once it has acted: the end of `Runner::act`.
    pub fn acted(&self, work: Work, applied: bool, already_done: bool, now: Tick) -> Phase {
        let applied = applied || self.broken == Some(Broken::FailureTakenForSuccess);
        let held = (*work.claim.0).clone();
        // The claim as it was taken has the version that was read; taking it made that one more.
        let claim = Taken::new(if applied { held.closed() } else { held.left_open(at(now)) });
        let entry = Entry {
            function: self.delivery.function,
            event: claim.event().to_owned(),
            execution_id: self.execution_id.clone(),
            value: claim.value(),
            applied,
            reason: claim.0.intent.reason.clone(),
        };
        let request = Request::Record { function: self.delivery.function, claim, entry, lets_go: true };
        let end = if applied { End::Applied { taken_up: work.taken_up, already_done } } else { End::Failed };
        Phase::Recording { work, request, end }
    }
}

/// What a run sends after its record was turned down: the end of `Ledger::record`.
pub fn record_again(request: &Request, unmet: Unmet) -> Option<Request> {
    match (request, unmet) {
        (Request::Record { entry, .. }, Unmet::Version) => Some(Request::Audit(entry.clone())),
        (Request::Record { function, claim, entry, lets_go: true }, Unmet::Holder) => Some(Request::Record {
            function: *function,
            claim: claim.clone(),
            entry: entry.clone(),
            lets_go: false,
        }),
        _ => None,
    }
}

fn stopped(stop: &Stop) -> End {
    End::Stopped(stop.code)
}

/// An answer that was kept. Only that there is one matters here.
pub fn kept_answer() -> Outcome {
    Outcome {
        version: VERSION,
        decision: Decision::Applied,
        code: String::new(),
        reason: String::new(),
        next: None,
        target: String::new(),
        steps: Vec::new(),
        verification: None,
        plan: Value::Null,
        observed: Value::Null,
        trigger: Value::Null,
        function: String::new(),
        environment: String::new(),
        execution_id: String::new(),
        at: at(0),
        duration_ms: 0,
    }
}
