//! `lendpeak2 reject`

use clap::Args;
use serde_json::json;

use super::approve::waiting;
use crate::{
    answer::Answer,
    decide::{Verb, by_queue},
    exit::Exit,
    failure::Failure,
    remedy::show,
    runbook::Runbook,
};

/// Reject a plan that waits
///
/// It asks nothing: a plan that was rejected can be asked for again. AWS itself says who rejects.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The plan's id, from its notice or from `lendpeak2 plans`
    id: String,
    /// Why; recorded with the plan
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who rejects, for a runbook of an earlier version; whose credentials these are if left out
    #[arg(long, env = "LENDPEAK2_BY", hide_env_values = true, value_name = "NAME")]
    by: Option<String>,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let plan = waiting(runbook, &options.id).await?;
    if let Some(url) = runbook.stack.approvals() {
        return by_queue(runbook, url, &plan, Verb::Reject, options.reason.as_deref()).await;
    }
    let by = runbook.by(options.by.as_deref()).await?;
    let mut request = json!({ "reject": plan.id, "by": by });
    if let (Some(request), Some(reason)) = (request.as_object_mut(), &options.reason) {
        request.insert("reason".to_owned(), json!(reason));
    }
    let value = runbook.act(plan.function, &request).await?;
    show(runbook, plan.function, &value);
    Ok(Exit::of(&Answer::of(&value)))
}
