//! What is wrong with the service, its database and what watches them.

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace, SuspendedState};
use sandbox::{
    deploy::PROFILER_LOG_GROUP,
    gateway::{StoppedTask, TASKS_GROUP},
};

use super::*;

/// Answers of 5xx for some minutes.
fn errors(stack: &Stack) {
    let metrics = stack.sandbox.gateway.cloudwatch();
    metrics.set("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", &step(1.0, 25_000.0));
}

#[tokio::test]
async fn an_image_that_was_deleted_is_behind_tasks_that_do_not_start() -> Test {
    let stack = start().await?;
    stack.sandbox.gateway.ecr().delete("1");
    stack.sandbox.release(&[("FAILS_TO_START", "CannotPullContainerError")]).await?;
    let found = finds(&stack, "image_missing").await?;
    assert!(text(&found, "/what").contains(sandbox::deploy::IMAGE), "{found:#}");
    Ok(())
}

#[tokio::test]
async fn tasks_that_were_killed_for_their_memory_are_counted() -> Test {
    let stack = start().await?;
    let definition =
        format!("arn:aws:ecs:us-east-1:000000000000:task-definition/{}:1", sandbox::deploy::FAMILY);
    for number in 1..=3 {
        stack.sandbox.gateway.ecs().add_stopped_task(StoppedTask {
            cluster: CLUSTER.to_owned(),
            service: SERVICE.to_owned(),
            id: format!("{number:032}"),
            task_definition: definition.clone(),
            reason: "OutOfMemoryError: Container killed due to memory usage".to_owned(),
            stop_code: "EssentialContainerExited".to_owned(),
            exit_code: Some(137),
            ran: Some(Duration::from_mins(40)),
            stopped_at: ago(number * 12),
        });
    }
    finds(&stack, "out_of_memory_kills").await?;
    Ok(())
}

