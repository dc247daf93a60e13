//! `lendpeak2 invalidate`

use clap::Args;
use serde_json::json;

use crate::{
    answer::Answer,
    exit::Exit,
    failure::Failure,
    function::Function,
    remedy::{Ask, Common, carry_out, show},
    runbook::Runbook,
};

/// Clear old content from CloudFront
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What to clear, as in `/index.html` or `'/assets/*'`
    #[arg(value_name = "PATH", required_unless_present = "status")]
    pub(crate) paths: Vec<String>,
    /// Say how an invalidation stands instead
    #[arg(long, value_name = "ID", conflicts_with_all = ["paths", "reason", "dry_run"])]
    pub(crate) status: Option<String>,
    #[command(flatten)]
    pub(crate) common: Common,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    if let Some(id) = &options.status {
        let value = runbook.look(Function::CacheInvalidation, &json!({ "status": id })).await?;
        show(runbook, Function::CacheInvalidation, &value);
        return Ok(Exit::of(&Answer::of(&value)));
    }
    carry_out(runbook, ask(options)).await
}

pub(crate) fn ask(options: &Options) -> Ask {
    let own = json!({ "paths": options.paths });
    Ask::new(Function::CacheInvalidation, &own, &options.common, "Invalidate?")
}
