//! What a restart does, and what it leaves.

use super::*;

#[tokio::test]
async fn a_service_gets_a_new_deployment_of_the_same_release_and_nothing_else_changes() -> Test {
    let stack = start().await?;
    let update = stack.sandbox.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
    update.desired_count(3).send().await?;
    let before = primary(&stack).await?;
    let function = stack.function(&[]).await?;
    let outcome = outcome(&function, &by_hand()).await?;
    assert_eq!(read(&outcome), "applied applied", "{outcome:#}");
    assert_ne!(primary(&stack).await?, before);
    assert_eq!(stack.sandbox.runs().await?, release(2));
    assert_eq!(stack.sandbox.desired_count().await?, 3);
    assert_eq!(deployments(&stack).await?, 3);

    let calls = stack.sandbox.gateway.record().by("restart");
    let update = calls.iter().find(|call| call.operation == "UpdateService").map(|call| &call.request);
    let update = update.context("it did not restart")?;
    let definition = update["taskDefinition"].as_str().unwrap_or_default().to_owned();
    assert!(definition.ends_with(&format!(":task-definition/{}", release(2))), "{definition}");
    let sent = json!({ "cluster": CLUSTER, "service": SERVICE, "taskDefinition": definition,
        "forceNewDeployment": true });
    assert_eq!(*update, sent);
    assert!(outcome["reason"].as_str().is_some_and(|reason| reason.starts_with("asked by hand")));
    let recorded = stack.outcomes().await?.pop().unwrap_or_default();
    assert_eq!(recorded["trigger"]["kind"]["person"]["reason"], "memory grows");
    Ok(())
}

#[tokio::test]
async fn the_second_look_says_which_deployment_began_in_place_of_which() -> Test {
    let stack = start().await?;
    stack.sandbox.gateway.ecs().set_rollout_time(Duration::from_mins(5));
    stack.sandbox.gateway.ecs().age_deployments(Duration::from_hours(1));
    let before = primary(&stack).await?;
    let function = stack.function(&[]).await?;
    let outcome = outcome(&function, &by_hand()).await?;
    assert_eq!(outcome["verification"]["verified"], true, "{outcome:#}");
    let what = outcome["verification"]["what"].as_str().unwrap_or_default();
    let begun = format!("deployment {} has begun in place of {before}: ", primary(&stack).await?);
    assert!(what.starts_with(&begun) && what.ends_with("is in_progress"), "{what}");
    Ok(())
}

#[tokio::test]
async fn an_alarm_by_its_topic_restarts_the_service_once() -> Test {
    let stack = start().await?;
    let topic = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-restart-alarms";
    let event = alarm();
    let message = event["Records"][0]["Sns"]["Message"].as_str().context("no message")?;
    stack.sandbox.clients.sns.publish().topic_arn(topic).message(message).send().await?;
    let mut tries = 0;
    while stack.audit().await?.is_empty() && tries < 200 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        tries += 1;
    }
    assert_eq!(stack.audit().await?, ["applied applied"]);
    assert_eq!((updates(&stack), stack.sandbox.runs().await?), (1, release(2)));
    // By another route, it is the same event.
    let function = stack.function(&[("COOLDOWN_SECONDS", "0")]).await?;
    assert_eq!(decision(&function, &event).await?, "replayed applied");
    assert_eq!(updates(&stack), 1);
    Ok(())
}

#[tokio::test]
async fn a_state_machine_restarts_it_and_its_retry_gets_the_same_answer() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let task = json!({ "step_functions": { "execution": "arn:aws:states:us-east-1:000000000000:execution:down:1",
        "state": "Restart" }, "request": { "reason": "leak" } });
    assert_eq!(decision(&function, &task).await?, "applied applied");
    assert_eq!(decision(&function, &task).await?, "replayed applied");
    assert_eq!(updates(&stack), 1);
    Ok(())
}
