//! Runs the functions against moto, and prints what each answered beside what it was to answer.

use std::process::ExitCode;

use clap::Parser;
use sandbox::command;
use stories::peer::{self, Row};
use stories::story::Story;

/// The functions against a second emulator, which reads AWS's API in its own way.
#[derive(Parser)]
struct Arguments {
    /// Only these functions, as in `scale-up`; all unless said.
    #[arg(value_parser = story)]
    functions: Vec<&'static Story>,
}

fn story(function: &str) -> Result<&'static Story, String> {
    command::named(function, peer::stories(), |story| story.name().to_owned())
}

#[tokio::main]
async fn main() -> ExitCode {
    match command::until_interrupted(Box::pin(run(Arguments::parse()))).await {
        Ok(Some(true)) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nThe second opinion failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all was as expected.
async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let stories =
        if arguments.functions.is_empty() { peer::stories().collect() } else { arguments.functions };
    let (mut rows, mut broken) = (Vec::new(), Vec::new());
    for story in stories {
        eprintln!("asking {}", story.name());
        if let Err(error) = peer::play(story, &mut rows).await {
            broken.push(format!("{}: {error:#}", story.name()));
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
