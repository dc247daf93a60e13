//! The only writes of `rollback`, and the second look.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_ecs::types::{
    ContainerDefinition, StopServiceDeploymentStopType, Tag, TaskDefinition, TaskDefinitionField,
};
use shared::{
    aws, clock, ecs,
    error::{Error, chain},
    guard::Approved,
    outcome::Verification,
};

use crate::{
    Clients, choice, observe,
    observe::{Observed, task_definition},
    plan::{Action, deployed, settled},
    probe,
    settings::Settings,
};

/// The tag on a copy, with the `family:revision` that it was copied from.
pub(crate) const COPY_OF: &str = "lendpeak2:copy-of";

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
        Action::Deploy { to, copy, images, .. } => {
            let release = if *copy { copy_of(clients, to, images).await? } else { to.clone() };
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

/// A copy of a revision as a new one: the copy that a run left which died, or a new one.
pub(crate) async fn copy_of(
    clients: &Clients,
    original: &str,
    images: &BTreeMap<String, String>,
) -> Result<String, Error> {
    /// Between a copy and its use, hardly anybody registers more.
    const NEWEST: usize = 3;
    let revisions = observe::newest_revisions(clients, choice::family(original)).await?;
    for revision in revisions.into_iter().take(NEWEST) {
        let found = task_definition(clients, Some(revision)).await?;
        if let Some(found) = found.filter(|found| found.copy_of.as_deref() == Some(original)) {
            return Ok(found.arn);
        }
    }
    register_copy(clients, original, images).await
}

async fn register_copy(
    clients: &Clients,
    original: &str,
    images: &BTreeMap<String, String>,
) -> Result<String, Error> {
    let described = clients
        .ecs()
        .describe_task_definition()
        .task_definition(original)
        .include(TaskDefinitionField::Tags)
        .send()
        .await
        .map_err(|error| aws::failed("describe task definition", original, &error))?;
    let mut tags = described.tags.unwrap_or_default();
    tags.retain(|tag| tag.key() != Some(COPY_OF));
    tags.push(Tag::builder().key(COPY_OF).value(original).build());
    let original_definition = described.task_definition.unwrap_or_else(|| TaskDefinition::builder().build());
    let register = ecs::copy(clients.ecs(), original_definition, tags);
    let containers = register.get_container_definitions().clone().unwrap_or_default();
    let containers = containers.into_iter().map(|container| by_digest(container, images)).collect();
    let registered = register
        .set_container_definitions(Some(containers))
        .send()
        .await
        .map_err(|error| aws::failed("register a copy of", original, &error))?;
    registered.task_definition.and_then(|copy| copy.task_definition_arn).ok_or_else(|| Error::Aws {
        operation: "register a copy of",
        resource: original.to_owned(),
        source: aws::Cause::new("ECS did not say what it registered"),
    })
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
    let looks = 1 + patience.as_secs() / BETWEEN_LOOKS.as_secs();
    let mut seen = Verification { verified: false, what: "nothing was looked at".to_owned() };
    for look in 0..looks {
        if look > 0 {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        seen = verify_once(clients, settings, to).await.unwrap_or_else(|error| Verification {
            verified: false,
            what: format!("could not look again: {}", chain(&error)),
        });
        if seen.verified {
            break;
        }
    }
    seen
}

async fn verify_once(clients: &Clients, settings: &Settings, to: &str) -> Result<Verification, Error> {
    let service = ecs::service(clients.ecs(), &settings.cluster, &settings.service).await?;
    let set_to = service.as_ref().map(|service| service.task_definition.clone());
    let current = task_definition(clients, set_to).await?;
    let mut observed = Observed { service, current, ..Observed::default() };
    // Before ECS is done, the probe's answer would be about the old tasks.
    if deployed(&observed, to).0 {
        observed.health = probe::ask(clients, settings).await.ok();
    }
    Ok(settled(&observed, to))
}
