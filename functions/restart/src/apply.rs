//! The only write of `restart`, and the second look.

use std::time::Duration;

use aws_sdk_ecs::{config::Config, error::SdkError, operation::update_service::UpdateServiceError};
use aws_smithy_types::retry::RetryConfig;
use shared::{aws, ecs, error::Error, guard::Approved, outcome::Verification};

use crate::{Clients, plan::Action, settle::has_begun};

/// `UpdateService` takes no token that would make two of the same one, and each would begin a deployment of its own.
/// So the SDK does not repeat it: between two tries it is looked whether the first took effect.
const TRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(250);

pub(crate) async fn apply(clients: &Clients, approved: &Approved<Action>) -> Result<(), Error> {
    deploy(clients, approved.action()).await
}

pub(crate) async fn deploy(clients: &Clients, action: &Action) -> Result<(), Error> {
    let Action::Deploy { cluster, service, task_definition, replaces } = action;
    let mut wait = FIRST_WAIT;
    let mut tries = 1;
    loop {
        // Nothing else is sent, so that counts, load balancers and network stay as they are.
        let sent = clients
            .ecs()
            .update_service()
            .cluster(cluster)
            .service(service)
            .task_definition(task_definition)
            .force_new_deployment(true)
            .customize()
            .config_override(Config::builder().retry_config(RetryConfig::disabled()))
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(());
        };
        if !may_be_repeated(&error) || tries == TRIES {
            return Err(aws::failed("restart service", format!("{service} in cluster {cluster}"), &error));
        }
        tokio::time::sleep(wait).await;
        let now = ecs::service(clients.ecs(), cluster, service).await?;
        if now.is_some_and(|now| has_begun(&now, replaces)) {
            return Ok(());
        }
        tries += 1;
        wait *= 2;
    }
}

/// Whether trying again can help: AWS was busy or failed, or nobody knows whether it heard.
fn may_be_repeated(error: &SdkError<UpdateServiceError>) -> bool {
    use aws_smithy_types::error::metadata::ProvideErrorMetadata;
    match error {
        SdkError::ServiceError(context) => {
            context.raw().status().is_server_error()
                || context.err().code().is_some_and(|code| {
                    ["ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"]
                        .contains(&code)
                })
        }
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    }
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
