//! One open incident for each cause, however many alarms there are and however they come.

use aws_sdk_cloudwatch::types::StateValue;

use super::*;

#[tokio::test]
async fn an_alarm_opens_an_incident_and_people_are_told_once() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let began = Timestamp::now() - SignedDuration::from_mins(3);
    let event = alarm(COMPOSITE, began);
    let first = outcome(&function, &event).await?;
    assert_eq!((&first["did"], &first["severity"]), (&json!("opened"), &json!("critical")));
    let again = outcome(&function, &event).await?;
    assert_eq!((&again["did"], &again["incident"]), (&json!("joined"), &first["incident"]));
    assert_eq!(stack.told(), ["notices OPEN"]);
    let id = first["incident"].as_str().unwrap_or_default();
    let incident = stack.incident(id).await?;
    assert_eq!(incident["cause"], "service-down");
    let known: Timestamp = serde_json::from_value(incident["began_at"].clone())?;
    assert_eq!(known.as_millisecond(), began.as_millisecond());
    Ok(())
}

#[tokio::test]
async fn another_alarm_of_the_same_cause_joins_and_makes_it_as_bad_as_the_worse() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let first = outcome(&function, &alarm(PROBE, Timestamp::now())).await?;
    assert_eq!((&first["did"], &first["severity"]), (&json!("opened"), &json!("high")));
    let second = outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    assert_eq!((&second["did"], &second["severity"]), (&json!("joined"), &json!("critical")));
    assert_eq!(first["incident"], second["incident"]);
    let other = outcome(&function, &alarm("lendpeak2-production-dead-letters", Timestamp::now())).await?;
    assert_eq!(other["did"], "opened");
    assert!(other["incident"].as_str().unwrap_or_default().ends_with("-dead-letters"), "{other}");
    assert_eq!(stack.open(&function).await?.len(), 2);
    assert_eq!(stack.told(), ["notices OPEN", "notices WORSE", "notices OPEN"]);
    Ok(())
}

/// Lambda runs ten at once; both alarms come again and again, in any order.
#[tokio::test]
async fn two_hundred_alarms_at_once_are_one_incident() -> Test {
    const RUNS: usize = 10;
    let stack = Stack::start().await?;
    // The state machine must not find it well before all of them are through.
    stack.sandbox.standin.set_database_down(true);
    let now = Timestamp::now();
    let event = |number: usize| {
        let name = if number.is_multiple_of(3) { COMPOSITE } else { PROBE };
        let changed = now - SignedDuration::from_millis(i64::try_from(number % 50).unwrap_or_default());
        alarm(name, changed)
    };
    let mut runs = tokio::task::JoinSet::new();
    for run in 0..RUNS {
        let function = stack.function(&[("STATE_MACHINE_ARN", MACHINE)]).await?;
        let events: Vec<Value> = (0..200).filter(|number| number % RUNS == run).map(event).collect();
        runs.spawn(async move {
            let mut did = Vec::new();
            for event in events {
                did.push(outcome(&function, &event).await?["did"].clone());
            }
            anyhow::Ok(did)
        });
    }
    let mut did = Vec::new();
    while let Some(run) = runs.join_next().await {
        did.extend(run??);
    }
    assert_eq!(did.len(), 200);
    assert_eq!(did.iter().filter(|did| **did == "opened").count(), 1, "{did:?}");
    assert!(did.iter().all(|did| *did == "opened" || *did == "joined"), "{did:?}");
    let function = stack.function(&[]).await?;
    let open = stack.open(&function).await?;
    let list = outcome(&function, &json!({})).await?;
    assert_eq!(open.len(), 1, "{list:#}");
    assert_eq!(stack.incident(&open[0]).await?["severity"], "critical");
    let starts = stack.count("states StartExecution") + stack.count("sfn StartExecution");
    assert_eq!((stack.told().iter().filter(|told| told.ends_with("OPEN")).count(), starts), (1, 1));
    Ok(())
}

