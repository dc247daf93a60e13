use aws_sdk_cloudwatch::operation::get_metric_statistics::GetMetricStatisticsOutput;
use aws_sdk_cloudwatch::types::Datapoint;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_ecs::operation::describe_services::DescribeServicesOutput;
use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

use super::*;

const RELEASE: &str = "lendpeak2-backend-production:7";

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_000_020 + minute * 60).unwrap()
}

/// So many passing minutes, then one with this value.
fn minutes(passing: usize, last: f64) -> Rule {
    mock!(aws_sdk_cloudwatch::Client::get_metric_statistics)
        .match_requests(|request| request.metric_name() == Some("Healthy") && request.period() == Some(60))
        .then_output(move || {
            let point = |value| Datapoint::builder().minimum(value).build();
            let points = (0..passing).map(|_| point(1.0)).chain([point(last)]);
            GetMetricStatisticsOutput::builder().set_datapoints(Some(points.collect())).build()
        })
}

fn runs_since(created: Timestamp, state: &'static str) -> Rule {
    mock!(aws_sdk_ecs::Client::describe_services).then_output(move || {
        let primary = Deployment::builder()
            .status("PRIMARY")
            .rollout_state(DeploymentRolloutState::from(state))
            .created_at(DateTime::from_secs(created.as_second()))
            .build();
        let service =
            Service::builder().task_definition(format!("arn:aws:ecs:x:1:task-definition/{RELEASE}"));
        DescribeServicesOutput::builder().services(service.deployments(primary).build()).build()
    })
}

/// What is noted, and how many items are written.
async fn noted(at: Timestamp, metric: &Rule, service: &Rule) -> (Option<String>, usize) {
    let written = mock!(aws_sdk_dynamodb::Client::update_item)
        .match_requests(|request| request.key().unwrap()["sk"].as_s().unwrap() == RELEASE)
        .then_output(|| UpdateItemOutput::builder().build());
    let watched = Watched {
        cluster: "lendpeak2-production".to_owned(),
        service: "backend".to_owned(),
        ledger_table: "ledger".to_owned(),
    };
    let notes = Notes {
        ecs: OnceLock::from(mock_client!(aws_sdk_ecs, RuleMode::MatchAny, &[service])),
        dynamodb: OnceLock::from(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &[&written])),
        ..Notes::new(watched, SdkConfig::builder().build())
    };
    let cloudwatch = mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, &[metric]);
    let release = notes.note(&cloudwatch, "production", at).await.unwrap();
    (release, written.num_calls())
}

#[tokio::test]
async fn a_release_that_ran_for_ten_passing_minutes_is_noted() {
    let noted = noted(at(3), &minutes(8, 1.0), &runs_since(at(-7), "COMPLETED")).await;
    assert_eq!(noted, (Some(RELEASE.to_owned()), 1));
}

#[tokio::test]
async fn other_minutes_ask_nothing() {
    let (metric, service) = (minutes(9, 1.0), runs_since(at(-60), "COMPLETED"));
    for minute in [2, 4, 12] {
        assert_eq!(noted(at(minute), &metric, &service).await, (None, 0));
    }
    assert_eq!((metric.num_calls(), service.num_calls()), (0, 0));
}

#[tokio::test]
async fn at_the_beginning_of_time_nothing_has_run_for_ten_minutes() {
    let first = Timestamp::from_second(Timestamp::MIN.as_second().div_euclid(600) * 600 + 600).unwrap();
    assert_eq!(noted(first, &minutes(9, 1.0), &runs_since(at(-60), "COMPLETED")).await, (None, 0));
}

#[tokio::test]
async fn a_failing_or_missing_minute_a_young_release_or_a_deployment_is_not_noted() {
    let steady = runs_since(at(-60), "COMPLETED");
    assert_eq!(noted(at(3), &minutes(9, 0.0), &steady).await, (None, 0));
    assert_eq!(noted(at(3), &minutes(7, 1.0), &steady).await, (None, 0));
    assert_eq!(steady.num_calls(), 0);
    assert_eq!(noted(at(3), &minutes(9, 1.0), &runs_since(at(-6), "COMPLETED")).await, (None, 0));
    assert_eq!(noted(at(3), &minutes(9, 1.0), &runs_since(at(-60), "IN_PROGRESS")).await, (None, 0));
}
