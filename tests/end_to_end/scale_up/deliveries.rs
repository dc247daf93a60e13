//! The same event, however often and at once it comes: one scaling.

use aws_sdk_cloudwatch::types::StateValue;

use super::*;

#[tokio::test]
async fn a_real_alarm_scales_the_service_once() -> Test {
    let stack = Stack::start().await?;
    let alarm = stack.sandbox.clients.cloudwatch.set_alarm_state().alarm_name("lendpeak2-production-ecs-cpu");
    alarm.state_value(StateValue::Alarm).state_reason("test").send().await?;
    let mut tries = 0;
    while stack.audit().await?.is_empty() && tries < 200 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        tries += 1;
    }
    assert_eq!(stack.audit().await?, ["applied applied"]);
    assert_eq!(stack.sandbox.desired_count().await?, 3);
    assert_eq!(stack.updates(), 1);
    assert_eq!(stack.sandbox.gateway.scalable_targets()[0].minimum, 3);
    Ok(())
}

#[tokio::test]
async fn ten_deliveries_at_once_and_one_later_scale_once() -> Test {
    let stack = Stack::start().await?;
    let event = alarm(Timestamp::now());
    let mut functions = Vec::new();
    for _ in 0..10 {
        functions.push(stack.function(&[("COOLDOWN_SECONDS", "0")]).await?);
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
            // The first had ended before this one looked, and the load was read after it.
            other => panic!("a duplicate was answered with {other}"),
        }
    }
    assert_eq!((applied, stack.updates(), stack.sandbox.desired_count().await?), (1, 1, 3));

    let later = stack.function(&[("COOLDOWN_SECONDS", "0")]).await?;
    let replayed = outcome(&later, &event).await?;
    assert_eq!(read(&replayed), "replayed applied");
    assert_eq!(replayed["steps"][1]["action"], "set the desired count of backend to 3");
    assert_eq!(stack.updates(), 1);
    Ok(())
}

#[tokio::test]
async fn every_record_of_an_sns_batch_is_answered() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let now = Timestamp::now();
    let mut batch = alarm(now);
    let second = alarm(now - Duration::from_secs(1))["Records"][0].clone();
    batch["Records"].as_array_mut().context("no records")?.push(second);
    let outcomes = outcome(&function, &batch).await?;
    let decisions: Vec<String> =
        outcomes["outcomes"].as_array().context("no batch")?.iter().map(read).collect();
    assert_eq!(decisions, ["applied applied", "refused cooldown"]);
    assert_eq!(stack.sandbox.desired_count().await?, 3);
    Ok(())
}
