//! From what was typed to its command.

use clap::CommandFactory;

use crate::{
    args::{Arguments, Command},
    commands::{
        approve, completion, diagnose, doctor, drill, events, freeze, health, history, incident, init,
        invalidate, logs, maintenance, man, params, plans, reject, report, restart, restore, rollback, scale,
        start, status, stop, version,
    },
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
        Command::Completion(options) => return Ok(completion::run(options, Arguments::command(), screen)),
        Command::Man(options) => return man::run(options, Arguments::command(), screen),
        Command::Version => return Ok(version::run(screen)),
        // This needs AWS, and no runbook.
        Command::Init(options) => return Box::pin(init::run(&global, options, screen)).await,
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
        Command::Maintenance(options) => Box::pin(maintenance::run(runbook, options)).await,
        Command::Plans => Box::pin(plans::run(runbook)).await,
        Command::Approve(options) => Box::pin(approve::run(runbook, &options)).await,
        Command::Reject(options) => Box::pin(reject::run(runbook, &options)).await,
        Command::Stop(options) => Box::pin(stop::run(runbook, &options)).await,
        Command::Start(options) => Box::pin(start::run(runbook, &options)).await,
        Command::History(options) => Box::pin(history::run(runbook, &options)).await,
        Command::Report(options) => Box::pin(report::run(runbook, &options)).await,
        Command::Events(options) => Box::pin(events::run(runbook, &options)).await,
        Command::Logs(options) => Box::pin(logs::run(runbook, &options)).await,
        Command::Doctor(options) => Box::pin(doctor::run(runbook, &options)).await,
        Command::Drill(options) => Box::pin(drill::run(runbook, options)).await,
        Command::Params(options) => params::run(runbook, &options),
        Command::Mcp | Command::Init(_) | Command::Completion(_) | Command::Man(_) | Command::Version => {
            Ok(Exit::Done)
        }
    }
}
