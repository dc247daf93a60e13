//! How far it may go.

use super::*;

#[tokio::test]
async fn observing_writes_nothing_but_the_audit_record() -> Test {
    let stack = start().await?;
    let observing = stack.function(&[("MODE", "observe"), ("NOTICE_TOPIC_ARN", NOTICES)]).await?;
    let seen = outcome(&observing, &alarm()).await?;
    assert_eq!(read(&seen), "observed would_act");
    let reason = seen["reason"].as_str().unwrap_or_default();
    let would = format!(
        "would restart backend: a new deployment of {}: alarm lendpeak2-production-memory-leak",
        release(2)
    );
    assert!(reason.starts_with(&would), "{reason}");
    let acting = stack.function(&[]).await?;
    assert_eq!(decision(&acting, &json!({ "dry_run": true })).await?, "observed would_act");
    assert_eq!(stack.writes(), ["dynamodb PutItem", "dynamodb PutItem"]);
    assert_eq!(deployments(&stack).await?, 2);
    Ok(())
}

#[tokio::test]
async fn switched_off_it_reads_nothing_and_says_so() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("MODE", "off")]).await?;
    assert_eq!(decision(&function, &by_hand()).await?, "refused mode_off");
    assert_eq!(stack.sandbox.gateway.record().names("restart"), ["dynamodb PutItem"]);
    Ok(())
}

#[tokio::test]
async fn an_approved_restart_is_carried_out_once() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("MODE", "approve"), ("COOLDOWN_SECONDS", "0")]).await?;
    let asked = outcome(&function, &alarm()).await?;
    assert_eq!(read(&asked), "awaiting_approval approval_needed");
    assert_eq!(updates(&stack), 0);
    let send = &asked["next"]["send"];
    assert_eq!(decision(&function, send).await?, "applied applied");
    assert_eq!(decision(&function, send).await?, "refused approval_used");
    assert_eq!(updates(&stack), 1);
    Ok(())
}

#[tokio::test]
async fn a_deployment_since_needs_a_new_approval() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("MODE", "approve")]).await?;
    let asked = outcome(&function, &by_hand()).await?;
    // The same release: its tasks are fresh already.
    let update = stack.sandbox.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
    update.force_new_deployment(true).send().await?;
    assert_eq!(decision(&function, &asked["next"]["send"]).await?, "refused plan_changed");
    assert_eq!(updates(&stack), 0);
    Ok(())
}

#[tokio::test]
async fn the_kill_switch_stops_it() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    for scope in ["all", "restart"] {
        stack.put("kill-switch", scope, &[("reason", "release freeze")]).await?;
        assert_eq!(decision(&function, &alarm()).await?, "refused kill_switch", "{scope}");
    }
    assert_eq!(updates(&stack), 0);
    Ok(())
}
