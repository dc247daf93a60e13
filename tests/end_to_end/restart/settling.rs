//! A restart takes longer than a run: the scheduled run says how it ended, once.

use super::*;

/// A restart whose roll-out takes so long.
async fn begun(stack: &Stack, function: &Bootstrap, takes: Duration) -> Test {
    stack.sandbox.gateway.ecs().set_rollout_time(takes);
    stack.sandbox.gateway.ecs().age_deployments(Duration::from_hours(1));
    let outcome = outcome(function, &by_hand()).await?;
    assert_eq!(read(&outcome), "applied applied", "{outcome:#}");
    Ok(())
}

#[tokio::test]
async fn a_restart_that_ends_well_is_recorded_once() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("NOTICE_TOPIC_ARN", NOTICES)]).await?;
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_to_look_after");
    begun(&stack, &function, Duration::from_secs(4)).await?;
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do still_settling");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let told = stack.count("sns Publish");
    let verified = outcome(&function, &tick()).await?;
    assert_eq!(read(&verified), "nothing_to_do verified", "{verified:#}");
    let reason = verified["reason"].as_str().unwrap_or_default();
    assert!(reason.starts_with("the restart of backend has ended well: 2 of 2 tasks run"), "{reason}");
    assert_eq!(stack.count("sns Publish"), told + 1);
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_to_look_after");
    assert_eq!(stack.audit().await?, ["applied applied", "nothing_to_do verified"]);
    assert_eq!(stack.item(&claim(), FOLLOW_UP).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_restart_that_ecs_gives_up_is_passed_up_with_the_reason() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("NOTICE_TOPIC_ARN", NOTICES)]).await?;
    stack.sandbox.gateway.ecs().let_tasks_fail("exit 1");
    begun(&stack, &function, Duration::ZERO).await?;
    let told = stack.count("sns Publish");
    let failed = outcome(&function, &tick()).await?;
    assert_eq!(read(&failed), "failed restart_failed", "{failed:#}");
    assert_eq!(failed["next"]["level"], 2);
    let reason = failed["reason"].as_str().unwrap_or_default();
    assert!(reason.ends_with("; tasks stopped with: Essential container in task exited"), "{reason}");
    assert_eq!(stack.count("sns Publish"), told + 1);
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do nothing_to_look_after");
    // The window is not over, and when it is, the release would fail again.
    assert_eq!(decision(&function, &by_hand()).await?, "refused deployment_failed");
    Ok(())
}

#[tokio::test]
async fn a_restart_that_ecs_rolls_back_is_passed_up() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    begun(&stack, &function, Duration::from_mins(5)).await?;
    let ecs = &stack.sandbox.clients.ecs;
    let listed = ecs.list_service_deployments().cluster(CLUSTER).service(SERVICE).send().await?;
    let newest = listed.service_deployments()[0].service_deployment_arn().unwrap_or_default();
    ecs.stop_service_deployment().service_deployment_arn(newest).send().await?;
    assert_eq!(decision(&function, &tick()).await?, "failed restart_failed");
    Ok(())
}

#[tokio::test]
async fn a_restart_that_does_not_end_in_time_is_passed_up() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    begun(&stack, &function, Duration::from_mins(5)).await?;
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do still_settling");
    make_due(&stack).await?;
    let given_up = outcome(&function, &tick()).await?;
    assert_eq!(read(&given_up), "failed not_verified", "{given_up:#}");
    assert!(given_up["reason"].as_str().is_some_and(|reason| reason.contains("is in_progress")));
    assert_eq!(stack.item(&claim(), FOLLOW_UP).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_release_deployed_since_ends_the_looking_after() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    begun(&stack, &function, Duration::from_mins(5)).await?;
    stack.sandbox.release(&[]).await?;
    assert_eq!(decision(&function, &tick()).await?, "nothing_to_do superseded");
    assert_eq!((stack.sandbox.runs().await?, updates(&stack)), (release(3), 1));
    Ok(())
}
