//! Runs a command, such as all tests, whose processes start their local AWS from one nursery.

use std::process::ExitCode;

use anyhow::Context;
use sandbox::ministack::Nursery;

fn main() -> anyhow::Result<ExitCode> {
    let mut command = std::env::args_os().skip(1);
    let program = command.next().context("no command: nursery <command> <argument> …")?;
    let nursery = Nursery::start().context("cannot start the nursery")?;
    let status = nursery.share(&program).args(command).status().context("cannot run the command")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
