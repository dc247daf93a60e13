//! A stack that has just been made, and an alarm that rang before anybody could hear it.

use sandbox::gateway::{Fault, Rule};

use super::*;

const NO_VALUE: &str = "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were \
                        treated as [Breaching].";

/// CloudWatch says that an alarm has been in ALARM for so long.
fn rings_for(stack: &Stack, name: &str, minutes: i64) {
    let since = Timestamp::now() - SignedDuration::from_mins(minutes);
    stack.sandbox.gateway.cloudwatch().add_alarm(json!({
        "AlarmName": name,
        "AlarmArn": format!("arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"),
        "StateValue": "ALARM",
        "StateReason": NO_VALUE,
        "StateTransitionedTimestamp": since.as_second(),
    }));
}

/// An alarm's first word: it has had no value since it was made.
fn newborn(name: &str) -> Value {
    let mut event = alarm(name, Timestamp::now());
    let message = event["Records"][0]["Sns"]["Message"].as_str().unwrap_or_default();
    let mut message: Value = serde_json::from_str(message).unwrap_or_default();
    message["OldStateValue"] = json!("INSUFFICIENT_DATA");
    message["NewStateReason"] = json!(NO_VALUE);
    event["Records"][0]["Sns"]["Message"] = json!(message.to_string());
    event
}

#[tokio::test]
async fn an_alarm_that_nobody_heard_opens_an_incident_once_it_has_rung_for_five_minutes() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    outcome(&function, &tick()).await?;
    rings_for(&stack, PROBE, 2);
    outcome(&function, &tick()).await?;
    assert!(stack.open(&function).await?.is_empty(), "its call may be on its way");

    rings_for(&stack, PROBE, 7);
    let swept = outcome(&function, &tick()).await?;
    let open = stack.open(&function).await?;
    let [id] = open.as_slice() else { anyhow::bail!("{open:?}: {swept:#}") };
    assert_eq!(swept["done"][0]["incident"], json!(id), "{swept:#}");
    let incident = stack.incident(id).await?;
    assert_eq!((&incident["cause"], &incident["severity"]), (&json!("service-down"), &json!("high")));
    let began: Timestamp = serde_json::from_value(incident["began_at"].clone())?;
    assert!(Timestamp::now().duration_since(began) >= SignedDuration::from_mins(7), "{began}");
    assert_eq!(stack.told(), ["notices OPEN"]);

    // Neither the next minute nor a call that comes late makes another one of it.
    outcome(&function, &tick()).await?;
    let late = outcome(&function, &alarm(PROBE, Timestamp::now())).await?;
    assert_eq!((&late["did"], &late["incident"]), (&json!("joined"), &json!(id)), "{late}");
    assert_eq!(stack.told(), ["notices OPEN"]);
    Ok(())
}

#[tokio::test]
async fn all_alarms_that_nobody_heard_are_one_incident_as_bad_as_the_worst() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    for name in [PROBE, COMPOSITE] {
        rings_for(&stack, name, 10);
    }
    outcome(&function, &tick()).await?;
    let open = stack.open(&function).await?;
    let [id] = open.as_slice() else { anyhow::bail!("{open:?}") };
    let incident = stack.incident(id).await?;
    assert_eq!(incident["severity"], "critical");
    for name in [PROBE, COMPOSITE] {
        assert!(incident["ringing"][name].is_string(), "{incident:#}");
    }
    assert_eq!(stack.told(), ["notices OPEN"]);
    Ok(())
}

/// What was resolved while its alarm rings on opens again by itself, and not as another incident.
#[tokio::test]
async fn an_alarm_whose_incident_was_resolved_is_no_unheard_one() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    rings_for(&stack, PROBE, 30);
    outcome(&function, &tick()).await?;
    let open = stack.open(&function).await?;
    let [id] = open.as_slice() else { anyhow::bail!("{open:?}") };
    outcome(&function, &json!({ "resolve": id })).await?;
    outcome(&function, &tick()).await?;
    assert!(stack.open(&function).await?.is_empty(), "its alarm has had no time to see it");
    stack.age(id, "resolved_at", 6).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.open(&function).await?, [id.as_str()]);
    assert_eq!(stack.told(), ["notices OPEN", "notices RESOLVED", "notices BACK"]);
    Ok(())
}

#[tokio::test]
async fn an_alarm_that_never_had_a_value_is_left_to_the_minutes_run() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let answer = outcome(&function, &newborn(PROBE)).await?;
    let text = for_people(&answer);
    assert_eq!(answer["did"], "nothing", "{answer}");
    assert!(text.contains("an incident opens if it is still in ALARM in 5 min"), "{text}");
    assert_eq!(stack.writes(), Vec::<String>::new());
    // The probe has run since then.
    outcome(&function, &tick()).await?;
    assert!(stack.open(&function).await?.is_empty());
    // Or it has not, and the service may be down.
    rings_for(&stack, PROBE, 5);
    outcome(&function, &tick()).await?;
    assert_eq!(stack.open(&function).await?.len(), 1);
    Ok(())
}

/// Only the alarms on the service are looked at every minute.
#[tokio::test]
async fn any_other_alarm_opens_an_incident_at_its_first_word() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let answer = outcome(&function, &newborn("lendpeak2-production-dead-letters")).await?;
    assert_eq!(answer["did"], "opened", "{answer}");
    Ok(())
}

/// AWS answers nine such calls a second for a whole account.
#[tokio::test]
async fn a_minute_asks_once_which_alarms_ring() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let over = opened(&function).await?;
    outcome(&function, &json!({ "resolve": over })).await?;
    stack.age(&over, "resolved_at", 6).await?;
    outcome(&function, &alarm("lendpeak2-production-dead-letters", Timestamp::now())).await?;
    for minute in 1..=2 {
        let before = stack.count("cloudwatch DescribeAlarms");
        outcome(&function, &tick()).await?;
        assert_eq!(stack.count("cloudwatch DescribeAlarms") - before, 1, "minute {minute}");
    }
    Ok(())
}

#[tokio::test]
async fn while_cloudwatch_does_not_say_which_alarms_ring_all_else_is_looked_after() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    stack.age(&id, "level_since", 16).await?;
    let denied = Rule::new("cloudwatch", "DescribeAlarms", Fault::Denied).of("incident");
    stack.sandbox.gateway.faults().add(denied.times(10));
    outcome(&function, &tick()).await?;
    assert_eq!(stack.incident(&id).await?["level"], 2, "nobody acknowledged it");
    Ok(())
}
