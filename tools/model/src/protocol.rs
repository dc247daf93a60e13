//! All that can happen, one step at a time.

use std::sync::Arc;

use shared::settings::Policy;
use stateright::Model;

use crate::{
    broken::Broken,
    decide::Decider,
    run::{Acted, End, Part, Phase, Run, Work, record_again},
    setup::{Cause, Delivery, Setup, at},
    store::{Request, Unmet},
    world::World,
};

/// The claim protocol in one setup, whole or with one rule missing.
#[derive(Debug, Clone)]
pub struct Protocol {
    pub setup: Setup,
    pub broken: Option<Broken>,
    policy: Arc<Policy>,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    Start(usize),
    Read(usize, Part),
    Call(usize, Fate),
    /// AWS cannot be read.
    FailToRead(usize),
    Kill(usize),
    /// A delivery's alarm ends.
    EndAlarm(usize),
    /// A request arrives whose sender has given up.
    Land(usize),
    /// It never arrives.
    Vanish(usize),
    Tick,
    SetKillSwitch,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    Answered,
    /// It takes effect, nobody hears of it, and the SDK repeats it.
    AnswerLost,
    /// It does not take effect, and fails.
    Failed,
    /// It takes effect, and seems to have failed.
    SeemsFailed,
    /// The run waits for it no longer. It may arrive yet.
    GivenUp,
    /// It met another transaction, and did nothing.
    Conflict,
}

