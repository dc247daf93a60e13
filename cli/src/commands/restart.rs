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
    common: Common,
    #[command(flatten)]
    overrides: Override,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let ask = Ask::new(Function::Restart, &json!({}), &options.common, "Restart?");
    carry_out(runbook, ask.overriding(&options.overrides)).await
}
