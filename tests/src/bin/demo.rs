//! Shows what goes wrong, and what the functions do about it.

use std::process::ExitCode;

use clap::Parser;
use tests::demo::{Detail, Mode, Show};

/// Starts the sandbox, lets something go wrong and shows what the functions do about it.
#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value = "load-spike")]
    scenario: Show,
    #[arg(long, value_enum, default_value = "auto")]
    mode: Mode,
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
    let run = Box::pin(tests::demo::run(arguments.scenario, arguments.mode, detail));
    match tests::until_interrupted(run).await {
        Ok(Some(())) => ExitCode::SUCCESS,
        Ok(None) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nThe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}
