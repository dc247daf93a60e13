//! A run that is killed leaves its intent; the next delivery finishes that, and CloudFront sees one invalidation.

use sandbox::gateway::{Fault, Rule};

use super::*;

/// Kills a run when the k-th call of an operation has taken effect, and tells what came of the event's next
/// delivery after the lease has ended.
async fn kill_after(service: &str, operation: &str, k: usize) -> anyhow::Result<(Stack, Value)> {
    let stack = Stack::start().await?;
    let event = built(1);
    stack.kill_after(&event, service, operation, k).await?;
    let next = stack.function(&[]).await?;
    tokio::time::sleep(SHORT_DEADLINE).await;
    let finished = outcome(&next, &event).await?;
    Ok((stack, finished))
}

#[tokio::test]
async fn killed_at_any_call_the_next_delivery_comes_to_the_same_end() -> Test {
    for (service, operation, k, expected) in [
        ("dynamodb", "BatchGetItem", 1, "applied applied"),
        ("cloudfront", "ListInvalidations", 1, "applied applied"),
        ("dynamodb", "TransactWriteItems", 1, "applied applied"),
        ("cloudfront", "CreateInvalidation", 1, "applied applied"),
        ("cloudfront", "ListInvalidations", 2, "applied applied"),
        ("cloudfront", "GetInvalidation", 1, "applied applied"),
        ("dynamodb", "TransactWriteItems", 2, "replayed applied"),
    ] {
        let (stack, finished) = kill_after(service, operation, k).await?;
        let whence = format!("killed at {operation} {k}: {finished}");
        assert_eq!(read(&finished), expected, "{whence}");
        assert_eq!(stack.sent(), [["/*"]], "{whence}");
        assert!(!stack.is_looked_after().await?, "{whence}");
        assert!(
            stack
                .audit()
                .await?
                .iter()
                .all(|one| ["applied applied", "replayed applied"].contains(&one.as_str())),
            "{whence}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_had_arrived_is_said_to_be_done_already() -> Test {
    let (stack, finished) = kill_after("cloudfront", "CreateInvalidation", 1).await?;
    assert_eq!(finished["steps"][0]["result"], "already_done");
    assert_eq!(stack.count("cloudfront CreateInvalidation"), 1);
    Ok(())
}

#[tokio::test]
async fn the_next_build_finishes_what_failed_and_is_answered_too() -> Test {
    let stack = Stack::start().await?;
    let fault = Rule::new("cloudfront", "CreateInvalidation", Fault::InternalError).of(FUNCTION).times(4);
    stack.sandbox.gateway.faults().add(fault);
    let function = stack.function(&[]).await?;
    assert_eq!(decision(&function, &built(1)).await?, "failed action_failed");
    let both = outcome(&function, &built(2)).await?;
    let decisions: Vec<String> =
        both["outcomes"].as_array().context("one answer")?.iter().map(read).collect();
    assert_eq!(decisions, ["applied applied", "applied applied"]);
    assert!(text(&both, "/outcomes/0/reason").starts_with("finished what run"), "{both:#}");
    assert_eq!(stack.sent(), [["/*"], ["/*"]]);
    Ok(())
}

/// What fails again is not tried for ever.
#[tokio::test]
async fn the_next_build_meets_the_same_failure_once() -> Test {
    let stack = Stack::start().await?;
    let fault = Rule::new("cloudfront", "CreateInvalidation", Fault::InternalError).of(FUNCTION).times(8);
    stack.sandbox.gateway.faults().add(fault);
    let function = stack.function(&[]).await?;
    assert_eq!(decision(&function, &built(1)).await?, "failed action_failed");
    assert_eq!(decision(&function, &built(2)).await?, "failed action_failed");
    assert_eq!(stack.count("cloudfront CreateInvalidation"), 8);
    Ok(())
}

/// As much of `make chaos` as a test has time for.
#[tokio::test]
async fn it_holds_wherever_it_is_struck() -> Test {
    scenarios::chaos::hold("cache-invalidation").await
}
