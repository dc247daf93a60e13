//! Killed at each call in turn: the next delivery or the schedule ends at the same place.

use sandbox::stack::{NumberedCall, SHORT_DEADLINE, each_in_a_sandbox};

use super::*;

/// The calls of a run that rolls back.
async fn calls_of_a_run() -> anyhow::Result<Vec<NumberedCall>> {
    let stack = start_broken().await?;
    let function = stack.function(&[]).await?;
    assert_eq!(decision(&function, &alarm()).await?, "applied applied");
    Ok(stack.numbered_calls())
}

async fn killed_after(service: &str, operation: &str, k: usize) -> Test {
    let stack = start_broken().await?;
    let event = alarm();
    stack.kill_after(&event, service, operation, k).await?;
    let next = stack.function(&[]).await?;
    let at_once = decision(&next, &event).await?;
    let allowed = ["applied applied", "refused claimed_by_another", "replayed applied"];
    let place = format!("killed after {service} {operation} {k}");
    assert!(allowed.contains(&at_once.as_str()), "{place}: {at_once}");
    if at_once == "refused claimed_by_another" {
        tokio::time::sleep(SHORT_DEADLINE).await;
        let by_schedule = decision(&next, &tick()).await?;
        assert_eq!(by_schedule, "applied applied", "{place}");
    }
    assert_eq!(stack.sandbox.runs().await?, release(2), "{place}");
    assert_eq!(stack.count("ecs UpdateService"), 1, "{place}");
    let noted = stack.item(&format!("release#{TARGET}"), &release(3)).await?;
    assert!(noted.is_some_and(|release| release["rolled_back_at"].is_string()), "{place}");
    assert!(stack.audit().await?.contains(&"applied applied".to_owned()), "{place}");
    Ok(())
}

#[tokio::test]
async fn killed_after_any_call_it_rolls_back_once() -> Test {
    let calls = calls_of_a_run().await?;
    assert!(calls.len() > 10, "{calls:?}");
    each_in_a_sandbox(
        calls,
        |(service, operation, k)| async move { killed_after(&service, &operation, k).await },
    )
    .await
}

#[tokio::test]
async fn what_somebody_deployed_meanwhile_is_not_rolled_back() -> Test {
    let stack = start_broken().await?;
    stack.kill_after(&alarm(), "dynamodb", "TransactWriteItems", 1).await?;
    stack.sandbox.release(&[]).await?;
    tokio::time::sleep(SHORT_DEADLINE).await;
    let next = stack.function(&[]).await?;
    let finished = outcome(&next, &tick()).await?;
    assert_eq!(read(&finished), "nothing_to_do changed_meanwhile", "{finished:#}");
    assert_eq!(finished["steps"][0]["result"], "left_alone", "{finished:#}");
    // Nobody rolled back from it.
    let known = stack.item(&format!("release#{TARGET}"), &release(3)).await?;
    assert!(known.is_none_or(|known| known.get("rolled_back_at").is_none()));
    assert_eq!(stack.sandbox.runs().await?, release(4));
    Ok(())
}

/// As much of `make chaos` as a test has time for.
#[tokio::test]
async fn it_holds_wherever_it_is_struck() -> Test {
    scenarios::chaos::hold("rollback").await
}
