//! The only writes of `scale-up`, and the second look.

use std::time::Duration;

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use aws_sdk_ecs::operation::update_service::builders::UpdateServiceFluentBuilder;
use shared::{aws, ecs, error::Error, guard::Approved, outcome::Verification};

use crate::{Clients, action::Action, observe};

pub(crate) async fn apply(clients: &Clients, approved: &Approved<Action>) -> Result<(), Error> {
    match approved.action() {
        Action::SetDesiredCount { cluster, service, desired_count } => {
            let (count, to) = (signed(*desired_count), format!("a desired count of {desired_count}"));
            let change = |update: UpdateServiceFluentBuilder| update.desired_count(count);
            ecs::update(clients.ecs(), cluster, service, &to, change).await
        }
        Action::SetMinCapacity { resource_id, min_capacity }
        | Action::RestoreMinCapacity { resource_id, min_capacity, .. } => clients
            .scaling()
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_id(resource_id)
            .min_capacity(signed(*min_capacity))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| aws::failed("set the minimum capacity of", resource_id, &error)),
    }
}

/// Looks until the tasks run, or for as long as there is patience.
pub(crate) async fn verify(clients: &Clients, actions: &[&Action], patience: Duration) -> Verification {
    const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
    Verification::wait(patience, BETWEEN_LOOKS, || verify_once(clients, actions)).await
}

/// The last action shows that those before it were done.
async fn verify_once(clients: &Clients, actions: &[&Action]) -> Result<Verification, Error> {
    Ok(match actions.last() {
        Some(Action::SetDesiredCount { cluster, service, desired_count }) => {
            match ecs::service(clients.ecs(), cluster, service).await? {
                Some(now) => {
                    let verified = now.desired_count >= *desired_count && now.running() >= *desired_count;
                    let what = if verified && now.running() >= now.desired_count {
                        "all run".to_owned()
                    } else {
                        format!(
                            "{} of {} tasks run, {} are starting",
                            now.running(),
                            now.desired_count,
                            now.pending_count
                        )
                    };
                    Verification { verified, what }
                }
                None => Verification { verified: false, what: format!("service {service} is gone") },
            }
        }
        Some(
            Action::SetMinCapacity { resource_id, min_capacity }
            | Action::RestoreMinCapacity { resource_id, min_capacity, .. },
        ) => {
            let now = observe::scalable_target(clients.scaling(), resource_id).await?;
            let min = now.map_or(0, |target| target.min_capacity);
            Verification { verified: min == *min_capacity, what: format!("the minimum capacity is {min}") }
        }
        None => Verification { verified: true, what: "there was nothing to do".to_owned() },
    })
}

/// AWS takes signed counts; ours are at most 5,000.
fn signed(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
