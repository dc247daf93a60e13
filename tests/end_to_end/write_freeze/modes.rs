//! How far it may go.

use super::*;

#[tokio::test]
async fn observing_writes_nothing_but_the_audit_record() -> Test {
    let stack = start().await?;
    let observing = stack.function(&[("MODE", "observe")]).await?;
    let seen = outcome(&observing, &alarm()).await?;
    assert_eq!(read(&seen), "observed would_act");
    let reason = seen["reason"].as_str().unwrap_or_default();
    assert!(reason.contains(&format!("deploy a copy of {} with READONLY_MODE=true", release(1))), "{reason}");
    let acting = stack.function(&[]).await?;
    let dry_run = json!({ "state": "on", "dry_run": true });
    assert_eq!(decision(&acting, &dry_run).await?, "observed would_act");
    // Nothing is put off either.
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::from_mins(5));
    stack.sandbox.release(&[]).await?;
    assert_eq!(decision(&acting, &dry_run).await?, "refused deployment_in_progress");
    assert_eq!(stack.writes(), ["dynamodb PutItem"; 3]);
    Ok(())
}

#[tokio::test]
async fn a_freeze_is_approved_and_its_end_with_it() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("MODE", "approve")]).await?;
    let asked = outcome(&function, &on()).await?;
    assert_eq!(read(&asked), "awaiting_approval approval_needed");
    assert_eq!((freeze_on_record(&stack).await?, is_frozen(&stack).await?), (None, false));
    assert_eq!(decision(&function, &asked["next"]["send"]).await?, "applied applied");
    assert!(is_frozen(&stack).await?);
    assert_eq!(decision(&function, &asked["next"]["send"]).await?, "refused approval_used");
    assert_eq!(decision(&function, &off()).await?, "applied applied");
    assert!(!is_frozen(&stack).await?);
    Ok(())
}

#[tokio::test]
async fn a_release_deployed_since_needs_a_new_approval() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("MODE", "approve")]).await?;
    let asked = outcome(&function, &on()).await?;
    stack.sandbox.release(&[]).await?;
    assert_eq!(decision(&function, &asked["next"]["send"]).await?, "refused plan_changed");
    assert!(!is_frozen(&stack).await?);
    Ok(())
}

#[tokio::test]
async fn the_kill_switch_stops_it() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    stack.put("kill-switch", "write-freeze", &[("reason", "a test")]).await?;
    assert_eq!(decision(&function, &alarm()).await?, "refused kill_switch");
    let off_mode = stack.function(&[("MODE", "off")]).await?;
    assert_eq!(decision(&off_mode, &on()).await?, "refused mode_off");
    assert!(!is_frozen(&stack).await?);
    Ok(())
}

#[tokio::test]
async fn a_spent_budget_stops_freezes_and_never_their_end() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("ATTEMPTS_PER_DAY", "1")]).await?;
    assert_eq!(decision(&function, &on()).await?, "applied applied");
    assert_eq!(decision(&function, &off()).await?, "applied applied");
    let eager = stack.function(&[("ATTEMPTS_PER_DAY", "1"), ("COOLDOWN_SECONDS", "0")]).await?;
    assert_eq!(decision(&eager, &alarm()).await?, "refused budget_spent");
    // A person who says what is to be is obeyed.
    assert_eq!(decision(&function, &on()).await?, "applied applied");
    assert_eq!(decision(&function, &off()).await?, "applied applied");
    // An alarm that lasts does not undo what a person did a moment ago.
    let function = stack.function(&[]).await?;
    assert_eq!(decision(&function, &alarm()).await?, "refused cooldown");
    assert_eq!(decision(&function, &on()).await?, "applied applied");
    Ok(())
}
