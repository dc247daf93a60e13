//! Where something goes wrong, and what: `scale-up/scale-up ecs UpdateService 1/killed-after`.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use anyhow::Context;
use sandbox::gateway::Call;

use crate::scenario::{self, Scenario};

use super::decision::{self, Decision};
use super::failure::Failure;
use super::machine::Machine;
use super::pair::Pair;

/// The k-th call of an operation by a function. Reads run side by side, so a call's number among all would not be the
/// same in the next run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub caller: String,
    pub service: String,
    pub operation: String,
    pub k: usize,
}

/// What is played, and something goes wrong with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    Function(&'static Scenario),
    Machine(Machine),
    Pair(Pair),
    Decision(Decision),
}

impl Piece {
    pub fn all() -> Vec<Self> {
        let functions = scenario::ALL.into_iter().map(Self::Function);
        let machines = Machine::ALL.into_iter().map(Self::Machine);
        let pairs = Pair::all().into_iter().map(Self::Pair);
        functions.chain(machines).chain(pairs).chain(Decision::ALL.into_iter().map(Self::Decision)).collect()
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|piece| piece.name() == name)
    }

    pub fn name(self) -> String {
        match self {
            Self::Function(scenario) => scenario.name().to_owned(),
            Self::Machine(machine) => machine.name().to_owned(),
            Self::Pair(pair) => pair.name(),
            Self::Decision(decision) => decision.name().to_owned(),
        }
    }
}

impl Piece {
    /// What goes wrong with one of its calls. Two remedies are only to die.
    pub(super) fn failures(self, call: &Call) -> Vec<Failure> {
        let is_due = |failure: &Failure| match failure {
            Failure::KilledBefore => true,
            // After a read is as before it.
            Failure::KilledAfter => !call.is_read(),
            _ => !matches!(self, Self::Pair(_)),
        };
        Failure::ALL.into_iter().filter(is_due).collect()
    }

    /// Whether something goes wrong there: of several functions, none is one that they ask.
    pub(super) fn is_struck_at(self, place: &Place) -> bool {
        match self {
            Self::Function(_) | Self::Machine(_) => true,
            Self::Pair(pair) => pair.tasks().contains(&place.caller.as_str()),
            Self::Decision(_) => decision::TASKS.contains(&place.caller.as_str()),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Point {
    pub piece: Piece,
    pub place: Place,
    pub failure: Failure,
}

/// The place of each of these calls, in order.
pub(super) fn places(calls: &[Call]) -> Vec<Place> {
    let mut seen: HashMap<(&str, &str, &str), usize> = HashMap::new();
    calls
        .iter()
        .map(|call| {
            let k = seen.entry((&call.caller, &call.service, &call.operation)).or_default();
            *k += 1;
            Place {
                caller: call.caller.clone(),
                service: call.service.clone(),
                operation: call.operation.clone(),
                k: *k,
            }
        })
        .collect()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.caller, self.service, self.operation, self.k)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.piece.name(), self.place, self.failure.name())
    }
}

impl FromStr for Place {
    type Err = anyhow::Error;

    /// An operation may have spaces (`GET /…`), and so stands between the others.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let wanted = "a place is a caller, a service, an operation and a number";
        let (caller, rest) = text.split_once(' ').context(wanted)?;
        let (service, rest) = rest.split_once(' ').context(wanted)?;
        let (operation, k) = rest.rsplit_once(' ').context(wanted)?;
        let k = k.parse().context(wanted)?;
        Ok(Self {
            caller: caller.to_owned(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            k,
        })
    }
}

impl FromStr for Point {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let wanted = "a point is a function, a state machine, a pair or a decision, a place and a failure, as in `scale-up/scale-up ecs UpdateService 1/killed-after`";
        let (piece, rest) = text.split_once('/').context(wanted)?;
        let (place, failure) = rest.rsplit_once('/').context(wanted)?;
        let piece = Piece::named(piece).with_context(|| format!("there is no `{piece}`"))?;
        let known = Failure::ALL.into_iter().find(|known| known.name() == failure);
        Ok(Self {
            piece,
            place: place.parse()?,
            failure: known.with_context(|| format!("there is no failure `{failure}`"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_as_it_is_printed() -> anyhow::Result<()> {
        for text in
            ["scale-up/scale-up ecs UpdateService 1/killed-after", "diagnose/diagnose s3 GET /a/b 12/hangs"]
        {
            assert_eq!(text.parse::<Point>()?.to_string(), text);
        }
        for wrong in ["", "scale-up", "scale-up/ecs/hangs", "nothing/a b c 1/hangs", "scale-up/a b c 1/bites"]
        {
            assert!(wrong.parse::<Point>().is_err(), "{wrong}");
        }
        Ok(())
    }
}
