//! What could not be seen is said, and nothing is concluded from it.

use sandbox::{
    gateway::{Fault, Rule},
    runtime_api::Answer,
};

use super::*;

/// All calls that a look at everything makes.
pub(super) const OPERATIONS: [(&str, &str); 29] = [
    ("ecs", "DescribeServices"),
    ("ecs", "ListTasks"),
    ("ecs", "DescribeTasks"),
    ("ecs", "DescribeTaskDefinition"),
    ("ecr", "DescribeImages"),
    ("secretsmanager", "DescribeSecret"),
    ("logs", "FilterLogEvents"),
    ("elasticloadbalancing", "DescribeLoadBalancers"),
    ("elasticloadbalancing", "DescribeLoadBalancerAttributes"),
    ("elasticloadbalancing", "DescribeListeners"),
    ("elasticloadbalancing", "DescribeTargetGroups"),
    ("elasticloadbalancing", "DescribeTargetHealth"),
    ("ec2", "DescribeSecurityGroups"),
    ("cloudwatch", "GetMetricData"),
    ("cloudwatch", "ListMetrics"),
    ("cloudwatch", "DescribeAlarms"),
    ("cloudwatch", "DescribeAlarmHistory"),
    ("rds", "DescribeDBClusters"),
    ("rds", "DescribeDBInstances"),
    ("rds", "DescribeEvents"),
    ("application-autoscaling", "DescribeScalableTargets"),
    ("application-autoscaling", "DescribeScalingPolicies"),
    ("application-autoscaling", "DescribeScalingActivities"),
    ("cloudfront", "GetDistribution"),
    ("cloudfront", "ListInvalidations"),
    ("codebuild", "ListBuildsForProject"),
    ("codebuild", "BatchGetBuilds"),
    ("lambda", "Invoke"),
    ("health", "DescribeEvents"),
];

/// It is given less time than it takes by itself: how long it waits is the same question for each call.
const SHORT: Duration = Duration::from_secs(4);

/// With this fault in all calls of one or two operations at a time, it answers in time, says what it did not see, and
/// finds nothing.
async fn check(fault: &Fault, groups: &[&[(&str, &str)]]) -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let mut wrong = Vec::new();
    for group in groups {
        stack.sandbox.gateway.faults().clear();
        for (service, operation) in *group {
            let rule = Rule::new(service, operation, fault.clone()).of("diagnose").times(usize::MAX);
            stack.sandbox.gateway.faults().add(rule);
        }
        match function.invoke("{}", SHORT).await {
            Answer::Ok(report) => {
                let unseen = report["not_seen"].as_array().map_or(0, Vec::len);
                let told = screen(&report).contains("\nNot seen: ");
                if unseen == 0 || !told || report["findings"] != json!([]) {
                    wrong.push(format!("{group:?}: {:#}\n{}", report["not_seen"], screen(&report)));
                }
            }
            other => wrong.push(format!("{group:?}: {other:?}")),
        }
    }
    anyhow::ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    anyhow::ensure!(stack.writes().is_empty(), "{:?}", stack.writes());
    Ok(())
}

fn each() -> Vec<&'static [(&'static str, &'static str)]> {
    OPERATIONS.chunks(1).collect()
}

#[tokio::test]
async fn a_call_that_is_denied_is_said_and_is_no_finding() -> Test {
    check(&Fault::Denied, &each()).await
}

#[tokio::test]
async fn a_call_that_is_throttled_is_said_and_is_no_finding() -> Test {
    check(&Fault::Throttle, &each()).await
}

#[tokio::test]
async fn a_call_that_hangs_is_said_and_is_no_finding() -> Test {
    check(&Fault::Timeout(Duration::from_mins(1)), &each()).await
}

#[tokio::test]
async fn two_calls_that_fail_at_once_are_said_and_are_no_finding() -> Test {
    let pairs: [&[(&str, &str)]; 4] = [
        &[("ecs", "DescribeServices"), ("lambda", "Invoke")],
        &[("cloudwatch", "GetMetricData"), ("rds", "DescribeDBClusters")],
        &[("elasticloadbalancing", "DescribeTargetHealth"), ("ec2", "DescribeSecurityGroups")],
        &[("logs", "FilterLogEvents"), ("ecs", "DescribeTasks")],
    ];
    check(&Fault::Denied, &pairs).await
}

