//! What a tool does: the command of the same name, with the same code.

use super::{
    agent::Agent,
    answer::Of,
    parameters::{Diagnose, Health, History, Incidents},
    remedy::Remedy,
};
use crate::{
    commands::{diagnose, health, history, incident, plans, restore, status},
    exit::Exit,
    failure::Failure,
    function::Function,
    remedy::carry_out,
    runbook::Runbook,
};

pub(super) enum Call {
    Health(Health),
    Diagnose(Diagnose),
    Incidents(Incidents),
    Status,
    Plans,
    History(History),
    Plan(Remedy),
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
            Self::Plan(remedy) => {
                let mut ask = remedy.ask(runbook)?;
                ask.dry_run = true;
                Box::pin(carry_out(runbook, ask)).await
            }
            Self::Request(remedy, agent) => {
                let by = agent.on_behalf_of(&runbook.by(None).await?);
                let ask = remedy.ask(runbook)?.for_approval(&by);
                match ask.function {
                    // Its state machine takes every step once it is approved.
                    Function::SnapshotRestore => Box::pin(restore::begin::run(runbook, ask)).await,
                    _ => Box::pin(carry_out(runbook, ask)).await,
                }
            }
        }
    }
}
