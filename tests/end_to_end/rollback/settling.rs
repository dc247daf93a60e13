//! A roll-back takes longer than a run: the scheduled run says how it went, once.

use super::*;

const FOLLOW_UP: &str = "rollback#follow-up";

fn key() -> String {
    format!("target#{TARGET}")
}

/// A roll-back that ECS has begun and that takes so long.
async fn begun(stack: &Stack, function: &Bootstrap, takes: Duration, event: &Value) -> Test {
    stack.sandbox.gateway.ecs().set_rollout_time(takes);
    let outcome = outcome(function, event).await?;
    assert_eq!(read(&outcome), "applied applied");
    assert_eq!(outcome["verification"]["verified"], false);
    let next = outcome["next"]["what"].as_str().unwrap_or_default();
    assert!(next.starts_with("nothing yet: the scheduled run goes on looking"), "{next}");
    Ok(())
}

#[tokio::test]
async fn a_roll_back_that_settles_later_is_recorded_as_verified_once() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[]).await?;
    begun(&stack, &function, Duration::from_secs(4), &alarm()).await?;
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do still_settling");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let told = stack.count("sns Publish");
    let verified = outcome(&function, &tick()).await?;
    assert_eq!(read(&verified), "nothing_to_do verified", "{verified:#}");
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_to_look_after");
    assert_eq!(stack.audit().await?, ["applied applied", "nothing_to_do verified"]);
    assert_eq!(stack.item(&key(), FOLLOW_UP).await?, None);
    assert_eq!(stack.count("sns Publish"), told);
    Ok(())
}

#[tokio::test]
async fn a_roll_back_that_does_not_help_is_passed_up() -> Test {
    let stack = start_broken().await?;
    stack.sandbox.release(&[("BROKEN", "true")]).await?;
    let topic = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";
    let function = stack.function(&[("NOTICE_TOPIC_ARN", topic)]).await?;
    begun(&stack, &function, Duration::ZERO, &json!({ "to": release(3) })).await?;
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do still_settling");
    // As if a quarter of an hour had gone by.
    let mut due = stack.data(&key(), FOLLOW_UP).await?;
    due["due"] = json!("2026-11-20T10:00:00Z");
    stack.put(&key(), FOLLOW_UP, &[("due", "2026-11-20T10:00:00Z"), ("data", &due.to_string())]).await?;
    let told = stack.count("sns Publish");
    let given_up = outcome(&function, &tick()).await?;
    assert_eq!(read(&given_up), "failed not_verified");
    assert_eq!(given_up["next"]["level"], 2);
    let reason = given_up["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("but /health fails"), "{reason}");
    assert_eq!(stack.count("sns Publish"), told + 1);
    assert_eq!(stack.audit().await?, ["applied applied", "failed not_verified"]);
    Ok(())
}

#[tokio::test]
async fn a_release_deployed_since_ends_the_looking_after() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[]).await?;
    begun(&stack, &function, Duration::from_mins(5), &alarm()).await?;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::ZERO);
    stack.sandbox.release(&[]).await?;
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do superseded");
    assert_eq!(stack.item(&key(), FOLLOW_UP).await?, None);
    assert_eq!(stack.sandbox.runs().await?, release(4));
    Ok(())
}
