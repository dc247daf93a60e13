//! What `rollback` asks of AWS, call by call. A call that no rule expects panics.

use std::{sync::OnceLock, time::Duration};

use aws_sdk_dynamodb::{
    operation::{get_item::GetItemOutput, query::QueryOutput},
    types::AttributeValue,
};
use aws_sdk_ecs::{
    error::ErrorMetadata,
    operation::{
        describe_service_revisions::DescribeServiceRevisionsOutput,
        describe_services::DescribeServicesOutput,
        describe_task_definition::{DescribeTaskDefinitionError, DescribeTaskDefinitionOutput},
        list_service_deployments::{ListServiceDeploymentsError, ListServiceDeploymentsOutput},
        list_tasks::ListTasksOutput,
    },
    types::{
        ContainerImage, Deployment, DeploymentRolloutState, Service, ServiceDeploymentBrief,
        ServiceDeploymentStatus, ServiceRevision, TaskDefinition, TaskDefinitionStatus,
        error::ClientException,
    },
};
use aws_sdk_lambda::{operation::invoke::InvokeOutput, primitives::Blob};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_types::DateTime;
use aws_types::SdkConfig;
use shared::error::chain;

use crate::{
    Clients,
    action::Action,
    apply, observe,
    plan::tests::settings,
    probe,
    request::{Because, Request, To},
};

fn clients(ecs: &[Rule], dynamodb: &[Rule], lambda: &[Rule]) -> Clients {
    let [ecs, dynamodb, lambda]: [Vec<&Rule>; 3] =
        [ecs, dynamodb, lambda].map(|rules| rules.iter().collect());
    Clients {
        ecs: OnceLock::from(mock_client!(aws_sdk_ecs, RuleMode::MatchAny, &ecs)),
        dynamodb: OnceLock::from(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &dynamodb)),
        lambda: OnceLock::from(mock_client!(aws_sdk_lambda, RuleMode::MatchAny, &lambda)),
        ..Clients::new(SdkConfig::builder().build())
    }
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

/// Deployments of these revisions, one a page, the first the newest.
fn deployments(revisions: &'static [i64]) -> Vec<Rule> {
    let page = |place: usize, revision: i64| {
        let from = (place > 0).then(|| place.to_string());
        let next = (place + 1 < revisions.len()).then(|| (place + 1).to_string());
        mock!(aws_sdk_ecs::Client::list_service_deployments)
            .match_requests(move |request| request.next_token() == from.as_deref())
            .then_output(move || {
                let brief = ServiceDeploymentBrief::builder()
                    .service_deployment_arn(format!("deployment-{revision}"))
                    .target_service_revision_arn(format!("revision-{revision}"))
                    .status(ServiceDeploymentStatus::Successful)
                    .created_at(DateTime::from_secs(revision));
                let answer = ListServiceDeploymentsOutput::builder().service_deployments(brief.build());
                answer.set_next_token(next.clone()).build()
            })
    };
    revisions.iter().enumerate().map(|(place, revision)| page(place, *revision)).collect()
}

/// Describes every service revision that is asked for.
fn service_revisions() -> Rule {
    mock!(aws_sdk_ecs::Client::describe_service_revisions).then_compute_output(|request| {
        let revisions = request.service_revision_arns().iter().map(|revision_arn| {
            let number = revision_arn.rsplit('-').next().unwrap().parse().unwrap();
            let image = ContainerImage::builder().container_name("backend").image("backend:latest");
            ServiceRevision::builder()
                .service_revision_arn(revision_arn)
                .task_definition(arn(number))
                .container_images(image.image_digest(format!("sha256:{number}")).build())
                .build()
        });
        DescribeServiceRevisionsOutput::builder().set_service_revisions(Some(revisions.collect())).build()
    })
}

/// Task definitions with this status; those of odd revisions are gone.
fn even_task_definitions(status: &'static str) -> Rule {
    mock!(aws_sdk_ecs::Client::describe_task_definition)
        .match_requests(|request| request.task_definition().is_some_and(is_even))
        .then_compute_output(move |request| {
            let definition = TaskDefinition::builder()
                .task_definition_arn(request.task_definition().unwrap_or_default())
                .status(TaskDefinitionStatus::from(status))
                .build();
            DescribeTaskDefinitionOutput::builder().task_definition(definition).build()
        })
}

