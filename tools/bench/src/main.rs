//! Measures the release functions and tells what it measured.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use bench::{Binaries, Counting, Measured, Options};
use clap::Parser;
use sandbox::command;

/// Cold starts of the release functions, beside the same jobs with boto3, the AWS CLI and Rust's defaults.
#[derive(Parser)]
struct Arguments {
    /// Cold starts of each variant; of those that take seconds, fewer.
    #[arg(long, default_value_t = 25)]
    starts: usize,
    /// Warm answers of each variant.
    #[arg(long, default_value_t = 50)]
    warm: usize,
    /// Runs of the AWS CLI's commands, which take seconds each; 0 leaves them out.
    #[arg(long, default_value_t = 3)]
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
    /// Write the figures there, as a document, and a picture beside it.
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// Measure nothing: take the figures from what `--json` wrote.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Count instructions instead, under valgrind.
    #[arg(long)]
    instructions: bool,
    /// Fail where there are more instructions than this file says, and 5 %.
    #[arg(long, value_name = "FILE", requires = "instructions")]
    check: Option<PathBuf>,
    /// Write the counts there.
    #[arg(long, value_name = "FILE", requires = "instructions")]
    write: Option<PathBuf>,
    /// How often to count; the least is taken.
    #[arg(long, default_value_t = 3)]
    counts: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    command::succeeds(run(Arguments::parse())).await
}

/// Whether all is as it should be.
async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let target = target_folder()?;
    let binaries = Binaries {
        ours: arguments.binaries.unwrap_or_else(|| target.join("release")),
        defaults: target.join("defaults/release"),
    };
    if arguments.instructions {
        let Arguments { only, counts: times, check, write, .. } = arguments;
        return bench::count(Counting { binaries, only, times, check, write }).await;
    }
    let Arguments { starts, warm, cli_runs, only, .. } = arguments;
    let options = Options { starts, warm, cli_runs, only, binaries };
    let measured = match arguments.from {
        Some(path) => Measured::load(&path)?,
        None => bench::run(options).await?,
    };
    measured.print();
    if let Some(path) = arguments.json {
        measured.save(&path)?;
    }
    if let Some(path) = arguments.document {
        measured.document(&path)?;
    }
    Ok(true)
}

/// `target` for `target/debug/bench`.
fn target_folder() -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let target = this.parent().and_then(Path::parent);
    Ok(target.context("this binary is in no folder")?.to_owned())
}