impl Protocol {
    pub fn new(setup: Setup, broken: Option<Broken>) -> Self {
        let policy = Arc::new(setup.policy());
        Self { setup, broken, policy }
    }

    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.setup.deliveries.iter()
    }

    pub(crate) fn delivery(&self, run: usize) -> Option<&Delivery> {
        self.setup.deliveries.get(run)
    }

    pub(crate) fn is_last(&self, run: usize) -> bool {
        self.delivery(run).is_none_or(|delivery| delivery.cause == Cause::LastSchedule)
    }

    /// Whether nothing can happen any more.
    pub fn is_over(&self, world: &World) -> bool {
        let mut steps = Vec::new();
        self.actions(world, &mut steps);
        steps.is_empty()
    }

    /// Whether nobody waits for it: a scheduled run that has nothing to do.
    pub(crate) fn may_stay_away(&self, run: usize, state: &Run) -> bool {
        let is_schedule = self.delivery(run).is_some_and(|delivery| delivery.cause == Cause::Schedule);
        self.setup.settles() && is_schedule && state.phase == Phase::Awaited
    }

    /// Whether Lambda delivers the run's event again after an error.
    pub(crate) fn is_repeated(&self, run: usize) -> bool {
        self.setup.settles() && self.delivery(run).is_some_and(Delivery::is_an_event)
    }

    pub(crate) fn may_start(&self, world: &World, run: usize) -> bool {
        let others = || world.runs.iter().enumerate().filter(|(other, _)| *other != run);
        match self.delivery(run) {
            None => false,
            Some(delivery) if delivery.cause == Cause::LastSchedule => {
                let leases = [&world.store.scale_up, &world.store.rollback].into_iter().flatten();
                others().all(|(other, state)| {
                    state.is_over()
                        || (other > run && self.is_last(other))
                        || self.may_stay_away(other, state)
                }) && world.late.is_empty()
                    && leases.filter(|claim| claim.0.open).all(|left| left.0.lease_until < at(world.time))
                    && world.store.owed.values().all(|own_until| *own_until < world.time)
                    && !others().any(|(other, state)| self.is_last(other) && state.is_alive())
            }
            // A scheduled run that finds nothing does nothing; and the last one is the last.
            Some(delivery)
                if delivery.cause == Cause::Schedule
                    && self.setup.settles()
                    && (world.store.owed.is_empty() && world.store.wanted.is_empty()
                        || others()
                            .any(|(other, state)| self.is_last(other) && state.phase != Phase::Awaited)) =>
            {
                false
            }
            // Of equal deliveries it does not matter which comes first: one order stands for all.
            Some(delivery) => others()
                .filter(|(other, _)| *other < run && self.delivery(*other) == Some(delivery))
                .all(|(_, state)| state.phase != Phase::Awaited),
        }
    }

    /// Time passes while somebody is to come, up to the setup's end; after that only for a lease that the
    /// last scheduled run waits for.
    pub(crate) fn may_tick(&self, world: &World) -> bool {
        let runs = || world.runs.iter().enumerate();
        if runs().any(|(run, state)| self.is_last(run) && state.is_alive()) {
            return false;
        }
        if world.time < self.setup.end {
            let waits = |run| !(self.is_last(run) && self.may_start(world, run));
            return runs().any(|(run, state)| !state.is_over() && waits(run));
        }
        let stays_away = |(run, state): &(usize, &Run)| self.may_stay_away(*run, state);
        let mut to_come = runs().filter(|to_come| !to_come.1.is_over() && !stays_away(to_come)).peekable();
        to_come.peek().is_some()
            && world.late.is_empty()
            && to_come.all(|(run, _)| self.is_last(run) && !self.may_start(world, run))
    }

    pub(crate) fn fates(&self, world: &World, run: usize, phase: &Phase) -> &'static [Fate] {
        if world.faults == 0 || self.is_last(run) {
            return &[Fate::Answered];
        }
        match phase {
            Phase::Paying { .. } => &[Fate::Answered, Fate::Failed],
            Phase::TakingOn { .. } => &[Fate::Answered],
            Phase::Telling { .. } => &[Fate::Answered, Fate::Failed, Fate::SeemsFailed],
            Phase::Acting(_) if self.setup.settles() => &[Fate::Answered, Fate::Failed, Fate::SeemsFailed],
            Phase::Acting(_) => &[Fate::Answered, Fate::AnswerLost, Fate::Failed, Fate::SeemsFailed],
            _ if self.setup.settles() => &[Fate::Answered, Fate::GivenUp],
            // A conflict that the ledger repeats is no step: nothing has happened.
            _ if self.broken == Some(Broken::ConflictNotRepeated) => &[Fate::Answered, Fate::Conflict],
            _ => &[Fate::Answered, Fate::AnswerLost, Fate::GivenUp],
        }
    }

    pub(crate) fn decider<'a>(&'a self, world: &'a World, run: usize, delivery: &'a Delivery) -> Decider<'a> {
        let (deadline, round) =
            world.runs.get(run).map_or((0, 0), |state| (state.deadline, state.ends.len()));
        let execution_id =
            if round == 0 { format!("run {}", run + 1) } else { format!("run {}-{}", run + 1, round + 1) };
        let wish = world.runs.get(run).and_then(|state| state.wish.as_ref());
        let delivery = wish.unwrap_or(delivery);
        Decider {
            setup: &self.setup,
            policy: &self.policy,
            wished: wish.is_some(),
            alarm_is_over: world.alarms_over.contains(delivery.event),
            delivery,
            execution_id,
            deadline,
            broken: self.broken,
        }
    }

    pub(crate) fn start(&self, world: &mut World, run: usize) -> Option<()> {
        let now = world.time;
        world.runs.get_mut(run)?.deadline = now + self.setup.lease;
        self.begin(world, run)
    }

    pub(crate) fn begin(&self, world: &mut World, run: usize) -> Option<()> {
        let now = world.time;
        let state = world.runs.get_mut(run)?;
        state.start(self.delivery(run)?, &self.policy, now, &world.store);
        if state.is_over() && state.ends.last() == Some(&End::Stopped("event_too_old")) {
            let delivery = self.delivery(run)?;
            world.history.refused.insert((delivery.function, delivery.event.to_owned()));
        }
        Some(())
    }

    pub(crate) fn read(&self, world: &mut World, run: usize, part: Part) -> Option<()> {
        let delivery = self.delivery(run)?;
        let count = world.count(delivery.function);
        let Phase::Looking { now, mut seen, approval_used } = world.runs.get(run)?.phase.clone() else {
            return None;
        };
        let about = *world.runs.get(run)?.about(delivery);
        seen.read(part, &about, &world.store, count);
        if self.setup.settles() {
            // The order of the reads is another setup's matter.
            seen.read(Part::Service, &about, &world.store, count);
        }
        if !seen.is_complete() {
            world.runs.get_mut(run)?.phase = Phase::Looking { now, seen, approval_used };
            return Some(());
        }
        let decided = self.decider(world, run, delivery).decide(now, &seen, approval_used);
        let state = world.runs.get_mut(run)?;
        if delivery.cause.is_scheduled() && state.wish.is_none() && self.setup.wants {
            state.wishes = seen.ledger.map(|ledger| ledger.wanted).unwrap_or_default();
        }
        match decided {
            Ok(Phase::Claiming(work)) if self.broken == Some(Broken::ActsBeforeItsClaim) => {
                state.phase = Phase::Acting(work);
            }
            Ok(phase) => state.phase = phase,
            Err(end) => return self.round_ends(world, run, end),
        }
        Some(())
    }

    pub(crate) fn call(&self, world: &mut World, run: usize, fate: Fate) -> Option<()> {
        if fate != Fate::Answered {
            world.faults -= 1;
        }
        let delivery = self.delivery(run)?;
        match world.runs.get(run)?.phase.clone() {
            Phase::Awaited | Phase::Looking { .. } | Phase::Over => None,
            Phase::Claiming(work) => self.claim(world, run, delivery, work, fate),
            Phase::Acting(work) => self.act(world, run, delivery, work, fate),
            Phase::Recording { work, request, end } => self.record(world, run, &work, &request, end, fate),
            Phase::Settling { also, end } => self.settle(world, run, &also, end, fate),
            Phase::Telling { notice, is_owed } => self.tell(world, run, notice, is_owed, fate),
            Phase::Paying { notice } => self.pay(world, run, &notice, fate),
            Phase::TakingOn { notice } => self.take_on(world, run, notice),
        }
    }

    fn claim(
        &self,
        world: &mut World,
        run: usize,
        delivery: &Delivery,
        work: Work,
        fate: Fate,
    ) -> Option<()> {
        let request = Request::Claim {
            function: delivery.function,
            claim: work.claim.clone(),
            approval: work.approval,
        };
        let next = match self.send(world, run, request, fate) {
            Sent::Answered(answer) => {
                let state = world.runs.get(run)?;
                world.history.pushed_in |= answer.is_ok()
                    && state.waited_for
                    && !work.taken_up
                    && world.store.waiting.is_some_and(|until| world.time < until);
                self.decider(world, run, delivery).claimed(work, answer, world.time)
            }
            Sent::Again => return Some(()),
            Sent::Conflict => Err(End::Stopped("claimed_by_another")),
            // Lambda repeats the event, which finds the claim if it was written.
            Sent::GivenUp => return self.repeat(world, run, End::NoLedger),
        };
        match next {
            Ok(phase) => world.runs.get_mut(run)?.phase = phase,
            Err(end) => return self.round_ends(world, run, end),
        }
        Some(())
    }

    fn act(&self, world: &mut World, run: usize, delivery: &Delivery, work: Work, fate: Fate) -> Option<()> {
        if fate != Fate::Failed {
            world.act(delivery.function, &work);
        }
        if fate == Fate::AnswerLost {
            return Some(());
        }
        let acted = match fate {
            Fate::Answered => Acted::Done,
            Fate::Failed => Acted::NothingChanged,
            _ => Acted::SeemsFailed,
        };
        let now = world.time;
        let recording = self.decider(world, run, delivery).acted(work, acted, now);
        world.runs.get_mut(run)?.phase = recording;
        Some(())
    }

    fn record(
        &self,
        world: &mut World,
        run: usize,
        work: &Work,
        request: &Request,
        end: End,
        fate: Fate,
    ) -> Option<()> {
        match self.send(world, run, request.clone(), fate) {
            Sent::Again => return Some(()),
            Sent::Answered(Err(unmet)) => {
                if let Some(request) = record_again(request, unmet) {
                    world.runs.get_mut(run)?.phase = Phase::Recording { work: work.clone(), request, end };
                    return Some(());
                }
                // Another run looks after what this one would have given up.
                world.runs.get_mut(run)?.comes_again = work.comes_again;
                return self.round_ends(world, run, End::Stopped("claimed_by_another"));
            }
            Sent::Answered(Ok(())) | Sent::Conflict | Sent::GivenUp => {}
        }
        // What the event itself asks for is still to be answered: `Runner::answer`.
        world.runs.get_mut(run)?.comes_again = work.comes_again && end != End::Failed;
        let also = request.also().cloned().unwrap_or_default();
        if fate == Fate::GivenUp {
            self.not_settled(world, run, &also, end)
        } else {
            self.settled(world, run, &also, true, end)
        }
    }

    pub(crate) fn send(&self, world: &mut World, run: usize, request: Request, fate: Fate) -> Sent {
        let round = world.runs.get(run).map_or(0, |state| state.ends.len());
        let kind = match &request {
            Request::Claim { .. } => 0,
            Request::Record { lets_go: true, .. } => 1,
            Request::Record { .. } => 2,
            Request::Audit(..) => 3,
            Request::Stopped(_) => 4,
        };
        let token = (run, round, kind);
        match fate {
            Fate::Conflict => Sent::Conflict,
            Fate::GivenUp => {
                world.late.push((token, request));
                Sent::GivenUp
            }
            Fate::AnswerLost => {
                if world.transact(token, &request, self.broken).is_ok()
                    && self.broken != Some(Broken::TokenForgotten)
                {
                    world.tokens.insert(token);
                }
                Sent::Again
            }
            Fate::Answered | Fate::Failed | Fate::SeemsFailed => {
                Sent::Answered(world.transact(token, &request, self.broken))
            }
        }
    }
}

/// What a run hears of its transaction.
pub(crate) enum Sent {
    Answered(Result<(), Unmet>),
    Again,
    Conflict,
    GivenUp,
}
