//! Each way to be woken, however often the same event comes: one invalidation.

use aws_sdk_cloudwatch::types::StateValue;
use sandbox::{Options, Sandbox};

use super::*;

fn alarm_arn() -> String {
    format!("arn:aws:cloudwatch:us-east-1:000000000000:alarm:{ALARM}")
}

fn alarm_time(changed: Timestamp) -> String {
    changed.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}

#[tokio::test]
async fn a_finished_build_clears_the_old_front_end_once() -> Test {
    let stack = Stack::start().await?;
    stack.sandbox.standin.release_front_end();
    let function = stack.function(&[]).await?;
    let cleared = outcome(&function, &built(7)).await?;
    assert_eq!(read(&cleared), "applied applied");
    assert_eq!(cleared["reason"], "lendpeak2-frontend has deployed the front end");
    assert_eq!(cleared["verification"]["verified"], true);
    let seen = text(&cleared, "/verification/what");
    assert!(seen.contains("/assets/main.js: status 200, etag \"main-1\" → \"main-2\""), "{seen}");
    assert!(seen.contains("x-cache Hit from cloudfront → Miss from cloudfront"), "{seen}");
    let recorded = stack.outcomes().await?.pop().unwrap_or_default();
    assert_eq!(recorded["observed"]["assets"][0]["etag"], "\"main-1\"");

    // The same build by another event.
    assert_eq!(decision(&function, &built(7)).await?, "replayed applied");
    assert_eq!(stack.sent(), [["/*"]]);
    assert!(!stack.is_looked_after().await?);
    let references = stack.cloudfront().invalidations();
    let build = "arn:aws:codebuild:us-east-1:000000000000:build/lendpeak2-frontend:7@SUCCEEDED";
    assert_eq!(references[0].caller_reference, format!("cache-invalidation {build}"));

    assert_eq!(decision(&function, &built(8)).await?, "applied applied");
    assert_eq!(stack.sent().len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_finished_pipeline_clears_everything() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let mut event = json!({ "version": "0", "id": "event-1", "source": "aws.codepipeline",
        "detail-type": "CodePipeline Pipeline Execution State Change", "time": Timestamp::now().to_string(),
        "resources": [], "detail": { "pipeline": PIPELINE, "execution-id": "run-1", "state": "STARTED" } });
    assert_eq!(decision(&function, &event).await?, "nothing_to_do not_deployed");
    event["detail"]["state"] = json!("SUCCEEDED");
    assert_eq!(decision(&function, &event).await?, "applied applied");
    event["detail"]["pipeline"] = json!("lendpeak2-backend-release");
    assert_eq!(decision(&function, &event).await?, "refused not_allowed");
    assert_eq!(stack.sent(), [["/*"]]);
    Ok(())
}

#[tokio::test]
async fn another_project_or_a_failed_build_clears_nothing() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let other = build("lendpeak2-backend", 1, "SUCCEEDED");
    assert_eq!(decision(&function, &other).await?, "refused not_allowed");
    let failed = build(FRONT_END_BUILD, 2, "FAILED");
    assert_eq!(decision(&function, &failed).await?, "nothing_to_do not_deployed");
    let unnamed = stack.function(&[("BUILD_PROJECT", "")]).await?;
    assert_eq!(decision(&unnamed, &built(3)).await?, "refused not_allowed");
    assert_eq!(stack.sent(), Vec::<Vec<String>>::new());
    Ok(())
}

#[tokio::test]
async fn an_alarm_by_its_three_routes_is_answered_once() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let now = Timestamp::now();
    let data = json!({ "alarmName": ALARM,
        "state": { "value": "ALARM", "reason": "Threshold Crossed", "timestamp": alarm_time(now) },
        "configuration": { "metrics": [{ "id": "m", "returnData": true, "metricStat": { "period": 60, "stat": "Average",
            "metric": { "namespace": "AWS/CloudFront", "name": "4xxErrorRate",
                "dimensions": { "DistributionId": DISTRIBUTION, "Region": "Global" } } } }] } });
    let direct = json!({ "source": "aws.cloudwatch", "alarmArn": alarm_arn(), "accountId": "000000000000",
        "time": alarm_time(now), "region": "us-east-1", "alarmData": data });
    let event_bridge = json!({ "version": "0", "id": "e", "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch", "time": now.to_string(), "resources": [alarm_arn()], "detail": data });
    let cleared = outcome(&function, &alarm(now)).await?;
    assert_eq!(read(&cleared), "applied applied");
    assert_eq!(cleared["reason"], "alarm lendpeak2-production-cloudfront-4xx-rate rang");
    assert_eq!(decision(&function, &direct).await?, "replayed applied");
    assert_eq!(decision(&function, &event_bridge).await?, "replayed applied");
    assert_eq!(stack.sent(), [["/*"]]);
    Ok(())
}

#[tokio::test]
async fn a_real_alarm_clears_everything_once() -> Test {
    // With the template's own alarm.
    let functions = Some(vec!["health-probe", FUNCTION]);
    let sandbox = Sandbox::start(Options { metrics: false, functions, ..Options::default() }).await?;
    let stack = Stack(sandbox::stack::Stack::in_sandbox(sandbox, FUNCTION, &[]));
    let alarm = stack.sandbox.clients.cloudwatch.set_alarm_state().alarm_name(ALARM);
    alarm.state_value(StateValue::Alarm).state_reason("test").send().await?;
    let mut tries = 0;
    while stack.audit().await?.is_empty() && tries < 200 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        tries += 1;
    }
    assert_eq!(stack.audit().await?, ["applied applied"]);
    assert_eq!(stack.sent(), [["/*"]]);
    Ok(())
}

#[tokio::test]
async fn only_alarms_wait_out_the_cooldown() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let now = Timestamp::now();
    assert_eq!(decision(&function, &alarm(now)).await?, "applied applied");
    let later = alarm(now + Duration::from_secs(1));
    assert_eq!(decision(&function, &later).await?, "refused cooldown");
    assert_eq!(decision(&function, &json!({ "paths": ["/a.js"] })).await?, "applied applied");
    assert_eq!(decision(&function, &built(1)).await?, "applied applied");
    assert_eq!(stack.sent(), [["/*"], ["/a.js"], ["/*"]]);
    Ok(())
}

#[tokio::test]
async fn ten_deliveries_at_once_send_once() -> Test {
    let stack = Stack::start().await?;
    let event = built(1);
    let mut functions = Vec::new();
    for _ in 0..10 {
        functions.push(stack.function(&[]).await?);
    }
    let mut deliveries = tokio::task::JoinSet::new();
    for function in functions {
        let event = event.clone();
        deliveries.spawn(async move { decision(&function, &event).await });
    }
    let mut applied = 0;
    while let Some(answer) = deliveries.join_next().await {
        match answer??.as_str() {
            "applied applied" => applied += 1,
            "refused claimed_by_another" | "replayed applied" => {}
            other => panic!("a duplicate was answered with {other}"),
        }
    }
    assert_eq!((applied, stack.sent().len()), (1, 1));
    Ok(())
}
