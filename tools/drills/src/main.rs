//! Plays the ways in which LendPeak2 is down, prints what was measured, and writes it into a document.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tests::scenarios;
use tests::service_down::Case;

/// Plays each case of a service that is down, with nobody typing, and measures what comes of it.
#[derive(Parser)]
struct Arguments {
    /// Only these cases, as in `bad-release`; all unless said.
    #[arg(value_parser = case)]
    cases: Vec<Case>,
    /// Write the table there, as Markdown.
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
}

fn case(name: &str) -> Result<Case, String> {
    let names: Vec<&str> = Case::ALL.iter().map(|case| case.name()).collect();
    Case::named(name).ok_or_else(|| format!("there are {}", names.join(", ")))
}

#[tokio::main]
async fn main() -> ExitCode {
    match tests::until_interrupted(Box::pin(run(Arguments::parse()))).await {
        Ok(Some(true)) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nThe scenarios failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all was as expected.
async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let cases = if arguments.cases.is_empty() { Case::ALL.to_vec() } else { arguments.cases };
    let mut rows = Vec::new();
    // One after another: cases that shared the machine would measure each other.
    for case in cases {
        eprintln!("playing {}: {}", case.name(), case.title());
        rows.push((case.name(), scenarios::play(case, "auto", &mut |_| ()).await));
    }
    println!("{}", scenarios::table(&rows));
    if let Some(file) = &arguments.document {
        let cores = std::thread::available_parallelism()?.get();
        std::fs::write(file, scenarios::document(&rows, cores))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(rows.iter().all(|(_, played)| played.as_ref().is_ok_and(|played| played.faults().is_empty())))
}
