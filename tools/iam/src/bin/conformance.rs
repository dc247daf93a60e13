//! `make conformance`: every request and answer of the tests beside AWS's own models.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use iam::conformance::Report;
use sandbox::calls::read_calls;

/// Compares the recorded calls with what AWS has published of its APIs.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder that `LENDPEAK2_CALLS` named while the calls were made
    #[arg(long)]
    calls: PathBuf,
    /// Prints one line in place of the table
    #[arg(long)]
    summary: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let report = Report::of(&read_calls(&arguments.calls)?);
    if !arguments.summary {
        println!("{report}");
    }
    let differences = report.differences();
    for difference in &differences {
        eprintln!("{difference}");
    }
    println!("conformance: {}", report.summary());
    Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
