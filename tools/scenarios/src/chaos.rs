//! Every crash point and every fault: each call of each function goes wrong in every way, one at a time, and then its
//! event comes again, as Lambda, the schedule and a person send it.
//!
//! What must hold is what the same deliveries come to when nothing goes wrong. So each scenario is played well once, and
//! every other play is compared with that.

mod budget;
mod check;
mod decision;
mod deliveries;
mod failure;
mod intents;
mod ledger;
mod machine;
mod managed;
mod noted;
mod pair;
mod player;
mod point;
mod report;
mod storm;
mod told;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use sandbox::gateway::Call;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::scenario::Scenario;

pub use decision::Decision;
pub use failure::Failure;
pub use machine::Machine;
pub use pair::Pair;
pub use point::{Piece, Place, Point};
pub use report::{Blown, Report, came_to, document};
pub use storm::{Storm, blow, struck};

use check::Ended;
use player::Player;

/// Which points to try.
#[derive(Debug, Clone)]
pub struct Options {
    pub pieces: Vec<Piece>,
    pub choice: Choice,
    /// How many sandboxes at once.
    pub at_once: usize,
}

#[derive(Debug, Clone)]
pub enum Choice {
    /// Every failure at every call.
    All,
    /// At calls that answer the first delivery, this many at most and evenly spread, one failure each, all of them in turn.
    OneEach {
        most: usize,
    },
    Only(Point),
}

/// Tries the points and tells what came of each.
pub async fn run(options: Options) -> anyhow::Result<Report> {
    let begun = Instant::now();
    let mut report = Report::default();
    for &piece in &options.pieces {
        let name = piece.name();
        let well = Arc::new(played(piece, None).await.with_context(|| format!("{name}, with no failure"))?);
        let wrong = check::by_itself(piece, None, &well, None);
        ensure!(wrong.is_empty(), "{name}, with no failure: {}", wrong.join("; "));
        let points = points(piece, &well, &options.choice);
        let calls = well.points(piece).len();
        eprintln!("{name}: {calls} calls, {} points", points.len());
        let tried = try_all(points, &well, options.at_once).await;
        report.add(piece, calls, tried);
    }
    report.took = begun.elapsed();
    Ok(report)
}

/// At so many calls at most a function's own test strikes.
const MOST_OF_A_TEST: usize = 16;

/// Strikes a function as `make chaos` does, as much as a test has time for.
pub async fn hold(function: &str) -> anyhow::Result<()> {
    let scenario = Scenario::named(function).with_context(|| format!("there is no {function}"))?;
    hold_at(Piece::Function(scenario), Choice::OneEach { most: MOST_OF_A_TEST }).await
}

/// Tries one point, as in `scale-up/scale-up ecs UpdateService 1/killed-after`.
pub async fn hold_there(point: &str) -> anyhow::Result<()> {
    let point: Point = point.parse()?;
    hold_at(point.piece, Choice::Only(point)).await
}

/// Fails where a point does.
pub async fn hold_at(piece: Piece, choice: Choice) -> anyhow::Result<()> {
    /// Each has a sandbox of its own, which is a process.
    const AT_ONCE: usize = 3;
    let least = if matches!(choice, Choice::Only(_)) { 1 } else { 3 };
    let report = run(Options { pieces: vec![piece], choice, at_once: AT_ONCE }).await?;
    ensure!(report.points() >= least && report.failed().is_empty(), "{report}");
    Ok(())
}

fn points(piece: Piece, well: &Ended, choice: &Choice) -> Vec<Point> {
    match choice {
        Choice::All => {
            let calls = well.points(piece);
            let places = point::places(calls).into_iter().zip(calls);
            let all = |(place, call): (Place, &Call)| {
                let point = move |failure| Point { piece, place: place.clone(), failure };
                piece.failures(call).into_iter().map(point)
            };
            places.filter(|(place, _)| piece.is_struck_at(place)).flat_map(all).collect()
        }
        Choice::OneEach { most } => {
            let calls = well.first(piece);
            let mut places: Vec<_> = point::places(calls).into_iter().zip(calls).collect();
            places.retain(|(place, _)| piece.is_struck_at(place));
            let step = places.len().div_ceil(*most).max(1);
            let in_turn = places.into_iter().step_by(step).enumerate();
            let point = |(turn, (place, call)): (usize, (Place, &Call))| {
                let failure = piece.failures(call).into_iter().cycle().nth(turn)?;
                Some(Point { piece, place, failure })
            };
            in_turn.filter_map(point).collect()
        }
        Choice::Only(point) => vec![point.clone()],
    }
}

/// A point, and what was wrong after it.
type Tried = (Point, Vec<String>);

async fn try_all(points: Vec<Point>, well: &Arc<Ended>, at_once: usize) -> Vec<Tried> {
    let (all, queue) = (points.len(), Arc::new(Mutex::new(VecDeque::from(points))));
    let mut workers = JoinSet::new();
    for _ in 0..at_once {
        let (queue, well) = (Arc::clone(&queue), Arc::clone(well));
        workers.spawn(async move {
            let mut tried = Vec::new();
            loop {
                let (next, left) = {
                    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                    (queue.pop_front(), queue.len())
                };
                let Some(point) = next else { return tried };
                let wrong = try_one(&point, &well).await;
                if let Some(wrong) = wrong.first() {
                    eprintln!("  {point}: {wrong}");
                }
                if left % 50 == 0 {
                    eprintln!("  {} of {all} tried", all - left);
                }
                tried.push((point, wrong));
            }
        });
    }
    workers.join_all().await.into_iter().flatten().collect()
}

async fn try_one(point: &Point, well: &Ended) -> Vec<String> {
    /// Longer than any point takes: a sandbox that hangs is a finding too.
    const PATIENCE: Duration = Duration::from_mins(5);
    /// How often a function looks whether its change has worked goes by the time: a call that was made when all went
    /// well may not be made the next time.
    const TRIES: u32 = 3;
    let mut tries = 1;
    loop {
        match tokio::time::timeout(PATIENCE, played(point.piece, Some(point))).await {
            Ok(Ok(ended)) if !ended.reached && tries < TRIES => tries += 1,
            Ok(Ok(ended)) => return check::compare(point, &ended, well),
            Ok(Err(error)) => return vec![format!("{error:#}")],
            Err(_) => return vec![format!("no end after {PATIENCE:?}")],
        }
    }
}

/// What is there, or null.
fn part<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// Plays it in a sandbox of its own.
async fn played(piece: Piece, point: Option<&Point>) -> anyhow::Result<Ended> {
    match piece {
        Piece::Function(scenario) => {
            let stack = scenario.start().await?;
            let mut player = Player::begin(&stack, point.map(|point| (&point.place, point.failure))).await?;
            deliveries::play(scenario, &mut player).await?;
            Ended::look(player).await
        }
        Piece::Machine(machine) => machine.played(point).await,
        Piece::Pair(pair) => pair.played(point).await,
        Piece::Decision(decision) => decision.played(point).await,
    }
}
