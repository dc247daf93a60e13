//! What `restart` asks of AWS, call by call. A call that no rule expects panics.

use std::{sync::OnceLock, time::Duration};

use aws_sdk_ecr::{
    operation::describe_images::{DescribeImagesError, DescribeImagesOutput},
    types::error::ImageNotFoundException,
};
use aws_sdk_ecs::{
    error::ErrorMetadata,
    operation::{
        describe_services::DescribeServicesOutput,
        describe_task_definition::DescribeTaskDefinitionOutput,
        list_service_deployments::{ListServiceDeploymentsError, ListServiceDeploymentsOutput},
        list_tasks::ListTasksOutput,
        update_service::{UpdateServiceError, UpdateServiceOutput},
    },
    types::{
        ContainerDefinition, Deployment, DeploymentConfiguration, DeploymentRolloutState, Secret, Service,
        ServiceDeploymentBrief, ServiceDeploymentStatus, TaskDefinition, TaskDefinitionStatus,
    },
};
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_types::DateTime;
use aws_types::{SdkConfig, region::Region};
use shared::error::chain;

use crate::{
    Clients,
    action::Action,
    apply,
    needs::{Kind, Missing},
    observe,
    plan::tests::settings,
    request::{Goal, Request},
};

const TASK_DEFINITION: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/backend:7";
const IMAGE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/lendpeak2/backend:7";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf";

fn clients(ecs: &[Rule], ecr: &[Rule], secrets: &[Rule]) -> Clients {
    let [ecs, ecr, secrets]: [Vec<&Rule>; 3] = [ecs, ecr, secrets].map(|rules| rules.iter().collect());
    Clients {
        ecs: OnceLock::from(mock_client!(aws_sdk_ecs, RuleMode::MatchAny, &ecs)),
        ecr: OnceLock::from(mock_client!(aws_sdk_ecr, RuleMode::MatchAny, &ecr)),
        secrets: OnceLock::from(mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, &secrets)),
        ..Clients::new(SdkConfig::builder().region(Region::new("us-east-1")).build())
    }
}

fn asks(goal: Goal) -> Request {
    Request { goal, alarm: None, topic: None }
}

/// The service with this primary deployment.
fn service_with(deployment: &'static str) -> DescribeServicesOutput {
    let deployment = Deployment::builder()
        .id(deployment)
        .status("PRIMARY")
        .task_definition(TASK_DEFINITION)
        .rollout_state(DeploymentRolloutState::Completed)
        .build();
    let configuration =
        DeploymentConfiguration::builder().minimum_healthy_percent(50).maximum_percent(150).build();
    let service = Service::builder().status("ACTIVE").desired_count(2).running_count(2);
    let service = service.task_definition(TASK_DEFINITION).deployments(deployment);
    DescribeServicesOutput::builder()
        .services(service.deployment_configuration(configuration).build())
        .build()
}

fn service_runs(deployment: &'static str) -> Rule {
    mock!(aws_sdk_ecs::Client::describe_services)
        .match_requests(|request| {
            request.cluster() == Some("lendpeak2-production") && request.services() == ["backend"]
        })
        .then_output(move || service_with(deployment))
}

fn task_definition() -> Rule {
    mock!(aws_sdk_ecs::Client::describe_task_definition)
        .match_requests(|request| request.task_definition() == Some(TASK_DEFINITION))
        .then_output(|| {
            let secret =
                |value_from: &str| Secret::builder().name("x").value_from(value_from).build().unwrap();
            let container = ContainerDefinition::builder()
                .name("backend")
                .image(IMAGE)
                .secrets(secret(&format!("{SECRET}:password::")))
                .secrets(secret("arn:aws:ssm:us-east-1:123456789012:parameter/key"))
                .build();
            let sidecar = ContainerDefinition::builder().name("log").image("public.ecr.aws/log:1").build();
            let definition = TaskDefinition::builder()
                .task_definition_arn(TASK_DEFINITION)
                .status(TaskDefinitionStatus::Active)
                .container_definitions(container)
                .container_definitions(sidecar)
                .build();
            DescribeTaskDefinitionOutput::builder().task_definition(definition).build()
        })
}

fn no_stopped_tasks() -> Rule {
    mock!(aws_sdk_ecs::Client::list_tasks).then_output(|| ListTasksOutput::builder().build())
}

fn nothing_under_way() -> Rule {
    mock!(aws_sdk_ecs::Client::list_service_deployments)
        .match_requests(|request| {
            request.status().len() == 5 && !request.status().contains(&ServiceDeploymentStatus::Successful)
        })
        .then_output(|| ListServiceDeploymentsOutput::builder().build())
}

