//! What `scale-up` asks of AWS, call by call. A call that no rule expects panics.

use std::{sync::OnceLock, time::Duration};

use aws_sdk_applicationautoscaling::{
    operation::describe_scalable_targets::DescribeScalableTargetsOutput, types as scaling_types,
};
use aws_sdk_cloudwatch::{
    operation::describe_alarms::{DescribeAlarmsError, DescribeAlarmsOutput},
    types as cloudwatch_types,
};
use aws_sdk_ecs::{
    operation::{
        describe_services::{DescribeServicesError, DescribeServicesOutput},
        describe_tasks::DescribeTasksOutput,
        list_tasks::{ListTasksError, ListTasksOutput},
    },
    types as ecs_types,
    types::error::ServiceNotFoundException,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_types::SdkConfig;
use jiff::Timestamp;
use shared::{
    alarms::AlarmNow,
    ecs::{Deployment, Service, StoppedTask},
    trigger::{Alarm, AlarmState},
};

use crate::{
    Clients, Goal, Observed, Request, Settings, action::Action, apply, observe, observe::ScalableTarget,
};

fn clients(ecs: &[Rule], scaling: &[Rule], cloudwatch: &[Rule]) -> Clients {
    let (ecs, scaling): (Vec<&Rule>, Vec<&Rule>) = (ecs.iter().collect(), scaling.iter().collect());
    let cloudwatch: Vec<&Rule> = cloudwatch.iter().collect();
    Clients {
        config: SdkConfig::builder().build(),
        ecs: OnceLock::from(mock_client!(aws_sdk_ecs, RuleMode::MatchAny, &ecs)),
        scaling: OnceLock::from(mock_client!(aws_sdk_applicationautoscaling, RuleMode::MatchAny, &scaling)),
        cloudwatch: OnceLock::from(mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, &cloudwatch)),
    }
}

fn settings() -> Settings {
    Settings {
        cluster: "lendpeak2-production".to_owned(),
        service: "backend".to_owned(),
        max_tasks: 10,
        raised_minimum: Duration::from_hours(1),
        load_alarms: vec!["ecs-cpu".to_owned()],
        stack: shared::alarms::Stack::default(),
    }
}

fn by_alarm() -> Request {
    let alarm = Alarm {
        name: "ecs-cpu".to_owned(),
        arn: String::new(),
        state: AlarmState::Alarm,
        reason: String::new(),
        from_no_data: false,
        metrics: Vec::new(),
    };
    Request { service: "backend".to_owned(), goal: Goal::Step, alarm: Some(alarm) }
}

fn service_runs(tasks: i32) -> Rule {
    mock!(aws_sdk_ecs::Client::describe_services)
        .match_requests(|request| {
            request.cluster() == Some("lendpeak2-production") && request.services() == ["backend"]
        })
        .then_output(move || {
            let deployment = ecs_types::Deployment::builder()
                .id("ecs-svc/1")
                .status("PRIMARY")
                .task_definition("lendpeak2-backend-production:7")
                .rollout_state(ecs_types::DeploymentRolloutState::Completed)
                .build();
            let service = ecs_types::Service::builder()
                .status("ACTIVE")
                .desired_count(tasks)
                .running_count(tasks)
                .task_definition("lendpeak2-backend-production:7")
                .deployments(deployment)
                .build();
            DescribeServicesOutput::builder().services(service).build()
        })
}

fn no_stopped_tasks() -> Rule {
    mock!(aws_sdk_ecs::Client::list_tasks).then_output(|| ListTasksOutput::builder().build())
}

fn no_scalable_target() -> Rule {
    mock!(aws_sdk_applicationautoscaling::Client::describe_scalable_targets)
        .then_output(|| DescribeScalableTargetsOutput::builder().build())
}

fn dimension(name: &str, value: &str) -> cloudwatch_types::Dimension {
    cloudwatch_types::Dimension::builder().name(name).value(value).build()
}

fn alarm_is(state: cloudwatch_types::StateValue) -> Rule {
    mock!(aws_sdk_cloudwatch::Client::describe_alarms)
        .match_requests(|request| request.alarm_names() == ["ecs-cpu"])
        .then_output(move || {
            let alarm = cloudwatch_types::MetricAlarm::builder()
                .alarm_name("ecs-cpu")
                .namespace("AWS/ECS")
                .metric_name("CPUUtilization")
                .dimensions(dimension("ClusterName", "lendpeak2-production"))
                .dimensions(dimension("ServiceName", "backend"))
                .comparison_operator(cloudwatch_types::ComparisonOperator::GreaterThanThreshold)
                .state_value(state.clone())
                .build();
            DescribeAlarmsOutput::builder().metric_alarms(alarm).build()
        })
}

