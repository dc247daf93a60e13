//! Deployments that move traffic, as ECS's blue/green: what each remedy does while one is under way.

use super::*;

const BAKES: Duration = Duration::from_mins(10);

/// What the service is set to is being deployed by blue/green, and answers 500 once it has the traffic.
async fn deploying(stage: &str) -> anyhow::Result<Stack> {
    let functions = ["health-probe", "restart", "scale-up", "write-freeze"];
    let probe = sandbox::names::function_name("health-probe");
    let stack = Stack::start_beside(&functions, "rollback", &[("PROBE_FUNCTION", &probe)]).await?;
    let ecs = stack.sandbox.gateway.ecs();
    ecs.set_strategy("BLUE_GREEN", BAKES);
    ecs.hold_in(Some(stage));
    let release = sandbox::deploy::register_release(&stack.sandbox.clients, &[("BROKEN", "true")]).await?;
    let update =
        stack.sandbox.clients.ecs.update_service().cluster("lendpeak2-production").service("backend");
    update.task_definition(release).send().await?;
    Ok(stack)
}

async fn asks(stack: &Stack, function: &str, event: &Value) -> anyhow::Result<Value> {
    stack.sandbox.clients.ask(function, event).await
}

fn freeze() -> Value {
    json!({ "state": "on", "reason": "loans are negative" })
}

fn more() -> Value {
    json!({ "desired_count": 3, "reason": "load" })
}

#[tokio::test]
async fn while_it_bakes_a_bad_release_is_stopped() -> Test {
    let stack = deploying("BAKE_TIME").await?;
    while !stack.sandbox.standin.now().broken {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let function = stack.function(&[("VERIFY_SECONDS", "10")]).await?;
    let outcome = outcome(&function, &alarm()).await?;
    assert_eq!(read(&outcome), "applied applied", "{outcome:#}");
    assert_eq!((stack.count("ecs StopServiceDeployment"), stack.count("ecs UpdateService")), (1, 0));
    assert_eq!(outcome["verification"]["verified"], true, "{outcome:#}");
    let reason = outcome["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("BLUE_GREEN deployment is in BAKE_TIME until about"), "{reason}");
    assert_eq!(stack.sandbox.runs().await?, release(1));
    Ok(())
}

#[tokio::test]
async fn while_it_bakes_writes_are_frozen_and_tasks_added_and_seen_to_be() -> Test {
    let stack = deploying("BAKE_TIME").await?;
    let scaled = asks(&stack, "scale-up", &more()).await?;
    assert_eq!(read(&scaled), "applied applied", "{scaled:#}");
    let frozen = asks(&stack, "write-freeze", &freeze()).await?;
    assert_eq!(read(&frozen), "applied applied", "{frozen:#}");
    // Its own deployment bakes, too: that all traffic is moved is what counts.
    assert_eq!(frozen["verification"]["verified"], true, "{frozen:#}");
    let what = frozen["verification"]["what"].as_str().unwrap_or_default();
    assert!(what.contains("is in BAKE_TIME until about"), "{what}");
    assert!(stack.item(&format!("target#{TARGET}"), "freeze").await?.is_some());
    Ok(())
}

#[tokio::test]
async fn before_that_each_says_the_stage_and_what_to_do() -> Test {
    for stage in ["PRE_SCALE_UP", "TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"] {
        let stack = deploying(stage).await?;
        for (function, event) in [("scale-up", more()), ("write-freeze", freeze()), ("restart", json!({}))] {
            let refused = asks(&stack, function, &event).await?;
            assert_eq!(read(&refused), "refused deployment_stage", "{refused:#}");
            let reason = refused["reason"].as_str().unwrap_or_default();
            assert!(
                reason
                    .contains(&format!("BLUE_GREEN deployment is in {stage}, which waits for check-release")),
                "{reason}"
            );
        }
        let writes = stack.sandbox.gateway.record();
        let writes = writes.names("scale-up").into_iter().chain(writes.names("restart"));
        assert!(!writes.into_iter().any(|call| call.ends_with("UpdateService") || call.contains("Register")));
    }
    Ok(())
}

#[tokio::test]
async fn what_ecs_does_not_allow_in_a_stage_is_refused_with_its_end() -> Test {
    let stack = deploying("BAKE_TIME").await?;
    stack.sandbox.gateway.ecs().refuse_changes_in_stages();
    for (function, event) in [("write-freeze", freeze()), ("scale-up", more())] {
        let refused = asks(&stack, function, &event).await?;
        assert_eq!(read(&refused), "refused deployment_stage", "{refused:#}");
        let reason = refused["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("is in BAKE_TIME until about") && reason.contains("in progress"), "{reason}");
    }
    assert_eq!(stack.item(&format!("target#{TARGET}"), "freeze").await?, None);
    Ok(())
}

#[tokio::test]
async fn a_freeze_that_waits_for_a_stage_is_done_once_that_is_over() -> Test {
    let stack = deploying("SCALE_UP").await?;
    assert_eq!(read(&asks(&stack, "write-freeze", &freeze()).await?), "refused deployment_stage");
    stack.sandbox.gateway.ecs().hold_in(None);
    // It bakes now.
    let frozen = asks(&stack, "write-freeze", &tick()).await?;
    assert_eq!(read(&frozen), "applied applied", "{frozen:#}");
    Ok(())
}

#[tokio::test]
async fn a_release_named_by_hand_is_verified_by_its_stage() -> Test {
    let stack = start_broken().await?;
    stack.sandbox.gateway.ecs().set_strategy("CANARY", BAKES);
    let function = stack.function(&[("VERIFY_SECONDS", "10")]).await?;
    let outcome = outcome(&function, &json!({ "to": release(1), "reason": "it worked" })).await?;
    assert_eq!(read(&outcome), "applied applied", "{outcome:#}");
    assert_eq!(outcome["verification"]["verified"], true, "{outcome:#}");
    Ok(())
}
