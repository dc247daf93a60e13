//! A plan that waits for a person: carried out once, in time, and only if it is still the same.

use sandbox::gateway::{Fault, Rule};

use super::*;

async fn ask(stack: &Stack, function: &Bootstrap) -> anyhow::Result<Value> {
    let asked = outcome(function, &alarm(Timestamp::now())).await?;
    assert_eq!(read(&asked), "awaiting_approval approval_needed");
    assert_eq!(stack.sandbox.desired_count().await?, 2);
    Ok(asked["next"]["send"].clone())
}

fn id(approval: &Value) -> &str {
    approval["approve"].as_str().unwrap_or_default()
}

/// The ledger's key of the plan: an id says which plan it is for, and then which time it was asked for.
fn plan(approval: &Value) -> &str {
    id(approval).get(..10).unwrap_or_default()
}

#[tokio::test]
async fn an_approved_plan_is_carried_out_once() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("MODE", "approve"), ("COOLDOWN_SECONDS", "0")]).await?;
    let approval = ask(&stack, &function).await?;
    assert_eq!(stack.updates(), 0);
    assert_eq!(decision(&function, &approval).await?, "applied applied");
    assert_eq!(stack.sandbox.desired_count().await?, 3);
    assert_eq!(decision(&function, &approval).await?, "refused approval_used");
    assert_eq!((stack.updates(), stack.sandbox.desired_count().await?), (1, 3));
    Ok(())
}

#[tokio::test]
async fn a_question_that_could_not_be_kept_is_none() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("MODE", "approve")]).await?;
    let denied = || Rule::new("dynamodb", "TransactWriteItems", Fault::Denied).of("scale-up");
    let event = alarm(Timestamp::now());
    stack.sandbox.gateway.faults().add(denied());
    // Lambda repeats the event.
    assert!(matches!(send(&function, &event).await, Answer::Err { .. }));
    assert_eq!(decision(&function, &event).await?, "awaiting_approval approval_needed");
    // A person is told, and has no id that means nothing.
    stack.sandbox.gateway.faults().add(denied());
    let refused = outcome(&function, &json!({ "desired_count": 5, "reason": "a sale" })).await?;
    assert_eq!(read(&refused), "refused ledger_unavailable");
    assert_eq!(refused["next"]["send"], Value::Null);
    Ok(())
}

/// Where it was refused once, as by a policy that has only just changed.
#[tokio::test]
async fn what_was_done_is_recorded_although_the_record_was_refused_at_first() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("VERIFY_SECONDS", "0")]).await?;
    let event = alarm(Timestamp::now());
    let first = Rule::new("dynamodb", "TransactWriteItems", Fault::Denied).of("scale-up").at(2);
    stack.sandbox.gateway.faults().add(first);
    let applied = outcome(&function, &event).await?;
    assert_eq!(read(&applied), "applied applied", "{applied:#}");
    assert!(stack.sandbox.gateway.faults().left().is_empty(), "nothing was refused");
    assert!(!applied["reason"].to_string().contains("cannot write"), "{}", applied["reason"]);
    assert_eq!(decision(&function, &event).await?, "replayed applied");
    Ok(())
}

#[tokio::test]
async fn the_same_event_asks_the_same_question() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("MODE", "approve")]).await?;
    let event = alarm(Timestamp::now());
    let first = outcome(&function, &event).await?;
    let second = outcome(&function, &event).await?;
    assert_eq!(first["next"]["send"], second["next"]["send"]);
    assert_eq!(read(&second), "nothing_to_do approval_pending");
    Ok(())
}

#[tokio::test]
async fn an_approval_is_refused_when_things_have_changed() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("MODE", "approve")]).await?;
    let approval = ask(&stack, &function).await?;
    stack.set_desired_count(4).await?;
    assert_eq!(decision(&function, &approval).await?, "refused plan_changed");
    assert_eq!((stack.updates(), stack.sandbox.desired_count().await?), (0, 4));
    Ok(())
}

#[tokio::test]
async fn an_expired_approval_is_refused() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("MODE", "approve")]).await?;
    let approval = ask(&stack, &function).await?;
    stack.change("approval#scale-up", plan(&approval), "expires", json!("2026-01-01T00:00:00Z")).await?;
    assert_eq!(decision(&function, &approval).await?, "refused approval_expired");
    assert_eq!(stack.updates(), 0);
    Ok(())
}

#[tokio::test]
async fn an_unknown_approval_is_refused() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("MODE", "approve")]).await?;
    ask(&stack, &function).await?;
    assert_eq!(decision(&function, &json!({ "approve": "0123456789ab" })).await?, "refused approval_unknown");
    // Longer than a key of the ledger, and than what anybody reads.
    let unknown = outcome(&function, &json!({ "approve": "x".repeat(2_000) })).await?;
    assert_eq!(read(&unknown), "refused approval_unknown");
    let reason = unknown["reason"].as_str().unwrap_or_default();
    assert!(reason.starts_with("no plan `xxx") && reason.len() < 300, "{reason}");
    assert_eq!(stack.updates(), 0);
    Ok(())
}

#[tokio::test]
async fn two_approvals_at_once_act_once() -> Test {
    let stack = Stack::start().await?;
    let settings = [("MODE", "approve"), ("COOLDOWN_SECONDS", "0")];
    let (one, other) = (stack.function(&settings).await?, stack.function(&settings).await?);
    let approval = ask(&stack, &one).await?;
    let (first, second) = tokio::join!(decision(&one, &approval), decision(&other, &approval));
    let mut answers = [first?, second?];
    answers.sort();
    assert_eq!(answers[0], "applied applied", "{answers:?}");
    assert!(answers[1].starts_with("refused"), "{answers:?}");
    assert_eq!((stack.updates(), stack.sandbox.desired_count().await?), (1, 3));
    Ok(())
}
