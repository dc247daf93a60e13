//! Lets every call of every function go wrong in every way, one at a time, and looks what comes of it.

use std::process::ExitCode;

use clap::Parser;
use tests::chaos::{self, Choice, Options, Point, STRUCK, Storm, Subject};

/// Tries every crash point and every fault of the functions and the state machines, and lets storms loose on them.
#[derive(Parser)]
struct Arguments {
    /// Only these, as in `scale-up` or `state-machine-service-down`; all unless said.
    #[arg(value_parser = subject)]
    subjects: Vec<Subject>,
    /// Only this point, as it was printed.
    #[arg(long, conflicts_with = "subjects")]
    point: Option<Point>,
    /// One harm at each call in place of all.
    #[arg(long)]
    quick: bool,
    /// How many sandboxes at once.
    #[arg(long, default_value_t = 6)]
    at_once: usize,
    /// Deliveries of each storm; 0 for none.
    #[arg(long, default_value_t = 1_000)]
    storm: usize,
}

fn subject(name: &str) -> Result<Subject, String> {
    let names: Vec<&str> = Subject::all().into_iter().map(Subject::name).collect();
    Subject::named(name).ok_or_else(|| format!("there are {}", names.join(", ")))
}

#[tokio::main]
async fn main() -> ExitCode {
    match tests::until_interrupted(Box::pin(run(Arguments::parse()))).await {
        Ok(Some(true)) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nThe points could not be tried: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all was well.
async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let Arguments { subjects, point, quick, at_once, storm } = arguments;
    if let Some(point) = point {
        let report =
            chaos::run(Options { subjects: vec![point.subject], choice: Choice::Only(point), at_once })
                .await?;
        println!("{report}");
        return Ok(report.failed().is_empty());
    }
    let subjects = if subjects.is_empty() { Subject::all() } else { subjects };
    let choice = if quick { Choice::OneEach } else { Choice::All };
    let mut well = true;
    for story in STRUCK.into_iter().filter(|story| storm > 0 && subjects.contains(&Subject::Function(*story)))
    {
        let wrong = chaos::blow(story, Storm { deliveries: storm, at_once: 50 }).await?;
        println!(
            "storm of {storm} on {}: {}",
            story.name(),
            if wrong.is_empty() { "one action" } else { "FAILED" }
        );
        for wrong in &wrong {
            println!("    {wrong}");
        }
        well &= wrong.is_empty();
    }
    let report = chaos::run(Options { subjects, choice, at_once }).await?;
    println!("{report}");
    Ok(well && report.failed().is_empty())
}
