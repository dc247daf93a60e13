//! Runs the functions against moto, and prints what each answered beside what it was to answer.

use std::process::ExitCode;

use clap::Parser;
use sandbox::command;
use scenarios::peer::{self, Row};
use scenarios::scenario::{self, Scenario};

/// The functions against a second emulator, which reads AWS's API in its own way.
#[derive(Parser)]
struct Arguments {
    /// Only these functions, as in `scale-up`; all unless said.
    #[arg(value_parser = scenario)]
    functions: Vec<&'static Scenario>,
}

fn scenario(function: &str) -> Result<&'static Scenario, String> {
    command::named(function, scenario::with_peer(), |scenario| scenario.name().to_owned())
}

#[tokio::main]
async fn main() -> ExitCode {
    command::succeeds(Box::pin(run(Arguments::parse()))).await
}

/// Whether all was as expected.
async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let scenarios =
        if arguments.functions.is_empty() { scenario::with_peer().collect() } else { arguments.functions };
    let (mut rows, mut broken) = (Vec::new(), Vec::new());
    for scenario in scenarios {
        eprintln!("asking {}", scenario.name());
        if let Err(error) = peer::play(scenario, &mut rows).await {
            broken.push(format!("{}: {error:#}", scenario.name()));
        }
    }
    println!("{}\n\n{}", peer::differences(), peer::table(&rows));
    for end in &broken {
        println!("{end}");
    }
    let right = rows.iter().filter(|row| row.is_ok()).count();
    println!("{right} of {} as expected", rows.len());
    Ok(broken.is_empty() && rows.iter().all(Row::is_ok))
}
