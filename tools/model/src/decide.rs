//! What a run decides from what it has seen, and from what came of its calls. The deciding is `shared::guard`'s.

use serde_json::json;
use shared::{
    code,
    guard::{self, Admitted, Case, Disposition},
    ledger::{Claim, Intent, Memory},
    outcome::Stop,
    plan::{Note, Plan, nothing_to_look_after},
    settings::Policy,
};

use crate::{
    broken::Broken,
    run::{Acted, End, Phase, Seen, Work},
    setup::{Delivery, Setup, Tick, approval, at, plan_hash},
    store::{Also, Entry, Noted, Owing, Request, Taken, Unmet, Wants},
};

/// Who decides, and by what rules.
pub struct Decider<'a> {
    pub setup: &'a Setup,
    pub policy: &'a Policy,
    /// Whether it is what an event asked for earlier.
    pub wished: bool,
    /// Whether the event's alarm has ended.
    pub alarm_is_over: bool,
    pub delivery: &'a Delivery,
    pub execution_id: String,
    pub deadline: Tick,
    pub broken: Option<Broken>,
}

impl Decider<'_> {
    /// What comes after the reads: a claim, the record of what is given up, or the end. Mirrors the rest of
    /// `Runner::walk`, up to its claim, with a remedy that plans one step up from what it saw, and nothing on a
    /// schedule.
    pub fn decide(&self, now: Tick, seen: &Seen, approval_used: Option<bool>) -> Result<Phase, End> {
        let memory = seen.memory(self.broken);
        let in_hand = self.is_in_hand(&memory);
        let any_wanted = !memory.wanted.is_empty();
        self.plan(now, seen, memory, approval_used).or_else(|end| self.stopped(end, in_hand, any_wanted, now))
    }

    fn is_in_hand(&self, memory: &Memory) -> bool {
        memory
            .claim
            .as_ref()
            .is_some_and(|claim| claim.open && claim.intent.trigger.id == self.delivery.event)
    }

    /// The end of a run without a claim: whether it has anything to write.
    pub fn stopped(&self, end: End, in_hand: bool, any_wanted: bool, now: Tick) -> Result<Phase, End> {
        let code = if let End::Stopped(code) = end { code } else { "" };
        let for_now =
            code::is_for_now(code) && (code != "aws_failed" || self.broken != Some(Broken::FailedLookClears));
        let in_hand = in_hand && !self.wished && code == "claimed_by_another";
        let is_event = self.delivery.is_an_event();
        let wants = if !self.setup.wants {
            Wants::Keep
        } else if is_event && for_now && !in_hand {
            self.wish(now)
        } else if self.wished && any_wanted && !for_now {
            Wants::Clear(*self.delivery)
        } else {
            Wants::Keep
        };
        let has_a_next_step =
            matches!(code, "cooldown" | "budget_spent") || (for_now && code != "claimed_by_another");
        let is_due = code == "no_longer_wanted" || (is_event && has_a_next_step && !(self.wished && for_now));
        let also = Also { wants, owed: is_due.then(|| self.owing(now)).flatten() };
        if also == Also::default() { Err(end) } else { Ok(Phase::Settling { also, end }) }
    }

    fn wish(&self, now: Tick) -> Wants {
        let wish = *self.delivery;
        let until = now.saturating_add(self.setup.max_event_age);
        Wants::Set { wish, first_until: wish.function.is_urgent().then_some(until) }
    }

    fn owing(&self, now: Tick) -> Option<Owing> {
        let own_until = self.deadline.max(now).min(now + 1);
        self.setup.owes.then(|| Owing { execution_id: self.execution_id.clone(), own_until })
    }

    /// Beside the record of what was claimed: `Runner::finish`.
    fn also(&self, work: &Work, failed: bool, now: Tick) -> Also {
        let wants = match () {
            () if !self.setup.wants => Wants::Keep,
            // A dead run's intent came first and failed again: this event has not had its turn.
            () if self.delivery.is_an_event() && work.comes_again && failed => self.wish(now),
            () if self.wished => Wants::Clear(*self.delivery),
            () => Wants::Keep,
        };
        Also { wants, owed: self.owing(now) }
    }

    fn plan(
        &self,
        now: Tick,
        seen: &Seen,
        mut memory: Memory,
        approval_used: Option<bool>,
    ) -> Result<Phase, End> {
        let observed = seen.count.unwrap_or_default();
        let mut trigger = self.delivery.trigger(now);
        if self.wished {
            if !memory.wanted.iter().any(|wanted| wanted.trigger.id == self.delivery.event) {
                return Err(End::Stopped("nothing_wanted"));
            }
            if self.alarm_is_over || self.broken == Some(Broken::WishClearedUnread) {
                return Err(End::Stopped("no_longer_wanted"));
            }
            trigger.at = at(now);
        }
        let in_hand = self.is_in_hand(&memory);
        let comes_again =
            |dead: &Claim| dead.intent.trigger.id != trigger.id && !self.delivery.cause.is_scheduled();
        let mut disposition = guard::disposition(self.policy, &memory, false, &trigger, at(now));
        if self.broken == Some(Broken::ApprovalSupersedes)
            && approval_used.is_some()
            && let Disposition::TakeUp(dead) = disposition
        {
            disposition = Disposition::GiveUp(dead, "a person has asked for something since");
        }
        match disposition {
            Disposition::Replay(_) => return Err(End::Replayed),
            Disposition::Stop(stop) => return Err(end_of(&stop)),
            Disposition::TakeUp(dead) => {
                return Ok(Phase::Claiming(Work {
                    claim: self.claim(&memory, dead.intent.clone(), now),
                    observed,
                    approval: false,
                    taken_up: true,
                    comes_again: comes_again(dead),
                    in_hand,
                }));
            }
            Disposition::GiveUp(dead, _) if self.broken != Some(Broken::NothingGivenUp) => {
                return Ok(self.give_up(dead, observed, comes_again(dead), now));
            }
            Disposition::GiveUp(..) | Disposition::Plan => {}
        }
        if self.broken == Some(Broken::NothingGivenUp)
            && let Some(claim) = &mut memory.claim
        {
            claim.open = false;
        }
        let approval = approval_used.map(approval);
        let (value, function) = (observed + 1, self.delivery.function);
        let plan: Plan<u8, ()> = if self.delivery.cause.is_scheduled() {
            Plan::skip(nothing_to_look_after())
        } else {
            Plan { limits: self.delivery.cause.limits(), ..Plan::act(vec![value], String::new()) }
        };
        let case = Case {
            policy: self.policy,
            memory: &memory,
            trigger: &trigger,
            approval: approval.as_ref(),
            function: function.name(),
            asks_first: false,
            is_urgent: function.is_urgent(),
            now: at(now),
        };
        match guard::admit(&case, &plan, &plan_hash(value)) {
            Ok(Admitted::Act { .. }) => {}
            Ok(Admitted::Ask { .. }) => return Err(End::Stopped("approval_needed")),
            Ok(Admitted::Settle(_)) => return Err(End::Stopped("enough_tasks")),
            Err(stop) => return Err(end_of(&stop)),
        }
        let intent = Intent {
            trigger,
            actions: json!(value),
            reason: String::new(),
            limits: plan.limits,
            units: 0,
            about: Vec::new(),
            notes: if self.setup.notes { vec![self.note(&memory)] } else { Vec::new() },
            approved: Some(approval.is_some()),
            instead_of: None,
        };
        Ok(Phase::Claiming(Work {
            claim: self.claim(&memory, intent, now),
            observed,
            approval: approval.is_some(),
            taken_up: false,
            comes_again: false,
            in_hand,
        }))
    }

    fn note(&self, memory: &Memory) -> Note {
        let before = memory.freeze.clone().filter(|before| !before.pending);
        Note::Frozen { freeze: Noted::freeze(self.delivery.event, false), before }
    }

    fn claim(&self, memory: &Memory, intent: Intent, now: Tick) -> Taken {
        let what = intent.trigger.id.clone();
        let (until, now) = (at(self.deadline), at(now));
        let before = memory.claim.as_ref().filter(|claim| claim.open).and_then(|claim| claim.counted);
        let mut claim = guard::next_claim(memory, intent, &what, &self.execution_id, now, until);
        if self.broken == Some(Broken::TakeUpKeepsItsTime)
            && let (Some(before), Some(attempt)) = (before, claim.attempts.last_mut())
        {
            attempt.at = before;
            claim.counted = Some(before);
        }
        Taken::new(claim)
    }

    /// What a run records of a dead one whose intent is not carried out any more: `Runner::give_up`.
    fn give_up(&self, dead: &Claim, observed: u8, comes_again: bool, now: Tick) -> Phase {
        let claim = Taken::new(Claim { open: false, ..dead.clone() });
        let work = Work { claim, observed, approval: false, taken_up: true, comes_again, in_hand: false };
        let done = !work.is_outstanding();
        let held = Claim::clone(&work.claim.0);
        let claim = Taken::new(match self.broken {
            Some(Broken::DoneAfterAllNotCounted) if done => held,
            Some(Broken::AttemptsNotTakenBack) if !done => held,
            _ if done => held.counted_at(at(now), &dead.intent.trigger.id),
            _ => held.uncounted(),
        });
        let end = if done { End::Applied { taken_up: true, already_done: true } } else { End::GivenUp };
        let entry = Entry { given_up: !done, ..self.entry(&claim, done) };
        let function = self.delivery.function;
        let also = self.also(&work, false, now);
        Phase::Recording {
            work,
            request: Request::Record { function, claim, entry, lets_go: true, gives_up: true, also },
            end,
        }
    }

    fn entry(&self, claim: &Taken, applied: bool) -> Entry {
        Entry {
            function: self.delivery.function,
            event: claim.event().to_owned(),
            execution_id: self.execution_id.clone(),
            value: claim.value(),
            applied,
            given_up: false,
        }
    }

    /// What a run does with the ledger's answer to its claim: `guard::claim`, then `Runner::act`.
    pub fn claimed(&self, work: Work, answer: Result<(), Unmet>, now: Tick) -> Result<Phase, End> {
        let code = match answer {
            Ok(()) if work.is_outstanding() => return Ok(Phase::Acting(work)),
            Ok(()) => return Ok(self.acted(work, Acted::AlreadyDone, now)),
            Err(Unmet::KillSwitch) => "kill_switch",
            Err(Unmet::Version | Unmet::Answered) => "claimed_by_another",
            Err(Unmet::Holder) => "held_by_another_remedy",
            Err(Unmet::Approval) => "approval_used",
        };
        self.stopped(End::Stopped(code), work.in_hand, self.wished, now)
    }

    /// What a run records once it has acted: the end of `Runner::act`.
    pub fn acted(&self, work: Work, acted: Acted, now: Tick) -> Phase {
        let applied = matches!(acted, Acted::Done | Acted::AlreadyDone)
            || self.broken == Some(Broken::FailureTakenForSuccess);
        let changed = acted != Acted::NothingChanged;
        let held = Claim::clone(&work.claim.0);
        // The claim as it was taken has the version that was read; taking it made that one more.
        let mut held = if applied { held.closed() } else { held.left_open(at(now)) };
        if !changed && self.broken != Some(Broken::AttemptsNotTakenBack) {
            held = held.uncounted();
        }
        let claim = Taken::new(held);
        let entry = self.entry(&claim, applied);
        let function = self.delivery.function;
        let also = self.also(&work, !applied, now);
        let request = Request::Record { function, claim, entry, lets_go: true, gives_up: false, also };
        let already_done = acted == Acted::AlreadyDone;
        let end = if applied { End::Applied { taken_up: work.taken_up, already_done } } else { End::Failed };
        Phase::Recording { work, request, end }
    }
}

fn end_of(stop: &Stop) -> End {
    End::Stopped(stop.code.name())
}
