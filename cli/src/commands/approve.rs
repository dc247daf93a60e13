//! `lendpeak2 approve`

use clap::Args;
use serde_json::json;

use crate::{
    decide::{self, Verb, by_queue},
    exit::Exit,
    failure::Failure,
    ledger::Plan,
    remedy::{Agreed, Ask, Common, carry_out, confirm, may_ask},
    render,
    runbook::Runbook,
    time,
};

/// Approve a plan that waits: it is carried out at once
///
/// AWS itself says who approves. Of a plan that needs more than one approval, the exit code is 8 until it has them.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The plan's id, from its notice or from `lendpeak2 plans`
    id: String,
    /// Who approves, for a runbook of an earlier version; whose credentials these are if left out
    #[arg(long, env = "LENDPEAK2_BY", hide_env_values = true, value_name = "NAME")]
    by: Option<String>,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let plan = waiting(runbook, &options.id).await?;
    let queue = runbook.stack.approvals().filter(|_| !options.common.dry_run);
    let Some(url) = queue else {
        let by = runbook.by(options.by.as_deref()).await?;
        let own = json!({ "approve": plan.id, "by": by });
        return carry_out(runbook, Ask::new(plan.function, &own, &options.common, "Approve?")).await;
    };
    may_ask(runbook)?;
    let screen = runbook.screen;
    screen.plan(&render::plan(
        &decide::shown(&plan),
        plan.function,
        &runbook.stack.environment,
        screen.width(),
    ));
    if let Agreed::Over(exit) = confirm(runbook, "Approve?").await? {
        return Ok(exit);
    }
    by_queue(runbook, url, &plan, Verb::Approve, options.common.reason.as_deref()).await
}

/// The plan, if it waits. The ledger says which function's it is.
pub(super) async fn waiting(runbook: &Runbook<'_>, id: &str) -> Result<Plan, Failure> {
    let (ledger, now) = (runbook.ledger()?, time::now());
    match ledger.plan(id, now).await? {
        Some((plan, None)) => Ok(plan),
        Some((plan, Some(over))) => Err(Failure::refused(
            over.code(),
            format!("plan {id} of {} {}", plan.function.name(), over.words()),
            "ask for it again, if it is still right",
        )),
        None => {
            let others = ledger.plans(now).await?;
            let help = match others.as_slice() {
                [] => "no plan waits for approval".to_owned(),
                others => {
                    let ids: Vec<&str> = others.iter().map(|plan| plan.id.as_str()).collect();
                    format!("these wait: {}", ids.join(", "))
                }
            };
            Err(Failure::refused("approval_unknown", format!("there is no plan {id}"), help))
        }
    }
}