#[tokio::test]
async fn an_alarm_that_is_old_or_over_or_without_data_opens_nothing() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let now = Timestamp::now();
    for event in [
        alarm(COMPOSITE, now - SignedDuration::from_mins(16)),
        alarm_in("OK", COMPOSITE, now),
        alarm_in("INSUFFICIENT_DATA", COMPOSITE, now),
    ] {
        let answer = outcome(&function, &event).await?;
        assert_eq!(answer["did"], "nothing", "{answer}");
    }
    assert_eq!(stack.writes(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn an_alarm_that_is_ok_again_is_noted_and_resolves_nothing_at_once() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    let answer = outcome(&function, &alarm_in("OK", COMPOSITE, Timestamp::now())).await?;
    assert_eq!((&answer["did"], &answer["open"]), (&json!("noted"), &json!(true)));
    let shown = outcome(&function, &json!({ "show": id })).await?;
    assert!(for_people(&shown).contains("service-down is OK again"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn what_comes_back_soon_is_the_same_incident_and_later_another() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    let before = Timestamp::now();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    outcome(&function, &json!({ "resolve": id, "reason": "it went over" })).await?;
    // On its way since before that.
    let late = outcome(&function, &alarm(COMPOSITE, before)).await?;
    assert_eq!((&late["did"], &late["open"]), (&json!("was_over"), &json!(false)), "{late}");
    let back = outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    assert_eq!((&back["did"], &back["incident"]), (&json!("reopened"), &json!(id)));
    assert_eq!(stack.told(), ["notices OPEN", "notices RESOLVED", "notices BACK"]);

    outcome(&function, &json!({ "resolve": id })).await?;
    stack.age(&id, "resolved_at", 16).await?;
    // Ids tell the second.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let another = outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    assert_eq!(another["did"], "opened");
    assert_ne!(another["incident"], json!(id));
    Ok(())
}

/// People have mended it and forgotten it: the next outage is to be heard of.
#[tokio::test]
async fn what_its_alarms_have_left_alone_for_long_is_over() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    outcome(&function, &alarm(PROBE, Timestamp::now())).await?;
    outcome(&function, &json!({ "acknowledge": id, "by": "on call" })).await?;
    for name in [COMPOSITE, PROBE] {
        outcome(&function, &tick()).await?;
        assert_eq!(stack.open(&function).await?, [id.as_str()]);
        outcome(&function, &alarm_in("OK", name, Timestamp::now())).await?;
    }
    stack.age(&id, "quiet_since", 14).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.open(&function).await?, [id.as_str()]);
    stack.age(&id, "quiet_since", 16).await?;
    outcome(&function, &tick()).await?;
    assert!(stack.open(&function).await?.is_empty());
    assert_eq!(stack.told(), ["notices OPEN", "notices RESOLVED"]);
    Ok(())
}

/// Two probes were lucky, and CloudWatch does not call again.
#[tokio::test]
async fn what_was_resolved_while_the_alarm_rings_on_is_opened_again() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    outcome(&function, &alarm(PROBE, Timestamp::now())).await?;
    let id = opened_by(&function).await?;
    outcome(&function, &json!({ "resolve": id })).await?;
    stack.age(&id, "resolved_at", 6).await?;
    outcome(&function, &tick()).await?;
    assert!(stack.open(&function).await?.is_empty(), "the alarm is not in ALARM");

    let ring = stack.sandbox.clients.cloudwatch.set_alarm_state().alarm_name(PROBE);
    ring.state_value(StateValue::Alarm).state_reason("test").send().await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.open(&function).await?, [id.as_str()]);
    assert_eq!(stack.told(), ["notices OPEN", "notices RESOLVED", "notices BACK"]);
    outcome(&function, &tick()).await?;
    assert_eq!(stack.told().len(), 3);
    Ok(())
}

async fn opened_by(function: &Bootstrap) -> anyhow::Result<String> {
    let list = outcome(function, &json!({})).await?;
    Ok(list["open"][0]["incident"].as_str().context("none is open")?.to_owned())
}
