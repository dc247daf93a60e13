//! `lendpeak2 start`

use clap::Args;
use serde_json::json;

use crate::{
    exit::Exit,
    failure::Failure,
    function::Function,
    remedy::{Ask, Common, carry_out},
    runbook::Runbook,
};

/// Lift the kill switch, of all functions or of one
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Lift this switch alone: a function, or the name that `lendpeak2 status show` has
    #[arg(default_value = "all")]
    function: String,
    /// Who lifts it; whose credentials these are if left out
    #[arg(long, env = "LENDPEAK2_BY", hide_env_values = true, value_name = "NAME")]
    by: Option<String>,
    /// Show what would be lifted, and lift nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let by = runbook.by(options.by.as_deref()).await?;
    let own = json!({ "go": options.function, "by": by });
    let common = Common { dry_run: options.dry_run, ..Common::default() };
    carry_out(runbook, Ask::new(Function::Incident, &own, &common, "Lift it?")).await
}