fn no_odd_task_definitions() -> Rule {
    mock!(aws_sdk_ecs::Client::describe_task_definition)
        .match_requests(|request| request.task_definition().is_some_and(|name| !is_even(name)))
        .then_error(|| {
            let exception = ClientException::builder().message("Unable to describe task definition.").build();
            DescribeTaskDefinitionError::ClientException(exception)
        })
}

fn is_even(name: &str) -> bool {
    name.rsplit(':')
        .next()
        .and_then(|number| number.parse::<u32>().ok())
        .is_some_and(|number| number % 2 == 0)
}

fn no_stopped_tasks() -> Rule {
    mock!(aws_sdk_ecs::Client::list_tasks).then_output(|| ListTasksOutput::builder().build())
}

fn known_releases() -> Rule {
    mock!(aws_sdk_dynamodb::Client::query).then_output(|| {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let item = [("pk", "p"), ("sk", "backend:2"), ("good_at", "2026-11-20T10:00:00Z")];
        QueryOutput::builder().items(item.map(|(name, value)| (name.to_owned(), text(value))).into()).build()
    })
}

fn probe_says(answer: &'static str) -> Rule {
    mock!(aws_sdk_lambda::Client::invoke)
        .match_requests(|request| request.function_name() == Some("health-probe"))
        .then_output(move || InvokeOutput::builder().payload(Blob::new(answer)).build())
}

const FAILING: &str = r#"{"summary": "Unhealthy", "checks": [
    {"name": "health", "healthy": false}, {"name": "health-db", "healthy": false}, {"name": "health-redis", "healthy": true}]}"#;

fn asks(to: To) -> Request {
    Request { to, because: Because::Person }
}

#[tokio::test]
async fn the_history_is_read_to_its_end_and_what_was_deployed_is_looked_up() {
    let mut ecs = deployments(&[4, 3, 2, 1]);
    ecs.extend([
        service_runs(4),
        service_revisions(),
        even_task_definitions("ACTIVE"),
        no_odd_task_definitions(),
        no_stopped_tasks(),
    ]);
    let clients = clients(&ecs, &[known_releases()], &[probe_says(FAILING)]);
    let observed = observe::observe(&clients, &settings(), &asks(To::LastGood)).await.unwrap();
    let history: Vec<_> = observed.history.iter().map(|past| past.task_definition.clone().unwrap()).collect();
    assert_eq!(history, [arn(4), arn(3), arn(2), arn(1)]);
    assert_eq!(observed.history[1].images[0].digest, "sha256:3");
    let exist: Vec<bool> = observed.candidates.iter().map(|(_, found)| found.is_some()).collect();
    // The best, 2, is there; 3 and 1 are not.
    assert_eq!((observed.candidates[0].0.task_definition.clone(), exist), (arn(2), vec![true, false, false]));
    assert!(observed.health.unwrap().is_the_database());
}

#[tokio::test]
async fn more_than_twenty_service_revisions_are_asked_for_in_several_calls() {
    let many = mock!(aws_sdk_ecs::Client::list_service_deployments).then_output(|| {
        let brief = |revision: i64| {
            ServiceDeploymentBrief::builder()
                .target_service_revision_arn(format!("revision-{revision}"))
                .status(ServiceDeploymentStatus::Successful)
                .created_at(DateTime::from_secs(revision))
                .build()
        };
        let briefs = (1..=60).map(brief).collect();
        ListServiceDeploymentsOutput::builder().set_service_deployments(Some(briefs)).build()
    });
    let described = service_revisions();
    let definitions = [even_task_definitions("ACTIVE"), no_odd_task_definitions()];
    let ecs = [&[service_runs(60), many, described.clone(), no_stopped_tasks()], &definitions[..]].concat();
    let clients = clients(&ecs, &[known_releases()], &[probe_says(FAILING)]);
    let observed = observe::observe(&clients, &settings(), &asks(To::LastGood)).await.unwrap();
    // Of the forty newest.
    assert_eq!(described.num_calls(), 2);
    assert_eq!(observed.history.iter().filter(|past| past.task_definition.is_some()).count(), 40);
}

