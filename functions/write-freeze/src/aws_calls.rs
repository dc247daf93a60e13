//! What `write-freeze` asks of AWS, call by call. A call that no rule expects panics.

use std::{sync::OnceLock, time::Duration};

use aws_sdk_dynamodb::operation::{get_item::GetItemOutput, update_item::UpdateItemOutput};
use aws_sdk_ecs::{
    error::ErrorMetadata,
    operation::{
        describe_services::{DescribeServicesError, DescribeServicesOutput},
        describe_task_definition::DescribeTaskDefinitionOutput,
        list_task_definitions::ListTaskDefinitionsOutput,
        register_task_definition::RegisterTaskDefinitionOutput,
    },
    types::{
        ContainerDefinition, Deployment, DeploymentRolloutState, KeyValuePair, Secret, Service, Tag,
        TaskDefinition, TaskDefinitionStatus,
    },
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_types::SdkConfig;
use shared::error::chain;

use crate::{
    Clients,
    action::Action,
    apply, observe,
    plan::tests::settings,
    request::{Because, Goal, Request},
};

fn clients(ecs: &[Rule]) -> Clients {
    let rules: Vec<&Rule> = ecs.iter().collect();
    // The ledger knows no copies, and notes what is made.
    let nothing = mock!(aws_sdk_dynamodb::Client::get_item).then_output(|| GetItemOutput::builder().build());
    let noted =
        mock!(aws_sdk_dynamodb::Client::update_item).then_output(|| UpdateItemOutput::builder().build());
    Clients {
        dynamodb: OnceLock::from(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &[&nothing, &noted])),
        ecs: OnceLock::from(mock_client!(aws_sdk_ecs, RuleMode::MatchAny, &rules)),
        ..Clients::new(SdkConfig::builder().build())
    }
}

fn by_hand() -> Request {
    Request { goal: Goal::On, because: Because::Person("asked by hand".to_owned()), topic: None }
}

fn arn(revision: i64) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:task-definition/backend:{revision}")
}

fn service_runs(revision: i64) -> Rule {
    mock!(aws_sdk_ecs::Client::describe_services).then_output(move || {
        let deployment = Deployment::builder()
            .status("PRIMARY")
            .task_definition(arn(revision))
            .rollout_state(DeploymentRolloutState::Completed)
            .build();
        let service = Service::builder().status("ACTIVE").desired_count(2).running_count(2);
        let service = service.task_definition(arn(revision)).deployments(deployment).build();
        DescribeServicesOutput::builder().services(service).build()
    })
}

fn container(read_only: Option<&str>) -> ContainerDefinition {
    let variable = |value: &str| KeyValuePair::builder().name("READONLY_MODE").value(value).build();
    let container = ContainerDefinition::builder().name("backend").image("lendpeak2/backend:1");
    container.set_environment(Some(read_only.map(variable).into_iter().collect())).build()
}

fn described(name: String, arn: String, container: ContainerDefinition, frozen_from: Option<&str>) -> Rule {
    let tag = frozen_from.map(|from| Tag::builder().key("lendpeak2:frozen-from").value(from).build());
    mock!(aws_sdk_ecs::Client::describe_task_definition)
        .match_requests(move |request| request.task_definition() == Some(&name))
        .then_output(move || {
            let definition = TaskDefinition::builder()
                .task_definition_arn(&arn)
                .family("backend")
                .status(TaskDefinitionStatus::Active)
                .container_definitions(container.clone());
            let answer = DescribeTaskDefinitionOutput::builder().task_definition(definition.build());
            answer.set_tags(Some(tag.clone().into_iter().collect())).build()
        })
}

#[tokio::test]
async fn the_service_what_it_runs_and_what_that_was_frozen_from_are_read() {
    let ecs = [
        service_runs(3),
        described(arn(3), arn(3), container(Some("true")), Some("backend:2")),
        described("backend:2".to_owned(), arn(2), container(None), None),
    ];
    let observed = observe::observe(&clients(&ecs), &settings(), &by_hand()).await.unwrap();
    let (current, original) = (observed.current.unwrap(), observed.original.unwrap());
    assert_eq!((current.is_frozen, current.definition.release()), (true, "backend:2"));
    assert_eq!((original.is_frozen, original.definition.revision()), (false, "backend:2"));
    assert_eq!(original.definition.images["backend"], "lendpeak2/backend:1");
}

