//! Killed at each call in turn: the next delivery or the schedule ends at the same place.

use sandbox::stack::{NumberedCall, SHORT_DEADLINE, each_in_a_sandbox};

use super::*;

/// The calls of a run.
async fn calls_of(event: &Value) -> anyhow::Result<Vec<NumberedCall>> {
    let stack = stack_for(event).await?;
    let function = stack.function(&[]).await?;
    stack.sandbox.gateway.record().clear();
    assert_eq!(decision(&function, event).await?, "applied applied");
    Ok(stack.numbered_calls())
}

/// One on which the event has something to do.
async fn stack_for(event: &Value) -> anyhow::Result<Stack> {
    let stack = start().await?;
    if event["state"] == "off" {
        assert_eq!(decision(&stack.function(&[]).await?, &on()).await?, "applied applied");
    }
    Ok(stack)
}

async fn killed_after(event: &Value, service: &str, operation: &str, k: usize) -> Test {
    let stack = stack_for(event).await?;
    let updates = stack.count("ecs UpdateService");
    stack.kill_after(event, service, operation, k).await?;
    let next = stack.function(&[]).await?;
    let at_once = decision(&next, event).await?;
    let place = format!("{event} killed after {service} {operation} {k}");
    let allowed = [
        "applied applied",
        "refused claimed_by_another",
        "nothing_to_do already_frozen",
        "nothing_to_do not_frozen",
    ];
    assert!(allowed.contains(&at_once.as_str()), "{place}: {at_once}");
    if at_once == "refused claimed_by_another" {
        tokio::time::sleep(SHORT_DEADLINE).await;
        assert_eq!(decision(&next, &tick()).await?, "applied applied", "{place}");
    }
    let is_on = event["state"] == "on";
    assert_eq!(stack.sandbox.runs().await?, release(if is_on { 2 } else { 1 }), "{place}");
    assert_eq!(freeze_on_record(&stack).await?.is_some(), is_on, "{place}");
    assert_eq!(stack.count("ecs UpdateService"), updates + 1, "{place}");
    assert_eq!(stack.count("ecs RegisterTaskDefinition"), 1, "{place}");
    assert!(stack.audit().await?.contains(&"applied applied".to_owned()), "{place}");
    Ok(())
}

async fn killed_anywhere(event: Value, at_least: usize) -> Test {
    let calls = calls_of(&event).await?;
    assert!(calls.len() >= at_least, "{calls:?}");
    each_in_a_sandbox(calls, |(service, operation, k)| {
        let event = event.clone();
        async move { killed_after(&event, &service, &operation, k).await }
    })
    .await
}

#[tokio::test]
async fn killed_after_any_call_it_freezes_once() -> Test {
    killed_anywhere(on(), 11).await
}

#[tokio::test]
async fn killed_after_any_call_it_goes_back_once() -> Test {
    killed_anywhere(off(), 8).await
}

#[tokio::test]
async fn what_somebody_deployed_meanwhile_is_not_undone_and_people_are_told() -> Test {
    let stack = start().await?;
    stack.kill_after(&on(), "dynamodb", "TransactWriteItems", 1).await?;
    stack.sandbox.release(&[]).await?;
    tokio::time::sleep(SHORT_DEADLINE).await;
    let next = stack.function(&[]).await?;
    let finished = outcome(&next, &tick()).await?;
    assert_eq!(read(&finished), "nothing_to_do changed_meanwhile", "{finished:#}");
    assert_eq!(finished["steps"][0]["result"], "left_alone", "{finished:#}");
    let told = finished["next"]["what"].as_str().unwrap_or_default();
    assert!(told.contains("send the request again"), "{finished:#}");
    assert_eq!(stack.sandbox.runs().await?, release(2));
    // No remedy takes it for frozen.
    assert_eq!(stack.item(&format!("target#{TARGET}"), "freeze").await?, None);
    assert_eq!(decision(&next, &tick()).await?, "nothing_to_do nothing_to_look_after");
    Ok(())
}

#[tokio::test]
async fn a_call_that_fails_is_tried_again_by_the_schedule() -> Test {
    use sandbox::gateway::{Fault, Rule};
    let stack = start().await?;
    for fault in [Fault::InternalError, Fault::Throttle] {
        let rule = Rule::new("ecs", "RegisterTaskDefinition", fault).of("write-freeze").times(4);
        stack.sandbox.gateway.faults().add(rule);
    }
    let function = stack.function(&[]).await?;
    for event in [on(), tick()] {
        assert_eq!(decision(&function, &event).await?, "failed action_failed");
        // Said before it is so.
        assert!(freeze_on_record(&stack).await?.is_some() && !is_frozen(&stack).await?);
    }
    assert_eq!(decision(&function, &tick()).await?, "applied applied");
    assert!(is_frozen(&stack).await?);
    Ok(())
}

/// As much of `make chaos` as a test has time for.
#[tokio::test]
async fn it_holds_wherever_it_is_struck() -> Test {
    scenarios::chaos::hold("write-freeze").await
}

/// The call has no token.
#[tokio::test]
async fn what_took_effect_although_its_answer_was_lost_is_not_done_again() -> Test {
    scenarios::chaos::hold_there("write-freeze/write-freeze ecs RegisterTaskDefinition 1/cut-short").await
}