#[tokio::test]
async fn everything_is_read_into_plain_values() {
    let stopped = mock!(aws_sdk_ecs::Client::list_tasks)
        .match_requests(|request| request.desired_status() == Some(&ecs_types::DesiredStatus::Stopped))
        .then_output(|| ListTasksOutput::builder().task_arns("task-1").build());
    let described = mock!(aws_sdk_ecs::Client::describe_tasks)
        .match_requests(|request| request.tasks() == ["task-1"])
        .then_output(|| {
            let task = ecs_types::Task::builder()
                .task_arn("task-1")
                .stop_code(ecs_types::TaskStopCode::EssentialContainerExited)
                .stopped_reason("Essential container in task exited")
                .stopped_at(aws_sdk_ecs::primitives::DateTime::from_secs(60))
                .build();
            DescribeTasksOutput::builder().tasks(task).build()
        });
    let target = mock!(aws_sdk_applicationautoscaling::Client::describe_scalable_targets)
        .match_requests(|request| request.resource_ids() == ["service/lendpeak2-production/backend"])
        .then_output(|| {
            let target = scaling_types::ScalableTarget::builder()
                .service_namespace(scaling_types::ServiceNamespace::Ecs)
                .scalable_dimension(scaling_types::ScalableDimension::EcsServiceDesiredCount)
                .resource_id("service/lendpeak2-production/backend")
                .min_capacity(2)
                .max_capacity(8)
                .role_arn("role")
                .creation_time(aws_sdk_ecs::primitives::DateTime::from_secs(0))
                .build()
                .unwrap();
            DescribeScalableTargetsOutput::builder().scalable_targets(target).build()
        });
    let clients = clients(
        &[service_runs(2), stopped, described],
        &[target],
        &[alarm_is(cloudwatch_types::StateValue::Alarm)],
    );
    let expected = Observed {
        service: Some(Service {
            status: "ACTIVE".to_owned(),
            desired_count: 2,
            running_count: 2,
            pending_count: 0,
            task_definition: "lendpeak2-backend-production:7".to_owned(),
            deployment_controller: "ECS".to_owned(),
            deployments: vec![Deployment {
                id: "ecs-svc/1".to_owned(),
                status: "PRIMARY".to_owned(),
                task_definition: "lendpeak2-backend-production:7".to_owned(),
                rollout: "COMPLETED".to_owned(),
                created_at: None,
                failed_tasks: 0,
                ..Deployment::default()
            }],
            events: Vec::new(),
            minimum_healthy_percent: 100,
            maximum_percent: 200,
            ..Service::default()
        }),
        scalable_target: Some(ScalableTarget { min_capacity: 2, max_capacity: 8 }),
        stopped_tasks: vec![StoppedTask {
            task: "task-1".to_owned(),
            task_definition: String::new(),
            stopped_at: Some(Timestamp::from_second(60).unwrap()),
            started_at: None,
            failed: true,
            reason: "Essential container in task exited".to_owned(),
        }],
        alarms: vec![AlarmNow { name: "ecs-cpu".to_owned(), is_in_alarm: true }],
        refused: None,
    };
    assert_eq!(observe::observe(&clients, &settings(), &by_alarm()).await.unwrap(), expected);
}

#[tokio::test]
async fn a_request_by_hand_asks_nothing_about_alarms() {
    let clients = clients(&[service_runs(2), no_stopped_tasks()], &[no_scalable_target()], &[]);
    let request = Request { alarm: None, ..by_alarm() };
    assert_eq!(observe::observe(&clients, &settings(), &request).await.unwrap().alarms, []);
}

#[tokio::test]
async fn a_service_that_is_missing_is_nothing_and_no_error() {
    let missing = mock!(aws_sdk_ecs::Client::describe_services).then_output(|| {
        let failure = ecs_types::Failure::builder().reason("MISSING").build();
        DescribeServicesOutput::builder().failures(failure).build()
    });
    let no_list = mock!(aws_sdk_ecs::Client::list_tasks)
        .then_error(|| ListTasksError::ServiceNotFoundException(ServiceNotFoundException::builder().build()));
    let clients = clients(&[missing, no_list], &[no_scalable_target()], &[]);
    let request = Request { alarm: None, ..by_alarm() };
    assert_eq!(observe::observe(&clients, &settings(), &request).await.unwrap().service, None);
}

#[tokio::test]
async fn a_read_that_fails_names_the_call_the_resource_and_awss_code() {
    let denied = mock!(aws_sdk_ecs::Client::describe_services).then_error(|| {
        let meta = aws_smithy_types::error::ErrorMetadata::builder();
        DescribeServicesError::generic(meta.code("AccessDeniedException").message("not allowed").build())
    });
    let clients = clients(&[denied, no_stopped_tasks()], &[no_scalable_target()], &[]);
    let request = Request { alarm: None, ..by_alarm() };
    let error = observe::observe(&clients, &settings(), &request).await.unwrap_err();
    assert_eq!(
        shared::error::chain(&error),
        "cannot describe service backend in cluster lendpeak2-production: AccessDeniedException: not allowed"
    );
}

#[tokio::test]
async fn an_alarm_that_may_not_be_read_is_an_error_that_says_so() {
    let denied = mock!(aws_sdk_cloudwatch::Client::describe_alarms).then_error(|| {
        let meta = aws_smithy_types::error::ErrorMetadata::builder().code("AccessDenied").build();
        DescribeAlarmsError::generic(meta)
    });
    let clients = clients(&[service_runs(2), no_stopped_tasks()], &[no_scalable_target()], &[denied]);
    let error = observe::observe(&clients, &settings(), &by_alarm()).await.unwrap_err();
    assert!(shared::error::chain(&error).contains("AccessDenied"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn looking_again_waits_for_the_tasks_and_no_longer_than_its_patience() {
    let action = Action::SetDesiredCount {
        cluster: "lendpeak2-production".to_owned(),
        service: "backend".to_owned(),
        desired_count: 3,
    };
    let short = clients(&[service_runs(2)], &[], &[]);
    let seen = apply::verify(&short, &[&action], Duration::from_secs(3)).await;
    assert_eq!((seen.verified, seen.what.as_str()), (false, "2 of 2 tasks run, 0 are starting"));
    let enough = clients(&[service_runs(3)], &[], &[]);
    assert!(apply::verify(&enough, &[&action], Duration::ZERO).await.verified);
}
