//! A run that is killed leaves its intent; the next delivery finishes that and nothing more.

use sandbox::{
    gateway::{Fault, Rule},
    stack::SHORT_DEADLINE,
};

use super::*;

/// Kills a run when the k-th call of an operation has taken effect, delivers the event again before and
/// after the lease has ended, and tells what came of it.
async fn kill_after(service: &str, operation: &str, k: usize) -> anyhow::Result<(Stack, Value)> {
    let stack = Stack::start().await?;
    let event = alarm(Timestamp::now());
    stack.kill_after(&event, service, operation, k).await?;
    let next = stack.function(&[]).await?;
    let early = decision(&next, &event).await?;
    assert!(["refused claimed_by_another", "replayed applied"].contains(&early.as_str()), "{early}");
    tokio::time::sleep(SHORT_DEADLINE).await;
    let finished = outcome(&next, &event).await?;
    Ok((stack, finished))
}

#[tokio::test]
async fn killed_after_the_claim_the_next_delivery_carries_out_the_intent() -> Test {
    let (stack, finished) = kill_after("dynamodb", "TransactWriteItems", 1).await?;
    assert_eq!(read(&finished), "applied applied");
    assert!(finished["reason"].as_str().unwrap_or_default().starts_with("finished what run"), "{finished}");
    assert_eq!((stack.updates(), stack.sandbox.desired_count().await?), (1, 3));
    Ok(())
}

#[tokio::test]
async fn killed_after_the_update_the_next_delivery_does_it_no_second_time() -> Test {
    let (stack, finished) = kill_after("ecs", "UpdateService", 1).await?;
    assert_eq!(read(&finished), "applied applied");
    assert_eq!(finished["steps"][1]["result"], "already_done");
    assert_eq!((stack.updates(), stack.sandbox.desired_count().await?), (1, 3));
    assert_eq!(stack.audit().await?.last().map(String::as_str), Some("applied applied"));
    Ok(())
}

#[tokio::test]
async fn killed_after_the_record_the_next_delivery_replays_it() -> Test {
    let (stack, finished) = kill_after("dynamodb", "TransactWriteItems", 2).await?;
    assert_eq!(read(&finished), "replayed applied");
    assert_eq!((stack.updates(), stack.sandbox.desired_count().await?), (1, 3));
    Ok(())
}

#[tokio::test]
async fn the_scheduled_run_finishes_what_a_dead_run_began() -> Test {
    let stack = Stack::start().await?;
    let fault = Rule::new("ecs", "UpdateService", Fault::InternalError).of("scale-up").times(4);
    stack.sandbox.gateway.faults().add(fault);
    let function = stack.function(&[]).await?;
    assert_eq!(decision(&function, &alarm(Timestamp::now())).await?, "failed action_failed");
    assert_eq!(stack.sandbox.desired_count().await?, 2);
    assert_eq!(decision(&function, &tick()).await?, "applied applied");
    assert_eq!(stack.sandbox.desired_count().await?, 3);
    Ok(())
}

#[tokio::test]
async fn what_somebody_did_meanwhile_is_not_undone() -> Test {
    let stack = Stack::start().await?;
    stack
        .sandbox
        .gateway
        .faults()
        .add(Rule::new("ecs", "UpdateService", Fault::InternalError).of("scale-up").times(4));
    let function = stack.function(&[]).await?;
    assert_eq!(decision(&function, &alarm(Timestamp::now())).await?, "failed action_failed");
    stack.set_desired_count(6).await?;
    let finished = outcome(&function, &tick()).await?;
    assert_eq!(finished["steps"][1]["result"], "already_done");
    assert_eq!(stack.sandbox.desired_count().await?, 6);
    Ok(())
}

/// As much of `make chaos` as a test has time for.
#[tokio::test]
async fn it_holds_wherever_it_is_struck() -> Test {
    scenarios::chaos::hold("scale-up").await
}