/// A good answer with nothing in it is a fact: what there is none of. It is no more than that.
#[tokio::test]
async fn an_empty_answer_is_taken_for_no_more_than_it_says() -> Test {
    // Where AWS says that there is none of what the settings name, that is what is wrong.
    const SAYS_SOMETHING: [(&str, &str); 3] = [
        ("DescribeTargetHealth", "no_targets"),
        ("DescribeDBInstances", "database_down"),
        ("DescribeScalingPolicies", "no_scaling_policy"),
    ];
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let mut wrong = Vec::new();
    for (service, operation) in OPERATIONS {
        stack.sandbox.gateway.faults().clear();
        let rule = Rule::new(service, operation, Fault::Empty).of("diagnose").times(usize::MAX);
        stack.sandbox.gateway.faults().add(rule);
        let report = outcome(&function, &json!({})).await?;
        let expected = SAYS_SOMETHING.iter().find(|(name, _)| *name == operation).map(|(_, cause)| *cause);
        if causes(&report["findings"]).first().copied() != expected {
            wrong.push(format!("{operation}: {:#}\n{}", report["not_seen"], screen(&report)));
        }
    }
    anyhow::ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}

#[tokio::test]
async fn the_databases_own_events_are_found_among_those_of_a_busy_account() -> Test {
    let stack = start().await?;
    let docdb = stack.sandbox.gateway.docdb();
    let instance = format!("{SOURCE}-1");
    let minute = |minute| SignedDuration::from_mins(minute);
    for number in 0..600 {
        docdb.add_event(&format!("other-{number}"), minute(60), "DB instance restarted.", "availability");
    }
    docdb.add_event(&instance, minute(10), "A failover is under way.", "failover");
    let told = report(&stack).await?;
    let events = told["changes"].to_string();
    anyhow::ensure!(events.contains("A failover is under way"), "{:#}", told["changes"]);
    anyhow::ensure!(!events.contains("other-"), "{:#}", told["changes"]);
    for _ in 0..600 {
        docdb.add_event(&instance, minute(5), "Backing up DB instance.", "backup");
    }
    let told = report(&stack).await?;
    let cut = json!({
        "source": format!("some of the events of {instance}"), "why": "there are more than the 500 that were read",
    });
    anyhow::ensure!(told["not_seen"] == json!([cut]), "{:#}", told["not_seen"]);
    Ok(())
}

/// Most accounts may not ask AWS Health: that is nothing to be told of each time.
#[tokio::test]
async fn an_account_without_a_support_plan_has_no_aws_health() -> Test {
    let stack = start().await?;
    let refused = Fault::Refused("SubscriptionRequiredException", "no plan");
    stack.sandbox.gateway.faults().add(Rule::new("health", "DescribeEvents", refused).times(usize::MAX));
    let told = report(&stack).await?;
    anyhow::ensure!(told["not_seen"] == json!([]), "{:#}", told["not_seen"]);
    anyhow::ensure!(!told["looked_at"].to_string().contains("AWS Health"), "{:#}", told["looked_at"]);
    Ok(())
}

#[tokio::test]
async fn a_deployment_whose_stage_is_not_seen_is_not_stuck() -> Test {
    let stack = start().await?;
    causes::deployment_waits_for_its_hook(&stack).await?;
    let denied = Rule::new("ecs", "ListServiceDeployments", Fault::Denied).of("diagnose").times(usize::MAX);
    stack.sandbox.gateway.faults().add(denied);
    let told = report(&stack).await?;
    let unseen = told["not_seen"].to_string();
    anyhow::ensure!(unseen.contains("the stage of the deployment"), "{unseen}");
    anyhow::ensure!(!causes(&told["findings"]).contains(&"deployment_stuck"), "{:#}", told["findings"]);
    Ok(())
}

/// CloudFront's metrics are in us-east-1 wherever the stack is, and nothing else's.
#[tokio::test]
async fn a_stack_in_another_region_has_its_distributions_metrics_in_us_east_1() -> Test {
    const ELSEWHERE: &str = "eu-central-1";
    let stack = start().await?;
    let function = stack.function(&[("AWS_REGION", ELSEWHERE)]).await?;
    outcome(&function, &json!({})).await?;
    let calls = stack.sandbox.gateway.record().by("diagnose");
    for operation in ["ListMetrics", "GetMetricData"] {
        let asked: Vec<_> = calls.iter().filter(|call| call.operation == operation).collect();
        assert!(asked.len() > 1, "{operation}");
        for call in asked {
            let is_of_cloudfront = call.request.to_string().contains("AWS/CloudFront");
            let expected = if is_of_cloudfront { "us-east-1" } else { ELSEWHERE };
            assert_eq!(call.region, expected, "{operation}: {}", call.request);
        }
    }
    Ok(())
}

/// As much of `make chaos` as a test has time for.
#[tokio::test]
async fn it_holds_wherever_it_is_struck() -> Test {
    scenarios::chaos::hold("diagnose").await
}