fn image_is_there() -> Rule {
    mock!(aws_sdk_ecr::Client::describe_images)
        .match_requests(|request| {
            request.registry_id() == Some("123456789012")
                && request.repository_name() == Some("lendpeak2/backend")
                && request.image_ids().iter().any(|id| id.image_tag() == Some("7"))
        })
        .then_output(|| DescribeImagesOutput::builder().build())
}

fn secret_is_there() -> Rule {
    mock!(aws_sdk_secretsmanager::Client::describe_secret)
        .match_requests(|request| request.secret_id() == Some(SECRET))
        .then_output(|| DescribeSecretOutput::builder().build())
}

fn at_rest() -> Vec<Rule> {
    vec![service_runs("ecs-svc/1"), task_definition(), no_stopped_tasks(), nothing_under_way()]
}

#[tokio::test]
async fn everything_is_read_into_plain_values() {
    let clients = clients(&at_rest(), &[image_is_there()], &[secret_is_there()]);
    let observed = observe::observe(&clients, &settings(), &asks(Goal::FreshTasks)).await.unwrap();
    let service = observed.service.unwrap();
    assert_eq!((service.minimum_healthy_percent, service.maximum_percent), (50, 150));
    assert_eq!((service.kept_by_a_deployment(), service.room_for_a_deployment()), (1, 3));
    assert!(observed.task_definition.unwrap().is_active);
    assert_eq!((observed.missing, observed.deployments), (vec![], vec![]));
}

#[tokio::test]
async fn an_image_and_a_secret_that_are_gone_are_told() {
    let no_image = mock!(aws_sdk_ecr::Client::describe_images).then_error(|| {
        DescribeImagesError::ImageNotFoundException(ImageNotFoundException::builder().build())
    });
    let deleted = mock!(aws_sdk_secretsmanager::Client::describe_secret)
        .then_output(|| DescribeSecretOutput::builder().deleted_date(DateTime::from_secs(60)).build());
    let clients = clients(&at_rest(), &[no_image], &[deleted]);
    let observed = observe::observe(&clients, &settings(), &asks(Goal::FreshTasks)).await.unwrap();
    let missing = |kind, name: &str, why: &str| Missing { kind, name: name.to_owned(), why: why.to_owned() };
    let image = missing(Kind::Image, IMAGE, "there is no such tag");
    assert_eq!(observed.missing, [image, missing(Kind::Secret, "db-AbCdEf", "it is being deleted")]);
}

#[tokio::test]
async fn what_may_not_be_looked_at_is_no_reason_against_a_restart() {
    let denied = mock!(aws_sdk_ecr::Client::describe_images).then_error(|| {
        DescribeImagesError::generic(ErrorMetadata::builder().code("AccessDeniedException").build())
    });
    let clients = clients(&at_rest(), &[denied], &[secret_is_there()]);
    let observed = observe::observe(&clients, &settings(), &asks(Goal::FreshTasks)).await.unwrap();
    assert_eq!(observed.missing, []);
}

#[tokio::test]
async fn a_service_that_is_missing_is_nothing_and_no_error() {
    let missing = mock!(aws_sdk_ecs::Client::describe_services)
        .then_output(|| DescribeServicesOutput::builder().build());
    let no_history = mock!(aws_sdk_ecs::Client::list_service_deployments).then_error(|| {
        let meta = ErrorMetadata::builder().code("ServiceNotFoundException").build();
        ListServiceDeploymentsError::generic(meta)
    });
    let clients = clients(&[missing, no_history, no_stopped_tasks()], &[], &[]);
    let observed = observe::observe(&clients, &settings(), &asks(Goal::FreshTasks)).await.unwrap();
    assert_eq!((observed.service, observed.task_definition), (None, None));
}

#[tokio::test]
async fn a_read_that_fails_names_the_call_the_resource_and_awss_code() {
    let denied = mock!(aws_sdk_ecs::Client::list_service_deployments).then_error(|| {
        let meta = ErrorMetadata::builder().code("AccessDeniedException").message("not allowed").build();
        ListServiceDeploymentsError::generic(meta)
    });
    let ecs = [service_runs("ecs-svc/1"), task_definition(), no_stopped_tasks(), denied];
    let clients = clients(&ecs, &[image_is_there()], &[secret_is_there()]);
    let error = observe::observe(&clients, &settings(), &asks(Goal::FreshTasks)).await.unwrap_err();
    let expected = "cannot list the deployments of backend in cluster lendpeak2-production: AccessDeniedException: not allowed";
    assert_eq!(chain(&error), expected);
}

