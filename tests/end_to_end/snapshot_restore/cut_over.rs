//! The second approval: the service is pointed at what was restored, and back.

use super::*;

const FOLLOW_UP: &str = "snapshot-restore#follow-up";

/// The service's deployment that runs.
async fn deployment(stack: &Stack) -> anyhow::Result<String> {
    let describe = stack.sandbox.clients.ecs.describe_services().cluster("lendpeak2-production");
    let described = describe.services("backend").send().await?;
    Ok(described.services()[0].deployments()[0].id().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_cut_over_changes_the_host_alone_and_is_undone_by_the_version_before() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let (before, others) = secret(&stack).await?;
    stack.sandbox.standin.corrupt_data();
    let id = restored(&function, &latest()).await?;
    let old = deployment(&stack).await?;

    let (approve, plan) = ask(&function, &json!({ "cut_over": id })).await?;
    assert_eq!(secret(&stack).await?.0, before, "{plan:#}");
    let done = outcome(&function, &approve).await?;
    assert_eq!(read(&done), "applied applied", "{done:#}");
    assert!(text(&done, "/reason").contains("Writes are not frozen"), "{done:#}");
    assert_eq!(done["verification"]["verified"], true, "{done:#}");
    assert!(text(&done, "/verification/what").ends_with("and /health/db passes"), "{done:#}");
    assert_eq!(secret(&stack).await?, (endpoint(&id), others.clone()));
    assert_ne!(deployment(&stack).await?, old);
    assert_eq!(stack.count("ecs UpdateService"), 1);
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while stack.sandbox.standin.now().corrupt {
        anyhow::ensure!(std::time::Instant::now() < deadline, "the data is still corrupt");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(decision(&function, &json!({ "cut_over": id })).await?, "nothing_to_do already_cut_over");
    assert_eq!(decision(&function, &json!({ "discard": id })).await?, "refused was_cut_over");

    let asked = outcome(&function, &json!({ "undo": id })).await?;
    assert!(asked.to_string().contains("what was written since"), "{asked:#}");
    let undone = outcome(&function, &asked["next"]["send"]).await?;
    assert_eq!(read(&undone), "applied applied", "{undone:#}");
    assert_eq!(undone["verification"]["verified"], true, "{undone:#}");
    assert_eq!(secret(&stack).await?, (before, others));
    assert_eq!(stack.count("ecs UpdateService"), 2);
    assert_eq!(decision(&function, &json!({ "undo": id })).await?, "nothing_to_do already_undone");
    assert_eq!(decision(&function, &json!({ "discard": id })).await?, "refused was_cut_over");

    assert_source_untouched(&stack);
    Ok(())
}

/// Asks, and approves; it is seen to have worked.
async fn verified(function: &Bootstrap, request: &Value) -> Test {
    let (approve, _) = ask(function, request).await?;
    let done = outcome(function, &approve).await?;
    anyhow::ensure!(read(&done) == "applied applied" && done["verification"]["verified"] == true, "{done:#}");
    Ok(())
}

#[tokio::test]
async fn cutting_over_and_back_works_as_often_as_it_is_asked_for() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = restored(&function, &latest()).await?;
    for round in 1..=3 {
        let before = deployment(&stack).await?;
        verified(&function, &json!({ "cut_over": id })).await?;
        assert_eq!(secret(&stack).await?.0, endpoint(&id), "{round}");
        let there = deployment(&stack).await?;
        verified(&function, &json!({ "undo": id })).await?;
        assert_eq!(secret(&stack).await?.0, endpoint(SOURCE), "{round}");
        let back = deployment(&stack).await?;
        assert!(before != there && there != back, "{round}");
    }
    // After the first, the version is there already, and becomes current again.
    assert_eq!(stack.count("secretsmanager PutSecretValue"), 3);
    assert_eq!(stack.count("secretsmanager UpdateSecretVersionStage"), 5);
    assert_eq!(stack.count("ecs UpdateService"), 6);
    let looked_after = outcome(&function, &tick()).await?["outcomes"][1].clone();
    assert_eq!(read(&looked_after), "nothing_to_do nothing_under_way", "{looked_after:#}");
    Ok(())
}

#[tokio::test]
async fn a_task_that_began_before_is_no_proof_although_the_database_answers() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("VERIFY_SECONDS", "1")]).await?;
    let id = restored(&function, &latest()).await?;
    stack.sandbox.gateway.ecs().leave_one_behind(true);
    let (approve, _) = ask(&function, &json!({ "cut_over": id })).await?;
    let done = outcome(&function, &approve).await?;
    assert_eq!((read(&done).as_str(), &done["verification"]["verified"]), ("applied applied", &json!(false)));
    let what = text(&done, "/verification/what");
    assert!(what.contains("1 of 2 began before the secret was changed"), "{done:#}");
    let look = async || anyhow::Ok(outcome(&function, &tick()).await?["outcomes"][1].clone());
    let waiting = look().await?;
    assert_eq!(read(&waiting), "nothing_to_do still_settling");
    assert!(text(&waiting, "/reason").contains("1 of 2 began before"), "{waiting:#}");
    stack.sandbox.gateway.ecs().leave_one_behind(false);
    assert_eq!(read(&look().await?), "nothing_to_do verified");
    Ok(())
}

