//! What a tool does: the command of the same name, with the same code.

use aws_sdk_sts::Client;

use super::{
    agent::Agent,
    answer::Of,
    parameters::{Diagnose, Health, History, Incidents, Report},
    remedy::Remedy,
};
use crate::{
    commands::{diagnose, health, history, incident, plans, report, status},
    exit::Exit,
    failure::Failure,
    remedy::carry_out,
    runbook::Runbook,
    who,
};

pub(super) enum Call {
    Health(Health),
    Diagnose(Diagnose),
    Incidents(Incidents),
    Status,
    Plans,
    History(History),
    Report(Report),
    Plan(Remedy, Agent),
    Request(Remedy, Agent),
}

impl Call {
    pub(super) fn of(&self) -> Of {
        match self {
            Self::History(_) => Of::History,
            Self::Plans => Of::Plans,
            Self::Request(..) => Of::Request,
            _ => Of::Function,
        }
    }

    /// Boxed, each, as in `commands`.
    pub(super) async fn run(self, runbook: &Runbook<'_>) -> Result<Exit, Failure> {
        match self {
            Self::Health(asked) => Box::pin(health::once(runbook, &asked.request())).await,
            Self::Diagnose(asked) => Box::pin(diagnose::run(runbook, &asked.options())).await,
            Self::Incidents(asked) => {
                Box::pin(incident::run(runbook, incident::Options::to_see(asked.id))).await
            }
            Self::Status => Box::pin(status::show(runbook)).await,
            Self::Plans => Box::pin(plans::run(runbook)).await,
            Self::History(asked) => Box::pin(history::run(runbook, &asked.options())).await,
            Self::Report(asked) => Box::pin(report::run(runbook, &report::Options::of(asked.days))).await,
            Self::Plan(remedy, agent) => {
                let mut ask = remedy.ask(runbook)?;
                ask.dry_run = true;
                // A runbook of an earlier version does not take who asks.
                if runbook.stack.approvals().is_some() {
                    ask = ask.asked_by(&name(runbook, &agent).await?);
                }
                Box::pin(carry_out(runbook, ask)).await
            }
            Self::Request(remedy, agent) => {
                let ask = remedy.ask(runbook)?.for_approval().asked_by(&name(runbook, &agent).await?);
                // A restore too goes to its function, and not to its state machine: an agent may start none. Once it is
                // approved, the scheduled run takes the next step.
                Box::pin(carry_out(runbook, ask)).await
            }
        }
    }
}

/// Who asks, as people read it.
async fn name(runbook: &Runbook<'_>, agent: &Agent) -> Result<String, Failure> {
    Ok(agent.on_behalf_of(&who::asks(&Client::new(&runbook.config)).await?))
}
