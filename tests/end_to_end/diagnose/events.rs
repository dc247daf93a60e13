//! Who asks: an alarm, an event of ECS, a person who names a symptom or a status.

use std::collections::BTreeSet;

use sandbox::runtime_api::Answer;

use super::*;

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";

fn chapters(report: &Value) -> Vec<&str> {
    report["chapters"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn an_alarm_asks_for_the_chapters_that_it_is_about() -> Test {
    let stack = start().await?;
    let metric = ["AWS/ECS", "MemoryUtilization"];
    let alarm = sandbox::stack::alarm("lendpeak2-production-ecs-memory", metric, &[], Timestamp::now());
    let report = answer(&stack, &alarm).await?;
    assert_eq!(chapters(&report), ["application-wont-start", "high-memory"]);
    assert_eq!(report["nothing_found"], true, "{report:#}");
    Ok(())
}

#[tokio::test]
async fn an_event_of_ecs_asks_why_tasks_do_not_start_and_people_are_told() -> Test {
    let stack = start().await?;
    stack.sandbox.gateway.ecr().delete("1");
    stack.sandbox.release(&[("FAILS_TO_START", "CannotPullContainerError")]).await?;
    let event = json!({ "version": "0", "id": "impaired", "detail-type": "ECS Service Action",
        "source": "aws.ecs", "time": Timestamp::now().to_string(),
        "resources": [format!("arn:aws:ecs:us-east-1:000000000000:service/{CLUSTER}/{SERVICE}")],
        "detail": { "eventType": "WARN", "eventName": "SERVICE_TASK_START_IMPAIRED" } });
    sandbox::deploy::unsubscribe(&stack.sandbox.clients, "notices").await?;
    let level_2 = TOPIC.replace("notices", "level-2");
    let settings = [("NOTICE_TOPIC_ARN", TOPIC), ("LEVEL_2_TOPIC_ARN", &level_2)];
    let function = stack.function(&settings).await?;
    let report = outcome(&function, &event).await?;
    assert_eq!(
        chapters(&report),
        ["service-down", "application-wont-start", "alb-target-unhealthy", "high-memory"]
    );
    assert_eq!(text(&report, "/findings/0/cause"), "image_missing", "{report:#}");
    // Nobody is subscribed to level 1.
    assert_eq!(stack.writes(), ["sns Publish"; 2]);
    Ok(())
}

#[tokio::test]
async fn a_symptom_reads_only_what_its_chapter_looks_at() -> Test {
    let stack = start().await?;
    let metrics = stack.sandbox.gateway.cloudwatch();
    metrics.set("AWS/ECS", "MemoryUtilization", &[(700.0, 40.0), (0.0, 88.0)]);
    let report = answer(&stack, &json!({ "symptom": "high-memory" })).await?;
    assert_eq!(causes(&report["findings"]), ["memory_leak"], "{report:#}");
    let called: BTreeSet<String> = stack.sandbox.gateway.record().names("diagnose").into_iter().collect();
    let expected = [
        "application-autoscaling DescribeScalableTargets",
        "application-autoscaling DescribeScalingActivities",
        "application-autoscaling DescribeScalingPolicies",
        "cloudwatch GetMetricData",
        "ecs DescribeServices",
        "ecs DescribeTaskDefinition",
        "ecs DescribeTasks",
        "ecs ListTasks",
        "logs FilterLogEvents",
        "rds DescribeDBClusters",
        "rds DescribeDBInstances",
    ];
    assert_eq!(called.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    Ok(())
}

#[tokio::test]
async fn a_status_is_told_with_its_meaning() -> Test {
    let stack = start().await?;
    let report = answer(&stack, &json!({ "status": 503 })).await?;
    assert_eq!(report["status"]["code"], 503);
    assert!(screen(&report).starts_with("503 Service Unavailable: "), "{report:#}");
    Ok(())
}

/// Whoever waits is on call.
#[tokio::test]
async fn when_nothing_answers_at_all_it_says_so_in_twenty_seconds() -> Test {
    let stack = start().await?;
    for (service, operation) in sight::OPERATIONS {
        let hangs = sandbox::gateway::Fault::Timeout(Duration::from_mins(1));
        let rule = sandbox::gateway::Rule::new(service, operation, hangs).of("diagnose").times(usize::MAX);
        stack.sandbox.gateway.faults().add(rule);
    }
    let function = stack.function(&[]).await?;
    let begun = std::time::Instant::now();
    let report = match function.invoke("{}", Duration::from_mins(1)).await {
        Answer::Ok(report) => report,
        other => anyhow::bail!("{other:?}"),
    };
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(22), "{took:?}");
    assert!(text(&report, "/summary").starts_with("Nothing could be looked at."), "{report:#}");
    assert_eq!(report["findings"], json!([]));
    Ok(())
}
