use aws_sdk_elasticloadbalancingv2::{
    operation::{
        describe_listeners::DescribeListenersOutput,
        describe_load_balancer_attributes::{
            DescribeLoadBalancerAttributesError, DescribeLoadBalancerAttributesOutput,
        },
        describe_load_balancers::DescribeLoadBalancersOutput,
        describe_target_groups::{DescribeTargetGroupsError, DescribeTargetGroupsOutput},
        describe_target_health::{DescribeTargetHealthError, DescribeTargetHealthOutput},
    },
    types::{
        ForwardActionConfig, ProtocolEnum, TargetDescription, TargetGroupTuple, TargetHealth,
        TargetHealthDescription, TargetHealthReasonEnum, TargetHealthStateEnum,
        error::TargetGroupNotFoundException,
    },
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_types::error::ErrorMetadata;

use super::*;
use crate::evidence::Evidence;

const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/backend/1";
const GONE: &str = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/gone/2";

fn client(rules: &[Rule]) -> Client {
    let rules: Vec<&Rule> = rules.iter().collect();
    mock_client!(aws_sdk_elasticloadbalancingv2, RuleMode::MatchAny, &rules)
}

fn denied() -> ErrorMetadata {
    ErrorMetadata::builder().code("AccessDenied").message("no").build()
}

fn load_balancer_found() -> Rule {
    mock!(Client::describe_load_balancers)
        .match_requests(|request| request.names() == ["production"])
        .then_output(|| {
            let found = types::LoadBalancer::builder().load_balancer_arn("arn:lb").security_groups("sg-1");
            DescribeLoadBalancersOutput::builder().load_balancers(found.build()).build()
        })
}

fn listeners_found() -> Rule {
    let group = |arn: &str, weight| TargetGroupTuple::builder().target_group_arn(arn).weight(weight).build();
    let forward =
        ForwardActionConfig::builder().target_groups(group("blue", 100)).target_groups(group("green", 0));
    let action = Action::builder().forward_config(forward.build()).build();
    mock!(Client::describe_listeners).then_output(move || {
        let listener = types::Listener::builder()
            .port(443)
            .protocol(ProtocolEnum::Https)
            .default_actions(action.clone())
            .build();
        DescribeListenersOutput::builder().listeners(listener).build()
    })
}

#[tokio::test]
async fn a_load_balancer_has_its_idle_timeout_and_where_it_sends_requests() {
    let attributes = mock!(Client::describe_load_balancer_attributes)
        .match_requests(|request| request.load_balancer_arn() == Some("arn:lb"))
        .then_output(|| {
            let timeout = LoadBalancerAttribute::builder().key(IDLE_TIMEOUT).value("60").build();
            DescribeLoadBalancerAttributesOutput::builder().attributes(timeout).build()
        });
    let client = client(&[load_balancer_found(), listeners_found(), attributes]);
    let (found, not_seen) = describe_with(&client, name("app/production/123")).await.unwrap();
    assert_eq!((found.name.as_str(), found.idle_timeout_seconds), ("production", Some(60)));
    assert_eq!((not_seen, found.security_groups), (None, vec!["sg-1".to_owned()]));
    let listener = Listener {
        arn: String::new(),
        port: 443,
        protocol: "HTTPS".to_owned(),
        target_groups: vec!["blue".to_owned()],
    };
    assert_eq!(found.listeners, [listener]);
}

#[tokio::test]
async fn a_load_balancer_is_told_without_its_attributes() {
    let attributes = mock!(Client::describe_load_balancer_attributes)
        .then_error(|| DescribeLoadBalancerAttributesError::generic(denied()));
    let client = client(&[load_balancer_found(), listeners_found(), attributes]);
    let (found, not_seen) = describe_with(&client, "production").await.unwrap();
    assert_eq!((found.idle_timeout_seconds, found.listeners.len()), (None, 1));
    let why = not_seen.unwrap().why;
    assert!(
        why.starts_with("cannot describe the attributes of load balancer production: AccessDenied"),
        "{why}"
    );
}

#[tokio::test]
async fn attributes_without_an_idle_timeout_were_read_all_the_same() {
    let attributes = mock!(Client::describe_load_balancer_attributes)
        .then_output(|| DescribeLoadBalancerAttributesOutput::builder().build());
    let client = client(&[load_balancer_found(), listeners_found(), attributes]);
    let (_, not_seen) = describe_with(&client, "production").await.unwrap();
    assert_eq!(not_seen.unwrap().why, "its attributes have no idle_timeout.timeout_seconds");
}

fn group_found() -> Rule {
    mock!(Client::describe_target_groups)
        .match_requests(|request| request.target_group_arns() == [GROUP])
        .then_output(|| {
            let group = types::TargetGroup::builder().target_group_arn(GROUP).health_check_path("/health");
            DescribeTargetGroupsOutput::builder().target_groups(group.build()).build()
        })
}

fn target_is_unhealthy() -> Rule {
    mock!(Client::describe_target_health).then_output(|| {
        let health = TargetHealth::builder()
            .state(TargetHealthStateEnum::Unhealthy)
            .reason(TargetHealthReasonEnum::ResponseCodeMismatch)
            .build();
        let target = TargetDescription::builder().id("10.0.1.11").port(8_080).build();
        let described = TargetHealthDescription::builder().target(target).target_health(health);
        DescribeTargetHealthOutput::builder().target_health_descriptions(described.build()).build()
    })
}

#[tokio::test]
async fn a_target_group_that_is_gone_does_not_hide_the_other() {
    let gone = mock!(Client::describe_target_groups)
        .match_requests(|request| request.target_group_arns() == [GONE])
        .then_error(|| {
            let error = TargetGroupNotFoundException::builder().build();
            DescribeTargetGroupsError::TargetGroupNotFoundException(error)
        });
    let client = client(&[group_found(), gone, target_is_unhealthy()]);
    let put = read_target_groups(&client, &[GROUP.to_owned(), GONE.to_owned()]).await.unwrap().unwrap();
    let mut evidence = Evidence::default();
    put(&mut evidence);
    let groups = evidence.target_groups.unwrap();
    assert_eq!((groups.len(), groups[0].path.as_str()), (1, "/health"));
    let target = Target {
        id: "10.0.1.11".to_owned(),
        port: 8_080,
        state: "unhealthy".to_owned(),
        reason: "Target.ResponseCodeMismatch".to_owned(),
        description: String::new(),
    };
    assert_eq!(groups[0].targets, [target]);
    assert_eq!(evidence.not_seen[0].source, "the target group gone");
}

#[tokio::test]
async fn a_target_group_is_not_seen_without_its_targets() {
    let health =
        mock!(Client::describe_target_health).then_error(|| DescribeTargetHealthError::generic(denied()));
    let read = read_target_groups(&client(&[group_found(), health]), &[GROUP.to_owned()]).await;
    let why = "cannot describe the targets of target group backend: AccessDenied: no";
    assert_eq!(read.err().as_deref(), Some(why));
}
