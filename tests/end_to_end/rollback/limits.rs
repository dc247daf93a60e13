//! Once in a window, and only alone.

use sandbox::{
    deploy::{CLUSTER, SERVICE},
    stack::DEADLINE,
};

use super::*;

#[tokio::test]
async fn fifty_events_at_once_roll_back_once() -> Test {
    const FUNCTIONS: usize = 10;
    const EVENTS_EACH: usize = 5;
    let stack = start_broken().await?;
    let now = Timestamp::now();
    let failed = deployment_failed(&stack).await?;
    let mut deliveries = tokio::task::JoinSet::new();
    for number in 0..FUNCTIONS {
        let function = stack.function(&[]).await?;
        let failed = failed.clone();
        deliveries.spawn(async move {
            let mut answers = Vec::new();
            for event in 0..EVENTS_EACH {
                let event = match (number + event) % 3 {
                    0 => failed.clone(),
                    1 => previous(),
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
            // The last: the one that was quicker has ended, and release 2 is what runs.
            "refused claimed_by_another"
            | "refused cooldown"
            | "nothing_to_do superseded"
            | "replayed applied" => {}
            other => panic!("one was answered with {other}"),
        }
    }
    assert_eq!((applied, stack.count("ecs UpdateService")), (1, 1));
    assert_eq!(stack.sandbox.runs().await?, release(2));
    Ok(())
}

#[tokio::test]
async fn each_release_that_breaks_has_a_cooldown_and_a_budget_of_its_own() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[("ATTEMPTS_PER_DAY", "1")]).await?;
    for _ in 0..3 {
        assert_eq!(decision(&function, &alarm()).await?, "applied applied");
        stack.sandbox.release(&[("BROKEN", "true")]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_release_that_breaks_again_waits_and_a_person_need_not() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[("ATTEMPTS_PER_DAY", "1")]).await?;
    let bad = stack.sandbox.runs().await?;
    assert_eq!(decision(&function, &alarm()).await?, "applied applied");
    let good = stack.sandbox.runs().await?;
    let again = || stack.sandbox.clients.ecs.update_service().cluster(CLUSTER).service(SERVICE);
    again().task_definition(&bad).send().await?;
    let refused = outcome(&function, &alarm()).await?;
    assert_eq!(refused["code"], "cooldown", "{refused:#}");
    let named = json!({ "to": good });
    let reason = refused["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("roll back from") && reason.contains(" rang"), "{reason}");
    // What the refusal says to send is obeyed.
    let send = refused["next"]["send"].clone();
    assert_eq!((&send["to"], &send["override"]), (&named["to"], &json!(true)));
    assert_eq!(decision(&function, &send).await?, "applied applied");
    again().task_definition(&bad).send().await?;
    stack.end_cooldown(&format!("target#{TARGET}"), "rollback").await?;
    assert_eq!(decision(&function, &alarm()).await?, "refused budget_spent");
    // So is a person who names the release.
    assert_eq!(decision(&function, &named).await?, "applied applied");
    Ok(())
}

#[tokio::test]
async fn while_another_remedy_is_at_work_it_waits_for_that_to_end() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[]).await?;
    let until = |seconds: i64| {
        let until = Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap_or_default();
        until.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
    };
    let key = format!("target#{TARGET}");
    stack.put(&key, "holder", &[("held_by", "scale-up"), ("lease_until", &until(30))]).await?;
    assert_eq!(decision(&function, &alarm()).await?, "refused held_by_another_remedy");
    stack.put(&key, "holder", &[("held_by", "scale-up"), ("lease_until", &until(-1))]).await?;
    assert_eq!(decision(&function, &alarm()).await?, "applied applied");
    assert_eq!(stack.item(&key, "holder").await?, None);
    Ok(())
}

#[tokio::test]
async fn the_same_event_again_is_answered_as_before() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[]).await?;
    let event = alarm();
    assert_eq!(decision(&function, &event).await?, "applied applied");
    assert_eq!(decision(&function, &event).await?, "replayed applied");
    assert_eq!(stack.count("ecs UpdateService"), 1);
    Ok(())
}

#[tokio::test]
async fn an_event_that_is_too_old_rolls_nothing_back() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[]).await?;
    let old = alarm_at(Timestamp::now() - Duration::from_mins(16));
    assert_eq!(decision(&function, &old).await?, "refused event_too_old");
    let answer = function.invoke(old.to_string(), DEADLINE).await;
    assert!(matches!(answer, sandbox::runtime_api::Answer::Ok(_)));
    assert_eq!(stack.sandbox.runs().await?, release(3));
    Ok(())
}

/// Another remedy holds the service until `seconds` from now.
async fn held_for(stack: &Stack, seconds: i64) -> Test {
    let until = Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    let until = until.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    let holder = [("held_by", "scale-up"), ("lease_until", until.as_str())];
    stack.put(&format!("target#{TARGET}"), "holder", &holder).await
}

#[tokio::test]
async fn what_an_alarm_asked_for_while_another_held_it_the_schedule_does() -> Test {
    let stack = start_broken().await?;
    let function = stack.function(&[]).await?;
    held_for(&stack, 30).await?;
    assert_eq!(decision(&function, &alarm()).await?, "refused held_by_another_remedy");
    let still = outcome(&function, &tick()).await?;
    assert_eq!(read(&still["outcomes"][1]), "refused held_by_another_remedy", "{still:#}");
    held_for(&stack, -1).await?;
    let done = outcome(&function, &tick()).await?;
    assert_eq!(read(&done["outcomes"][1]), "applied applied", "{done:#}");
    assert_eq!(stack.sandbox.runs().await?, release(2));
    // It is not wanted any more.
    let after = outcome(&function, &tick()).await?;
    assert!(after["outcomes"].is_null(), "{after:#}");
    Ok(())
}
