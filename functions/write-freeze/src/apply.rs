//! The only writes of `write-freeze`, and the second look.

use std::time::Duration;

use aws_sdk_ecs::{
    operation::update_service::builders::UpdateServiceFluentBuilder, types::ContainerDefinition,
};
use shared::{
    clock,
    ecs::{self, COPY_OF, Copy, FROZEN_FROM},
    error::Error,
    freeze::Variable,
    guard::Approved,
    outcome::Verification,
};

use crate::{
    Clients,
    action::Action,
    follow_up::settled,
    observe::{self, Observed},
    settings::Settings,
};

pub(crate) async fn apply(
    clients: &Clients,
    settings: &Settings,
    approved: &Approved<Action>,
) -> Result<(), Error> {
    match approved.action() {
        // The end of the run notes it.
        Action::Note { .. } | Action::End => Ok(()),
        Action::Freeze { release, variable } => {
            let copy = frozen_copy(clients, settings, release, variable).await?;
            approved.may_go_on().await?;
            deploy(clients, settings, &copy).await
        }
        Action::GoBack { to, .. } => deploy(clients, settings, to).await,
        Action::Unfreeze { from, release, variable } => {
            let copy = copy_without(clients, settings, from, release, variable).await?;
            approved.may_go_on().await?;
            deploy(clients, settings, &copy).await
        }
    }
}

/// The release with the variable. What it is a copy of is noted before anything runs it.
async fn frozen_copy(
    clients: &Clients,
    settings: &Settings,
    release: &str,
    variable: &Variable,
) -> Result<String, Error> {
    let tags = [(FROZEN_FROM, release)];
    let change = |container| variable.set(container);
    let copy = ecs::copy_of(clients.ecs(), &Copy { of: release, tags: &tags, change: &change }).await?;
    let releases = clients.releases(settings);
    releases.mark_frozen(&settings.target(), ecs::revision(&copy), release, clock::now()).await?;
    Ok(copy)
}

/// What runs, without the variable.
pub(crate) async fn copy_without(
    clients: &Clients,
    settings: &Settings,
    from: &str,
    release: &str,
    variable: &Variable,
) -> Result<String, Error> {
    let tags = [(COPY_OF, release)];
    let change = |container: ContainerDefinition| variable.removed(container);
    let copy = ecs::copy_of(clients.ecs(), &Copy { of: from, tags: &tags, change: &change }).await?;
    let releases = clients.releases(settings);
    releases.mark_copy(&settings.target(), ecs::revision(&copy), release, clock::now()).await?;
    Ok(copy)
}

/// Nothing but the task definition is sent.
async fn deploy(clients: &Clients, settings: &Settings, task_definition: &str) -> Result<(), Error> {
    let Settings { cluster, service, .. } = settings;
    let change = |update: UpdateServiceFluentBuilder| update.task_definition(task_definition);
    ecs::update(clients.ecs(), cluster, service, task_definition, change).await
}

/// Looks until all tasks are as they should be, or for as long as there is patience.
pub(crate) async fn verify(
    clients: &Clients,
    settings: &Settings,
    actions: &[&Action],
    patience: Duration,
) -> Verification {
    const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
    // Where nothing was deployed, only the ledger was changed.
    let Some(frozen) = actions.iter().find_map(|action| action.freezes()) else {
        return Verification { verified: true, what: "nothing had to be deployed".to_owned() };
    };
    let look = || async {
        let (service, current) = observe::current(clients, settings).await?;
        Ok(settled(&Observed { service, current, ..Observed::default() }, frozen))
    };
    Verification::wait(patience, BETWEEN_LOOKS, look).await
}
