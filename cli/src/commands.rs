//! One command, one file: what it takes, and what it does with it.

pub(crate) mod approve;
pub(crate) mod completion;
pub(crate) mod diagnose;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod freeze;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod incident;
pub(crate) mod invalidate;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod plans;
pub(crate) mod reject;
pub(crate) mod restart;
pub(crate) mod restore;
pub(crate) mod rollback;
pub(crate) mod scale;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod stop;
mod version;

use crate::{
    args::{Arguments, Command},
    exit::Exit,
    failure::Failure,
    runbook::Runbook,
    screen::Screen,
};

/// Boxed, each: one command is run, and no room is needed for all of them.
pub(crate) async fn run(arguments: Arguments, screen: &Screen) -> Result<Exit, Failure> {
    let Arguments { global, command } = arguments;
    let global = global.or_unset();
    // These need no AWS.
    match &command {
        Command::Completion(options) => return Ok(completion::run(options, screen)),
        Command::Man(options) => return man::run(options, screen),
        Command::Version => return Ok(version::run(screen)),
        _ => {}
    }
    let runbook = &Box::pin(Runbook::open(global, screen)).await?;
    match command {
        Command::Health(options) => Box::pin(health::run(runbook, &options)).await,
        Command::Diagnose(options) => Box::pin(diagnose::run(runbook, &options)).await,
        Command::Rollback(options) => Box::pin(rollback::run(runbook, &options)).await,
        Command::Scale(options) => Box::pin(scale::run(runbook, &options)).await,
        Command::Restart(options) => Box::pin(restart::run(runbook, &options)).await,
        Command::Freeze(options) => Box::pin(freeze::run(runbook, &options)).await,
        Command::Invalidate(options) => Box::pin(invalidate::run(runbook, &options)).await,
        Command::Restore(options) => Box::pin(restore::run(runbook, options)).await,
        Command::Incident(options) => Box::pin(incident::run(runbook, options)).await,
        Command::Status(options) => Box::pin(status::run(runbook, options)).await,
        Command::Plans => Box::pin(plans::run(runbook)).await,
        Command::Approve(options) => Box::pin(approve::run(runbook, &options)).await,
        Command::Reject(options) => Box::pin(reject::run(runbook, &options)).await,
        Command::Stop(options) => Box::pin(stop::run(runbook, &options)).await,
        Command::Start(options) => Box::pin(start::run(runbook, &options)).await,
        Command::History(options) => Box::pin(history::run(runbook, &options)).await,
        Command::Events(options) => Box::pin(events::run(runbook, &options)).await,
        Command::Logs(options) => Box::pin(logs::run(runbook, &options)).await,
        Command::Doctor(options) => Box::pin(doctor::run(runbook, &options)).await,
        Command::Completion(_) | Command::Man(_) | Command::Version => Ok(Exit::Done),
    }
}
