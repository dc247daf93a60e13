//! How far it may go.

use super::*;

#[tokio::test]
async fn observing_and_a_dry_run_write_nothing_but_the_audit_record() -> Test {
    let stack = start().await?;
    let observing = stack.function(&[("MODE", "observe")]).await?;
    assert_eq!(decision(&observing, &latest()).await?, "observed would_act");
    let acting = stack.function(&[]).await?;
    let dry_run = json!({ "snapshot": "latest", "dry_run": true });
    assert_eq!(decision(&acting, &dry_run).await?, "observed would_act");
    assert_eq!(stack.writes(), ["dynamodb PutItem", "dynamodb PutItem"]);
    assert!(docdb(&stack).restored().is_empty());
    Ok(())
}

#[tokio::test]
async fn the_mode_off_refuses() -> Test {
    let stack = start().await?;
    let off = stack.function(&[("MODE", "off")]).await?;
    assert_eq!(decision(&off, &latest()).await?, "refused mode_off");
    Ok(())
}

#[tokio::test]
async fn in_every_mode_a_person_is_asked_first() -> Test {
    let stack = start().await?;
    for mode in ["approve", "auto"] {
        let function = stack.function(&[("MODE", mode)]).await?;
        let id = restored(&function, &latest()).await?;
        let (_, plan) = ask(&function, &json!({ "cut_over": id })).await?;
        assert_eq!(text(&plan, "/0/set_secret_host/to"), endpoint(&id));
        let (_, plan) = ask(&function, &json!({ "discard": id })).await?;
        assert_eq!(text(&plan, "/3/delete_cluster/cluster"), id);
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
    assert_eq!(stack.count("secretsmanager PutSecretValue"), 0);
    Ok(())
}

#[tokio::test]
async fn an_approval_acts_once_and_only_while_the_plan_is_the_same() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let (approve, _) = ask(&function, &latest()).await?;
    let minute = jiff::SignedDuration::from_mins(1);
    docdb(&stack).add_snapshot("a-newer-one", SOURCE, minute, "available", "000000000000");
    assert_eq!(decision(&function, &approve).await?, "refused plan_changed");
    let (approve, plan) = ask(&function, &latest()).await?;
    assert_eq!(text(&plan, "/0/create_cluster/origin/snapshot/id"), "a-newer-one");
    assert_eq!(decision(&function, &approve).await?, "applied applied");
    let again = decision(&function, &approve).await?;
    assert_eq!(again, "refused approval_used");
    assert_eq!(docdb(&stack).restored().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_restore_that_nobody_approves_in_time_is_over() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let (_, plan) = ask(&function, &latest()).await?;
    assert_eq!(decision(&function, &json!({ "continue": id(&plan) })).await?, "nothing_to_do not_begun");
    let long_ago = format!("{SOURCE}-restore-20261120100000");
    assert_eq!(decision(&function, &json!({ "continue": long_ago })).await?, "refused restore_unknown");
    Ok(())
}

#[tokio::test]
async fn the_kill_switch_stops_it_between_two_steps() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = id(&approved(&function, &latest()).await?);
    stack.put("kill-switch", "snapshot-restore", &[("reason", "wait")]).await?;
    assert_eq!(decision(&function, &json!({ "continue": id })).await?, "refused kill_switch");
    assert_eq!(stack.count("rds CreateDBInstance"), 0);
    Ok(())
}

#[tokio::test]
async fn the_days_budget_is_for_restores_and_not_for_their_steps() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("ATTEMPTS_PER_DAY", "1")]).await?;
    let id = restored(&function, &latest()).await?;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    // A person is asked all the same, and reads that the budget is spent.
    let again = outcome(&function, &latest()).await?;
    assert_eq!(read(&again), "awaiting_approval approval_needed", "{again:#}");
    assert!(
        text(&again, "/reason").contains("overridden by a person: the target was acted on 1 times"),
        "{again:#}"
    );
    approved(&function, &json!({ "cut_over": id })).await?;
    approved(&function, &json!({ "undo": id })).await?;
    Ok(())
}
