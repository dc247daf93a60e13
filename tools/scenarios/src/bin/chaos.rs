//! Lets every call of every function go wrong in every way, one at a time, and looks what comes of it.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use sandbox::command;
use scenarios::chaos::{self, Choice, Options, Piece, Point, Storm};
use scenarios::scenario::Scenario;

/// Tries every crash point and every fault of the functions, the state machines and what people decide over the queue of
/// approvals, lets two remedies die at once, and lets storms loose on them.
#[derive(Parser)]
struct Arguments {
    /// Only these, as in `scale-up` or `state-machine-service-down`; all unless said.
    #[arg(value_parser = piece)]
    pieces: Vec<Piece>,
    /// Only this point, as it was printed.
    #[arg(long, conflicts_with = "pieces")]
    point: Option<Point>,
    /// In place of every failure at every call, one at each of the first delivery's calls, and at so many of them at most.
    #[arg(long, value_name = "MOST")]
    quick: Option<NonZeroUsize>,
    /// How many sandboxes at once.
    #[arg(long, default_value = "10")]
    at_once: NonZeroUsize,
    /// Deliveries of each storm; 0 for none.
    #[arg(long, default_value_t = 1_000)]
    storm: usize,
    /// Write the report there, as Markdown.
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
}

fn piece(name: &str) -> Result<Piece, String> {
    command::named(name, Piece::all(), |piece| piece.name())
}

#[tokio::main]
async fn main() -> ExitCode {
    command::succeeds(Box::pin(run(Arguments::parse()))).await
}

/// Whether all was well.
async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let Arguments { pieces, point, quick, at_once, storm, document } = arguments;
    let at_once = at_once.get();
    if let Some(point) = point {
        let report =
            chaos::run(Options { pieces: vec![point.piece], choice: Choice::Only(point), at_once }).await?;
        println!("{report}");
        return Ok(report.failed().is_empty());
    }
    let pieces = if pieces.is_empty() { Piece::all() } else { pieces };
    let mut storms = Vec::new();
    let is_wanted = |scenario: &&'static Scenario| storm > 0 && pieces.contains(&Piece::Function(scenario));
    for scenario in chaos::struck().filter(is_wanted) {
        let storm = Storm { deliveries: storm, at_once: 50 };
        let wrong = chaos::blow(scenario, storm).await?;
        println!("storm of {} on {}: {}", storm.deliveries, scenario.name(), chaos::came_to(&wrong));
        storms.push((scenario, storm, wrong));
    }
    let choice = quick.map_or(Choice::All, |most| Choice::OneEach { most: most.get() });
    let report = chaos::run(Options { pieces, choice, at_once }).await?;
    println!("{report}");
    if let Some(file) = document {
        command::write(&file, &chaos::document(&report, &storms)?)?;
    }
    Ok(report.failed().is_empty() && storms.iter().all(|(_, _, wrong)| wrong.is_empty()))
}
