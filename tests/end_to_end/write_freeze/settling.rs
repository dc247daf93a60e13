//! A roll-out takes longer than a run: the scheduled run says how it went, once.

use super::*;

const FOLLOW_UP: &str = "write-freeze#follow-up";

fn key() -> String {
    format!("target#{TARGET}")
}

/// As if a quarter of an hour had gone by.
async fn time_is_over(stack: &Stack) -> Test {
    let mut due = stack.data(&key(), FOLLOW_UP).await?;
    due["due"] = json!("2026-11-20T10:00:00Z");
    stack.put(&key(), FOLLOW_UP, &[("due", "2026-11-20T10:00:00Z"), ("data", &due.to_string())]).await
}

#[tokio::test]
async fn a_freeze_that_settles_later_is_recorded_as_verified_once() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::from_secs(4));
    let begun = outcome(&function, &on()).await?;
    assert_eq!(
        (read(&begun).as_str(), &begun["verification"]["verified"]),
        ("applied applied", &json!(false))
    );
    assert_eq!(decision(&function, &on()).await?, "nothing_to_do already_frozen");
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do still_settling");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do verified");
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_to_look_after");
    assert_eq!(
        stack.audit().await?,
        ["applied applied", "nothing_to_do already_frozen", "nothing_to_do verified"]
    );
    assert_eq!(stack.item(&key(), FOLLOW_UP).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_freeze_can_be_ended_before_it_has_settled() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::from_mins(5));
    assert_eq!(decision(&function, &on()).await?, "applied applied");
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::ZERO);
    assert_eq!(decision(&function, &off()).await?, "applied applied");
    assert_eq!(stack.sandbox.runs().await?, release(1));
    assert_eq!(stack.item(&key(), FOLLOW_UP).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_freeze_that_does_not_settle_is_passed_up() -> Test {
    let stack = start().await?;
    let topic = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";
    let function = stack.function(&[("NOTICE_TOPIC_ARN", topic)]).await?;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::from_mins(5));
    assert_eq!(decision(&function, &alarm()).await?, "applied applied");
    time_is_over(&stack).await?;
    let told = stack.count("sns Publish");
    let given_up = outcome(&function, &tick()).await?;
    assert_eq!(read(&given_up), "failed not_verified");
    assert_eq!(given_up["next"]["level"], 2);
    assert_eq!(stack.count("sns Publish"), told + 1);
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_to_look_after");
    Ok(())
}

#[tokio::test]
async fn a_release_deployed_into_a_freeze_is_told_of_once() -> Test {
    let stack = start().await?;
    let topic = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";
    let function = stack.function(&[("NOTICE_TOPIC_ARN", topic), ("VERIFY_SECONDS", "10")]).await?;
    assert_eq!(decision(&function, &on()).await?, "applied applied");
    stack.sandbox.release(&[]).await?;
    let told = stack.count("sns Publish");
    let unfrozen = outcome(&function, &tick()).await?;
    assert_eq!(read(&unfrozen), "failed release_not_frozen", "{unfrozen:#}");
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do told_before");
    assert_eq!(stack.count("sns Publish"), told + 1);
    assert_eq!(decision(&function, &unfrozen["next"]["send"]).await?, "applied applied");
    assert!(is_frozen(&stack).await?);
    Ok(())
}

#[tokio::test]
async fn a_deployment_under_way_is_waited_for() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::from_secs(4));
    stack.sandbox.release(&[]).await?;
    let waits = outcome(&function, &alarm()).await?;
    assert_eq!(read(&waits), "refused deployment_in_progress");
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do still_waiting");
    tokio::time::sleep(Duration::from_secs(5)).await;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::ZERO);
    assert!(!is_frozen(&stack).await?);
    assert_eq!(decision(&function, &tick()).await?, "applied applied");
    let noted = freeze_on_record(&stack).await?.context("not on record")?;
    assert!(is_frozen(&stack).await? && noted["reason"] == "alarm negative-loans rang", "{noted}");
    Ok(())
}

#[tokio::test]
async fn a_deployment_that_does_not_end_is_passed_up() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::from_mins(5));
    stack.sandbox.release(&[]).await?;
    assert_eq!(decision(&function, &on()).await?, "refused deployment_in_progress");
    time_is_over(&stack).await?;
    assert_eq!(decision(&function, &tick()).await?, "failed not_frozen");
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_to_look_after");
    Ok(())
}
