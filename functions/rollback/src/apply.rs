//! The only writes of `rollback`, and the second look.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_ecs::types::{ContainerDefinition, StopServiceDeploymentStopType};
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
    observe::{Observed, unknown},
    plan::{Action, deployed, settled},
    probe,
    settings::Settings,
};

pub(crate) async fn apply(
    clients: &Clients,
    settings: &Settings,
    approved: &Approved<Action>,
) -> Result<(), Error> {
    match approved.action() {
        Action::NoteRolledBack { release } => {
            clients.releases(settings).mark_rolled_back(&settings.target(), release, clock::now()).await
        }
        Action::StopDeployment { service_deployment, .. } => clients
            .ecs()
            .stop_service_deployment()
            .service_deployment_arn(service_deployment)
            .stop_type(StopServiceDeploymentStopType::Rollback)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| aws::failed("stop the deployment", service_deployment, &error)),
        Action::Deploy { to, copy, images, freeze, .. } => {
            let release = match freeze {
                Some(variable) => frozen_copy(clients, settings, to, *copy, images, variable).await?,
                None if *copy => {
                    let change = |container| by_digest(container, images);
                    let copy = Copy { of: to, tags: &[(COPY_OF, to)], change: &change };
                    ecs::copy_of(clients.ecs(), &copy).await?
                }
                None => to.clone(),
            };
            // Nothing else is sent, so that counts, load balancers and network stay as they are.
            clients
                .ecs()
                .update_service()
                .cluster(&settings.cluster)
                .service(&settings.service)
                .task_definition(&release)
                .send()
                .await
                .map(|_| ())
                .map_err(|error| {
                    let what = format!("{} in cluster {} to {release}", settings.service, settings.cluster);
                    aws::failed("set service", what, &error)
                })
        }
    }
}

/// A copy with which writes stay frozen. `differs` is whether it is not the release but for that.
async fn frozen_copy(
    clients: &Clients,
    settings: &Settings,
    release: &str,
    differs: bool,
    images: &BTreeMap<String, String>,
    variable: &Variable,
) -> Result<String, Error> {
    let tags = [(FROZEN_FROM, release), (COPY_OF, release)];
    let change = |container| variable.set(by_digest(container, images));
    let tags = if differs { &tags[..] } else { &tags[..1] };
    let copy = ecs::copy_of(clients.ecs(), &Copy { of: release, tags, change: &change }).await?;
    let releases = clients.releases(settings);
    releases.mark_frozen(&settings.target(), ecs::revision(&copy), release, clock::now()).await?;
    Ok(copy)
}

fn by_digest(mut container: ContainerDefinition, images: &BTreeMap<String, String>) -> ContainerDefinition {
    if let Some(image) = container.name().and_then(|name| images.get(name)) {
        container.image = Some(image.clone());
    }
    container
}

/// Looks until the service has settled, or for as long as there is patience.
pub(crate) async fn verify(
    clients: &Clients,
    settings: &Settings,
    actions: &[&Action],
    patience: Duration,
) -> Verification {
    const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
    let Some(Action::StopDeployment { to, .. } | Action::Deploy { to, .. }) = actions.last() else {
        return Verification { verified: true, what: "there was nothing to do".to_owned() };
    };
    Verification::wait(patience, BETWEEN_LOOKS, || verify_once(clients, settings, to)).await
}

async fn verify_once(clients: &Clients, settings: &Settings, to: &str) -> Result<Verification, Error> {
    let service = ecs::service(clients.ecs(), &settings.cluster, &settings.service).await?;
    let set_to = service.as_ref().map(|service| service.task_definition.clone());
    let current = ecs::task_definition(clients.ecs(), set_to).await?;
    let mut observed = Observed { service, current, ..Observed::default() };
    // Before ECS is done, the probe's answer would be about the old tasks.
    if deployed(&observed, to).0 {
        let health = probe::ask(clients, settings).await;
        observed.health = health.map_or_else(|error| unknown("the API's health", &error), Some);
    }
    Ok(settled(&observed, to))
}
