//! Several alarms at once want one service: none of them is lost, and what is urgent goes first.

use aws_sdk_cloudwatch::types::StateValue;

use super::*;

/// Release 3 answers 500, and CPU, errors and corrupt data ring for it.
async fn a_bad_release(fixture: &Fixture) -> Test {
    fixture.sandbox.release(&[]).await?;
    fixture.sandbox.release(&[("BROKEN", "true")]).await?;
    put_alarm(&fixture.sandbox, "errors", ERRORS, &[("LoadBalancer", LOAD_BALANCER)]).await?;
    put_alarm(&fixture.sandbox, "load", CPU, &OF_SERVICE).await?;
    put_alarm(&fixture.sandbox, "violations", ["LendPeak2/Data", "NegativeLoans"], &[]).await
}

#[tokio::test]
async fn what_a_roll_back_and_a_freeze_were_refused_for_is_done_before_a_scaling() -> Test {
    let fixture = Fixture::start("rollback").await?;
    a_bad_release(&fixture).await?;
    let (rollback, freeze) = (fixture.a("rollback", &[]).await?, fixture.a("write-freeze", &[]).await?);
    let scale_up = fixture.a("scale-up", &[]).await?;
    fixture.held_for(30).await?;
    let held = "refused held_by_another_remedy";
    assert_eq!(decision(&rollback, &errors("errors")).await?, held);
    assert_eq!(decision(&freeze, &violations("violations")).await?, held);
    for function in [&rollback, &freeze] {
        let still = decisions(&outcome(function, &tick()).await?);
        assert!(still.contains(&held.to_owned()), "{still:?}");
    }
    fixture.held_for(-1).await?;
    let waits = outcome(&scale_up, &load("load")).await?;
    assert_eq!(read(&waits), held, "what is urgent has waited longer: {waits:#}");
    for (task, function) in [("rollback", &rollback), ("write-freeze", &freeze)] {
        let done = decisions(&outcome(function, &tick()).await?);
        assert!(done.contains(&"applied applied".to_owned()), "{task}: {done:?}");
        let after = decisions(&outcome(function, &tick()).await?);
        assert_eq!(after.len(), 1, "{task}: nothing more is wanted: {after:?}");
    }
    // A copy of release 2 that writes nothing.
    assert_eq!(fixture.sandbox.runs().await?, release(4));
    assert!(fixture.item(&of_service(), "freeze").await?.is_some());
    // The scaling was wanted too, and its alarm still rings.
    let scaled = decisions(&outcome(&scale_up, &tick()).await?);
    assert!(scaled.contains(&"applied applied".to_owned()), "{scaled:?}");
    assert_eq!(fixture.sandbox.desired_count().await?, 3);
    Ok(())
}

/// An alarm calls once. What kept it from being heard is over a minute later.
#[tokio::test]
async fn what_a_kill_switch_or_a_throttled_aws_kept_back_is_done_once_that_is_over() -> Test {
    let fixture = Fixture::start("rollback").await?;
    a_bad_release(&fixture).await?;
    let function = fixture.function(&[]).await?;
    fixture.put("kill-switch", "all", &[("reason", "a migration")]).await?;
    assert_eq!(decision(&function, &errors("errors")).await?, "refused kill_switch");
    let still = decisions(&outcome(&function, &tick()).await?);
    assert!(!still.contains(&"applied applied".to_owned()), "{still:?}");
    assert!(fixture.changes().is_empty(), "{:?}", fixture.changes());
    lift(&fixture, "all").await?;
    let done = decisions(&outcome(&function, &tick()).await?);
    assert!(done.contains(&"applied applied".to_owned()), "{done:?}");
    assert_eq!(fixture.sandbox.runs().await?, release(2));
    // Writes are frozen for another alarm, once ECS can be read.
    let freeze = fixture.a("write-freeze", &[]).await?;
    let throttled = sandbox::gateway::Rule::new("ecs", "DescribeServices", sandbox::gateway::Fault::Throttle);
    fixture.sandbox.gateway.faults().add(throttled.of("write-freeze").times(100));
    let answer = freeze.invoke(violations("violations").to_string(), stack::DEADLINE).await;
    assert!(matches!(answer, sandbox::runtime_api::Answer::Err { .. }), "Lambda repeats it: {answer:?}");
    fixture.sandbox.gateway.faults().clear();
    let done = decisions(&outcome(&freeze, &tick()).await?);
    assert!(done.contains(&"applied applied".to_owned()), "{done:?}");
    Ok(())
}

async fn lift(fixture: &Fixture, scope: &str) -> Test {
    let key = |value: &str| aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned());
    let delete = fixture.sandbox.clients.dynamodb.delete_item().table_name(stack::LEDGER);
    delete.key("pk", key("kill-switch")).key("sk", key(scope)).send().await?;
    Ok(())
}

async fn set(fixture: &Fixture, alarm: &str, state: StateValue) -> Test {
    let set = fixture.sandbox.clients.cloudwatch.set_alarm_state().alarm_name(alarm);
    set.state_value(state).state_reason("Threshold Crossed").send().await?;
    Ok(())
}

/// It is made of others, and calls once as they do.
#[tokio::test]
async fn what_a_composite_alarm_wants_is_wanted_while_it_rings() -> Test {
    let fixture = Fixture::start("rollback").await?;
    a_bad_release(&fixture).await?;
    let put = fixture.sandbox.clients.cloudwatch.put_composite_alarm().alarm_name("broken");
    put.alarm_rule(r#"ALARM("errors") AND ALARM("load")"#).send().await?;
    let rings = || stack::alarm("broken", ["", ""], &[], Timestamp::now());
    let composite = |mut event: Value| -> anyhow::Result<Value> {
        let message = event["Records"][0]["Sns"]["Message"].as_str().context("no message")?;
        let mut message: Value = serde_json::from_str(message)?;
        message.as_object_mut().context("no object")?.remove("Trigger");
        message["AlarmRule"] = json!(r#"ALARM("errors") AND ALARM("load")"#);
        event["Records"][0]["Sns"]["Message"] = json!(message.to_string());
        Ok(event)
    };
    let function = fixture.function(&[]).await?;
    fixture.held_for(30).await?;
    assert_eq!(decision(&function, &composite(rings())?).await?, "refused held_by_another_remedy");
    // One of its parts is over, and so is it: nothing is done for it.
    set(&fixture, "load", StateValue::Ok).await?;
    fixture.held_for(-1).await?;
    let over = decisions(&outcome(&function, &tick()).await?);
    assert!(over.contains(&"nothing_to_do no_longer_wanted".to_owned()), "{over:?}");
    assert_eq!(fixture.sandbox.runs().await?, release(3));
    // It rings again, and goes on.
    set(&fixture, "load", StateValue::Alarm).await?;
    fixture.held_for(30).await?;
    assert_eq!(decision(&function, &composite(rings())?).await?, "refused held_by_another_remedy");
    fixture.held_for(-1).await?;
    let done = decisions(&outcome(&function, &tick()).await?);
    assert!(done.contains(&"applied applied".to_owned()), "{done:?}");
    assert_eq!(fixture.sandbox.runs().await?, release(2));
    Ok(())
}
