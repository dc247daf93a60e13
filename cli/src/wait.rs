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
    runbook.screen.will_go_on("what was begun goes on without you: `lendpeak2 events` says how");
    let mut progress = Progress::spinner(runbook.screen, "waits until it has settled");
    let look = Look { client: &client, cluster, service, between: BETWEEN_LOOKS };
    let words = look.until_settled(patience, |words| progress.say(words)).await?;
    drop(progress);
    runbook.screen.note(&format!("settled: {words}"));
    Ok(())
}

/// Whom to ask, about what, and how often.
struct Look<'a> {
    client: &'a Client,
    cluster: &'a str,
    service: &'a str,
    between: Duration,
}

impl Look<'_> {
    async fn until_settled(&self, patience: Duration, mut say: impl FnMut(&str)) -> Result<String, Failure> {
        let begun = Instant::now();
        // What was deployed when the function had answered.
        let mut ours: Option<(String, String)> = None;
        loop {
            let now = self.now().await?;
            let (ours, release) = ours.get_or_insert_with(|| (deployment(&now), release(&now)));
            let words = words(&now);
            say(&words);
            match standing(&now, ours) {
                Standing::Settled => return Ok(words),
                Standing::Failed => {
                    return Err(Failure::Failed {
                        what: format!("the deployment of {release} did not stand: {words}"),
                    });
                }
                Standing::Settling if begun.elapsed() >= patience => {
                    return Err(Failure::TimedOut {
                        what: format!("not settled after {} s: {words}", patience.as_secs()),
                    });
                }
                Standing::Settling => tokio::time::sleep(self.between).await,
            }
        }
    }

    async fn now(&self) -> Result<Service, Failure> {
        let Self { client, cluster, service, .. } = self;
        let described = client.describe_services().cluster(*cluster).services(*service).send().await;
        let described = described.map_err(|error| {
            Failure::aws(format!("see how service {service} stands"), "ecs:DescribeServices", &error)
        })?;
        described.services.unwrap_or_default().into_iter().next().ok_or_else(|| Failure::Failed {
            what: format!("cluster {cluster} has no service {service} any more"),
        })
    }
}

/// `ours` is the id of the deployment that has to stand: another one in its place is ECS's way back, or somebody else's.
fn standing(service: &Service, ours: &str) -> Standing {
    let newest = newest(service);
    let rollout = newest.and_then(Deployment::rollout_state);
    let counts = (service.running_count(), service.pending_count(), service.desired_count());
    match rollout {
        Some(DeploymentRolloutState::Failed) => Standing::Failed,
        _ if deployment(service) != ours => Standing::Failed,
        Some(DeploymentRolloutState::InProgress) => Standing::Settling,
        // ECS has no state of a roll-out for other deployment controllers.
        _ if service.deployments().len() <= 1 && counts.1 == 0 && counts.0 == counts.2 => Standing::Settled,
        _ => Standing::Settling,
    }
}

fn newest(service: &Service) -> Option<&Deployment> {
    service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"))
}

/// Its id.
fn deployment(service: &Service) -> String {
    newest(service).and_then(Deployment::id).unwrap_or_default().to_owned()
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
    use aws_sdk_ecs::operation::describe_services::DescribeServicesOutput;
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    use super::*;

    fn service(running: i32, desired: i32, revision: u8, state: Option<DeploymentRolloutState>) -> Service {
        let newest = Deployment::builder()
            .id(format!("ecs-svc/{revision}"))
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
        assert_eq!((standing(service, "ecs-svc/2"), words(service).as_str()), (expected, says));
    }

    #[test]
    fn it_has_settled_once_all_tasks_run_and_the_roll_out_is_completed() {
        let completed = Some(DeploymentRolloutState::Completed);
        check(
            &service(2, 2, 2, completed.clone()),
            Standing::Settled,
            "2 of 2 tasks run; backend:2 is deployed",
        );
        check(
            &service(1, 2, 2, completed),
            Standing::Settling,
            "1 of 2 tasks run, 1 is starting; backend:2 is deployed",
        );
        check(
            &service(2, 2, 2, Some(DeploymentRolloutState::InProgress)),
            Standing::Settling,
            "2 of 2 tasks run; backend:2 is being rolled out",
        );
    }

    #[test]
    fn a_deployment_that_ecs_gave_up_or_took_back_has_failed() {
        check(
            &service(0, 2, 2, Some(DeploymentRolloutState::Failed)),
            Standing::Failed,
            "0 of 2 tasks run, 2 are starting; backend:2 has failed",
        );
        check(
            &service(2, 2, 1, Some(DeploymentRolloutState::Completed)),
            Standing::Failed,
            "2 of 2 tasks run; backend:1 is deployed",
        );
    }

    /// Follows a service that stands so at one look after the other, and keeps the last.
    async fn follow(looks: Vec<Service>, patience: Duration) -> (Result<String, Failure>, Vec<String>) {
        let count = looks.len();
        let described = |service: Service| DescribeServicesOutput::builder().services(service).build();
        let mut left = looks.into_iter();
        let first = described(left.next().unwrap());
        let last = left.last().map_or_else(|| first.clone(), described);
        let rule = mock!(Client::describe_services)
            .sequence()
            .output(move || first.clone())
            .times(count.saturating_sub(1).max(1))
            .output(move || last.clone())
            .repeatedly()
            .build();
        let client = mock_client!(aws_sdk_ecs, RuleMode::Sequential, [&rule]);
        let look = Look { client: &client, cluster: "c", service: "s", between: Duration::ZERO };
        let mut said: Vec<String> = Vec::new();
        let ended = look.until_settled(patience, |words| said.push(words.to_owned())).await;
        said.dedup();
        (ended, said)
    }

    #[tokio::test]
    async fn it_waits_until_all_tasks_run() {
        let rolls = service(1, 2, 2, Some(DeploymentRolloutState::InProgress));
        let stands = service(2, 2, 2, Some(DeploymentRolloutState::Completed));
        let (ended, said) = follow(vec![rolls, stands], PATIENCE).await;
        assert_eq!(ended.unwrap(), "2 of 2 tasks run; backend:2 is deployed");
        assert_eq!(
            said.first().map(String::as_str),
            Some("1 of 2 tasks run, 1 is starting; backend:2 is being rolled out")
        );
    }

    #[tokio::test]
    async fn what_ecs_takes_back_while_one_waits_is_a_failure() {
        let rolls = service(1, 2, 2, Some(DeploymentRolloutState::InProgress));
        let back = service(2, 2, 1, Some(DeploymentRolloutState::Completed));
        let failure = follow(vec![rolls, back], PATIENCE).await.0.unwrap_err();
        assert_eq!(failure.exit().code(), 1);
        assert_eq!(
            failure.to_string(),
            "the deployment of backend:2 did not stand: 2 of 2 tasks run; backend:1 is deployed"
        );
    }

    #[tokio::test]
    async fn patience_ends() {
        let rolls = service(1, 2, 2, Some(DeploymentRolloutState::InProgress));
        let failure = follow(vec![rolls], Duration::ZERO).await.0.unwrap_err();
        assert_eq!(failure.exit().code(), 124);
    }

    #[test]
    fn only_a_service_can_be_waited_for() {
        assert_eq!(
            service_of("service/lendpeak2-production/backend"),
            Some(("lendpeak2-production", "backend"))
        );
        assert_eq!(service_of("cluster/lendpeak2-production"), None);
        assert_eq!(service_of(""), None);
    }
}
