//! What a month of the runbook costs and which limit is met first, as Markdown.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use scale::{assumptions::Assumptions, document};

/// Counts, prices and plays a fleet of deployments of the template.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    assumptions: Assumptions,
    /// Write it there, as Markdown; to the screen unless said.
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let text = document::write(&arguments.assumptions);
    match &arguments.document {
        Some(file) => {
            std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        None => print!("{text}"),
    }
    Ok(())
}
