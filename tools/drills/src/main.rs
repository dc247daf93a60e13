//! Plays the drills, prints what was measured, and writes it into a document.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use drills::Drill;
use sandbox::command;

/// Plays each way in which the service is down, with nobody typing, and measures what comes of it.
#[derive(Parser)]
struct Arguments {
    /// Only these drills, as in `bad-release`; all unless said.
    #[arg(value_parser = drill)]
    drills: Vec<Drill>,
    /// Write the table there, as Markdown.
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
}

fn drill(name: &str) -> Result<Drill, String> {
    command::named(name, Drill::ALL, |drill| drill.name().to_owned())
}

#[tokio::main]
async fn main() -> ExitCode {
    command::succeeds(Box::pin(run(Arguments::parse()))).await
}

/// Whether all was as expected.
async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let wanted = if arguments.drills.is_empty() { Drill::ALL.to_vec() } else { arguments.drills };
    let mut rows = Vec::new();
    // One after another: drills that shared the machine would measure each other.
    for drill in wanted {
        eprintln!("playing {}: {}", drill.name(), drill.title());
        rows.push((drill.name(), drills::play(drill, "auto", &mut |_| ()).await));
    }
    println!("{}", drills::table(&rows));
    if let Some(file) = &arguments.document {
        let cores = std::thread::available_parallelism()?.get();
        command::write(file, &drills::document(&rows, cores))?;
    }
    Ok(rows.iter().all(|(_, played)| played.as_ref().is_ok_and(|played| played.faults().is_empty())))
}
