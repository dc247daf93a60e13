//! Once in a window, and only alone.

use tests::stack::DEADLINE;

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
async fn twice_in_one_window_is_refused_and_so_is_a_third_time_in_a_day() -> Test {
    let stack = start_broken().await?;
    let hasty = stack.function(&[("COOLDOWN_SECONDS", "0"), ("ATTEMPTS_PER_DAY", "2")]).await?;
    assert_eq!(decision(&hasty, &alarm()).await?, "applied applied");
    stack.sandbox.release(&[("BROKEN", "true")]).await?;
    let function = stack.function(&[("ATTEMPTS_PER_DAY", "2")]).await?;
    assert_eq!(decision(&function, &alarm()).await?, "applied applied");
    stack.sandbox.release(&[("BROKEN", "true")]).await?;
    assert_eq!(decision(&function, &alarm()).await?, "refused cooldown");
    stack.change(&format!("target#{TARGET}"), "rollback", "cooldown_until", json!(Timestamp::now())).await?;
    assert_eq!(decision(&function, &alarm()).await?, "refused budget_spent");
    assert_eq!(decision(&function, &json!({ "to": release(2) })).await?, "refused budget_spent");
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
    assert!(matches!(answer, tests::runtime_api::Answer::Ok(_)));
    assert_eq!(stack.sandbox.runs().await?, release(3));
    Ok(())
}
