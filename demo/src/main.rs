//! Shows what goes wrong, and what the functions do about it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use demo::{Detail, Mode, Show};
use sandbox::command;

/// Starts the sandbox, lets something go wrong and shows what the functions do about it.
#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value = "load-spike")]
    story: Show,
    #[arg(long, value_enum, default_value = "auto")]
    mode: Mode,
    /// What a person types: the program lendpeak2.
    #[arg(long, default_value = "target/cli/debug/lendpeak2")]
    program: PathBuf,
    /// Also shows the calls of AWS.
    #[arg(long)]
    verbose: bool,
    /// Also shows the audit record, as JSON.
    #[arg(long)]
    record: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let detail = Detail { calls: arguments.verbose, record: arguments.record };
    let run = demo::run(arguments.story, arguments.mode, detail, &arguments.program);
    command::succeeds(Box::pin(async { run.await.map(|()| true) })).await
}