#[tokio::test]
async fn the_variable_with_another_value_or_from_a_secret_freezes_nothing() {
    let secret = Secret::builder().name("READONLY_MODE").value_from("parameter").build().unwrap();
    let mut from_secret = container(None);
    from_secret.secrets = Some(vec![secret]);
    for (container, is_secret) in [(container(Some("false")), false), (from_secret, true)] {
        let ecs = [service_runs(3), described(arn(3), arn(3), container, None)];
        let current =
            observe::observe(&clients(&ecs), &settings(), &by_hand()).await.unwrap().current.unwrap();
        assert_eq!((current.is_frozen, current.from_secret), (false, is_secret));
    }
}

#[tokio::test]
async fn no_other_variable_is_told() {
    let mut container = container(Some("true"));
    let password = KeyValuePair::builder().name("PASSWORD").value("hunter2").build();
    container.environment.as_mut().unwrap().push(password);
    let ecs = [service_runs(3), described(arn(3), arn(3), container, None)];
    let observed = observe::observe(&clients(&ecs), &settings(), &by_hand()).await.unwrap();
    let told = serde_json::to_string(&observed).unwrap() + &format!("{observed:?}");
    assert!(!told.contains("hunter2") && !told.contains("PASSWORD"), "{told}");
}

#[tokio::test]
async fn a_service_that_is_missing_is_nothing_and_no_error() {
    let missing = mock!(aws_sdk_ecs::Client::describe_services)
        .then_output(|| DescribeServicesOutput::builder().build());
    let observed = observe::observe(&clients(&[missing]), &settings(), &by_hand()).await.unwrap();
    assert_eq!(observed, observe::Observed::default());
}

#[tokio::test]
async fn a_read_that_fails_names_the_call_the_resource_and_awss_code() {
    let denied = mock!(aws_sdk_ecs::Client::describe_services).then_error(|| {
        let meta = ErrorMetadata::builder().code("AccessDeniedException").message("not allowed").build();
        DescribeServicesError::generic(meta)
    });
    let error = observe::observe(&clients(&[denied]), &settings(), &by_hand()).await.unwrap_err();
    let expected =
        "cannot describe service backend in cluster lendpeak2-production: AccessDeniedException: not allowed";
    assert_eq!(chain(&error), expected);
}

#[tokio::test]
async fn a_copy_without_the_variable_keeps_the_images_that_run() {
    let listed = mock!(aws_sdk_ecs::Client::list_task_definitions)
        .then_output(|| ListTaskDefinitionsOutput::builder().task_definition_arns(arn(4)).build());
    // The same release without the variable, and of another image.
    let mut other = container(None);
    other.image = Some("lendpeak2/backend@sha256:a".to_owned());
    let registered = mock!(aws_sdk_ecs::Client::register_task_definition)
        .match_requests(|request| {
            request.container_definitions() == [container(None)]
                && request.tags() == [Tag::builder().key("lendpeak2:copy-of").value("backend:2").build()]
        })
        .then_output(|| {
            let definition = TaskDefinition::builder().task_definition_arn(arn(5)).build();
            RegisterTaskDefinitionOutput::builder().task_definition(definition).build()
        });
    let ecs = [
        listed,
        described(arn(4), arn(4), other, None),
        described("backend:3".to_owned(), arn(3), container(Some("true")), Some("backend:2")),
        registered,
    ];
    let settings = settings();
    let copy =
        apply::copy_without(&clients(&ecs), &settings, "backend:3", "backend:2", &settings.variable).await;
    assert_eq!(copy.unwrap(), arn(5));
}

#[tokio::test(start_paused = true)]
async fn looking_again_waits_until_all_tasks_are_frozen_and_no_longer_than_its_patience() {
    let freeze = Action::Freeze { release: "backend:2".to_owned(), variable: settings().variable };
    let described_services = service_runs(2);
    let early = [described_services.clone(), described(arn(2), arn(2), container(None), None)];
    let seen = apply::verify(&clients(&early), &settings(), &[&freeze], Duration::from_secs(5)).await;
    assert_eq!((seen.verified, described_services.num_calls()), (false, 3));
    let done = [
        service_runs(3),
        described(arn(3), arn(3), container(Some("true")), Some("backend:2")),
        described("backend:2".to_owned(), arn(2), container(None), None),
    ];
    let seen = apply::verify(&clients(&done), &settings(), &[&freeze], Duration::ZERO).await;
    let what = "2 of 2 tasks run, the deployment of backend:3 is completed, with writes frozen";
    assert_eq!((seen.verified, seen.what.as_str()), (true, what));
    let end = apply::verify(&clients(&[]), &settings(), &[&Action::End], Duration::ZERO).await;
    assert!(end.verified);
}
