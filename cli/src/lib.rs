//! The LendPeak2 runbook at the command line. A command sends one request to one function, shows what it answers, and
//! ends with an exit code that says what came of it ([`exit`]).
//!
//! - [`args`] has what can be typed; each of [`commands`] is one command, in a file of its own. [`dispatch`] goes from one
//!   to the other, and [`global`] has the options of every command.
//! - [`runbook`] finds the stack by its outputs ([`stack`]), and calls its functions. There is no configuration file.
//! - [`remedy`] is the way of everything that changes the managed stack: the plan is shown, then asked about, then done.
//! - [`mcp`] is for agents: it offers what commands do, without what only a person may.
//! - [`decide`] is the way of a decision about a plan, over the queue of approvals.
//! - [`discover`] finds what belongs to an ECS service, and what that makes the stack's [`parameters`]; [`samconfig`] is
//!   the file that they are written into.
//! - [`answer`] reads what a function answers, of this version and of others; [`render`] puts it into words.
//! - [`drill`] breaks the service on purpose, where that is allowed, and puts everything back.
//! - [`doctor`] looks at the runbook itself, and at what it stands on.
//! - [`screen`] is the one place that writes: the answer to stdout, everything else to stderr.

mod answer;
mod args;
mod aws;
mod commands;
mod decide;
mod discover;
mod dispatch;
mod doctor;
mod drill;
mod exit;
mod failure;
mod function;
mod global;
mod ledger;
mod mcp;
mod parameters;
mod progress;
mod remedy;
mod render;
mod runbook;
mod samconfig;
mod screen;
mod stack;
mod suggest;
mod table;
mod time;
mod wait;
mod who;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use commands::stop;
use exit::Exit;
use failure::Failure;
use screen::Screen;

/// Reads what was typed, does it, and says how it went.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return typed_wrong(&error),
    };
    let screen = Screen::new(&arguments.global);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            screen.failed(&Failure::Here { what: "cannot start".to_owned(), source: error });
            return Exit::Failed.into();
        }
    };
    let exit = runtime.block_on(run(arguments, &screen)).unwrap_or_else(|failure| {
        screen.failed(&failure);
        failure.exit()
    });
    // What still waits for AWS is not waited for.
    runtime.shutdown_background();
    exit.into()
}

/// Says what is wrong with what was typed, or shows the help that was asked for.
fn typed_wrong(error: &clap::Error) -> ExitCode {
    // A closed pipe is no reason for another exit code.
    let _ = error.print();
    let typed: Vec<String> = std::env::args().skip(1).collect();
    if let Some(hint) = stop::hint(&typed).filter(|_| error.use_stderr()) {
        anstream::eprintln!("{hint}");
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

async fn run(arguments: Arguments, screen: &Screen) -> Result<Exit, Failure> {
    // It ends by Ctrl-C as it should.
    if let Command::Mcp = arguments.command {
        return mcp::serve(arguments.global.or_unset(), screen).await;
    }
    // It hears signals itself: whatever it has broken is put back first.
    if let Command::Drill(_) = arguments.command {
        return dispatch::run(arguments, screen).await;
    }
    tokio::select! {
        done = dispatch::run(arguments, screen) => done,
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted { goes_on: screen.goes_on() }),
    }
}