#[tokio::test]
async fn a_cut_over_that_settles_later_is_recorded_as_verified_once() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = restored(&function, &latest()).await?;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::from_secs(3));
    let (approve, _) = ask(&function, &json!({ "cut_over": id })).await?;
    let done = outcome(&function, &approve).await?;
    assert_eq!((read(&done).as_str(), &done["verification"]["verified"]), ("applied applied", &json!(false)));
    let look = async || anyhow::Ok(read(&outcome(&function, &tick()).await?["outcomes"][1]));
    assert_eq!(look().await?, "nothing_to_do still_settling");
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(look().await?, "nothing_to_do verified");
    assert_eq!(look().await?, "nothing_to_do nothing_under_way");
    Ok(())
}

#[tokio::test]
async fn a_cut_over_that_does_not_work_is_told_with_the_way_back() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = restored(&function, &latest()).await?;
    stack.sandbox.standin.set_database_down(true);
    let (approve, _) = ask(&function, &json!({ "cut_over": id })).await?;
    let done = outcome(&function, &approve).await?;
    assert!(text(&done, "/verification/what").contains("but /health/db fails"), "{done:#}");
    let key = format!("target#{TARGET}");
    let mut due = stack.data(&key, FOLLOW_UP).await?;
    due["due"] = json!("2026-11-20T10:00:00Z");
    stack.put(&key, FOLLOW_UP, &[("due", "2026-11-20T10:00:00Z"), ("data", &due.to_string())]).await?;
    let told = outcome(&function, &tick()).await?["outcomes"][1].clone();
    assert_eq!(read(&told), "failed not_verified", "{told:#}");
    assert_eq!(told["next"]["send"], json!({ "undo": id }));
    stack.sandbox.standin.set_database_down(false);
    let (approve, _) = ask(&function, &told["next"]["send"]).await?;
    assert_eq!(decision(&function, &approve).await?, "applied applied");
    assert_eq!(secret(&stack).await?.0, endpoint(SOURCE));
    Ok(())
}

#[tokio::test]
async fn what_is_not_ready_or_unknown_is_not_put_to_use() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let unknown = format!("{SOURCE}-restore-20261120100000");
    assert_eq!(decision(&function, &json!({ "cut_over": unknown })).await?, "refused restore_unknown");
    assert_eq!(decision(&function, &json!({ "undo": unknown })).await?, "refused restore_unknown");
    let id = id(&approved(&function, &latest()).await?);
    let early = outcome(&function, &json!({ "cut_over": id })).await?;
    assert_eq!(read(&early), "refused restore_not_ready");
    assert_eq!(early["next"]["send"], json!({ "continue": id }));
    assert_eq!(decision(&function, &json!({ "undo": id })).await?, "nothing_to_do never_cut_over");
    Ok(())
}

#[tokio::test]
async fn a_secret_that_somebody_changes_meanwhile_is_left_as_it_is() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = restored(&function, &latest()).await?;
    let (approve, _) = ask(&function, &json!({ "cut_over": id })).await?;
    let put = stack.sandbox.clients.secrets.put_secret_value().secret_id(SECRET);
    put.secret_string(r#"{"host": "elsewhere", "password": "rotated"}"#).send().await?;
    assert_eq!(decision(&function, &approve).await?, "refused plan_changed");
    approved(&function, &json!({ "cut_over": id })).await?;
    let (host, others) = secret(&stack).await?;
    assert_eq!((host, &others["password"]), (endpoint(&id), &json!("rotated")));
    // After a cut-over too: then the way back is for a person.
    let put = stack.sandbox.clients.secrets.put_secret_value().secret_id(SECRET);
    put.secret_string(r#"{"host": "elsewhere", "password": "rotated again"}"#).send().await?;
    assert_eq!(decision(&function, &json!({ "undo": id })).await?, "refused secret_changed");
    Ok(())
}

#[tokio::test]
async fn a_secret_without_a_host_and_a_roll_out_under_way_are_refused() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = restored(&function, &latest()).await?;
    let request = json!({ "cut_over": id });
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::from_mins(5));
    stack.sandbox.release(&[]).await?;
    assert_eq!(decision(&function, &request).await?, "refused deployment_in_progress");
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::ZERO);
    let put = stack.sandbox.clients.secrets.put_secret_value().secret_id(SECRET);
    put.secret_string("mongodb://lendpeak:swordfish@cluster/").send().await?;
    let refused = outcome(&function, &request).await?;
    assert_eq!(read(&refused), "refused secret_without_host");
    assert!(!refused.to_string().contains("swordfish"), "{refused:#}");
    assert_eq!(stack.count("secretsmanager PutSecretValue"), 0);
    Ok(())
}

#[tokio::test]
async fn it_waits_while_another_remedy_is_at_work_on_the_service() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let id = restored(&function, &latest()).await?;
    let (approve, _) = ask(&function, &json!({ "cut_over": id })).await?;
    let until =
        (jiff::Timestamp::now() + Duration::from_secs(30)).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    stack
        .put(&format!("target#{TARGET}"), "holder", &[("held_by", "rollback"), ("lease_until", &until)])
        .await?;
    assert_eq!(decision(&function, &approve).await?, "refused held_by_another_remedy");
    assert_eq!(secret(&stack).await?.0, endpoint(SOURCE));
    Ok(())
}
