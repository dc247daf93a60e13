//! Which release it goes back to.

use super::*;
use sandbox::{deploy::IMAGE, standin::Canned};

async fn rolls_back(stack: &Stack, event: &Value, to: &str) -> anyhow::Result<Value> {
    let function = stack.function(&[("VERIFY_SECONDS", "10")]).await?;
    let outcome = outcome(&function, event).await?;
    assert_eq!(read(&outcome), "applied applied", "{outcome:#}");
    assert_eq!(stack.sandbox.runs().await?, to);
    Ok(outcome)
}

async fn refuses(stack: &Stack, event: &Value, expected: &str) -> anyhow::Result<String> {
    let before = stack.sandbox.runs().await?;
    let function = stack.function(&[]).await?;
    let outcome = outcome(&function, event).await?;
    assert_eq!(read(&outcome), expected, "{outcome:#}");
    assert_eq!(stack.sandbox.runs().await?, before);
    Ok(outcome["reason"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_release_that_answers_500_is_rolled_back_and_seen_to_work_again() -> Test {
    let stack = start_broken().await?;
    stack
        .sandbox
        .clients
        .ecs
        .update_service()
        .cluster("lendpeak2-production")
        .service("backend")
        .desired_count(3)
        .send()
        .await?;
    let outcome = rolls_back(&stack, &alarm(), &release(2)).await?;
    let what = outcome["verification"]["what"].as_str().unwrap_or_default();
    assert!(
        outcome["verification"]["verified"] == true && what.ends_with("and /health passes"),
        "{outcome:#}"
    );
    assert_eq!(stack.sandbox.desired_count().await?, 3);
    // It works: nothing is left to be looked after, and the release is remembered.
    assert_eq!(stack.item(&format!("target#{TARGET}"), "rollback#follow-up").await?, None);
    let noted = stack.item(&format!("release#{TARGET}"), &release(3)).await?;
    assert!(noted.is_some_and(|release| release["rolled_back_at"].is_string()));
    let update = stack.sandbox.gateway.record().by("rollback");
    let update =
        update.iter().find(|call| call.operation == "UpdateService").map(|call| call.request.clone());
    let sent =
        json!({ "cluster": "lendpeak2-production", "service": "backend", "taskDefinition": release(2) });
    assert_eq!(update, Some(sent));
    Ok(())
}

#[tokio::test]
async fn a_deployment_whose_tasks_do_not_start_is_rolled_back_with_the_reason() -> Test {
    for (fails, reason) in [
        ("CannotPullContainerError", "CannotPullContainerError: pull image manifest"),
        ("exit 1", "Essential container in task exited"),
        ("exit 137", "OutOfMemoryError: Container killed due to memory usage"),
        ("elb", "Task failed ELB health checks in (target-group"),
    ] {
        let stack = start().await?;
        stack.sandbox.release(&[("FAILS_TO_START", fails)]).await?;
        let outcome = rolls_back(&stack, &deployment_failed(&stack).await?, &release(2)).await?;
        let said = outcome["reason"].as_str().unwrap_or_default();
        assert!(said.contains(&format!("its tasks stopped with: {reason}")), "{said}");
        assert!(said.contains("circuit breaker"), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_deployment_under_way_is_stopped_and_left_to_ecs() -> Test {
    let stack = start().await?;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::from_secs(4));
    stack.sandbox.release(&[("BROKEN", "true")]).await?;
    let outcome = rolls_back(&stack, &alarm(), &release(2)).await?;
    assert_eq!(outcome["verification"]["verified"], true, "{outcome:#}");
    assert_eq!((stack.count("ecs StopServiceDeployment"), stack.count("ecs UpdateService")), (1, 0));
    Ok(())
}

#[tokio::test]
async fn it_never_goes_back_to_what_was_rolled_back_from() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[("COOLDOWN_SECONDS", "0")]).await?;
    for from in [3, 4] {
        assert_eq!(decision(&function, &alarm()).await?, "applied applied");
        assert_eq!(stack.sandbox.runs().await?, release(2), "from {from}");
        stack.sandbox.release(&[("BROKEN", "true")]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_ran_while_the_probe_passed_comes_first() -> Test {
    let stack = start_broken().await?;
    stack.put(&format!("release#{TARGET}"), &release(1), &[("good_at", "2026-11-20T10:00:00Z")]).await?;
    rolls_back(&stack, &previous(), &release(1)).await?;
    Ok(())
}

#[tokio::test]
async fn a_named_release_is_taken_and_a_roll_back_can_be_rolled_back_by_hand() -> Test {
    let stack = start_broken().await?;
    rolls_back(&stack, &json!({ "to": release(1) }), &release(1)).await?;
    // At once: a person who names the release need not wait.
    rolls_back(&stack, &json!({ "to": release(3), "reason": "it was the database after all" }), &release(3))
        .await?;
    let audit = stack.audit().await?;
    assert_eq!(audit, ["applied applied", "applied applied"]);
    Ok(())
}

#[tokio::test]
async fn a_service_revision_or_deployment_names_its_release() -> Test {
    let stack = start_broken().await?;
    let list = stack
        .sandbox
        .clients
        .ecs
        .list_service_deployments()
        .cluster("lendpeak2-production")
        .service("backend");
    let history = list.send().await?;
    let first = history.service_deployments().last().cloned();
    let deployment = first.as_ref().and_then(|first| first.service_deployment_arn()).unwrap_or_default();
    let revision = first.as_ref().and_then(|first| first.target_service_revision_arn()).unwrap_or_default();
    for arn in [deployment, revision] {
        let function = stack.function(&[]).await?;
        let would = whole(&function, &json!({ "to": arn, "dry_run": true })).await?;
        assert_eq!(would["plan"]["actions"][0]["deploy"]["to"], release(1), "{would:#}");
    }
    let unknown = deployment.replace("/backend/0", "/backend/9");
    refuses(&stack, &json!({ "to": unknown }), "refused release_unknown").await?;
    refuses(&stack, &json!({ "to": deployment.replace("/backend/", "/worker/") }), "refused not_allowed")
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_name_that_does_not_fit_is_refused() -> Test {
    let stack = start_broken().await?;
    let reason = refuses(&stack, &json!({ "to": release(9) }), "refused release_unknown").await?;
    assert!(
        reason.ends_with(&format!("there are {}, {}, {}", release(3), release(2), release(1))),
        "{reason}"
    );
    refuses(&stack, &json!({ "to": release(3) }), "nothing_to_do already_runs").await?;
    let other = stack.sandbox.clients.ecs.register_task_definition().family("other");
    let container = aws_sdk_ecs::types::ContainerDefinition::builder().name("a").image("a").build();
    other.container_definitions(container).send().await?;
    refuses(&stack, &json!({ "to": "other:1" }), "refused other_family").await?;
    Ok(())
}

#[tokio::test]
async fn an_inactive_release_is_registered_again_with_all_it_had() -> Test {
    let stack = start_broken().await?;
    let ecs = &stack.sandbox.clients.ecs;
    for revision in [1, 2] {
        ecs.deregister_task_definition().task_definition(release(revision)).send().await?;
    }
    let outcome = rolls_back(&stack, &alarm(), &release(4)).await?;
    let step = outcome["steps"][0]["action"].as_str().unwrap_or_default();
    assert!(step.ends_with(&format!("to a copy of {}, which is INACTIVE", release(2))), "{step}");
    let copied = describe(&stack, 4).await?;
    let original = describe(&stack, 2).await?;
    assert_eq!(copied.container_definitions(), original.container_definitions());
    assert_eq!((copied.cpu(), copied.memory()), (original.cpu(), original.memory()));
    let tags = ecs.describe_task_definition().task_definition(release(4));
    let tags = tags.include(aws_sdk_ecs::types::TaskDefinitionField::Tags).send().await?;
    let tags: Vec<_> = tags
        .tags()
        .iter()
        .map(|tag| (tag.key().unwrap_or_default(), tag.value().unwrap_or_default()))
        .collect();
    assert_eq!(tags, [("Project", "LendPeak2"), ("lendpeak2:copy-of", release(2).as_str())]);
    // The copy counts as the release.
    refuses(&stack, &json!({ "to": release(2) }), "nothing_to_do already_runs").await?;
    Ok(())
}

#[tokio::test]
async fn an_image_whose_tag_has_moved_on_is_brought_back_by_its_digest() -> Test {
    let stack = start().await?;
    stack.sandbox.gateway.ecs().set_digest(IMAGE, "sha256:bad");
    stack.sandbox.release(&[("BROKEN", "true")]).await?;
    rolls_back(&stack, &alarm(), &release(4)).await?;
    let image = describe(&stack, 4).await?.container_definitions()[0].image().map(str::to_owned);
    let good = format!("{}@sha256:of-{IMAGE}", IMAGE.trim_end_matches(":1"));
    assert_eq!(image, Some(good));
    Ok(())
}

async fn describe(stack: &Stack, revision: u32) -> anyhow::Result<aws_sdk_ecs::types::TaskDefinition> {
    let describe = stack.sandbox.clients.ecs.describe_task_definition().task_definition(release(revision));
    describe.send().await?.task_definition.ok_or_else(|| anyhow::anyhow!("there is no revision {revision}"))
}

#[tokio::test]
async fn an_old_release_is_not_the_cause_unless_a_person_says_so() -> Test {
    let stack = start_broken().await?;
    stack.sandbox.gateway.ecs().age_deployments(Duration::from_hours(2));
    let reason = refuses(&stack, &alarm(), "refused release_too_old").await?;
    assert!(reason.contains("it is not what broke now"), "{reason}");
    rolls_back(&stack, &previous(), &release(2)).await?;
    Ok(())
}

#[tokio::test]
async fn a_database_that_is_down_is_not_helped() -> Test {
    let stack = start().await?;
    stack.sandbox.release(&[]).await?;
    stack.sandbox.standin.set_database_down(true);
    for event in [alarm(), previous()] {
        let reason = refuses(&stack, &event, "refused database_down").await?;
        assert!(reason.contains("the database layer (DocumentDB)"), "{reason}");
    }
    assert_eq!(stack.writes(), ["dynamodb PutItem", "dynamodb PutItem"]);
    Ok(())
}

#[tokio::test]
async fn a_database_that_its_check_calls_down_is_not_helped_either() -> Test {
    let stack = start().await?;
    stack.sandbox.release(&[]).await?;
    for path in ["/health", "/health/db"] {
        let headers = vec![("content-type", "application/json".to_owned())];
        let body = r#"{"status":"unhealthy","database":"disconnected"}"#;
        stack.sandbox.standin.answer_with(path, Canned { status: 200, headers, body });
    }
    let reason = refuses(&stack, &previous(), "refused database_down").await?;
    assert!(reason.contains("the database layer (DocumentDB)"), "{reason}");
    Ok(())
}

#[tokio::test]
async fn without_a_history_the_ledger_has_to_do_and_without_that_a_person() -> Test {
    let stack = start_broken().await?;
    stack.sandbox.gateway.ecs().forget_deployments();
    let reason = refuses(&stack, &alarm(), "refused no_known_good_release").await?;
    assert!(reason.contains(&format!("there are {}", release(3))), "{reason}");
    stack.put(&format!("release#{TARGET}"), &release(1), &[("good_at", "2026-11-20T10:00:00Z")]).await?;
    rolls_back(&stack, &alarm(), &release(1)).await?;
    Ok(())
}

#[tokio::test]
async fn a_failure_that_is_over_is_left_alone() -> Test {
    let stack = start().await?;
    stack.sandbox.release(&[("FAILS_TO_START", "exit 1")]).await?;
    let event = deployment_failed(&stack).await?;
    stack.sandbox.release(&[]).await?;
    refuses(&stack, &event, "nothing_to_do superseded").await?;
    Ok(())
}
