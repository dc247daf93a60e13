use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use aws_sdk_ecs::{
    operation::{
        deregister_task_definition::DeregisterTaskDefinitionOutput,
        describe_services::DescribeServicesOutput, describe_task_definition::DescribeTaskDefinitionOutput,
        list_task_definitions::ListTaskDefinitionsOutput,
        register_task_definition::RegisterTaskDefinitionOutput, update_service::UpdateServiceOutput,
    },
    types::{Secret, ServiceEvent},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

use super::{super::record::tests::record, *};

fn arn(revision: u32) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:task-definition/backend:{revision}")
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

fn described(revision: u32, status: TaskDefinitionStatus, tags: &[(&str, &str)]) -> Rule {
    let definition = TaskDefinition::builder().task_definition_arn(arn(revision)).status(status).build();
    let tags: Vec<Tag> = tags.iter().map(|(key, value)| tag(key, value)).collect();
    mock!(Client::describe_task_definition)
        .match_requests(move |request| request.task_definition() == Some(&arn(revision)))
        .then_output(move || {
            let answer = DescribeTaskDefinitionOutput::builder().task_definition(definition.clone());
            answer.set_tags(Some(tags.clone())).build()
        })
}

fn runs(revision: u32) -> Rule {
    mock!(Client::describe_services).then_output(move || {
        let service = Service::builder().service_name("backend").task_definition(arn(revision)).build();
        DescribeServicesOutput::builder().services(service).build()
    })
}

fn listed(arns: Vec<String>) -> Rule {
    mock!(Client::list_task_definitions).then_output(move || {
        ListTaskDefinitionsOutput::builder().set_task_definition_arns(Some(arns.clone())).build()
    })
}

fn deregisters(revision: u32) -> Rule {
    mock!(Client::deregister_task_definition)
        .match_requests(move |request| request.task_definition() == Some(&arn(revision)))
        .then_output(|| DeregisterTaskDefinitionOutput::builder().build())
}

fn deploys(revision: u32) -> Rule {
    mock!(Client::update_service)
        .match_requests(move |request| request.task_definition() == Some(&arn(revision)))
        .then_output(|| UpdateServiceOutput::builder().build())
}

/// A call that no rule is for fails the test: what is not listed is not done.
async fn back(record: &Record, rules: &[Rule]) -> PutBack {
    let client = mock_client!(aws_sdk_ecs, RuleMode::MatchAny, rules.iter().collect::<Vec<_>>().as_slice());
    let back = put_back(&client, record).await.unwrap();
    for rule in rules {
        assert!(rule.num_calls() > 0, "a call was not made");
    }
    back
}

fn lines(lines: &[&str], deployed: bool) -> PutBack {
    PutBack { lines: lines.iter().map(|line| (*line).to_owned()).collect(), deployed }
}

#[tokio::test]
async fn a_service_that_runs_the_bad_release_is_set_back() {
    let rules = [described(2, TaskDefinitionStatus::Active, &[]), deregisters(2), runs(2), deploys(1)];
    assert_eq!(
        back(&record(), &rules).await,
        lines(&["backend was set back to backend:1", "backend:2 was deregistered"], true)
    );
}

#[tokio::test]
async fn what_the_loop_has_put_back_is_left_so() {
    let rules = [described(2, TaskDefinitionStatus::Active, &[]), deregisters(2), runs(1)];
    assert_eq!(
        back(&record(), &rules).await,
        lines(&["backend runs backend:1, as before", "backend:2 was deregistered"], false)
    );
}

#[tokio::test]
async fn what_somebody_else_deployed_meanwhile_is_left_alone() {
    let rules = [described(2, TaskDefinitionStatus::Active, &[]), deregisters(2), runs(3)];
    let said = "backend runs backend:3, which was deployed meanwhile: it was left alone";
    assert_eq!(back(&record(), &rules).await, lines(&[said, "backend:2 was deregistered"], false));
}

#[tokio::test]
async fn putting_back_goes_on_where_an_earlier_try_ended() {
    let rules = [described(2, TaskDefinitionStatus::Inactive, &[]), runs(2), deploys(1)];
    assert_eq!(back(&record(), &rules).await, lines(&["backend was set back to backend:1"], true));
    let rules = [described(2, TaskDefinitionStatus::Inactive, &[]), runs(1)];
    assert_eq!(back(&record(), &rules).await, lines(&["backend runs backend:1, as before"], false));
}

#[tokio::test]
async fn a_service_is_set_back_even_where_the_copy_cannot_be_deregistered() {
    let denied = mock!(Client::deregister_task_definition).then_error(|| {
        aws_sdk_ecs::operation::deregister_task_definition::DeregisterTaskDefinitionError::generic(
            aws_smithy_types::error::ErrorMetadata::builder().code("AccessDeniedException").build(),
        )
    });
    let rules = [described(2, TaskDefinitionStatus::Active, &[]), denied, runs(2), deploys(1)];
    let client = mock_client!(aws_sdk_ecs, RuleMode::MatchAny, rules.iter().collect::<Vec<_>>().as_slice());
    let failure = put_back(&client, &record()).await.unwrap_err();
    assert_eq!((failure.exit().code(), rules[3].num_calls()), (4, 1));
}

#[tokio::test]
async fn a_copy_whose_name_was_never_written_down_is_found_by_its_tag() {
    let killed = Record { copy: None, ..record() };
    let drill = [(DRILL, killed.id.as_str())];
    let other = "arn:aws:ecs:us-east-1:123456789012:task-definition/backend-worker:9".to_owned();
    let rules = [
        // Somebody copied it, with its tag.
        listed(vec![other.clone(), arn(3), arn(2), arn(1)]),
        described(3, TaskDefinitionStatus::Active, &drill),
        described(2, TaskDefinitionStatus::Active, &drill),
        deregisters(2),
        runs(1),
    ];
    assert_eq!(
        back(&killed, &rules).await,
        lines(&["backend runs backend:1, as before", "backend:2 was deregistered"], false)
    );
    let rules = [
        listed(vec![other, arn(2), arn(1)]),
        described(2, TaskDefinitionStatus::Active, &[(DRILL, "other")]),
    ];
    let said = "no bad release was registered: there was nothing to put back";
    assert_eq!(back(&killed, &rules).await, lines(&[said], false));
}

fn container(name: &str) -> ContainerDefinition {
    let variable = |name: &str, value: &str| KeyValuePair::builder().name(name).value(value).build();
    ContainerDefinition::builder()
        .name(name)
        .image("lendpeak2/backend:1")
        .environment(variable("APP_ENV", "staging"))
        .environment(variable("BROKEN", "false"))
        .secrets(Secret::builder().name("DB_CREDENTIALS").value_from("arn").build().unwrap())
        .build()
}

fn fault(name: &str, value: &str) -> Fault {
    Fault::Variable { name: name.to_owned(), value: value.to_owned() }
}

#[test]
fn a_fault_is_put_into_one_container_and_nothing_else_is_changed() {
    let containers = [container("proxy"), container("backend")];
    let bad = fault("BROKEN", "true").put_into(&containers, "backend").unwrap();
    let variables: Vec<_> = bad[1]
        .environment()
        .iter()
        .map(|variable| (variable.name().unwrap(), variable.value().unwrap()))
        .collect();
    assert_eq!(variables, [("APP_ENV", "staging"), ("BROKEN", "true")]);
    assert_eq!(bad[0], containers[0]);
    let mut else_the_same = bad[1].clone();
    else_the_same.environment.clone_from(&containers[1].environment);
    assert_eq!(else_the_same, containers[1]);
    let bad = Fault::Image("lendpeak2/backend:broken".to_owned()).put_into(&containers, "backend").unwrap();
    assert_eq!(bad[1].image(), Some("lendpeak2/backend:broken"));
    let mut else_the_same = bad[1].clone();
    else_the_same.image.clone_from(&containers[1].image);
    assert_eq!(else_the_same, containers[1]);
}

#[test]
fn a_fault_that_ecs_would_not_take_is_refused_with_what_it_would() {
    let containers = [container("backend"), container("proxy")];
    let failure = fault("BROKEN", "true").put_into(&containers, "web").unwrap_err();
    assert!(failure.help().contains("backend, proxy"), "{}", failure.help());
    let failure = fault("DB_CREDENTIALS", "x").put_into(&containers, "backend").unwrap_err();
    assert!(failure.to_string().contains("is a secret"), "{failure}");
}

#[tokio::test]
async fn the_copy_has_all_that_the_original_has_and_the_drills_tag() {
    let sent: Arc<Mutex<Option<Vec<Tag>>>> = Arc::default();
    let kept = sent.clone();
    let rule = mock!(Client::register_task_definition)
        .match_requests(move |request| {
            *kept.lock().unwrap() = Some(request.tags().to_vec());
            request.family() == Some("backend")
                && request.cpu() == Some("256")
                && request.task_role_arn() == Some("role")
                && request.container_definitions().len() == 1
        })
        .then_output(|| {
            let definition = TaskDefinition::builder().task_definition_arn(arn(2)).build();
            RegisterTaskDefinitionOutput::builder().task_definition(definition).build()
        });
    let client = mock_client!(aws_sdk_ecs, RuleMode::MatchAny, [&rule]);
    let definition = TaskDefinition::builder().family("backend").cpu("256").task_role_arn("role").build();
    let tags = [
        ("team", "lending"),
        ("aws:cloudformation:stack-name", "x"),
        (COPY_OF, "backend:0"),
        (DRILL, "older"),
    ];
    let original = Registered { definition, tags: tags.iter().map(|(key, value)| tag(key, value)).collect() };
    let made = register(&client, &original, vec![container("backend")], "the-drill").await.unwrap();
    assert_eq!(made, arn(2));
    assert_eq!(sent.lock().unwrap().take().unwrap(), [tag("team", "lending"), tag(DRILL, "the-drill")]);
}

#[test]
fn ecs_went_back_where_it_says_so_since_the_break() {
    let since: Timestamp = "2026-12-01T10:15:00Z".parse().unwrap();
    let went = |message: &str, at: i64| {
        let event = ServiceEvent::builder().message(message).created_at(DateTime::from_secs(at)).build();
        ecs_went_back(&Service::builder().events(event).build(), since)
    };
    let message = "(service backend) rolling back to deployment ecs-svc/0123456789.";
    assert!(went(message, since.as_second() + 60));
    assert!(!went(message, since.as_second() - 60));
    assert!(!went("(service backend) has reached a steady state.", since.as_second() + 60));
}

#[test]
fn what_a_drill_needs_is_in_its_policy() {
    let policy: serde_json::Value =
        serde_json::from_str(include_str!("../../../../docs/permissions/drill.json")).unwrap();
    let mut allowed: Vec<String> = Vec::new();
    for statement in policy["Statement"].as_array().unwrap() {
        match &statement["Action"] {
            serde_json::Value::Array(actions) => {
                allowed.extend(actions.iter().map(|action| action.as_str().unwrap().to_owned()));
            }
            one => allowed.push(one.as_str().unwrap().to_owned()),
        }
    }
    // Registering with a tag and a role needs these, too.
    let mut called = vec!["ecs:TagResource".to_owned(), "iam:PassRole".to_owned()];
    let named = include_str!("../release.rs").split('"').filter(|text| text.starts_with("ecs:"));
    called.extend(named.map(str::to_owned));
    allowed.sort_unstable();
    called.sort_unstable();
    called.dedup();
    assert_eq!(allowed, called);
}

/// The remedies copy a task definition in the same way, in a workspace of their own: no field may be forgotten in one of the
/// two.
#[test]
fn a_bad_release_copies_the_fields_that_a_remedys_copy_has() {
    let fields = |source: &str, from: &str, to: &str| {
        let (_, rest) = source.split_once(from).unwrap_or_else(|| panic!("there is no {from}"));
        let (chain, _) = rest.split_once(to).unwrap_or_else(|| panic!("{from} has no end"));
        let set = chain.split(".set_").skip(1).filter_map(|call| call.split_once('('));
        let set: BTreeSet<String> = set.map(|(field, _)| field.to_owned()).collect();
        assert!(!set.is_empty(), "{from}");
        set
    };
    let (ours, remedies) =
        (include_str!("../release.rs"), include_str!("../../../../shared/src/ecs/copy.rs"));
    let mut copied = fields(ours, "\nfn again(", "\n}\n");
    // What a drill changes is set where it is registered.
    copied.extend(fields(ours, "let sent = again(", ".send()"));
    assert_eq!(copied, fields(remedies, "\nfn register(", "\n}\n"));
}
