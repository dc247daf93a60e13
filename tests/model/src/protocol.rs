//! All that can happen, one step at a time.

use std::{collections::BTreeSet, sync::Arc};

use shared::settings::Policy;
use stateright::{Model, Property};

use crate::{
    broken::Broken,
    properties,
    run::{Decider, End, Part, Phase, Run, Work, record_again},
    scenario::{Cause, Delivery, Scenario, at},
    store::{Request, Store, Unmet},
    world::{History, World},
};

/// The claim protocol in one scenario, whole or with one rule missing.
#[derive(Debug, Clone)]
pub struct Protocol {
    pub scenario: Scenario,
    pub broken: Option<Broken>,
    policy: Arc<Policy>,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    Start(usize),
    Read(usize, Part),
    Call(usize, Fate),
    Kill(usize),
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
    pub fn new(scenario: Scenario, broken: Option<Broken>) -> Self {
        let policy = Arc::new(scenario.policy());
        Self { scenario, broken, policy }
    }

    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.scenario.deliveries.iter()
    }

    fn delivery(&self, run: usize) -> Option<&Delivery> {
        self.scenario.deliveries.get(run)
    }

    fn is_last(&self, run: usize) -> bool {
        self.delivery(run).is_none_or(|delivery| delivery.cause == Cause::LastSchedule)
    }

    /// Whether nothing can happen any more.
    pub fn is_over(&self, world: &World) -> bool {
        let mut steps = Vec::new();
        self.actions(world, &mut steps);
        steps.is_empty()
    }

    fn may_start(&self, world: &World, run: usize) -> bool {
        let others = || world.runs.iter().enumerate().filter(|(other, _)| *other != run);
        match self.delivery(run) {
            None => false,
            Some(delivery) if delivery.cause == Cause::LastSchedule => {
                let leases = [&world.store.scale_up, &world.store.rollback].into_iter().flatten();
                others().all(|(other, state)| state.is_over() || (other > run && self.is_last(other)))
                    && world.late.is_empty()
                    && leases.filter(|claim| claim.0.open).all(|left| left.0.lease_until < at(world.time))
            }
            // Of equal deliveries it does not matter which comes first: one order stands for all.
            Some(delivery) => others()
                .filter(|(other, _)| *other < run && self.delivery(*other) == Some(delivery))
                .all(|(_, state)| state.phase != Phase::Awaited),
        }
    }

    /// Time passes while somebody is to come, up to the scenario's end; after that only for a lease that the
    /// last scheduled run waits for.
    fn may_tick(&self, world: &World) -> bool {
        let runs = || world.runs.iter().enumerate();
        if runs().any(|(run, state)| self.is_last(run) && state.is_alive()) {
            return false;
        }
        if world.time < self.scenario.end {
            let waits = |run| !(self.is_last(run) && self.may_start(world, run));
            return runs().any(|(run, state)| !state.is_over() && waits(run));
        }
        let mut to_come = runs().filter(|(_, state)| !state.is_over()).peekable();
        to_come.peek().is_some()
            && world.late.is_empty()
            && to_come.all(|(run, _)| self.is_last(run) && !self.may_start(world, run))
    }

    fn fates(&self, world: &World, run: usize, phase: &Phase) -> &'static [Fate] {
        if world.faults == 0 || self.is_last(run) {
            return &[Fate::Answered];
        }
        match phase {
            Phase::Acting(_) => &[Fate::Answered, Fate::AnswerLost, Fate::Failed, Fate::SeemsFailed],
            // A conflict that the ledger repeats is no step: nothing has happened.
            _ if self.broken == Some(Broken::ConflictNotRepeated) => &[Fate::Answered, Fate::Conflict],
            _ => &[Fate::Answered, Fate::AnswerLost, Fate::GivenUp],
        }
    }

    fn decider<'a>(&'a self, world: &World, run: usize, delivery: &'a Delivery) -> Decider<'a> {
        let (deadline, round) =
            world.runs.get(run).map_or((0, 0), |state| (state.deadline, state.ends.len()));
        let execution_id =
            if round == 0 { format!("run {}", run + 1) } else { format!("run {}-{}", run + 1, round + 1) };
        Decider { policy: &self.policy, delivery, execution_id, deadline, broken: self.broken }
    }

    fn start(&self, world: &mut World, run: usize) -> Option<()> {
        let now = world.time;
        let state = world.runs.get_mut(run)?;
        state.deadline = now + self.scenario.lease;
        state.start(self.delivery(run)?, &self.policy, now, &world.store);
        Some(())
    }

    fn read(&self, world: &mut World, run: usize, part: Part) -> Option<()> {
        let delivery = self.delivery(run)?;
        let count = world.count(delivery.function);
        let Phase::Looking { now, mut seen, approval_used } = world.runs.get(run)?.phase.clone() else {
            return None;
        };
        seen.read(part, delivery, &world.store, count);
        if !seen.is_complete() {
            world.runs.get_mut(run)?.phase = Phase::Looking { now, seen, approval_used };
            return Some(());
        }
        let decided = self.decider(world, run, delivery).decide(now, &seen, approval_used);
        let state = world.runs.get_mut(run)?;
        match decided {
            Ok(work) if self.broken == Some(Broken::ActsBeforeItsClaim) => state.phase = Phase::Acting(work),
            Ok(work) => state.phase = Phase::Claiming(work),
            Err(end) => state.end(end),
        }
        Some(())
    }

    fn call(&self, world: &mut World, run: usize, fate: Fate) -> Option<()> {
        if fate != Fate::Answered {
            world.faults -= 1;
        }
        let delivery = self.delivery(run)?;
        match world.runs.get(run)?.phase.clone() {
            Phase::Awaited | Phase::Looking { .. } | Phase::Over => None,
            Phase::Claiming(work) => self.claim(world, run, delivery, work, fate),
            Phase::Acting(work) => self.act(world, run, delivery, work, fate),
            Phase::Recording { work, request, end } => {
                self.record(world, run, delivery, &work, &request, end, fate)
            }
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
            Sent::Answered(answer) => self.decider(world, run, delivery).claimed(work, answer),
            Sent::Again => return Some(()),
            Sent::Conflict => Err(End::Stopped("claimed_by_another")),
            Sent::GivenUp => Err(End::NoLedger),
        };
        let state = world.runs.get_mut(run)?;
        match next {
            Ok(phase) => state.phase = phase,
            Err(end) => state.end(end),
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
        let applied = fate == Fate::Answered;
        let now = world.time;
        let recording = self.decider(world, run, delivery).acted(work, applied, false, now);
        world.runs.get_mut(run)?.phase = recording;
        Some(())
    }

    #[expect(clippy::too_many_arguments, reason = "a step of the run, with all that its phase holds")]
    fn record(
        &self,
        world: &mut World,
        run: usize,
        delivery: &Delivery,
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
            }
            Sent::Answered(Ok(())) | Sent::Conflict | Sent::GivenUp => {}
        }
        let now = world.time;
        let state = world.runs.get_mut(run)?;
        state.end(end);
        if work.comes_again && matches!(end, End::Applied { .. }) {
            // What the event itself asks for is still to be answered: `Runner::answer`.
            state.start(delivery, &self.policy, now, &world.store);
        }
        Some(())
    }

    fn send(&self, world: &mut World, run: usize, request: Request, fate: Fate) -> Sent {
        let round = world.runs.get(run).map_or(0, |state| state.ends.len());
        let kind = match &request {
            Request::Claim { .. } => 0,
            Request::Record { lets_go: true, .. } => 1,
            Request::Record { .. } => 2,
            Request::Audit(_) => 3,
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
enum Sent {
    Answered(Result<(), Unmet>),
    Again,
    Conflict,
    GivenUp,
}

impl Model for Protocol {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            time: 0,
            store: Store::default(),
            runs: self.deliveries().map(|_| Run::awaited()).collect(),
            scale_up: 0,
            rollback: 0,
            tokens: BTreeSet::new(),
            late: Vec::new(),
            faults: self.scenario.faults,
            kill_switch_may_come: self.scenario.kill_switch,
            history: History::default(),
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        for (run, state) in world.runs.iter().enumerate() {
            match &state.phase {
                Phase::Awaited if self.may_start(world, run) => steps.push(Step::Start(run)),
                Phase::Awaited | Phase::Over => {}
                Phase::Looking { .. } => {
                    let parts = state.unread(self.scenario.torn_reads);
                    steps.extend(parts.into_iter().map(|part| Step::Read(run, part)));
                }
                phase => {
                    let fates = self.fates(world, run, phase).iter();
                    steps.extend(fates.map(|fate| Step::Call(run, *fate)));
                    // A kill before the first write leaves nothing: as if the run had not come. One between
                    // a call's effect and its answer leaves what a kill just after it leaves.
                    if self.scenario.kills && !self.is_last(run) {
                        steps.push(Step::Kill(run));
                    }
                }
            }
        }
        for place in 0..world.late.len() {
            steps.extend([Step::Land(place), Step::Vanish(place)]);
        }
        if self.may_tick(world) {
            steps.push(Step::Tick);
        }
        if world.kill_switch_may_come && !world.runs.iter().all(Run::is_over) {
            steps.push(Step::SetKillSwitch);
        }
    }

    fn next_state(&self, last: &World, step: Step) -> Option<World> {
        let mut world = last.clone();
        match step {
            Step::Start(run) => self.start(&mut world, run)?,
            Step::Read(run, part) => self.read(&mut world, run, part)?,
            Step::Call(run, fate) => self.call(&mut world, run, fate)?,
            Step::Kill(run) => world.runs.get_mut(run)?.end(End::Killed),
            Step::Land(place) => {
                let (token, request) = world.late.remove(place);
                // Nobody waits for the answer.
                let _ = world.transact(token, &request, self.broken);
            }
            Step::Vanish(place) => {
                let (token, _) = world.late.remove(place);
                world.tokens.remove(&token);
            }
            Step::Tick => world.tick(self.scenario.overrun),
            Step::SetKillSwitch => {
                world.store.kill_switch = true;
                world.kill_switch_may_come = false;
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(&self.scenario)
    }
}
