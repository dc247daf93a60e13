//! What is deployed, and what it goes back to.

use super::*;

async fn applies(stack: &Stack, function: &Bootstrap, event: &Value, runs: u32) -> anyhow::Result<Value> {
    let outcome = outcome(function, event).await?;
    assert_eq!(read(&outcome), "applied applied", "{outcome:#}");
    assert_eq!(stack.sandbox.runs().await?, release(runs), "{outcome:#}");
    Ok(outcome)
}

#[tokio::test]
async fn writes_are_refused_while_they_are_frozen_and_go_through_again() -> Test {
    let stack = start().await?;
    let ecs = &stack.sandbox.clients.ecs;
    ecs.update_service().cluster(CLUSTER).service(SERVICE).desired_count(3).send().await?;
    let function = stack.function(&[("VERIFY_SECONDS", "10")]).await?;
    assert_eq!(write(&stack).await?, "201");

    let frozen = applies(&stack, &function, &on(), 2).await?;
    assert_eq!(frozen["verification"]["verified"], true, "{frozen:#}");
    assert_eq!(write(&stack).await?, "503");
    let noted = freeze_on_record(&stack).await?.context("not on record")?;
    let expected = json!({ "container": "backend", "variable": "READONLY_MODE", "value": "true",
        "release": release(1), "reason": "asked by hand: loans are negative" });
    for (name, value) in expected.as_object().context("no object")? {
        assert_eq!(noted[name], *value, "{name}");
    }
    assert_eq!(decision(&function, &on()).await?, "nothing_to_do already_frozen");

    let thawed = applies(&stack, &function, &off(), 1).await?;
    assert_eq!(thawed["verification"]["verified"], true, "{thawed:#}");
    assert_eq!(write(&stack).await?, "201");
    assert_eq!(freeze_on_record(&stack).await?, None);
    assert_eq!(decision(&function, &off()).await?, "nothing_to_do not_frozen");
    assert_eq!(stack.sandbox.desired_count().await?, 3);
    assert_eq!(stack.item(&format!("target#{TARGET}"), "write-freeze#follow-up").await?, None);
    Ok(())
}

#[tokio::test]
async fn everything_but_the_variable_is_copied_and_nothing_else_of_the_service_is_sent() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    applies(&stack, &function, &on(), 2).await?;
    let (original, copy) = (described(&stack, &release(1)).await?, running(&stack).await?);
    assert_eq!(variables(&copy.0), ["APP_ENV=production", "READONLY_MODE=true"]);
    let with_the_variable = {
        let mut containers = original.0.container_definitions().to_vec();
        containers[0].environment = copy.0.container_definitions()[0].environment.clone();
        containers
    };
    assert_eq!(copy.0.container_definitions(), with_the_variable);
    assert_eq!((copy.0.cpu(), copy.0.memory()), (original.0.cpu(), original.0.memory()));
    let tag = ("lendpeak2:frozen-from".to_owned(), release(1));
    assert_eq!(copy.1, [original.1, vec![tag]].concat());
    let calls = stack.sandbox.gateway.record().by("write-freeze");
    let update = calls.iter().find(|call| call.operation == "UpdateService").context("no UpdateService")?;
    let arn = copy.0.task_definition_arn();
    assert_eq!(update.request, json!({ "cluster": CLUSTER, "service": SERVICE, "taskDefinition": arn }));
    // Frozen again, the copy of before will do.
    applies(&stack, &function, &off(), 1).await?;
    applies(&stack, &function, &on(), 2).await?;
    Ok(())
}

#[tokio::test]
async fn a_release_deployed_since_is_left_without_the_variable() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    applies(&stack, &function, &on(), 2).await?;
    stack.sandbox.release(&[]).await?;
    let updates = stack.count("ecs UpdateService");
    applies(&stack, &function, &off(), 3).await?;
    assert_eq!((stack.count("ecs UpdateService"), freeze_on_record(&stack).await?), (updates, None));

    applies(&stack, &function, &on(), 4).await?;
    stack.sandbox.release(&[("READONLY_MODE", "true"), ("NEW", "1")]).await?;
    applies(&stack, &function, &off(), 6).await?;
    assert_eq!(variables(&running(&stack).await?.0), ["APP_ENV=production", "NEW=1"]);
    Ok(())
}

#[tokio::test]
async fn a_release_deployed_into_a_freeze_can_be_frozen_too() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    applies(&stack, &function, &on(), 2).await?;
    let since = freeze_on_record(&stack).await?.context("not on record")?["since"].clone();
    stack.sandbox.release(&[("NEW", "1")]).await?;
    applies(&stack, &function, &on(), 4).await?;
    assert_eq!(variables(&running(&stack).await?.0), ["APP_ENV=production", "NEW=1", "READONLY_MODE=true"]);
    let noted = freeze_on_record(&stack).await?.context("not on record")?;
    assert_eq!((&noted["since"], &noted["release"]), (&since, &json!(release(3))));
    applies(&stack, &function, &off(), 3).await?;
    Ok(())
}

#[tokio::test]
async fn what_was_frozen_and_is_inactive_since_comes_back_as_a_copy() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    applies(&stack, &function, &on(), 2).await?;
    stack.sandbox.clients.ecs.deregister_task_definition().task_definition(release(1)).send().await?;
    applies(&stack, &function, &off(), 3).await?;
    let (copy, tags) = running(&stack).await?;
    assert_eq!(variables(&copy), ["APP_ENV=production"]);
    assert!(tags.contains(&("lendpeak2:copy-of".to_owned(), release(1))), "{tags:?}");
    Ok(())
}

#[tokio::test]
async fn what_the_ledger_has_lost_can_be_noted_or_ended() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    stack.sandbox.release(&[("READONLY_MODE", "true")]).await?;
    applies(&stack, &function, &on(), 2).await?;
    assert_eq!(freeze_on_record(&stack).await?.context("not on record")?["release"], release(2));
    assert_eq!(stack.count("ecs UpdateService"), 0);
    applies(&stack, &function, &off(), 3).await?;
    assert!(!is_frozen(&stack).await?);
    Ok(())
}

#[tokio::test]
async fn the_variable_its_value_and_the_container_are_settings() -> Test {
    let stack = start().await?;
    let other = stack.function(&[("CONTAINER", "app")]).await?;
    let refused = outcome(&other, &on()).await?;
    assert_eq!(read(&refused), "refused container_missing");
    let reason = refused["reason"].as_str().unwrap_or_default();
    assert!(reason.ends_with("has no container app, only backend"), "{reason}");
    let function = stack.function(&[("VARIABLE", "WRITES"), ("VALUE", "no")]).await?;
    applies(&stack, &function, &on(), 2).await?;
    assert_eq!(variables(&running(&stack).await?.0), ["APP_ENV=production", "WRITES=no"]);
    // Settings that were changed meanwhile do not leave it there.
    let changed = stack.function(&[]).await?;
    assert_eq!(decision(&changed, &off()).await?, "refused other_variable");
    applies(&stack, &function, &off(), 1).await?;
    Ok(())
}

#[tokio::test]
async fn a_service_that_is_not_there_is_refused() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("SERVICE", "worker")]).await?;
    assert_eq!(decision(&function, &on()).await?, "refused service_missing");
    assert_eq!(decision(&function, &off()).await?, "refused service_missing");
    assert_eq!(stack.count("ecs UpdateService"), 0);
    Ok(())
}
