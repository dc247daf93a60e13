//! Measures the release functions and prints what it measured.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tests::bench::{self, Options};

/// Cold starts of the release functions, beside the same jobs with boto3 and the AWS CLI.
#[derive(Parser)]
struct Arguments {
    /// Cold starts of each variant.
    #[arg(long, default_value_t = 25)]
    starts: usize,
    /// Warm answers of each variant.
    #[arg(long, default_value_t = 50)]
    warm: usize,
    /// Runs of the AWS CLI's commands, which take seconds each.
    #[arg(long, default_value_t = 5)]
    cli_runs: usize,
    /// Only the rows whose names hold this text.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Where the release binaries are; `release` beside this binary's folder unless said.
    #[arg(long, value_name = "FOLDER")]
    binaries: Option<PathBuf>,
    /// Write the figures there, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match tests::until_interrupted(run(Arguments::parse())).await {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The benchmark failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let binaries = arguments.binaries.map_or_else(release_folder, Ok)?;
    bench::run(Options {
        starts: arguments.starts,
        warm: arguments.warm,
        cli_runs: arguments.cli_runs,
        only: arguments.only,
        binaries,
        json: arguments.json,
    })
    .await
}

/// `target/release` for `target/debug/bench`.
fn release_folder() -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let target = this.parent().and_then(Path::parent);
    Ok(target.context("this binary is in no folder")?.join("release"))
}
