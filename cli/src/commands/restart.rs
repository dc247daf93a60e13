//! `lendpeak2 restart`

use clap::Args;
use serde_json::json;

use crate::{
    exit::Exit,
    failure::Failure,
    function::Function,
    remedy::{Ask, Common, Override, carry_out},
    runbook::Runbook,
};

/// Replace every task by a fresh one of the same release
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) overrides: Override,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    carry_out(runbook, ask(options)).await
}

pub(crate) fn ask(options: &Options) -> Ask {
    Ask::new(Function::Restart, &json!({}), &options.common, "Restart?").overriding(&options.overrides)
}
