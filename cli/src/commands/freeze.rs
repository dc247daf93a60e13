//! `lendpeak2 freeze`

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::{
    exit::Exit,
    failure::Failure,
    function::Function,
    remedy::{Ask, Common, carry_out},
    runbook::Runbook,
};

/// Stop writes to the database, or let them through again
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// `on` stops writes
    pub(crate) state: State,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum State {
    On,
    Off,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    carry_out(runbook, ask(options)).await
}

pub(crate) fn ask(options: &Options) -> Ask {
    let (state, question) = match options.state {
        State::On => ("on", "Stop writes?"),
        State::Off => ("off", "Let writes through again?"),
    };
    Ask::new(Function::WriteFreeze, &json!({ "state": state }), &options.common, question)
}
