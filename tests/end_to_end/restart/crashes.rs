//! Killed at each call in turn: the next delivery or the schedule ends at the same place.

use sandbox::stack::{NumberedCall, each_in_a_sandbox};

use super::*;

/// The calls of a run that restarts.
async fn calls_of_a_run() -> anyhow::Result<Vec<NumberedCall>> {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    assert_eq!(decision(&function, &alarm()).await?, "applied applied");
    Ok(stack.numbered_calls())
}

async fn killed_after(service: &str, operation: &str, k: usize) -> Test {
    let stack = start().await?;
    let event = alarm();
    stack.kill_after(&event, service, operation, k).await?;
    let next = stack.function(&[]).await?;
    let at_once = decision(&next, &event).await?;
    let allowed = ["applied applied", "refused claimed_by_another", "replayed applied"];
    let place = format!("killed after {service} {operation} {k}");
    assert!(allowed.contains(&at_once.as_str()), "{place}: {at_once}");
    if at_once == "refused claimed_by_another" {
        tokio::time::sleep(SHORT_DEADLINE).await;
        assert_eq!(decision(&next, &tick()).await?, "applied applied", "{place}");
    }
    assert_eq!((updates(&stack), deployments(&stack).await?), (1, 3), "{place}");
    assert_eq!(stack.sandbox.runs().await?, release(2), "{place}");
    assert!(stack.audit().await?.contains(&"applied applied".to_owned()), "{place}");
    // Whoever carried it out, it is looked after to its end.
    assert_eq!(decision(&next, &tick()).await?, "nothing_to_do verified", "{place}");
    Ok(())
}

#[tokio::test]
async fn killed_after_any_call_it_restarts_once() -> Test {
    let calls = calls_of_a_run().await?;
    assert!(calls.len() > 8, "{calls:?}");
    each_in_a_sandbox(
        calls,
        |(service, operation, k)| async move { killed_after(&service, &operation, k).await },
    )
    .await
}

#[tokio::test]
async fn what_somebody_deployed_meanwhile_is_not_restarted() -> Test {
    let stack = start().await?;
    stack.kill_after(&alarm(), "dynamodb", "TransactWriteItems", 1).await?;
    stack.sandbox.release(&[]).await?;
    tokio::time::sleep(SHORT_DEADLINE).await;
    let next = stack.function(&[]).await?;
    let finished = outcome(&next, &tick()).await?;
    assert_eq!(finished["steps"][0]["result"], "already_done", "{finished:#}");
    assert_eq!((updates(&stack), stack.sandbox.runs().await?), (0, release(3)));
    assert_eq!(decision(&next, &tick()).await?, "nothing_to_do superseded");
    Ok(())
}

/// As much of `make chaos` as a test has time for.
#[tokio::test]
async fn it_holds_wherever_it_is_struck() -> Test {
    scenarios::chaos::hold("restart").await
}

/// The call has no token.
#[tokio::test]
async fn what_took_effect_although_its_answer_was_lost_is_not_done_again() -> Test {
    scenarios::chaos::hold_there("restart/restart ecs UpdateService 1/cut-short").await
}
