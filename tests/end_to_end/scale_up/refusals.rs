//! Each reason for not acting, in AWS's own states.

use sandbox::gateway::{ServiceState, StoppedTask};

use super::*;

async fn refuses(stack: &Stack, function: &Bootstrap, event: &Value, expected: &str) -> Test {
    let refused = outcome(function, event).await?;
    assert_eq!(read(&refused), expected);
    assert!(refused["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    assert_eq!(stack.updates(), 0, "{expected}");
    Ok(())
}

#[tokio::test]
async fn a_service_that_more_tasks_would_not_help_is_left_alone() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let ecs = stack.sandbox.gateway.ecs();
    let now = || alarm(Timestamp::now());
    let state = ServiceState::default;

    ecs.set_state(SERVICE, ServiceState { rollout: Some("IN_PROGRESS".to_owned()), ..state() });
    refuses(&stack, &function, &now(), "refused deployment_in_progress").await?;
    ecs.set_state(SERVICE, ServiceState { running: Some(1), pending: Some(1), ..state() });
    refuses(&stack, &function, &now(), "refused tasks_pending").await?;
    ecs.set_state(SERVICE, ServiceState { status: Some("INACTIVE".to_owned()), ..state() });
    refuses(&stack, &function, &now(), "refused service_inactive").await?;
    ecs.set_state(SERVICE, ServiceState { desired: Some(10), running: Some(10), ..state() });
    refuses(&stack, &function, &now(), "refused at_maximum").await?;
    ecs.set_state(SERVICE, ServiceState { desired: Some(0), running: Some(0), ..state() });
    refuses(&stack, &function, &now(), "refused scaled_to_zero").await?;
    ecs.clear_state(SERVICE);

    for id in ["1", "2"] {
        ecs.add_stopped_task(StoppedTask {
            cluster: CLUSTER.to_owned(),
            service: SERVICE.to_owned(),
            id: id.to_owned(),
            task_definition: String::new(),
            reason: "CannotPullContainerError: not found".to_owned(),
            stop_code: "TaskFailedToStart".to_owned(),
            exit_code: None,
            ran: None,
            stopped_at: Timestamp::now(),
        });
    }
    let crash_loop = outcome(&function, &now()).await?;
    assert_eq!(read(&crash_loop), "refused tasks_fail_to_start");
    assert!(crash_loop["reason"].as_str().unwrap_or_default().contains("CannotPullContainerError"));
    assert!(crash_loop["next"]["what"].as_str().unwrap_or_default().contains("roll back"));
    ecs.clear_stopped_tasks();

    let elsewhere = stack.function(&[("SERVICE", "worker")]).await?;
    refuses(&stack, &elsewhere, &json!({}), "refused service_missing").await?;
    Ok(())
}

/// ECS lists stopped tasks in no order, a hundred at a time.
#[tokio::test]
async fn a_crash_loop_is_seen_behind_all_that_a_deployment_has_stopped() -> Test {
    let stack = Stack::start().await?;
    let ecs = stack.sandbox.gateway.ecs();
    let stopped = |number: u32, stop_code: &str, reason: &str| StoppedTask {
        cluster: "lendpeak2-production".to_owned(),
        service: "backend".to_owned(),
        id: format!("{number:032}"),
        task_definition: "backend:1".to_owned(),
        reason: reason.to_owned(),
        stop_code: stop_code.to_owned(),
        exit_code: None,
        ran: None,
        stopped_at: Timestamp::now(),
    };
    for number in 0..250 {
        ecs.add_stopped_task(stopped(
            number,
            "ServiceSchedulerInitiated",
            "Scaling activity initiated by deployment",
        ));
    }
    for number in 250..252 {
        ecs.add_stopped_task(stopped(number, "TaskFailedToStart", "CannotPullContainerError"));
    }
    let function = stack.function(&[]).await?;
    let refused = whole(&function, &json!({})).await?;
    assert_eq!(read(&refused), "refused tasks_fail_to_start", "{refused:#}");
    let told = &refused["observed"]["stopped_tasks"];
    assert_eq!((&told["count"], &told["failed"]), (&json!(252), &json!(2)));
    assert_eq!(stack.count("ecs ListTasks"), 3);
    Ok(())
}

#[tokio::test]
async fn an_event_that_asks_for_what_is_not_allowed_is_refused() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let old = alarm(Timestamp::now() - Duration::from_secs(901));
    refuses(&stack, &function, &old, "refused event_too_old").await?;
    refuses(&stack, &function, &json!({ "service": "frontend" }), "refused not_allowed").await?;
    let of_another = [("ClusterName", CLUSTER), ("ServiceName", "worker")];
    let other = stack::alarm("other-cpu", ["AWS/ECS", "CPUUtilization"], &of_another, Timestamp::now());
    refuses(&stack, &function, &other, "refused not_allowed").await?;
    refuses(&stack, &function, &json!({ "desired_count": 11 }), "refused count_out_of_range").await?;
    refuses(&stack, &function, &json!({ "desired_count": 1 }), "nothing_to_do enough_tasks").await?;
    let message =
        |text: &str| text.replace("\\\"NewStateValue\\\":\\\"ALARM\\\"", "\\\"NewStateValue\\\":\\\"OK\\\"");
    let calm: Value = serde_json::from_str(&message(&alarm(Timestamp::now()).to_string()))?;
    refuses(&stack, &function, &calm, "nothing_to_do alarm_not_in_alarm").await?;
    let no_ledger = stack.function(&[("LEDGER_TABLE", "no-such-table")]).await?;
    refuses(&stack, &no_ledger, &json!({}), "refused ledger_unavailable").await
}

#[tokio::test]
async fn the_cooldown_and_the_days_budget_hold() -> Test {
    let stack = Stack::start().await?;
    let patient = stack.function(&[]).await?;
    assert_eq!(decision(&patient, &json!({})).await?, "applied applied");
    assert_eq!(decision(&patient, &json!({})).await?, "refused cooldown");
    let eager = stack.function(&[("COOLDOWN_SECONDS", "0"), ("ATTEMPTS_PER_DAY", "2")]).await?;
    assert_eq!(decision(&eager, &json!({ "by": 1 })).await?, "applied applied");
    assert_eq!(decision(&eager, &json!({ "by": 1 })).await?, "refused budget_spent");
    assert_eq!((stack.updates(), stack.sandbox.desired_count().await?), (2, 4));
    Ok(())
}
