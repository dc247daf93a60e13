//! `make iam`: the functions' roles beside every call that the tests and the drills made.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use iam::check::{Rules, check};
use sandbox::{calls::read_calls, command};

/// Checks the functions' roles against the calls that were recorded.
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder that `LENDPEAK2_CALLS` named while the calls were made
    #[arg(long)]
    calls: PathBuf,
    /// Where to write the tables, in Markdown
    #[arg(long)]
    document: Option<PathBuf>,
    /// Prints one line in place of the tables
    #[arg(long)]
    summary: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let report = check(&Rules::read()?, &read_calls(&arguments.calls)?)?;
    if !arguments.summary {
        println!("{}", report.markdown());
    }
    for violation in &report.violations {
        eprintln!("{violation}");
    }
    println!("roles: {}", report.summary());
    if !report.violations.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    if let Some(path) = arguments.document {
        command::write(&path, &report.document())?;
    }
    Ok(ExitCode::SUCCESS)
}