#[tokio::test]
async fn a_service_that_is_missing_is_nothing_and_no_error() {
    let missing = mock!(aws_sdk_ecs::Client::describe_services)
        .then_output(|| DescribeServicesOutput::builder().build());
    let no_history = mock!(aws_sdk_ecs::Client::list_service_deployments).then_error(|| {
        let meta = ErrorMetadata::builder().code("ServiceNotFoundException").build();
        ListServiceDeploymentsError::generic(meta)
    });
    let clients =
        clients(&[missing, no_history, no_stopped_tasks()], &[known_releases()], &[probe_says(FAILING)]);
    let observed = observe::observe(&clients, &settings(), &asks(To::LastGood)).await.unwrap();
    assert_eq!((observed.service, observed.current), (None, None));
}

#[tokio::test]
async fn a_read_that_fails_names_the_call_the_resource_and_awss_code() {
    let denied = mock!(aws_sdk_ecs::Client::list_service_deployments).then_error(|| {
        let meta = ErrorMetadata::builder().code("AccessDeniedException").message("not allowed").build();
        ListServiceDeploymentsError::generic(meta)
    });
    let ecs = [service_runs(2), denied, no_stopped_tasks()];
    let clients = clients(&ecs, &[known_releases()], &[probe_says(FAILING)]);
    let error = observe::observe(&clients, &settings(), &asks(To::LastGood)).await.unwrap_err();
    let expected = "cannot list the deployments of backend in cluster lendpeak2-production: AccessDeniedException: not allowed";
    assert_eq!(chain(&error), expected);
}

#[tokio::test]
async fn looking_after_reads_little_and_asks_the_probe_only_about_a_young_deployment() {
    let old = mock!(aws_sdk_ecs::Client::describe_services).then_output(|| {
        let deployment = Deployment::builder().status("PRIMARY").created_at(DateTime::from_secs(0)).build();
        DescribeServicesOutput::builder().services(Service::builder().deployments(deployment).build()).build()
    });
    let probe = probe_says(FAILING);
    let mut ecs = deployments(&[2]);
    ecs.push(old);
    let quiet = clients(&ecs, &[], std::slice::from_ref(&probe));
    observe::observe(&quiet, &settings(), &asks(To::LookAfter)).await.unwrap();
    assert_eq!(probe.num_calls(), 0);
}

#[tokio::test]
async fn a_probe_that_fails_or_answers_something_else_is_said_to() {
    let refuses = async |rule: Rule| {
        let clients = clients(&[], &[], &[rule]);
        chain(&probe::ask(&clients, &settings()).await.unwrap_err())
    };
    assert_eq!(
        refuses(probe_says("null")).await,
        "cannot ask health-probe: its answer is not a probe's report"
    );
    let failed = mock!(aws_sdk_lambda::Client::invoke)
        .then_output(|| InvokeOutput::builder().function_error("Unhandled").payload(Blob::new("{}")).build());
    assert_eq!(refuses(failed).await, "cannot ask health-probe: the probe itself failed (Unhandled)");
}

#[tokio::test(start_paused = true)]
async fn looking_again_waits_until_it_has_settled_and_no_longer_than_its_patience() {
    let action = Action::Deploy {
        from: "backend:4".to_owned(),
        to: "backend:2".to_owned(),
        copy: false,
        images: [].into(),
        freeze: None,
        or: Vec::new(),
    };
    let healthy = r#"{"summary": "Healthy", "checks": [{"name": "health", "healthy": true}]}"#;
    let probe = probe_says(healthy);
    let no_copy = mock!(aws_sdk_dynamodb::Client::get_item).then_output(|| GetItemOutput::builder().build());
    let no_copy = [no_copy];
    let ecs = [service_runs(4), even_task_definitions("ACTIVE")];
    let early = clients(&ecs, &no_copy, std::slice::from_ref(&probe));
    let seen = apply::verify(&early, &settings(), &[&action], Duration::from_secs(5)).await;
    assert_eq!((seen.verified, probe.num_calls()), (false, 0));
    let done = clients(&[service_runs(2), even_task_definitions("ACTIVE")], &no_copy, &[probe]);
    let seen = apply::verify(&done, &settings(), &[&action], Duration::ZERO).await;
    let what = "2 of 2 tasks run, the deployment of backend:2 is completed, and /health passes";
    assert_eq!((seen.verified, seen.what.as_str()), (true, what));
}
