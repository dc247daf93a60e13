//! The only writes of `write-freeze`, and the second look.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_ecs::types::ContainerDefinition;
use shared::{
    aws, clock,
    ecs::{self, COPY_OF, Copy, FROZEN_FROM},
    error::Error,
    freeze::Variable,
    guard::Approved,
    outcome::Verification,
};

use crate::{
    Clients,
    observe::{self, Observed},
    plan::{Action, settled},
    settings::Settings,
};

pub(crate) async fn apply(
    clients: &Clients,
    settings: &Settings,
    approved: &Approved<Action>,
) -> Result<(), Error> {
    let target = settings.target();
    match approved.action() {
        Action::Note { release, variable, reason } => {
            clients.freezes(settings).begin(&target, variable, release, reason, clock::now()).await
        }
        Action::Freeze { release, variable } => {
            let copy = frozen_copy(clients, settings, release, variable).await?;
            deploy(clients, settings, &copy).await
        }
        Action::GoBack { to, .. } => deploy(clients, settings, to).await,
        Action::Unfreeze { from, release, variable, images } => {
            let copy = copy_without(clients, from, release, variable, images).await?;
            deploy(clients, settings, &copy).await
        }
        Action::End => clients.freezes(settings).end(&target).await,
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

/// What runs, without the variable. `images` are its own: another copy of the same release may have others.
pub(crate) async fn copy_without(
    clients: &Clients,
    from: &str,
    release: &str,
    variable: &Variable,
    images: &BTreeMap<String, String>,
) -> Result<String, Error> {
    let tags = [(COPY_OF, release)];
    let change = |container: ContainerDefinition| {
        let mut container = variable.removed(container);
        let image = container.name().and_then(|name| images.get(name)).cloned();
        container.image = image.or(container.image);
        container
    };
    ecs::copy_of(clients.ecs(), &Copy { of: from, tags: &tags, change: &change }).await
}

/// Nothing but the task definition is sent, so that counts, load balancers and network stay as they are.
async fn deploy(clients: &Clients, settings: &Settings, task_definition: &str) -> Result<(), Error> {
    clients
        .ecs()
        .update_service()
        .cluster(&settings.cluster)
        .service(&settings.service)
        .task_definition(task_definition)
        .send()
        .await
        .map(|_| ())
        .map_err(|error| {
            let what = format!("{} in cluster {} to {task_definition}", settings.service, settings.cluster);
            aws::failed("set service", what, &error)
        })
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
        Ok(settled(&Observed { service, current, original: None }, frozen))
    };
    Verification::wait(patience, BETWEEN_LOOKS, look).await
}
