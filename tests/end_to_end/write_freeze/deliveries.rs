//! The same event twice, many at once, and by the template's own topic.

use super::*;

#[tokio::test]
async fn fifty_events_at_once_freeze_once() -> Test {
    const FUNCTIONS: usize = 10;
    const EVENTS_EACH: usize = 5;
    let stack = start().await?;
    let now = Timestamp::now();
    let mut deliveries = tokio::task::JoinSet::new();
    for number in 0..FUNCTIONS {
        let function = stack.function(&[]).await?;
        deliveries.spawn(async move {
            let mut answers = Vec::new();
            for event in 0..EVENTS_EACH {
                let event = match (number + event) % 3 {
                    0 => alarm_at(now),
                    1 => on(),
                    _ => alarm_at(now - Duration::from_millis((number * EVENTS_EACH + event) as u64)),
                };
                answers.push(decision(&function, &event).await);
            }
            answers
        });
    }
    let mut applied = 0;
    for answer in deliveries.join_all().await.into_iter().flatten() {
        match answer?.as_str() {
            "applied applied" => applied += 1,
            "refused claimed_by_another" | "nothing_to_do already_frozen" | "replayed applied" => {}
            other => panic!("one was answered with {other}"),
        }
    }
    assert_eq!((applied, stack.count("ecs UpdateService")), (1, 1));
    assert_eq!(stack.count("ecs RegisterTaskDefinition"), 1);
    assert!(is_frozen(&stack).await?);
    Ok(())
}

#[tokio::test]
async fn the_same_event_again_is_answered_as_before_and_an_old_one_is_refused() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let old = alarm_at(Timestamp::now() - Duration::from_mins(16));
    assert_eq!(decision(&function, &old).await?, "refused event_too_old");
    let event = alarm();
    assert_eq!(decision(&function, &event).await?, "applied applied");
    assert_eq!(decision(&function, &off()).await?, "applied applied");
    assert_eq!(decision(&function, &event).await?, "replayed applied");
    assert!(!is_frozen(&stack).await?);
    Ok(())
}

#[tokio::test]
async fn what_is_sent_to_the_templates_topic_freezes_and_a_state_machine_ends_it() -> Test {
    let stack = start().await?;
    let message = alarm()["Records"][0]["Sns"]["Message"].as_str().unwrap_or_default().to_owned();
    let topic = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-write-freeze-alarms";
    stack.sandbox.clients.sns.publish().topic_arn(topic).message(message).send().await?;
    let record = stack.sandbox.gateway.record();
    assert!(record.wait_for("write-freeze", "ecs", "UpdateService", Duration::from_secs(20)).await);
    // Its record is the last it writes, and gives the service back.
    while stack.audit().await?.is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(is_frozen(&stack).await?);
    let function = stack.function(&[]).await?;
    let task = json!({ "step_functions": { "execution": "e", "state": "s" }, "request": off() });
    assert_eq!(decision(&function, &task).await?, "applied applied");
    assert!(!is_frozen(&stack).await?);
    Ok(())
}
