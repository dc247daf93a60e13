//! Once in a window, and only alone.

use super::*;

#[tokio::test]
async fn twenty_events_at_once_restart_once() -> Test {
    const FUNCTIONS: usize = 5;
    const EVENTS_EACH: usize = 4;
    let stack = start().await?;
    let now = Timestamp::now();
    let mut deliveries = tokio::task::JoinSet::new();
    for number in 0..FUNCTIONS {
        let function = stack.function(&[]).await?;
        deliveries.spawn(async move {
            let mut answers = Vec::new();
            for event in 0..EVENTS_EACH {
                let event = match (number + event) % 3 {
                    0 => by_hand(),
                    // The same for all.
                    1 => alarm_at(now),
                    _ => alarm_at(now - Duration::from_millis((number * EVENTS_EACH + event + 1) as u64)),
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
            "refused claimed_by_another" | "refused cooldown" | "replayed applied" => {}
            other => panic!("one was answered with {other}"),
        }
    }
    assert_eq!((applied, updates(&stack), deployments(&stack).await?), (1, 1, 3));
    Ok(())
}

#[tokio::test]
async fn twice_in_one_window_is_refused_to_everybody_and_so_is_a_fourth_time_in_a_day() -> Test {
    let stack = start().await?;
    let function = stack.function(&[("COOLDOWN_SECONDS", "1800"), ("ATTEMPTS_PER_DAY", "3")]).await?;
    for time in 1..=3 {
        assert_eq!(decision(&function, &by_hand()).await?, "applied applied", "{time}");
        assert_eq!(decision(&function, &alarm()).await?, "refused cooldown");
        assert_eq!(decision(&function, &by_hand()).await?, "refused cooldown");
        end_cooldown(&stack).await?;
    }
    let spent = outcome(&function, &by_hand()).await?;
    assert_eq!(read(&spent), "refused budget_spent");
    assert_eq!(spent["next"]["level"], 2);
    assert_eq!(updates(&stack), 3);
    Ok(())
}

#[tokio::test]
async fn while_another_remedy_is_at_work_it_waits_for_that_to_end() -> Test {
    let stack = start().await?;
    let function = stack.function(&[]).await?;
    let until = |seconds: i64| {
        let until = Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap_or_default();
        until.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
    };
    stack.put(&claim(), "holder", &[("held_by", "rollback"), ("lease_until", &until(30))]).await?;
    assert_eq!(decision(&function, &by_hand()).await?, "refused held_by_another_remedy");
    stack.put(&claim(), "holder", &[("held_by", "rollback"), ("lease_until", &until(-1))]).await?;
    assert_eq!(decision(&function, &by_hand()).await?, "applied applied");
    assert_eq!(stack.item(&claim(), "holder").await?, None);
    Ok(())
}

#[tokio::test]
async fn writes_that_are_frozen_stay_so() -> Test {
    let stack = start().await?;
    let freeze = [
        ("since", "2026-11-20T10:00:00Z"),
        ("container", SERVICE),
        ("variable", "READONLY_MODE"),
        ("value", "true"),
        ("release", &release(1)),
        ("reason", "loans are negative"),
    ];
    stack.put(&claim(), "freeze", &freeze).await?;
    let function = stack.function(&[]).await?;
    let outcome = outcome(&function, &by_hand()).await?;
    assert_eq!(read(&outcome), "applied applied");
    let reason = outcome["reason"].as_str().unwrap_or_default();
    assert!(reason.ends_with("writes are frozen since 2026-11-20 10:00:00 UTC, and stay so"), "{reason}");
    assert_eq!(stack.sandbox.runs().await?, release(2));
    Ok(())
}
