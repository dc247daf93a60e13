//! What is played: an hour in which nothing happens, and a region in which everything is down at once.

use std::collections::BTreeMap;

use subject::{Does, Subject};

use crate::{
    api::Api,
    plan::{Kind, World},
    simulate::{Seen, Simulation, Step},
    stack::Stack,
    time::{MINUTE, Micros, SECOND},
};

pub const SEED: u64 = 20_261_126;
const HOUR: u64 = 60;
/// Alarms that ring and are quiet again, in a fleet that is well: each a change to ALARM and one back.
const QUIET_CHANGES_A_SERVICE: u32 = 1;
/// In a storm: the probe, the 5xx rate, the response time and the targets.
const STORM_CHANGES_A_SERVICE: u32 = 4;
/// Three failing minutes, and up to one until the alarm is evaluated.
pub const ALARM_AFTER: Micros = 3 * MINUTE;
pub const STORM_MINUTES: u64 = 20;

/// When schedules and alarms of different deployments fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timing {
    /// Everything that is due in a minute, within its first second, but for `incident`: its schedule has a window of that
    /// minute. The worst there can be.
    OneSecond,
    /// Anywhere in the minute, which is as exact as `EventBridge` Scheduler is ("60 second precision"). Alarms are evaluated
    /// once a minute, each at its own second.
    Minute,
    /// In one second, but for the remedies' schedules: those have a flexible time window.
    Window,
}

impl Timing {
    pub const ALL: [Self; 3] = [Self::OneSecond, Self::Minute, Self::Window];
    /// Of a schedule of every five minutes.
    pub const WINDOW_MINUTES: u64 = 4;

    pub fn name(self) -> &'static str {
        match self {
            Self::OneSecond => "in one second",
            Self::Minute => "in one minute",
            Self::Window => "in one second, remedies in 4 minutes",
        }
    }

    /// The time over which deployments are spread, from when a schedule is due. Whatever windows the remedies have in the
    /// template: these say what one is worth.
    fn spread(self, function: &Subject) -> Micros {
        match self {
            _ if *function == subject::incident::SUBJECT => MINUTE,
            Self::Window if function.remedy().is_some() => Self::WINDOW_MINUTES * MINUTE,
            Self::OneSecond | Self::Window => SECOND,
            Self::Minute => MINUTE,
        }
    }

    /// As close together as the template's schedules can fire.
    pub fn closest(stack: &Stack) -> Self {
        let mut schedules = subject::remedies().flat_map(|remedy| stack.function(remedy).schedules);
        if schedules.all(|schedule| u64::from(schedule.window_minutes) >= Self::WINDOW_MINUTES) {
            Self::Window
        } else {
            Self::OneSecond
        }
    }
}

fn world(services: u32, down: bool) -> World {
    let changes = if down { STORM_CHANGES_A_SERVICE } else { QUIET_CHANGES_A_SERVICE };
    World { stack: Stack::read(), services, down, alarm_changes: changes * services }
}

/// An hour of so many services in one account, all of them well.
pub fn rest(services: u32, timing: Timing) -> Seen {
    rest_for(services, timing, HOUR)
}

fn rest_for(services: u32, timing: Timing, minutes: u64) -> Seen {
    let mut simulation = Simulation::new(world(services, false), Vec::new(), SEED);
    schedules(&mut simulation, services, timing, minutes);
    simulation.play()
}

fn schedules(simulation: &mut Simulation, services: u32, timing: Timing, minutes: u64) {
    let stack = Stack::read();
    for service in 0..services {
        for function in subject::ALL {
            for schedule in stack.function(function).schedules {
                let spread = timing.spread(function);
                // Without a window, a schedule keeps its second of the minute.
                let second = simulation.draw(spread);
                let due =
                    (0..minutes).filter(|minute| minute.is_multiple_of(u64::from(schedule.every_minutes)));
                for minute in due {
                    let after = if spread > MINUTE { simulation.draw(spread) } else { second };
                    let at = minute * MINUTE + after;
                    let kind = match function.does {
                        Does::Looks => Kind::Probe { notes: minute % 10 == 0 },
                        Does::Records => Kind::Sweep,
                        Does::Changes(_) => Kind::LookAfter(function),
                    };
                    simulation.at(at, service, kind);
                }
            }
        }
    }
}

/// The region fails: every service is down from the first minute on, and no remedy helps. Every alarm rings; every
/// state machine diagnoses, tries the remedy with the most calls, watches for the time it has to work, and hands over.
pub fn storm(services: u32, timing: Timing) -> Seen {
    let world = world(services, true);
    let machine = machine(&world.stack);
    let mut simulation = Simulation::new(world, machine, SEED);
    schedules(&mut simulation, services, timing, STORM_MINUTES);
    // An alarm rings when the probe has said so.
    let spread = timing.spread(&subject::health_probe::SUBJECT);
    for service in 0..services {
        for kind in [Kind::Open, Kind::Join, Kind::RollbackAlarm, Kind::ScaleUpAlarm] {
            let at = ALARM_AFTER + simulation.draw(spread);
            simulation.at(at, service, kind);
        }
    }
    simulation.play()
}

/// Runs at once of one of so many deployments: in a storm, and as if every function's busiest moment were the same.
pub fn runs_at_once(services: u32) -> u32 {
    let storms = [Timing::OneSecond, Timing::Minute].map(|timing| storm(services, timing));
    busiest(&storms).values().sum()
}

/// The most runs at once of each function of a deployment.
pub fn busiest<'a>(seen: impl IntoIterator<Item = &'a Seen>) -> BTreeMap<&'static Subject, u32> {
    let mut most: BTreeMap<&'static Subject, u32> = BTreeMap::new();
    for (function, runs) in seen.into_iter().flat_map(|seen| &seen.most_of) {
        let known = most.entry(*function).or_default();
        *known = (*known).max(*runs);
    }
    most
}

fn machine(stack: &Stack) -> Vec<Step> {
    let poll = Micros::from(stack.poll_seconds) * SECOND;
    // A look at a service that hangs takes 10 s.
    let looks = u64::from(stack.recovery_seconds) / (u64::from(stack.poll_seconds) + 10).max(1);
    let mut steps: Vec<Step> =
        [Kind::Take, Kind::LookOnce, Kind::Diagnose, Kind::Decide, Kind::Roll, Kind::Did]
            .map(Step::Run)
            .into();
    for _ in 0..looks {
        steps.extend([Step::Wait(poll), Step::Run(Kind::LookOnce)]);
    }
    steps.extend([Kind::Diagnose, Kind::HandOver].map(Step::Run));
    steps
}

/// The fewest services with which an account at rest is throttled, and by what. More services are never throttled less.
pub fn first_throttled(timing: Timing, up_to: u32) -> Option<(u32, Api)> {
    // Three rounds of the remedies and two of the probe's notes.
    const MINUTES: u64 = 11;
    let by = |services| {
        let seen = rest_for(services, timing, MINUTES);
        seen.apis.iter().find(|(_, count)| count.throttled > 0).map(|(api, _)| *api)
    };
    by(up_to)?;
    let (mut well, mut throttled) = (0, up_to);
    while throttled - well > 1 {
        let middle = well.midpoint(throttled);
        if by(middle).is_some() {
            throttled = middle;
        } else {
            well = middle;
        }
    }
    Some((throttled, by(throttled)?))
}
