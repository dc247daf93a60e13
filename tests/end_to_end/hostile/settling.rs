//! What a run has come to is recorded first and told after: a telling that fails is made up for.

use sandbox::{
    gateway::{Fault, Rule},
    runtime_api::Answer,
};

use super::*;

const FOLLOW_UP: &str = "restart#follow-up";

fn no_sns(fixture: &Fixture, times: usize) {
    fixture
        .sandbox
        .gateway
        .faults()
        .add(Rule::new("sns", "Publish", Fault::Denied).of("restart").times(times));
}

/// A restart that has not ended when its time is over.
async fn overdue(fixture: &Fixture) -> anyhow::Result<Bootstrap> {
    fixture.sandbox.release(&[]).await?;
    fixture.sandbox.gateway.ecs().set_rollout_time(Duration::from_mins(5));
    fixture.sandbox.gateway.ecs().age_deployments(Duration::from_hours(1));
    let function = fixture.function(&[]).await?;
    let begun = outcome(&function, &by_hand("restart")).await?;
    ensure!(read(&begun) == "applied applied", "{begun:#}");
    fixture.change(&of_service(), FOLLOW_UP, "due", json!("2026-01-01T00:00:00Z")).await?;
    Ok(function)
}

/// Told by the next scheduled run whose turn it is, and by no other.
async fn is_told_once_later(fixture: &Fixture, by: &str, words: &str) -> Test {
    ensure!(fixture.told_of(words) == 0, "{:?}", fixture.told());
    ensure!(fixture.owed().await?.len() == 1, "{:?}", fixture.owed().await?);
    let function = fixture.a(by, &[]).await?;
    outcome(&function, &tick()).await?;
    ensure!(fixture.told_of(words) == 0, "its own run may still be at it: {:?}", fixture.told());
    time::passes(&fixture.sandbox, SignedDuration::from_mins(2)).await?;
    for _ in 0..2 {
        outcome(&function, &tick()).await?;
        ensure!(fixture.told_of(words) == 1, "{:?}", fixture.told());
        ensure!(fixture.owed().await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn the_end_of_a_restart_that_sns_did_not_take_is_told_by_another_function() -> Test {
    let fixture = Fixture::start("restart").await?;
    let function = overdue(&fixture).await?;
    no_sns(&fixture, 1);
    let ended = outcome(&function, &tick()).await?;
    assert_eq!(read(&ended), "failed not_verified", "{ended:#}");
    assert!(ended["reason"].as_str().unwrap_or_default().contains("people are told later"), "{ended:#}");
    assert_eq!(fixture.audit().await?, ["applied applied", "failed not_verified"]);
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_to_look_after");
    is_told_once_later(&fixture, "scale-up", "restart failed").await
}

#[tokio::test]
async fn the_end_of_a_restart_whose_run_was_killed_then_is_on_record_and_told() -> Test {
    let fixture = Fixture::start("restart").await?;
    overdue(&fixture).await?;
    fixture.kill_after(&tick(), "dynamodb", "TransactWriteItems", 1).await?;
    assert_eq!(fixture.audit().await?, ["applied applied", "failed not_verified"]);
    assert_eq!(fixture.item(&of_service(), FOLLOW_UP).await?, None);
    is_told_once_later(&fixture, "restart", "restart failed").await
}

#[tokio::test]
async fn a_plan_that_waits_for_a_person_is_told_also_where_sns_was_denied_at_first() -> Test {
    let fixture = Fixture::start("restart").await?;
    fixture.sandbox.release(&[]).await?;
    put_alarm(&fixture.sandbox, "leak", ["AWS/ECS", "MemoryUtilization"], &OF_SERVICE).await?;
    let asking = fixture.function(&[("MODE", "approve")]).await?;
    no_sns(&fixture, 1);
    let rings = stack::alarm("leak", ["AWS/ECS", "MemoryUtilization"], &OF_SERVICE, Timestamp::now());
    let asked = outcome(&asking, &rings).await?;
    assert_eq!(read(&asked), "awaiting_approval approval_needed", "{asked:#}");
    is_told_once_later(&fixture, "restart", "approve").await?;
    assert_eq!(decision(&asking, &asked["next"]["send"]).await?, "applied applied");
    Ok(())
}

/// Nothing is changed, nothing recorded, nobody told: Lambda repeats the event, and in the end the dead letters ring.
#[tokio::test]
async fn an_alarm_that_can_neither_be_recorded_nor_told_is_an_error() -> Test {
    let fixture = Fixture::start("restart").await?;
    fixture.sandbox.release(&[]).await?;
    put_alarm(&fixture.sandbox, "leak", ["AWS/ECS", "MemoryUtilization"], &OF_SERVICE).await?;
    let rings = stack::alarm("leak", ["AWS/ECS", "MemoryUtilization"], &OF_SERVICE, Timestamp::now());
    let function = fixture.function(&[]).await?;
    for operation in ["BatchGetItem", "TransactWriteItems"] {
        no_sns(&fixture, 100);
        for operation in [operation, "PutItem"] {
            let down = Rule::new("dynamodb", operation, Fault::Throttle).of("restart").times(100);
            fixture.sandbox.gateway.faults().add(down);
        }
        let answer = function.invoke(rings.to_string(), stack::DEADLINE).await;
        assert!(matches!(answer, Answer::Err { .. }), "{operation}: {answer:?}");
        assert!(fixture.changes().is_empty(), "{operation}: {:?}", fixture.changes());
        fixture.sandbox.gateway.faults().clear();
    }
    assert_eq!(decision(&function, &rings).await?, "applied applied");
    Ok(())
}
