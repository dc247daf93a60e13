//! What `write-freeze` reads before it decides: the service, then what it runs.

use serde::Serialize;
use shared::{
    alarms::{self, Asking, NotAReason},
    ecs::{self, Service, TaskDefinition},
    error::Error,
};

use crate::{
    Clients,
    request::{Because, Request},
    settings::Settings,
};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// Nothing when the cluster has no such service.
    pub service: Option<Service>,
    /// What the service is set to.
    pub current: Option<Release>,
    /// The release that the current one is a frozen copy of.
    pub original: Option<Release>,
    /// Why the alarm that asks is no reason to freeze.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<NotAReason>,
    /// Whether that alarm has calmed down.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_calm: bool,
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

pub(crate) async fn observe(
    clients: &Clients,
    settings: &Settings,
    request: &Request,
) -> Result<Observed, Error> {
    let (found, alarm) = tokio::join!(current(clients, settings), alarm(clients, settings, request));
    let ((service, current), Asking { now, refused }) = (found?, alarm?);
    let is_calm = now.iter().any(|alarm| !alarm.is_in_alarm);
    let original = match current.as_ref().and_then(|current| current.definition.frozen_from.as_deref()) {
        Some(original) => release(clients, settings, original).await?,
        None => None,
    };
    Ok(Observed { service, current, original, refused, is_calm })
}

/// What an alarm watches is for whoever wired it here, as long as it is nothing of somebody else's.
async fn alarm(clients: &Clients, settings: &Settings, request: &Request) -> Result<Asking, Error> {
    match &request.because {
        Because::Alarm(alarm) => {
            let about = settings.stack.about(&settings.cluster, &settings.service, &[]);
            alarms::ask_over(&clients.config, alarm, &about).await
        }
        Because::Person(_) | Because::Machine(_) | Because::Schedule => Ok(Asking::default()),
    }
}

/// The service, and what it is set to.
pub(crate) async fn current(
    clients: &Clients,
    settings: &Settings,
) -> Result<(Option<Service>, Option<Release>), Error> {
    let service = ecs::staged_service(clients.ecs(), &settings.cluster, &settings.service).await?;
    let current = match &service {
        Some(service) if !service.task_definition.is_empty() => {
            release(clients, settings, &service.task_definition).await?
        }
        _ => None,
    };
    Ok((service, current))
}

async fn release(clients: &Clients, settings: &Settings, name: &str) -> Result<Option<Release>, Error> {
    let (releases, target) = (clients.releases(settings), settings.target());
    let (found, known) =
        tokio::join!(ecs::registered(clients.ecs(), name), releases.one(&target, ecs::revision(name)));
    let Some(found) = found? else {
        return Ok(None);
    };
    let definition = ecs::believed(clients.ecs(), &found, known?.as_ref(), &|_, _, _| false).await?;
    let containers = found.definition.container_definitions();
    Ok(definition.map(|definition| Release {
        definition,
        is_frozen: settings.variable.is_in(containers),
        from_secret: settings.variable.is_secret_in(containers),
    }))
}
