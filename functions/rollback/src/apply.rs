//! The only writes of `rollback`, and the second look.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_ecs::{
    operation::update_service::builders::UpdateServiceFluentBuilder,
    types::{ContainerDefinition, StopServiceDeploymentStopType},
};
use shared::{
    aws, clock,
    ecs::{self, COPY_OF, Copy, FROZEN_FROM},
    error::{Error, chain},
    freeze::Variable,
    guard::Approved,
    outcome::Verification,
};

use crate::{
    Clients,
    action::{Action, Target},
    follow_up::{deployed, settled},
    observe::{self, Observed, unknown},
    probe,
    settings::Settings,
    skipped,
};

pub(crate) async fn apply(
    clients: &Clients,
    settings: &Settings,
    approved: &Approved<Action>,
) -> Result<(), Error> {
    match approved.action() {
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
            let refused = |error: Error| refused(error, to, settings);
            let release = match freeze {
                Some(variable) => frozen_copy(clients, settings, to, *copy, images, variable).await,
                None if *copy => by_digest_or_active(clients, settings, to, images).await,
                None => Ok(to.clone()),
            };
            let release = release.map_err(refused)?;
            if release != *to {
                approved.may_go_on().await?;
            }
            let Settings { cluster, service, .. } = settings;
            let change = |update: UpdateServiceFluentBuilder| update.task_definition(&release);
            ecs::update(clients.ecs(), cluster, service, &release, change).await.map_err(refused)
        }
    }
}

/// What ECS refuses of one release it may take of another; to try the same again is no use.
fn refused(error: Error, to: &str, settings: &Settings) -> Error {
    if !error.is_refused() {
        return error;
    }
    let stop = skipped::release_refused(&settings.service, to, &chain(&error));
    Error::Refused { stop: Box::new(stop), over: true }
}

/// A copy that is ACTIVE, and has the images that the release had.
async fn by_digest_or_active(
    clients: &Clients,
    settings: &Settings,
    release: &str,
    images: &BTreeMap<String, String>,
) -> Result<String, Error> {
    let change = |container| by_digest(container, images);
    let copy = Copy { of: release, tags: &[(COPY_OF, release)], change: &change };
    let copy = ecs::copy_of(clients.ecs(), &copy).await?;
    let releases = clients.releases(settings);
    releases.mark_copy(&settings.target(), ecs::revision(&copy), release, clock::now()).await?;
    Ok(copy)
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
    let Some(targets) = actions.last().map(|action| action.targets()) else {
        return Verification { verified: true, what: "there was nothing to do".to_owned() };
    };
    Verification::wait(patience, BETWEEN_LOOKS, || verify_once(clients, settings, &targets)).await
}

async fn verify_once(
    clients: &Clients,
    settings: &Settings,
    targets: &[Target],
) -> Result<Verification, Error> {
    let (service, current) = observe::current(clients, settings).await?;
    let mut observed = Observed { service, current, ..Observed::default() };
    // Before ECS is done, the probe's answer would be about the old tasks.
    if deployed(&observed, targets).0 {
        let health = probe::ask(clients, settings).await;
        observed.health = health.map_or_else(|error| unknown("the API's health", &error), Some);
    }
    Ok(settled(&observed, targets))
}
