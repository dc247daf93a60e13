use aws_sdk_applicationautoscaling::{
    operation::{
        describe_scalable_targets::DescribeScalableTargetsOutput,
        describe_scaling_activities::{DescribeScalingActivitiesError, DescribeScalingActivitiesOutput},
        describe_scaling_policies::{DescribeScalingPoliciesError, DescribeScalingPoliciesOutput},
    },
    types::{
        MetricType, PolicyType, PredefinedMetricSpecification, ScalableTarget as Target,
        ScalingActivityStatusCode, SuspendedState, TargetTrackingScalingPolicyConfiguration,
    },
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_types::{DateTime, error::ErrorMetadata};

use super::*;
use crate::evidence::Evidence;

const SERVICE: &str = "service/c/backend";

fn at() -> Timestamp {
    "2026-11-24T03:00:00Z".parse().unwrap()
}

fn denied() -> ErrorMetadata {
    ErrorMetadata::builder().code("AccessDeniedException").message("no").build()
}

async fn seen_of(rules: &[Rule]) -> Result<Evidence, Error> {
    let rules: Vec<&Rule> = rules.iter().collect();
    let client = mock_client!(aws_sdk_applicationautoscaling, RuleMode::MatchAny, &rules);
    let put = read(&client, SERVICE, at()).await?.unwrap();
    let mut evidence = Evidence::default();
    put(&mut evidence);
    Ok(evidence)
}

fn target_found() -> Rule {
    mock!(Client::describe_scalable_targets)
        .match_requests(|request| request.resource_ids() == [SERVICE])
        .then_output(|| {
            let target = Target::builder()
                .service_namespace(ServiceNamespace::Ecs)
                .resource_id(SERVICE)
                .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
                .min_capacity(2)
                .max_capacity(10)
                .role_arn("arn:role")
                .creation_time(DateTime::from_secs(0))
                .suspended_state(SuspendedState::builder().dynamic_scaling_out_suspended(true).build())
                .build()
                .unwrap();
            DescribeScalableTargetsOutput::builder().scalable_targets(target).build()
        })
}

fn policy_found() -> Rule {
    mock!(Client::describe_scaling_policies).then_output(|| {
        let metric = PredefinedMetricSpecification::builder()
            .predefined_metric_type(MetricType::EcsServiceAverageCpuUtilization)
            .build()
            .unwrap();
        let tracking = TargetTrackingScalingPolicyConfiguration::builder()
            .target_value(70.0)
            .predefined_metric_specification(metric)
            .build()
            .unwrap();
        let policy = types::ScalingPolicy::builder()
            .policy_arn("arn:policy")
            .policy_name("cpu")
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(SERVICE)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .policy_type(PolicyType::TargetTrackingScaling)
            .target_tracking_scaling_policy_configuration(tracking)
            .creation_time(DateTime::from_secs(0))
            .build()
            .unwrap();
        DescribeScalingPoliciesOutput::builder().scaling_policies(policy).build()
    })
}

fn activity_at(at: Timestamp) -> types::ScalingActivity {
    types::ScalingActivity::builder()
        .activity_id("1")
        .service_namespace(ServiceNamespace::Ecs)
        .resource_id(SERVICE)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .description("Setting desired count to 4.")
        .cause("an alarm")
        .start_time(DateTime::from_secs(at.as_second()))
        .status_code(ScalingActivityStatusCode::Successful)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_scaled_service_has_its_limits_its_policy_and_the_last_days_activities() {
    let activities = mock!(Client::describe_scaling_activities).then_output(|| {
        DescribeScalingActivitiesOutput::builder()
            .scaling_activities(activity_at(at() - SignedDuration::from_hours(1)))
            .scaling_activities(activity_at(at() - SignedDuration::from_hours(25)))
            .next_token("n")
            .build()
    });
    let evidence = seen_of(&[target_found(), policy_found(), activities]).await.unwrap();
    let scaling = evidence.scaling.unwrap();
    let target = scaling.target.unwrap();
    assert_eq!((target.min, target.max), (2, 10));
    assert!(target.scale_out_suspended && !target.scale_in_suspended && !target.scheduled_suspended);
    let policy = &scaling.policies[0];
    assert_eq!((policy.name.as_str(), policy.kind.as_str()), ("cpu", "TargetTrackingScaling"));
    assert_eq!(
        (policy.target_value, policy.metric.as_str()),
        (Some(70.0), "ECSServiceAverageCPUUtilization")
    );
    assert_eq!(scaling.activities.len(), 1);
    assert_eq!(scaling.activities[0].description, "Setting desired count to 4.");
}

#[tokio::test]
async fn limits_and_policies_are_told_without_activities() {
    let denied = mock!(Client::describe_scaling_activities)
        .then_error(|| DescribeScalingActivitiesError::generic(denied()));
    let evidence = seen_of(&[target_found(), policy_found(), denied]).await.unwrap();
    assert!(evidence.scaling.unwrap().target.is_some());
    assert_eq!(evidence.not_seen[0].source, "what auto scaling did");
}

#[tokio::test]
async fn without_its_policies_scaling_is_not_seen() {
    let activities = mock!(Client::describe_scaling_activities)
        .then_output(|| DescribeScalingActivitiesOutput::builder().build());
    let denied = mock!(Client::describe_scaling_policies)
        .then_error(|| DescribeScalingPoliciesError::generic(denied()));
    let error = seen_of(&[target_found(), denied, activities]).await.unwrap_err();
    assert_eq!(
        why(&error),
        format!("cannot describe the scaling policies of {SERVICE}: AccessDeniedException: no")
    );
}

#[tokio::test]
async fn of_many_activities_the_newest_twenty_are_kept() {
    let many = mock!(Client::describe_scaling_activities).then_output(|| {
        let activities = (0..50).map(|minutes| activity_at(at() - SignedDuration::from_mins(minutes)));
        DescribeScalingActivitiesOutput::builder().set_scaling_activities(Some(activities.collect())).build()
    });
    let evidence = seen_of(&[target_found(), policy_found(), many]).await.unwrap();
    let activities = evidence.scaling.unwrap().activities;
    assert_eq!((activities.len(), activities[0].at), (ACTIVITIES, Some(at())));
}

#[tokio::test]
async fn more_policies_than_were_read_are_named() {
    let endless = mock!(Client::describe_scaling_policies)
        .then_output(|| DescribeScalingPoliciesOutput::builder().next_token("n").build());
    let activities = mock!(Client::describe_scaling_activities)
        .then_output(|| DescribeScalingActivitiesOutput::builder().build());
    let evidence = seen_of(&[target_found(), endless, activities]).await.unwrap();
    assert_eq!(evidence.not_seen, [cut("some of the scaling policies", 0)]);
}