#[tokio::test]
async fn a_database_that_is_down_is_behind_errors_restarts_and_unhealthy_targets() -> Test {
    let stack = start().await?;
    let docdb = stack.sandbox.gateway.docdb();
    for number in [1, 2] {
        let instance = format!("{SOURCE}-{number}");
        docdb.set_status(&instance, "failed");
        docdb.add_event(&instance, SignedDuration::from_mins(20), "DB instance failed.", "failure");
    }
    errors(&stack);
    let line = "ERROR MongoServerSelectionError: connect ECONNREFUSED 10.0.3.4:27018".to_owned();
    stack.log(LOG_GROUP, "ecs/backend/1", &vec![line; 40]).await?;
    eventually(|| stack.sandbox.standin.now().cut_off).await?;
    let found = finds(&stack, "database_down").await?;
    let explained = causes(&found["explains"]);
    for consequence in ["target_response_mismatch", "status_code"] {
        assert!(explained.contains(&consequence), "{explained:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_release_that_answers_500_is_to_be_rolled_back() -> Test {
    let stack = start().await?;
    stack.sandbox.release(&[("BROKEN", "true")]).await?;
    stack.sandbox.gateway.ecs().age_deployments(Duration::from_mins(24));
    stack.sandbox.gateway.ecs().age_tasks(Duration::from_mins(24));
    errors(&stack);
    let found = finds(&stack, "release_broke_it").await?;
    let remedy = json!({ "function": "rollback", "send": { "to": "previous" } });
    assert_eq!(found["remedy"]["function"], remedy["function"]);
    assert_eq!(found["remedy"]["send"], remedy["send"]);
    Ok(())
}

#[tokio::test]
async fn one_target_that_does_not_answer_is_told_with_its_reason() -> Test {
    let stack = start().await?;
    stack.sandbox.gateway.elb().set_unhealthy(1, "Target.Timeout", "Request timed out");
    let found = finds(&stack, "target_timeout").await?;
    assert!(found.to_string().contains("Request timed out"), "{found:#}");
    Ok(())
}

#[tokio::test]
async fn a_security_group_that_lets_nobody_in_is_behind_targets_that_do_not_answer() -> Test {
    let stack = start().await?;
    stack.sandbox.gateway.ec2().close(TASKS_GROUP);
    stack.sandbox.gateway.elb().set_unhealthy(2, "Target.Timeout", "Request timed out");
    let found = finds(&stack, "security_group_closed").await?;
    assert!(text(&found, "/what").contains(TASKS_GROUP), "{found:#}");
    Ok(())
}

#[tokio::test]
async fn scaling_that_is_suspended_or_at_its_end_leaves_tasks_busy() -> Test {
    let stack = start().await?;
    let metrics = stack.sandbox.gateway.cloudwatch();
    metrics.set("AWS/ECS", "CPUUtilization", &step(45.0, 93.0));
    let register = || {
        let register = stack.sandbox.clients.autoscaling.register_scalable_target();
        register
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_id(format!("service/{CLUSTER}/{SERVICE}"))
    };
    let suspended = |is| SuspendedState::builder().dynamic_scaling_out_suspended(is).build();
    register().suspended_state(suspended(true)).send().await?;
    finds(&stack, "scaling_suspended").await?;
    register().suspended_state(suspended(false)).min_capacity(2).max_capacity(2).send().await?;
    finds(&stack, "at_maximum").await?;
    Ok(())
}

#[tokio::test]
async fn slow_queries_without_an_index_are_told_with_the_one_that_would_help() -> Test {
    let stack = start().await?;
    let metrics = stack.sandbox.gateway.cloudwatch();
    metrics.set_statistic("AWS/ApplicationELB", "TargetResponseTime", "p99", &step(0.35, 4.5));
    let line = |number: u32| {
        json!({ "op": "query", "ns": "lendpeak2.loans", "millis": 4_000 + number, "planSummary": "COLLSCAN",
            "command": { "find": "loans", "filter": { "userId": format!("user-{number}") },
                "sort": { "createdAt": -1 } } })
        .to_string()
    };
    stack.log(PROFILER_LOG_GROUP, "lendpeak2-production-1", &(0..60).map(line).collect::<Vec<_>>()).await?;
    let found = finds(&stack, "missing_index").await?;
    let next = text(&found, "/remedy/what");
    assert!(next.contains(".createIndex(") && next.contains("createdAt") && next.contains("-1"), "{next}");
    assert!(!found.to_string().contains("user-1"), "{found:#}");
    Ok(())
}

#[tokio::test]
async fn an_alarm_that_flaps_is_found_by_its_history() -> Test {
    let stack = start().await?;
    for hours in 1..=7 {
        let ago = SignedDuration::from_hours(hours);
        stack.sandbox.gateway.cloudwatch().add_ring("lendpeak2-production-ecs-cpu", ago);
    }
    let found = finds(&stack, "alarm_flaps").await?;
    assert!(text(&found, "/what").contains("lendpeak2-production-ecs-cpu"), "{found:#}");
    Ok(())
}

#[tokio::test]
async fn a_secret_that_is_to_be_deleted_is_found_before_a_task_needs_it() -> Test {
    let stack = start().await?;
    let delete = stack.sandbox.clients.secrets.delete_secret().secret_id(SECRET).recovery_window_in_days(7);
    delete.send().await?;
    finds(&stack, "secret_deleted").await?;
    Ok(())
}

async fn eventually(reached: impl Fn() -> bool) -> Test {
    for _ in 0..200 {
        if reached() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("not within ten seconds")
}

/// A blue/green deployment whose hook has not answered for most of an hour.
pub(super) async fn deployment_waits_for_its_hook(stack: &Stack) -> Test {
    let ecs = stack.sandbox.gateway.ecs();
    ecs.set_strategy("BLUE_GREEN", Duration::from_mins(10));
    ecs.hold_in(Some("POST_TEST_TRAFFIC_SHIFT"));
    let release = deploy::register_release(&stack.sandbox.clients, &[("VERSION", "2")]).await?;
    let update = stack.sandbox.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
    update.task_definition(release).send().await?;
    ecs.age_deployments(Duration::from_mins(50));
    Ok(())
}

#[tokio::test]
async fn a_deployment_that_waits_for_its_hook_is_told_with_the_hook() -> Test {
    let stack = start().await?;
    deployment_waits_for_its_hook(&stack).await?;
    let found = finds(&stack, "deployment_stuck").await?;
    let what = text(&found, "/what");
    assert!(what.contains("POST_TEST_TRAFFIC_SHIFT") && what.contains("check-release"), "{what}");
    Ok(())
}

#[tokio::test]
async fn an_open_issue_of_aws_is_told() -> Test {
    let stack = start().await?;
    stack.sandbox.gateway.health().open("ECS");
    stack.sandbox.gateway.health().open("BILLING");
    let found = finds(&stack, "aws_issue").await?;
    assert!(text(&found, "/remedy/what").contains("AWS_ECS_OPERATIONAL_ISSUE_1"), "{found:#}");
    assert!(!found.to_string().contains("BILLING"), "{found:#}");
    Ok(())
}
