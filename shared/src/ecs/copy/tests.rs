mod whole;

use aws_sdk_ecs::{
    operation::{
        describe_task_definition::DescribeTaskDefinitionOutput,
        list_task_definitions::ListTaskDefinitionsOutput,
        register_task_definition::RegisterTaskDefinitionOutput,
    },
    types::{KeyValuePair, TaskDefinitionStatus},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

use super::*;
use crate::{ecs::TaskDefinition, freeze::Variable};

fn arn(revision: u32) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:task-definition/backend:{revision}")
}

fn listed(arns: &'static [&'static str]) -> Rule {
    mock!(Client::list_task_definitions)
        .match_requests(|request| request.family_prefix() == Some("backend"))
        .then_output(move || {
            let arns = arns.iter().map(|arn| (*arn).to_owned()).collect();
            ListTaskDefinitionsOutput::builder().set_task_definition_arns(Some(arns)).build()
        })
}

fn described(name: &str, variables: &[(&str, &str)], tags: &[(&str, &str)]) -> Rule {
    let wanted = name.to_owned();
    let definition = definition(variables).task_definition_arn(name).build();
    let tags: Vec<Tag> =
        tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
    mock!(Client::describe_task_definition)
        .match_requests(move |request| request.task_definition() == Some(&wanted))
        .then_output(move || {
            let answer = DescribeTaskDefinitionOutput::builder().task_definition(definition.clone());
            answer.set_tags(Some(tags.clone())).build()
        })
}

fn definition(variables: &[(&str, &str)]) -> types::builders::TaskDefinitionBuilder {
    let variable = |(name, value): &(&str, &str)| KeyValuePair::builder().name(*name).value(*value).build();
    let container = ContainerDefinition::builder().name("backend").image("lendpeak2/backend:1");
    let variables = variables.iter().map(variable).collect();
    types::TaskDefinition::builder()
        .family("backend")
        .status(TaskDefinitionStatus::Active)
        .task_role_arn("task-role")
        .execution_role_arn("execution-role")
        .volumes(types::Volume::builder().name("uploads").build())
        .cpu("256")
        .container_definitions(container.set_environment(Some(variables)).build())
        .container_definitions(ContainerDefinition::builder().name("proxy").build())
}

fn read_only() -> Variable {
    Variable { container: "backend".to_owned(), name: "READONLY_MODE".to_owned(), value: "true".to_owned() }
}

async fn frozen_copy(rules: &[Rule]) -> Result<String, Error> {
    let ecs = mock_client!(aws_sdk_ecs, RuleMode::MatchAny, rules.iter().collect::<Vec<_>>().as_slice());
    let variable = read_only();
    let change = |container| variable.set(container);
    copy_of(&ecs, &Copy { of: "backend:2", tags: &[(FROZEN_FROM, "backend:2")], change: &change }).await
}

const OTHER_FAMILY: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/backend-worker:9";
const SIXTH: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/backend:6";

#[tokio::test]
async fn a_copy_that_a_dead_run_left_is_found_again() {
    let copy = described(SIXTH, &[("READONLY_MODE", "true")], &[(FROZEN_FROM, "backend:2")]);
    let rules = [listed(&[OTHER_FAMILY, SIXTH]), described("backend:2", &[], &[]), copy];
    assert_eq!(frozen_copy(&rules).await.unwrap(), arn(6));
}

#[tokio::test(start_paused = true)]
async fn a_copy_whose_answer_was_lost_is_not_made_twice() {
    let lost = mock!(Client::register_task_definition).then_http_response(|| {
        let body = aws_smithy_types::body::SdkBody::from("{}");
        aws_smithy_runtime_api::http::Response::new(500.try_into().unwrap(), body)
    });
    let listed = mock!(Client::list_task_definitions)
        .sequence()
        .output(|| ListTaskDefinitionsOutput::builder().build())
        .output(|| ListTaskDefinitionsOutput::builder().task_definition_arns(SIXTH).build())
        .build();
    let copy = described(SIXTH, &[("READONLY_MODE", "true")], &[(FROZEN_FROM, "backend:2")]);
    let rules = [listed, described("backend:2", &[], &[]), lost.clone(), copy];
    assert_eq!(frozen_copy(&rules).await.unwrap(), arn(6));
    assert_eq!(lost.num_calls(), 1);
}

