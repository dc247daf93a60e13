//! How far it may go.

use super::*;

#[tokio::test]
async fn observing_writes_nothing_but_the_audit_record() -> Test {
    let stack = start_broken().await?;
    let observing = stack.function(&[("MODE", "observe")]).await?;
    let seen = outcome(&observing, &alarm()).await?;
    assert_eq!(read(&seen), "observed would_act");
    let reason = seen["reason"].as_str().unwrap_or_default();
    assert!(reason.contains(&format!("roll back from {} to {}", release(3), release(2))), "{reason}");
    let acting = stack.function(&[]).await?;
    let dry_run = json!({ "to": "previous", "dry_run": true });
    assert_eq!(decision(&acting, &dry_run).await?, "observed would_act");
    assert_eq!(stack.writes(), ["dynamodb PutItem", "dynamodb PutItem"]);
    assert_eq!(stack.sandbox.runs().await?, release(3));
    Ok(())
}

#[tokio::test]
async fn an_approved_roll_back_is_carried_out() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[("MODE", "approve")]).await?;
    let asked = outcome(&function, &alarm()).await?;
    assert_eq!(read(&asked), "awaiting_approval approval_needed");
    assert_eq!(stack.sandbox.runs().await?, release(3));
    assert_eq!(decision(&function, &asked["next"]["send"]).await?, "applied applied");
    assert_eq!(stack.sandbox.runs().await?, release(2));
    assert_eq!(decision(&function, &asked["next"]["send"]).await?, "refused approval_used");
    Ok(())
}

#[tokio::test]
async fn a_rejected_roll_back_is_not_carried_out() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[("MODE", "approve")]).await?;
    let asked = outcome(&function, &alarm()).await?;
    let id = &asked["next"]["send"]["approve"];
    let rejection = json!({ "reject": id, "by": "on call", "reason": "it is the database" });
    assert_eq!(decision(&function, &rejection).await?, "nothing_to_do rejected");
    assert_eq!(decision(&function, &asked["next"]["send"]).await?, "refused approval_rejected");
    assert_eq!(stack.sandbox.runs().await?, release(3));
    Ok(())
}

#[tokio::test]
async fn a_release_deployed_since_needs_a_new_approval() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[("MODE", "approve")]).await?;
    let asked = outcome(&function, &previous()).await?;
    stack.sandbox.release(&[]).await?;
    assert_eq!(decision(&function, &asked["next"]["send"]).await?, "refused plan_changed");
    assert_eq!(stack.sandbox.runs().await?, release(4));
    Ok(())
}

#[tokio::test]
async fn the_kill_switch_stops_it() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[]).await?;
    stack.put("kill-switch", "all", &[("reason", "release freeze")]).await?;
    assert_eq!(decision(&function, &alarm()).await?, "refused kill_switch");
    assert_eq!(stack.sandbox.runs().await?, release(3));
    Ok(())
}
