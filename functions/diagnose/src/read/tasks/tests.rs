use aws_sdk_cloudwatchlogs::{operation::get_log_events::GetLogEventsOutput, types::OutputLogEvent};
use aws_sdk_ecs::{
    operation::{
        describe_tasks::DescribeTasksOutput,
        list_tasks::{ListTasksError, ListTasksOutput},
    },
    types::{Attachment, Container, KeyValuePair, Task, TaskStopCode, error::ServiceNotFoundException},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

use super::{super::service::LogStream, *};
use crate::read::service::tests::settings;

fn ecs(rules: &[Rule]) -> Client {
    let rules: Vec<&Rule> = rules.iter().collect();
    mock_client!(aws_sdk_ecs, RuleMode::MatchAny, &rules)
}

fn logs(rule: &Rule) -> Logs {
    mock_client!(aws_sdk_cloudwatchlogs, RuleMode::MatchAny, &[rule])
}

fn no_running() -> Rule {
    mock!(Client::list_tasks)
        .match_requests(|request| request.desired_status() == Some(&DesiredStatus::Running))
        .then_output(|| ListTasksOutput::builder().build())
}

/// The page of stopped tasks that the token asks for.
fn stopped_page(page: usize, next: Option<usize>) -> Rule {
    let token = (page > 0).then(|| page.to_string());
    let arns: Vec<String> = (page * 100..page * 100 + 100)
        .map(|number| format!("arn:aws:ecs:us-east-1:1:task/c/{number}"))
        .collect();
    mock!(Client::list_tasks)
        .match_requests(move |request| {
            request.desired_status() == Some(&DesiredStatus::Stopped)
                && request.next_token() == token.as_deref()
        })
        .then_output(move || {
            let next = next.map(|next| next.to_string());
            ListTasksOutput::builder().set_task_arns(Some(arns.clone())).set_next_token(next).build()
        })
}

/// Task `n` stopped at second `n`; a call takes 100.
fn each() -> Rule {
    mock!(Client::describe_tasks).match_requests(|request| request.tasks().len() <= 100).then_compute_output(
        |request| {
            let task = |arn: &String| {
                let number: i64 = last_part(arn).parse().unwrap();
                Task::builder()
                    .task_arn(arn)
                    .stopped_at(aws_smithy_types::DateTime::from_secs(number))
                    .stopped_reason("Essential container in task exited")
                    .stop_code(TaskStopCode::EssentialContainerExited)
                    .build()
            };
            let tasks = request.tasks.iter().flatten().map(task).collect();
            DescribeTasksOutput::builder().set_tasks(Some(tasks)).build()
        },
    )
}

#[tokio::test]
async fn of_500_stopped_tasks_all_are_counted_and_the_newest_100_kept() {
    let mut rules = vec![no_running(), each()];
    rules.extend((0..5).map(|page| stopped_page(page, (page < 4).then_some(page + 1))));
    let (tasks, not_seen) = read(&ecs(&rules), &settings()).await.unwrap().unwrap();
    assert_eq!(not_seen, []);
    assert_eq!((tasks.running.len(), tasks.stopped.len(), tasks.stopped_in_all), (0, 100, 500));
    assert_eq!((tasks.stopped[0].id.as_str(), tasks.stopped[99].id.as_str()), ("499", "400"));
}

#[tokio::test]
async fn a_list_without_an_end_is_left_after_ten_pages_and_that_is_named() {
    let endless = mock!(Client::list_tasks)
        .match_requests(|request| request.desired_status() == Some(&DesiredStatus::Stopped))
        .then_output(|| {
            ListTasksOutput::builder().task_arns("arn:aws:ecs:us-east-1:1:task/c/1").next_token("n").build()
        });
    let (tasks, not_seen) = read(&ecs(&[no_running(), endless, each()]), &settings()).await.unwrap().unwrap();
    assert_eq!(tasks.stopped_in_all, 10);
    assert_eq!(not_seen, [cut("some of the stopped tasks", 10)]);
}

#[tokio::test]
async fn a_missing_service_has_no_tasks_to_look_at() {
    let missing = mock!(Client::list_tasks)
        .then_error(|| ListTasksError::ServiceNotFoundException(ServiceNotFoundException::builder().build()));
    assert_eq!(read(&ecs(&[missing]), &settings()).await.unwrap(), None);
}

#[test]
fn a_running_task_has_the_address_that_the_load_balancer_knows() {
    let detail = |name: &str, value: &str| KeyValuePair::builder().name(name).value(value).build();
    let network = Attachment::builder()
        .r#type("ElasticNetworkInterface")
        .details(detail("subnetId", "subnet-1"))
        .details(detail("privateIPv4Address", "10.0.1.11"))
        .build();
    let task = Task::builder().task_arn("arn:aws:ecs:us-east-1:1:task/c/a1").attachments(network).build();
    let task = running_task(task);
    assert_eq!((task.id.as_str(), task.address.as_deref()), ("a1", Some("10.0.1.11")));
    assert_eq!(task.health, "UNKNOWN");
}

fn failed() -> StoppedTask {
    let container = |name: &str, code: i32| Container::builder().name(name).exit_code(code).build();
    let task = Task::builder()
        .task_arn("arn:aws:ecs:us-east-1:1:task/c/a1")
        .containers(container("sidecar", 0))
        .containers(container("backend", 1))
        .build();
    stopped_task(task)
}

fn defined() -> Defined {
    let stream = LogStream { group: "/ecs/backend".to_owned(), prefix: "ecs".to_owned() };
    Defined { logs: [("backend".to_owned(), stream)].into(), ..Defined::default() }
}

#[tokio::test]
async fn the_last_line_of_a_failed_container_is_told_masked() {
    let event = |message: &str| OutputLogEvent::builder().message(message).build();
    let lines = mock!(Logs::get_log_events)
        .match_requests(|request| {
            request.log_group_name() == Some("/ecs/backend")
                && request.log_stream_name() == Some("ecs/backend/a1")
                && request.start_from_head() == Some(false)
        })
        .then_output(move || {
            GetLogEventsOutput::builder()
                .events(event("starting"))
                .events(event("Error: cannot reach mongodb://user:hunter2@host/db"))
                .events(event("  "))
                .build()
        });
    let line = last_log(&logs(&lines), &defined(), &failed()).await.unwrap();
    assert!(line.contains("cannot reach") && !line.contains("hunter2"), "{line}");
}

#[tokio::test]
async fn without_a_log_stream_there_is_no_last_line() {
    let nothing = mock!(Logs::get_log_events).then_error(|| {
        use aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsError;
        let missing = aws_sdk_cloudwatchlogs::types::error::ResourceNotFoundException::builder();
        GetLogEventsError::ResourceNotFoundException(missing.build())
    });
    assert_eq!(last_log(&logs(&nothing), &defined(), &failed()).await, None);
    assert_eq!(last_log(&logs(&nothing), &Defined::default(), &failed()).await, None);
}
