//! Starts the sandbox in the foreground.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use sandbox::command::until_interrupted;
use sandbox::{Options, Sandbox};

/// A local AWS with LendPeak2 and this project's functions in it.
#[derive(Parser)]
struct Arguments {
    /// The port to listen on.
    #[arg(long, default_value_t = 4566)]
    port: u16,
    /// End by itself after so many seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// The functions' mode: off, observe, approve or auto.
    #[arg(long, default_value = "auto")]
    mode: String,
    /// A parameter of the template, as in `NamedApprovers=true`; any number of them.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("say it as in `NamedApprovers=true`")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[tokio::main]
async fn main() -> ExitCode {
    match until_interrupted(Box::pin(run(Arguments::parse()))).await {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The sandbox failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { port, seconds, mode, parameters } = arguments;
    let options = Options { port: Some(port), mode, parameters, ..Options::default() };
    let sandbox = Sandbox::start(options).await?;
    println!("sandbox ready {}", sandbox.gateway.url());
    match seconds {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
    drop(sandbox);
    Ok(())
}
