//! The other remedies know of a freeze. They run as the template deploys them.

use super::*;

/// A stack that runs release 1, with those whose doings a freeze is to outlast.
async fn start() -> anyhow::Result<Stack> {
    Stack::start_beside(&["health-probe", "rollback", "scale-up"], "write-freeze", &[]).await
}

/// Release 1 ran, then 2; writes were frozen with the copy 3.
async fn frozen() -> anyhow::Result<(Stack, Bootstrap)> {
    let stack = start().await?;
    stack.sandbox.release(&[]).await?;
    let function = stack.function(&[("VERIFY_SECONDS", "10")]).await?;
    assert_eq!(decision(&function, &on()).await?, "applied applied");
    assert_eq!(stack.sandbox.runs().await?, release(3));
    Ok((stack, function))
}

/// The tag with the release that it is the frozen copy of.
fn frozen_from(tags: &[(String, String)]) -> Option<&str> {
    tags.iter().find(|(key, _)| key == "lendpeak2:frozen-from").map(|(_, value)| value.as_str())
}

async fn rolls_back(stack: &Stack, to: &str, of: u32) -> anyhow::Result<Value> {
    let outcome = stack.sandbox.clients.ask("rollback", &json!({ "to": to, "reason": "a test" })).await?;
    assert_eq!(read(&outcome), "applied applied", "{outcome:#}");
    assert_eq!(outcome["verification"]["verified"], true, "{outcome:#}");
    let (definition, tags) = running(stack).await?;
    assert_eq!(frozen_from(&tags), Some(release(of).as_str()), "{outcome:#}");
    assert!(variables(&definition).contains(&"READONLY_MODE=true".to_owned()), "{outcome:#}");
    assert_eq!(write(stack).await?, "503");
    Ok(outcome)
}

#[tokio::test]
async fn what_rollback_goes_back_to_is_frozen_too() -> Test {
    let (stack, function) = frozen().await?;
    stack.sandbox.release(&[("BROKEN", "true")]).await?;
    let outcome = rolls_back(&stack, "previous", 2).await?;
    let reason = outcome["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("writes are frozen since") && reason.contains("and stay so"), "{reason}");
    // The copy from before.
    assert_eq!(stack.sandbox.runs().await?, release(3));
    // And an older one, by a copy of its own.
    rolls_back(&stack, &release(1), 1).await?;
    assert_eq!(stack.sandbox.runs().await?, release(5));
    assert_eq!(decision(&function, &on()).await?, "nothing_to_do already_frozen");
    assert_eq!(decision(&function, &off()).await?, "applied applied");
    assert_eq!((stack.sandbox.runs().await?, write(&stack).await?), (release(1), "201".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_roll_back_by_ecs_that_would_end_the_freeze_is_not_asked_for() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    // A release that runs, is frozen on record, and is not frozen: as if somebody had deployed it since.
    assert_eq!(decision(&function, &on()).await?, "applied applied");
    stack.sandbox.release(&[]).await?;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::from_secs(5));
    stack.sandbox.release(&[("BROKEN", "true")]).await?;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::ZERO);
    rolls_back(&stack, "previous", 3).await?;
    let calls = stack.sandbox.gateway.record().names("rollback");
    assert!(!calls.contains(&"ecs StopServiceDeployment".to_owned()), "{calls:?}");
    Ok(())
}

#[tokio::test]
async fn a_roll_back_by_ecs_to_what_is_frozen_is() -> Test {
    let (stack, _) = frozen().await?;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::from_secs(2));
    stack.sandbox.release(&[("BROKEN", "true")]).await?;
    rolls_back(&stack, "previous", 2).await?;
    let calls = stack.sandbox.gateway.record().names("rollback");
    assert!(calls.contains(&"ecs StopServiceDeployment".to_owned()), "{calls:?}");
    Ok(())
}

#[tokio::test]
async fn after_a_freeze_nothing_goes_back_to_its_copy() -> Test {
    let (stack, function) = frozen().await?;
    assert_eq!(decision(&function, &off()).await?, "applied applied");
    stack.sandbox.release(&[("BROKEN", "true")]).await?;
    let refused = stack.sandbox.clients.ask("rollback", &json!({ "to": release(3) })).await?;
    assert_eq!(read(&refused), "refused frozen_copy", "{refused:#}");
    let back = stack.sandbox.clients.ask("rollback", &json!({ "to": "previous" })).await?;
    assert_eq!(read(&back), "applied applied", "{back:#}");
    assert_eq!((stack.sandbox.runs().await?, write(&stack).await?), (release(2), "201".to_owned()));
    Ok(())
}

#[tokio::test]
async fn rollback_takes_a_frozen_release_for_what_it_is() -> Test {
    let (stack, _) = frozen().await?;
    let same = stack.sandbox.clients.ask("rollback", &json!({ "to": release(2) })).await?;
    assert_eq!(read(&same), "nothing_to_do already_runs", "{same:#}");
    // It is the release that is bad, not its copy.
    rolls_back(&stack, "previous", 1).await?;
    let noted = stack.item(&format!("release#{TARGET}"), &release(2)).await?;
    assert!(noted.is_some_and(|release| release["rolled_back_at"].is_string()));
    Ok(())
}

#[tokio::test]
async fn scale_up_says_so_and_acts() -> Test {
    let (stack, _) = frozen().await?;
    let outcome = stack.sandbox.clients.ask("scale-up", &json!({ "by": 1 })).await?;
    assert_eq!(read(&outcome), "applied applied", "{outcome:#}");
    assert!(outcome["reason"].as_str().is_some_and(|reason| reason.contains("; writes are frozen since 20")));
    assert_eq!(stack.sandbox.desired_count().await?, 3);
    assert!(is_frozen(&stack).await?);
    Ok(())
}

#[tokio::test]
async fn while_another_remedy_is_at_work_it_waits_for_that_to_end() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let until = |seconds: i64| {
        let until = Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap_or_default();
        until.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
    };
    let key = format!("target#{TARGET}");
    stack.put(&key, "holder", &[("held_by", "rollback"), ("lease_until", &until(30))]).await?;
    assert_eq!(decision(&function, &on()).await?, "refused held_by_another_remedy");
    stack.put(&key, "holder", &[("held_by", "rollback"), ("lease_until", &until(-1))]).await?;
    assert_eq!(decision(&function, &on()).await?, "applied applied");
    assert_eq!(stack.item(&key, "holder").await?, None);
    Ok(())
}
