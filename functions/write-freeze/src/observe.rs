//! What `write-freeze` reads before it decides: the service, then what it runs.

use serde::Serialize;
use shared::{
    ecs::{self, Service, TaskDefinition},
    error::Error,
};

use crate::{Clients, settings::Settings};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// Nothing when the cluster has no such service.
    pub service: Option<Service>,
    /// What the service is set to.
    pub current: Option<Release>,
    /// The release that the current one is a frozen copy of.
    pub original: Option<Release>,
}

/// A task definition, and whether writes are frozen with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Release {
    #[serde(flatten)]
    pub definition: TaskDefinition,
    /// Whether the container has the variable, with the value that freezes writes.
    pub is_frozen: bool,
    /// Whether the container takes the variable from a secret.
    pub from_secret: bool,
}

pub(crate) async fn observe(clients: &Clients, settings: &Settings) -> Result<Observed, Error> {
    let (service, current) = current(clients, settings).await?;
    let original = match current.as_ref().and_then(|current| current.definition.frozen_from.as_deref()) {
        Some(original) => release(clients, settings, original).await?,
        None => None,
    };
    Ok(Observed { service, current, original })
}

/// The service, and what it is set to.
pub(crate) async fn current(
    clients: &Clients,
    settings: &Settings,
) -> Result<(Option<Service>, Option<Release>), Error> {
    let service = ecs::service(clients.ecs(), &settings.cluster, &settings.service).await?;
    let current = match &service {
        Some(service) if !service.task_definition.is_empty() => {
            release(clients, settings, &service.task_definition).await?
        }
        _ => None,
    };
    Ok((service, current))
}

async fn release(clients: &Clients, settings: &Settings, name: &str) -> Result<Option<Release>, Error> {
    let Some(found) = ecs::registered(clients.ecs(), name).await? else {
        return Ok(None);
    };
    let containers = found.definition.container_definitions();
    Ok(found.summary().map(|definition| Release {
        definition,
        is_frozen: settings.variable.is_in(containers),
        from_secret: settings.variable.is_secret_in(containers),
    }))
}
