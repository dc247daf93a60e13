//! Waits until a change of the ECS service has settled, and says how it goes. A deployment that ECS took back is a
//! failure, whatever runs then.

use std::time::{Duration, Instant};

use aws_sdk_ecs::{
    Client,
    types::{Deployment, DeploymentRolloutState, Service},
};

use crate::{failure::Failure, progress::Progress, runbook::Runbook};

const PATIENCE: Duration = Duration::from_mins(10);
const BETWEEN_LOOKS: Duration = Duration::from_secs(3);

/// How a service stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    Settled,
    Settling,
    /// ECS gave the deployment up, or went back to another release.
    Failed,
}

/// Where an answer is about an ECS service: its cluster and its name.
pub(crate) fn service_of(target: &str) -> Option<(&str, &str)> {
    target.strip_prefix("service/")?.split_once('/')
}

/// Follows the service until it has settled. An error where it did not, or took longer than there is patience.
pub(crate) async fn settled(runbook: &Runbook<'_>, cluster: &str, service: &str) -> Result<(), Failure> {
    let client = Client::new(&runbook.config);
    let patience = runbook.global.timeout.unwrap_or(PATIENCE);
    let begun = Instant::now();
    let mut progress = Progress::spinner(runbook.screen, "waits until it has settled");
    runbook.screen.will_go_on("what was begun goes on without you: `lendpeak2 events` says how");
    let mut begun_with: Option<String> = None;
    loop {
        let described = client.describe_services().cluster(cluster).services(service).send().await.map_err(|error| {
            Failure::aws(format!("see how service {service} stands"), "ecs:DescribeServices", &error)
        })?;
        let now = described.services().first().ok_or_else(|| Failure::Failed {
            what: format!("cluster {cluster} has no service {service} any more"),
        })?;
        let release = release(now);
        let expected = begun_with.get_or_insert_with(|| release.clone());
        let words = words(now);
        progress.say(&words);
        match standing(now, expected) {
            Standing::Settled => {
                drop(progress);
                runbook.screen.note(&format!("settled: {words}"));
                return Ok(());
            }
            Standing::Failed => {
                return Err(Failure::Failed {
                    what: format!("the deployment of {expected} did not stand: {words}"),
                });
            }
            Standing::Settling if begun.elapsed() >= patience => {
                return Err(Failure::TimedOut {
                    what: format!("not settled after {} s: {words}", patience.as_secs()),
                });
            }
            Standing::Settling => tokio::time::sleep(BETWEEN_LOOKS).await,
        }
    }
}

fn standing(service: &Service, expected: &str) -> Standing {
    let newest = newest(service);
    let rollout = newest.and_then(Deployment::rollout_state);
    let counts = (service.running_count(), service.pending_count(), service.desired_count());
    match rollout {
        Some(DeploymentRolloutState::Failed) => Standing::Failed,
        _ if release(service) != expected => Standing::Failed,
        Some(DeploymentRolloutState::InProgress) => Standing::Settling,
        // ECS has no state of a roll-out for other deployment controllers.
        _ if service.deployments().len() <= 1 && counts.1 == 0 && counts.0 == counts.2 => Standing::Settled,
        _ => Standing::Settling,
    }
}

fn newest(service: &Service) -> Option<&Deployment> {
    service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"))
}

/// As in `lendpeak2-backend-production:3`.
fn release(service: &Service) -> String {
    let definition = newest(service).and_then(Deployment::task_definition).or(service.task_definition());
    let name = definition.unwrap_or_default();
    name.rsplit_once('/').map_or(name, |(_, name)| name).to_owned()
}

/// As in `1 of 2 tasks run, 1 is starting; lendpeak2-backend-production:3 is being rolled out`.
fn words(service: &Service) -> String {
    let (running, desired) = (service.running_count(), service.desired_count());
    let starting = match service.pending_count() {
        0 => String::new(),
        1 => ", 1 is starting".to_owned(),
        count => format!(", {count} are starting"),
    };
    let state = match newest(service).and_then(Deployment::rollout_state) {
        Some(DeploymentRolloutState::InProgress) => " is being rolled out",
        Some(DeploymentRolloutState::Failed) => " has failed",
        _ => " is deployed",
    };
    format!("{running} of {desired} tasks run{starting}; {}{state}", release(service))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(running: i32, desired: i32, revision: u8, state: Option<DeploymentRolloutState>) -> Service {
        let newest = Deployment::builder()
            .status("PRIMARY")
            .task_definition(format!("arn:aws:ecs:us-east-1:123456789012:task-definition/backend:{revision}"))
            .set_rollout_state(state);
        Service::builder()
            .running_count(running)
            .desired_count(desired)
            .pending_count(desired - running)
            .deployments(newest.build())
            .build()
    }

    #[track_caller]
    fn check(service: &Service, expected: Standing, says: &str) {
        assert_eq!((standing(service, "backend:2"), words(service).as_str()), (expected, says));
    }

    #[test]
    fn it_has_settled_once_all_tasks_run_and_the_roll_out_is_completed() {
        let completed = Some(DeploymentRolloutState::Completed);
        check(&service(2, 2, 2, completed.clone()), Standing::Settled, "2 of 2 tasks run; backend:2 is deployed");
        check(&service(1, 2, 2, completed), Standing::Settling, "1 of 2 tasks run, 1 is starting; backend:2 is deployed");
        check(
            &service(2, 2, 2, Some(DeploymentRolloutState::InProgress)),
            Standing::Settling,
            "2 of 2 tasks run; backend:2 is being rolled out",
        );
    }

    #[test]
    fn a_deployment_that_ecs_gave_up_or_took_back_has_failed() {
        check(&service(0, 2, 2, Some(DeploymentRolloutState::Failed)), Standing::Failed, "0 of 2 tasks run, 2 are starting; backend:2 has failed");
        check(&service(2, 2, 1, Some(DeploymentRolloutState::Completed)), Standing::Failed, "2 of 2 tasks run; backend:1 is deployed");
    }

    #[test]
    fn only_a_service_can_be_waited_for() {
        assert_eq!(service_of("service/lendpeak2-production/backend"), Some(("lendpeak2-production", "backend")));
        assert_eq!(service_of("cluster/lendpeak2-production"), None);
        assert_eq!(service_of(""), None);
    }
}
