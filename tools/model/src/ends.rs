//! The end of a run, and what comes after: what it wants and owes is written, people are told, and then it goes on to
//! what events asked for and to what others owe.

use crate::{
    broken::Broken,
    protocol::{Fate, Protocol, Sent},
    run::{End, Phase},
    store::{Also, Request, Wants},
    world::World,
};

impl Protocol {
    /// One round of a run is over: what it came for, what events asked for, and what is owed to people come in turn.
    pub(crate) fn round_ends(&self, world: &mut World, run: usize, end: End) -> Option<()> {
        const FOR_GOOD: [&str; 2] = ["cooldown", "budget_spent"];
        let delivery = *self.delivery(run)?;
        let state = world.runs.get_mut(run)?;
        let about = *state.about(&delivery);
        if about.is_an_event() && matches!(end, End::Stopped(code) if FOR_GOOD.contains(&code)) {
            world.history.refused.insert((about.function, about.event.to_owned()));
        }
        state.ends.push(end);
        self.go_on(world, run)
    }

    fn go_on(&self, world: &mut World, run: usize) -> Option<()> {
        let delivery = *self.delivery(run)?;
        let now = world.time;
        let state = world.runs.get_mut(run)?;
        if std::mem::take(&mut state.comes_again) {
            return self.begin(world, run);
        }
        if !state.wishes.is_empty() {
            state.wish = Some(state.wishes.remove(0));
            return self.begin(world, run);
        }
        state.phase = Phase::Over;
        if !delivery.cause.is_scheduled() || !self.setup.owes || self.broken == Some(Broken::NothingSwept) {
            return Some(());
        }
        let early = self.broken == Some(Broken::SweptTooEarly);
        let overdue = world.store.owed.iter().filter(|(_, own_until)| early || **own_until < now);
        let sweeps = state.sweeps.get_or_insert_with(|| overdue.map(|(notice, _)| notice.clone()).collect());
        if let Some(notice) = sweeps.pop() {
            state.phase = Phase::TakingOn { notice };
        }
        Some(())
    }

    /// What was settled is told, and then the run goes on.
    pub(crate) fn settled(
        &self,
        world: &mut World,
        run: usize,
        also: &Also,
        is_owed: bool,
        end: End,
    ) -> Option<()> {
        let Some(owed) = &also.owed else {
            return self.round_ends(world, run, end);
        };
        let notice = owed.execution_id.clone();
        let state = world.runs.get_mut(run)?;
        state.ends.push(end);
        state.phase = Phase::Telling { notice, is_owed };
        Some(())
    }

    pub(crate) fn repeat(&self, world: &mut World, run: usize, end: End) -> Option<()> {
        let repeated = self.is_repeated(run);
        let state = world.runs.get_mut(run)?;
        if repeated {
            state.repeat(end);
        } else {
            state.end(end);
        }
        Some(())
    }

    /// `Runner::failed_to_look`: the event is repeated; what was wanted before stays so, or is let go of.
    pub(crate) fn fail_to_read(&self, world: &mut World, run: usize) -> Option<()> {
        world.faults -= 1;
        let delivery = self.delivery(run)?;
        let Phase::Looking { now, .. } = world.runs.get(run)?.phase else {
            return None;
        };
        let end = End::Stopped("aws_failed");
        let stopped = self.decider(world, run, delivery).stopped(end, false, true, now);
        if world.runs.get(run)?.wish.is_none() {
            if let Ok(Phase::Settling { also, .. }) = stopped {
                let _ = world.store.transact(&Request::Stopped(Also { owed: None, ..also }), self.broken);
            }
            return self.repeat(world, run, end);
        }
        match stopped {
            Ok(phase) => world.runs.get_mut(run)?.phase = phase,
            Err(end) => return self.round_ends(world, run, end),
        }
        Some(())
    }

    pub(crate) fn settle(
        &self,
        world: &mut World,
        run: usize,
        also: &Also,
        end: End,
        fate: Fate,
    ) -> Option<()> {
        match self.send(world, run, Request::Stopped(also.clone()), fate) {
            Sent::Again => Some(()),
            Sent::Answered(_) | Sent::Conflict => self.settled(world, run, also, true, end),
            Sent::GivenUp => self.not_settled(world, run, also, end),
        }
    }

    /// The ledger does not answer the end of a run.
    pub(crate) fn not_settled(&self, world: &mut World, run: usize, also: &Also, end: End) -> Option<()> {
        let is_wish = world.runs.get(run)?.wish.is_some();
        let wants = matches!(also.wants, Wants::Set { .. }) && !is_wish;
        if wants && self.broken != Some(Broken::UnwrittenWishIsAnswered) {
            return self.repeat(world, run, End::NoLedger);
        }
        // The record may arrive yet, with what is owed.
        world.history.may_repeat |= also.owed.is_some();
        self.settled(world, run, also, false, end)
    }

    pub(crate) fn tell(
        &self,
        world: &mut World,
        run: usize,
        notice: String,
        is_owed: bool,
        fate: Fate,
    ) -> Option<()> {
        if fate != Fate::Failed {
            *world.history.told.entry(notice.clone()).or_default() += 1;
        }
        world.history.may_repeat |= fate == Fate::SeemsFailed;
        if fate == Fate::Answered && is_owed {
            world.runs.get_mut(run)?.phase = Phase::Paying { notice };
            return Some(());
        }
        if fate != Fate::Answered && self.broken == Some(Broken::OwedAfterwards) {
            world.store.owed.insert(notice, world.time);
        }
        self.go_on(world, run)
    }

    pub(crate) fn pay(&self, world: &mut World, run: usize, notice: &str, fate: Fate) -> Option<()> {
        world.history.may_repeat |= fate == Fate::Failed;
        if fate == Fate::Answered {
            world.store.owed.remove(notice);
        }
        self.go_on(world, run)
    }

    /// `Ledger::takes_on`: of several runs that find it owed, one sends it.
    pub(crate) fn take_on(&self, world: &mut World, run: usize, notice: String) -> Option<()> {
        let now = world.time;
        let unbound = matches!(self.broken, Some(Broken::NotTakenOn | Broken::SweptTooEarly));
        match world.store.owed.get_mut(&notice) {
            Some(own_until) if *own_until < now || unbound => *own_until = now + 1,
            _ => return self.go_on(world, run),
        }
        world.runs.get_mut(run)?.phase = Phase::Telling { notice, is_owed: true };
        Some(())
    }
}
