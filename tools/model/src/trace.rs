//! The trace of a path, for people.

use std::fmt::Write;

use stateright::{Model, Path};

use crate::{
    protocol::{Fate, Protocol, Step},
    run::{Part, Phase},
    store::{Request, Taken},
    world::World,
};

/// What happens, step by step, until the property fails, and what the ledger and the service are like before
/// each step.
pub fn tell(protocol: &Protocol, property: &'static str, path: &Path<World, Step>) -> String {
    let holds = protocol.property(property).condition;
    let mut trace = String::new();
    for (number, (world, step)) in path.clone().into_vec().into_iter().enumerate() {
        let failed = !holds(protocol, &world);
        let line = match step {
            Some(step) if !failed => said(protocol, &world, step),
            _ => format!("`{property}` does not hold"),
        };
        // Writing to a string does not fail.
        let _ = writeln!(trace, "{:>3}. {line}\n     [{}]", number + 1, state(&world));
        if failed {
            break;
        }
    }
    trace
}

fn said(protocol: &Protocol, world: &World, step: Step) -> String {
    match step {
        Step::Start(run) => {
            let delivery = protocol.setup.deliveries.get(run);
            let what = delivery.map_or_else(String::new, |delivery| {
                format!(" {} for {} ({:?})", delivery.function.name(), delivery.event, delivery.cause)
            });
            format!("run {} starts:{what}", run + 1)
        }
        Step::Read(run, part) => {
            let what = match part {
                Part::Answer => "whether its event was answered",
                Part::Claim => "the kill switch, the claim and the holder",
                Part::Ledger => "the ledger",
                Part::Service => "the service",
            };
            format!("run {} reads {what}", run + 1)
        }
        Step::Call(run, fate) => {
            let phase = world.runs.get(run).map(|state| &state.phase);
            let call = phase.map_or("", call);
            let fate = match fate {
                Fate::Answered => "",
                Fate::AnswerLost => ", and the answer is lost: the call is repeated",
                Fate::Failed => ", and that fails",
                Fate::SeemsFailed => ", which takes effect and seems to fail",
                Fate::GivenUp => ", and gives up on an answer",
                Fate::Conflict => ", and meets another transaction",
            };
            format!("run {} {call}{fate}", run + 1)
        }
        Step::FailToRead(run) => format!("run {} cannot read AWS", run + 1),
        Step::EndAlarm(run) => {
            let delivery = protocol.setup.deliveries.get(run);
            format!("alarm `{}` ends", delivery.map_or("", |delivery| delivery.event))
        }
        Step::Kill(run) => format!("run {} is killed", run + 1),
        Step::Land(_) => "a request arrives that was given up".to_owned(),
        Step::Vanish(_) => "a request that was given up never arrives".to_owned(),
        Step::Tick => "a minute passes".to_owned(),
        Step::SetKillSwitch => "somebody sets the kill switch".to_owned(),
    }
}

fn call(phase: &Phase) -> &'static str {
    match phase {
        Phase::Claiming(_) => "claims",
        Phase::Acting(_) => "acts",
        Phase::Settling { .. } => "settles its end",
        Phase::Telling { .. } => "tells people",
        Phase::Paying { .. } => "deletes what was owed",
        Phase::TakingOn { .. } => "takes on what another owes",
        Phase::Recording { request: Request::Audit(..), .. } => "records that it acted, and no more",
        Phase::Recording { .. } => "records",
        Phase::Awaited | Phase::Looking { .. } | Phase::Over => "",
    }
}

fn state(world: &World) -> String {
    let claim = |claim: &Option<Taken>| {
        claim.as_ref().map_or("none".to_owned(), |claim| {
            let open = if claim.0.open { "open" } else { "closed" };
            format!("v{} {open}, {} for {}", claim.0.version, claim.0.execution_id, claim.event())
        })
    };
    let mut text = format!(
        "minute {}; counts {} and {}; claim {}",
        world.time,
        world.scale_up,
        world.rollback,
        claim(&world.store.scale_up)
    );
    if world.store.rollback.is_some() {
        let _ = write!(text, "; rollback's claim {}", claim(&world.store.rollback));
    }
    for wish in &world.store.wanted {
        let _ = write!(text, "; {} wanted for {}", wish.function.name(), wish.event);
    }
    for notice in world.store.owed.keys() {
        let _ = write!(text, "; owed by {notice}");
    }
    if let Some(note) = &world.store.note {
        let _ = write!(text, "; noted {}{}", note.event, if note.pending { " (pending)" } else { "" });
    }
    if let Some(holder) = &world.store.holder {
        let _ = write!(text, "; held by {} until {}", holder.function.name(), holder.lease_until);
    }
    text
}