#[tokio::test]
async fn looking_after_reads_the_deployments_of_late_newest_first_and_not_what_tasks_need() {
    let of_late = mock!(aws_sdk_ecs::Client::list_service_deployments)
        .match_requests(|request| {
            request.status().is_empty() && request.created_at().is_some_and(|at| at.after().is_some())
        })
        .then_output(|| {
            let brief = |at: i64, status| {
                ServiceDeploymentBrief::builder()
                    .service_deployment_arn(format!("deployment-{at}"))
                    .created_at(DateTime::from_secs(at))
                    .status(status)
                    .build()
            };
            ListServiceDeploymentsOutput::builder()
                .service_deployments(brief(1, ServiceDeploymentStatus::Successful))
                .service_deployments(brief(2, ServiceDeploymentStatus::RollbackSuccessful))
                .build()
        });
    let clients = clients(&[service_runs("ecs-svc/2"), of_late, no_stopped_tasks()], &[], &[]);
    let observed = observe::observe(&clients, &settings(), &asks(Goal::LookAfter)).await.unwrap();
    let seen: Vec<&str> = observed.deployments.iter().map(|deployment| deployment.status.as_str()).collect();
    assert_eq!(seen, ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]);
}

fn restart() -> Action {
    Action::Deploy {
        cluster: "lendpeak2-production".to_owned(),
        service: "backend".to_owned(),
        task_definition: TASK_DEFINITION.to_owned(),
        replaces: "ecs-svc/1".to_owned(),
    }
}

/// `UpdateService` with exactly what a restart sends.
fn update() -> aws_smithy_mocks::RuleBuilder<
    aws_sdk_ecs::operation::update_service::UpdateServiceInput,
    UpdateServiceOutput,
    UpdateServiceError,
> {
    mock!(aws_sdk_ecs::Client::update_service).match_requests(|request| {
        request.force_new_deployment() == Some(true)
            && request.task_definition() == Some(TASK_DEFINITION)
            && request.desired_count().is_none()
            && request.deployment_configuration().is_none()
    })
}

fn refused(code: &'static str) -> UpdateServiceError {
    UpdateServiceError::generic(ErrorMetadata::builder().code(code).message("no").build())
}

#[tokio::test]
async fn a_restart_sends_the_task_definition_and_nothing_else() {
    let accepted = update().then_output(|| UpdateServiceOutput::builder().build());
    let clients = clients(std::slice::from_ref(&accepted), &[], &[]);
    apply::deploy(&clients, &restart()).await.unwrap();
    assert_eq!(accepted.num_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_was_throttled_is_tried_again_if_none_has_begun() {
    let throttled = update()
        .sequence()
        .error(|| refused("ThrottlingException"))
        .times(2)
        .output(|| UpdateServiceOutput::builder().build())
        .build();
    let not_begun = service_runs("ecs-svc/1");
    let clients = clients(&[throttled.clone(), not_begun.clone()], &[], &[]);
    apply::deploy(&clients, &restart()).await.unwrap();
    assert_eq!((throttled.num_calls(), not_begun.num_calls()), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_took_effect_although_its_answer_failed_is_not_tried_again() {
    let failed = update().then_http_response(|| {
        let body = aws_smithy_types::body::SdkBody::from("{}");
        aws_smithy_runtime_api::http::Response::new(500.try_into().unwrap(), body)
    });
    let begun = service_runs("ecs-svc/2");
    let clients = clients(&[failed.clone(), begun], &[], &[]);
    apply::deploy(&clients, &restart()).await.unwrap();
    assert_eq!(failed.num_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_is_denied_is_not_tried_again_and_one_that_stays_throttled_is_given_up() {
    for (code, tries) in [("AccessDeniedException", 1), ("ThrottlingException", 4)] {
        let rule = update().then_error(move || refused(code));
        let clients = clients(&[rule.clone(), service_runs("ecs-svc/1")], &[], &[]);
        let error = apply::deploy(&clients, &restart()).await.unwrap_err();
        let expected = format!("cannot restart service backend in cluster lendpeak2-production: {code}: no");
        assert_eq!((chain(&error), rule.num_calls()), (expected, tries));
    }
}

#[tokio::test(start_paused = true)]
async fn looking_again_waits_until_another_deployment_shows_and_no_longer_than_its_patience() {
    let action = restart();
    let early = clients(&[service_runs("ecs-svc/1")], &[], &[]);
    let seen = apply::verify(&early, &[&action], Duration::from_secs(5)).await;
    let what = "no new deployment shows yet: 2 of 2 tasks run, the deployment of backend:7 is completed";
    assert_eq!((seen.verified, seen.what.as_str()), (false, what));
    let begun = clients(&[service_runs("ecs-svc/2")], &[], &[]);
    let seen = apply::verify(&begun, &[&action], Duration::ZERO).await;
    assert!(seen.verified && seen.what.starts_with("deployment ecs-svc/2 has begun in place of ecs-svc/1: "));
}
