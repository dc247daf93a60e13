//! The protocol as stateright goes through it: where it begins, what can happen next, and what must hold.

use std::collections::BTreeSet;

use stateright::{Model, Property};

use crate::{
    properties,
    protocol::{Protocol, Step},
    run::{End, Phase, Run},
    setup::Delivery,
    store::Store,
    world::{History, World},
};

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
            faults: self.setup.faults,
            kill_switch_may_come: self.setup.kill_switch,
            alarms_over: BTreeSet::new(),
            history: History::default(),
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        for (run, state) in world.runs.iter().enumerate() {
            match &state.phase {
                Phase::Awaited if self.may_start(world, run) => steps.push(Step::Start(run)),
                Phase::Awaited | Phase::Over => {}
                Phase::Looking { .. } => {
                    let mut parts = state.unread(self.setup.torn_reads);
                    parts.truncate(if self.setup.settles() { 1 } else { parts.len() });
                    steps.extend(parts.into_iter().map(|part| Step::Read(run, part)));
                    let reads_events = self.is_repeated(run) || state.wish.is_some();
                    if self.setup.wants && world.faults > 0 && reads_events && !self.is_last(run) {
                        steps.push(Step::FailToRead(run));
                    }
                }
                phase => {
                    let fates = self.fates(world, run, phase).iter();
                    steps.extend(fates.map(|fate| Step::Call(run, *fate)));
                    // A kill before the first write leaves nothing: as if the run had not come. One between
                    // a call's effect and its answer leaves what a kill just after it leaves.
                    let is_a_fault = self.setup.settles();
                    let may_be = self.setup.kills && (!is_a_fault || world.faults > 0);
                    if may_be && !self.is_last(run) {
                        steps.push(Step::Kill(run));
                    }
                }
            }
        }
        for place in 0..world.late.len() {
            steps.extend([Step::Land(place), Step::Vanish(place)]);
        }
        if world.alarms_over.len() < usize::from(self.setup.alarms_may_end)
            // Before that, it makes no difference.
            && !world.store.wanted.is_empty()
            && !world.runs.iter().all(Run::is_over)
        {
            let lasts =
                |delivery: &Delivery| delivery.is_an_event() && !world.alarms_over.contains(delivery.event);
            let ends = self.deliveries().enumerate().filter(|(_, delivery)| lasts(delivery));
            steps.extend(ends.map(|(run, _)| Step::EndAlarm(run)));
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
            Step::FailToRead(run) => self.fail_to_read(&mut world, run)?,
            Step::Kill(run) => {
                world.faults -= u8::from(self.setup.settles());
                world.history.may_repeat |= matches!(world.runs.get(run)?.phase, Phase::Paying { .. });
                self.repeat(&mut world, run, End::Killed)?;
            }
            Step::EndAlarm(run) => {
                world.alarms_over.insert(self.delivery(run)?.event);
            }
            Step::Land(place) => {
                let (token, request) = world.late.remove(place);
                // Nobody waits for the answer.
                let _ = world.transact(token, &request, self.broken);
            }
            Step::Vanish(place) => {
                let (token, _) = world.late.remove(place);
                world.tokens.remove(&token);
            }
            Step::Tick => world.tick(self.setup.overrun, |run| self.is_repeated(run)),
            Step::SetKillSwitch => {
                world.store.kill_switch = true;
                world.kill_switch_may_come = false;
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(&self.setup)
    }
}
