//! Shows the main job from alarm to scaled service.

use std::process::ExitCode;

use clap::Parser;

/// Starts the sandbox, lets the load rise and shows what the functions do about it.
#[derive(Parser)]
struct Arguments {
    /// auto: they act. observe: they say what they would do.
    #[arg(long, default_value = "auto")]
    mode: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match tests::until_interrupted(Box::pin(tests::demo::run(&arguments.mode))).await {
        Ok(Some(())) => ExitCode::SUCCESS,
        Ok(None) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nThe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}
