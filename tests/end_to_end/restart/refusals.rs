//! Each reason for leaving the service as it is, in AWS's own states.

use sandbox::{
    deploy::IMAGE,
    gateway::{SECRET, ServiceState, StoppedTask},
};

use super::*;

/// Answers the reason.
async fn refused(stack: &Stack, function: &Bootstrap, expected: &str) -> anyhow::Result<String> {
    let refused = outcome(function, &by_hand()).await?;
    assert_eq!(read(&refused), format!("refused {expected}"), "{refused:#}");
    assert!(refused["next"]["what"].as_str().is_some_and(|what| !what.is_empty()), "{refused:#}");
    assert_eq!(updates(stack), 0, "{expected}");
    Ok(refused["reason"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_service_whose_tasks_cannot_be_replaced_now_is_left_alone() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let ecs = stack.sandbox.gateway.ecs();
    let text = |text: &str| Some(text.to_owned());
    let state = ServiceState::default;
    for (state, code) in [
        (ServiceState { rollout: text("IN_PROGRESS"), ..state() }, "deployment_in_progress"),
        (ServiceState { rollout: text("FAILED"), ..state() }, "deployment_failed"),
        (ServiceState { status: text("INACTIVE"), ..state() }, "service_inactive"),
        (ServiceState { desired: Some(0), running: Some(0), ..state() }, "scaled_to_zero"),
        (ServiceState { running: Some(1), pending: Some(1), ..state() }, "tasks_pending"),
    ] {
        ecs.set_state(SERVICE, state);
        refused(&stack, &function, code).await?;
    }
    ecs.clear_state(SERVICE);
    let elsewhere = stack.function(&[("SERVICE", "worker")]).await?;
    refused(&stack, &elsewhere, "service_missing").await?;
    Ok(())
}

#[tokio::test]
async fn while_a_release_rolls_out_nothing_is_restarted() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::from_mins(5));
    stack.sandbox.release(&[]).await?;
    let reason = refused(&stack, &function, "deployment_in_progress").await?;
    assert!(reason.contains(&format!("the deployment of {} is in_progress", release(3))), "{reason}");
    assert_eq!(deployments(&stack).await?, 3);
    Ok(())
}

#[tokio::test]
async fn a_crash_loop_keeps_the_tasks_that_live() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let describe = stack.sandbox.clients.ecs.describe_task_definition().task_definition(release(2));
    let arn = describe.send().await?.task_definition.and_then(|found| found.task_definition_arn);
    for id in ["1", "2"] {
        stack.sandbox.gateway.ecs().add_stopped_task(StoppedTask {
            cluster: CLUSTER.to_owned(),
            service: SERVICE.to_owned(),
            id: id.to_owned(),
            task_definition: arn.clone().unwrap_or_default(),
            reason: "Essential container in task exited".to_owned(),
            stop_code: "EssentialContainerExited".to_owned(),
            exit_code: Some(1),
            ran: Some(Duration::from_secs(3)),
            stopped_at: Timestamp::now(),
        });
    }
    let reason = refused(&stack, &function, "tasks_fail_to_start").await?;
    assert!(reason.contains("(Essential container in task exited)"), "{reason}");
    Ok(())
}

#[tokio::test]
async fn without_its_image_nothing_is_restarted() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    stack.sandbox.gateway.ecr().delete("1");
    let reason = refused(&stack, &function, "image_missing").await?;
    assert!(reason.contains(&format!("(the image {IMAGE}: there is no such tag)")), "{reason}");
    Ok(())
}

#[tokio::test]
async fn without_its_secret_nothing_is_restarted() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let delete = stack.sandbox.clients.secrets.delete_secret().secret_id(SECRET).recovery_window_in_days(7);
    delete.send().await?;
    let reason = refused(&stack, &function, "secret_missing").await?;
    assert!(reason.contains("it is being deleted"), "{reason}");
    stack.sandbox.clients.secrets.restore_secret().secret_id(SECRET).send().await?;
    assert_eq!(decision(&function, &by_hand()).await?, "applied applied");
    Ok(())
}

#[tokio::test]
async fn a_deployment_configuration_that_would_leave_no_task_is_refused() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    for (minimum, maximum, code) in [(0, 200, "no_task_would_stay"), (100, 100, "no_room_for_a_deployment")] {
        let configuration = aws_sdk_ecs::types::DeploymentConfiguration::builder()
            .minimum_healthy_percent(minimum)
            .maximum_percent(maximum)
            .build();
        let update = stack.sandbox.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
        update.deployment_configuration(configuration).send().await?;
        let reason = refused(&stack, &function, code).await?;
        assert!(reason.starts_with("the deployment configuration of backend "), "{reason}");
    }
    Ok(())
}

#[tokio::test]
async fn an_inactive_release_is_not_deployed_again() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let ecs = &stack.sandbox.clients.ecs;
    ecs.deregister_task_definition().task_definition(release(2)).send().await?;
    let reason = refused(&stack, &function, "task_definition_inactive").await?;
    assert!(reason.contains(&release(2)), "{reason}");
    Ok(())
}

#[tokio::test]
async fn an_event_that_is_old_calm_or_about_another_service_restarts_nothing() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let old = alarm_at(Timestamp::now() - Duration::from_secs(901));
    assert_eq!(decision(&function, &old).await?, "refused event_too_old");
    let calm = alarm()
        .to_string()
        .replace("\\\"NewStateValue\\\":\\\"ALARM\\\"", "\\\"NewStateValue\\\":\\\"OK\\\"");
    let calm: Value = serde_json::from_str(&calm)?;
    assert_eq!(decision(&function, &calm).await?, "nothing_to_do alarm_not_in_alarm");
    let dimensions = [("ClusterName", CLUSTER), ("ServiceName", "worker")];
    let other =
        sandbox::stack::alarm("leak", ["AWS/ECS", "MemoryUtilization"], &dimensions, Timestamp::now());
    assert_eq!(decision(&function, &other).await?, "refused not_allowed");
    let no_ledger = stack.function(&[("LEDGER_TABLE", "no-such-table")]).await?;
    assert_eq!(decision(&no_ledger, &by_hand()).await?, "refused ledger_unavailable");
    assert_eq!(updates(&stack), 0);
    Ok(())
}