/// With the tags of the copies that are no such copy, and the variables that they have.
#[tokio::test]
async fn a_copy_of_something_else_is_not_taken() {
    for (tags, value) in [
        (&[(FROZEN_FROM, "backend:1")][..], "true"),
        (&[(COPY_OF, "backend:2")], "true"),
        (&[(FROZEN_FROM, "backend:2"), (COPY_OF, "backend:2")], "true"),
        (&[(FROZEN_FROM, "backend:2")], "false"),
    ] {
        let registered = mock!(Client::register_task_definition).then_output(|| {
            let definition = types::TaskDefinition::builder().task_definition_arn(arn(7)).build();
            RegisterTaskDefinitionOutput::builder().task_definition(definition).build()
        });
        let copy = described(SIXTH, &[("READONLY_MODE", value)], tags);
        let rules = [listed(&[SIXTH]), copy, described("backend:2", &[], &[]), registered];
        assert_eq!(frozen_copy(&rules).await.unwrap(), arn(7), "{tags:?} {value}");
    }
}

#[tokio::test]
async fn everything_is_copied_but_what_is_changed_and_the_tags_that_are_awss_own() {
    let original = [("APP_ENV", "production"), ("READONLY_MODE", "false")];
    let tags =
        [("Project", "LendPeak2"), ("aws:cloudformation:stack-name", "lendpeak2"), (COPY_OF, "backend:1")];
    let registered = mock!(Client::register_task_definition)
        .match_requests(|request| {
            let copied = definition(&[("APP_ENV", "production"), ("READONLY_MODE", "true")]).build();
            let tags: Vec<_> = request.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
            request.container_definitions() == copied.container_definitions()
                && request.volumes() == copied.volumes()
                && (request.task_role_arn(), request.execution_role_arn(), request.cpu())
                    == (Some("task-role"), Some("execution-role"), Some("256"))
                && tags == [(Some("Project"), Some("LendPeak2")), (Some(FROZEN_FROM), Some("backend:2"))]
        })
        .then_output(|| {
            let definition = types::TaskDefinition::builder().task_definition_arn(arn(7)).build();
            RegisterTaskDefinitionOutput::builder().task_definition(definition).build()
        });
    let rules = [listed(&[]), described("backend:2", &original, &tags), registered];
    assert_eq!(frozen_copy(&rules).await.unwrap(), arn(7));
}

#[test]
fn a_container_has_the_variable_once_and_others_are_left_alone() {
    let containers = definition(&[("READONLY_MODE", "false")]).build().container_definitions.unwrap();
    let variable = read_only();
    assert!(!variable.is_in(&containers));
    let frozen: Vec<_> = containers.iter().cloned().map(|container| variable.set(container)).collect();
    assert!(variable.is_in(&frozen));
    assert_eq!((frozen[0].environment().len(), &frozen[1]), (1, &containers[1]));
    let again: Vec<_> = frozen.iter().cloned().map(|container| variable.set(container)).collect();
    assert_eq!(again, frozen);
    let without: Vec<_> = frozen.into_iter().map(|container| variable.removed(container)).collect();
    assert_eq!(without[0].environment(), []);
}

#[test]
fn a_copy_stands_for_its_release() {
    let copy = |copy_of: Option<&str>, frozen_from: Option<&str>| TaskDefinition {
        arn: arn(7),
        is_active: true,
        copy_of: copy_of.map(str::to_owned),
        frozen_from: frozen_from.map(str::to_owned),
        ..TaskDefinition::default()
    };
    assert_eq!(copy(None, None).release(), "backend:7");
    assert_eq!(copy(Some("backend:2"), None).release(), "backend:2");
    let both = copy(Some("backend:1"), Some("backend:2"));
    assert_eq!(both.release(), "backend:2");
    assert!(both.is("backend:7") && both.is("backend:2") && !both.is("backend:3"));
}
