//! What the scheduled run looks after.

use aws_sdk_cloudwatch::types::StateValue;

use super::*;

#[tokio::test]
async fn a_raised_minimum_comes_back_once_it_has_expired() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let minimum = || stack.sandbox.gateway.scalable_targets()[0].minimum;
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do no_minimum_raised");
    assert_eq!(decision(&function, &alarm(Timestamp::now())).await?, "applied applied");
    assert_eq!(minimum(), 3);
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do minimum_not_expired");

    let target = format!("target#{TARGET}");
    stack.change(&target, "scale-up#follow-up", "due", json!("2026-01-01T00:00:00Z")).await?;
    assert_eq!(decision(&function, &tick()).await?, "applied applied");
    assert_eq!((minimum(), stack.sandbox.desired_count().await?), (2, 3));
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do no_minimum_raised");
    assert_eq!(stack.audit().await?, ["applied applied", "applied applied"], "an idle tick leaves no record");
    Ok(())
}

#[tokio::test]
async fn while_a_load_alarm_lasts_the_scheduled_run_takes_the_next_step() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let alarm = stack.sandbox.clients.cloudwatch.set_alarm_state().alarm_name("lendpeak2-production-ecs-cpu");
    // The deployed function answers the alarm itself: 2 → 3.
    alarm.state_value(StateValue::Alarm).state_reason("test").send().await?;
    let mut tries = 0;
    while stack.audit().await?.is_empty() && tries < 200 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        tries += 1;
    }
    assert_eq!(decision(&function, &tick()).await?, "refused cooldown");
    let claim = format!("target#{TARGET}");
    stack.end_cooldown(&claim, "scale-up").await?;
    assert_eq!(decision(&function, &tick()).await?, "applied applied");
    assert_eq!(stack.sandbox.desired_count().await?, 5);
    Ok(())
}
