//! The only write of `restart`, and the second look.

use std::time::Duration;

use shared::{ecs, error::Error, guard::Approved, once::send_once, outcome::Verification};

use crate::{Clients, action::Action, follow_up::has_begun};

pub(crate) async fn apply(clients: &Clients, approved: &Approved<Action>) -> Result<(), Error> {
    deploy(clients, approved.action()).await
}

/// Each `UpdateService` with the same task definition would begin a deployment of its own.
pub(crate) async fn deploy(clients: &Clients, action: &Action) -> Result<(), Error> {
    let Action::Deploy { cluster, service, task_definition, replaces } = action;
    // Nothing else is sent, so that counts, load balancers and network stay as they are.
    let update = clients
        .ecs()
        .update_service()
        .cluster(cluster)
        .service(service)
        .task_definition(task_definition)
        .force_new_deployment(true);
    let send = async || {
        let update = update.clone().customize().config_override(ecs::not_repeated());
        update.send().await.map(drop)
    };
    let effect = async || {
        let now = ecs::service(clients.ecs(), cluster, service).await?;
        Ok(now.filter(|now| has_begun(now, replaces)).map(drop))
    };
    send_once("restart service", &format!("{service} in cluster {cluster}"), send, effect).await
}

/// Looks until the new deployment shows, or for as long as there is patience. How it ends takes longer than a run.
pub(crate) async fn verify(clients: &Clients, actions: &[&Action], patience: Duration) -> Verification {
    const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
    let Some(Action::Deploy { cluster, service, replaces, .. }) = actions.last() else {
        return Verification { verified: true, what: "there was nothing to do".to_owned() };
    };
    Verification::wait(patience, BETWEEN_LOOKS, || look(clients, cluster, service, replaces)).await
}

async fn look(
    clients: &Clients,
    cluster: &str,
    service: &str,
    replaces: &str,
) -> Result<Verification, Error> {
    let Some(now) = ecs::service(clients.ecs(), cluster, service).await? else {
        return Ok(Verification { verified: false, what: format!("service {service} is gone") });
    };
    let what = match now.primary() {
        Some(primary) if has_begun(&now, replaces) => {
            format!("deployment {} has begun in place of {replaces}: {}", primary.id, now.progress())
        }
        _ => format!("no new deployment shows yet: {}", now.progress()),
    };
    Ok(Verification { verified: has_begun(&now, replaces), what })
}
