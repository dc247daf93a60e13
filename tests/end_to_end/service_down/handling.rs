//! What goes as it should.

use aws_sdk_cloudwatch::types::StateValue;
use sandbox::deploy::{self, FAMILY};
use sandbox::gateway::{Fault, Rule};

use super::*;

#[tokio::test]
async fn started_by_hand_it_opens_an_incident_and_resolves_it_when_the_service_is_well() -> Test {
    let sandbox = start().await?;
    let run = run(&sandbox, &json!({})).await?;
    assert_eq!(run.status, ExecutionStatus::Succeeded, "{run:?}");
    assert_eq!(
        run.states,
        ["Take", "Ours", "Probe", "Healthy", "Wait", "Probe", "Healthy", "Recovered", "Resolved"]
    );
    let incident = only_incident(&sandbox).await?;
    assert_eq!(incident["cause"], "service-down");
    assert!(incident["resolved_at"].is_string(), "{incident:#}");
    assert_eq!(incident["remedies"], json!([]));
    Ok(())
}

#[tokio::test]
async fn of_two_executions_one_handles_the_incident_and_the_other_leaves_it_alone() -> Test {
    let sandbox = start().await?;
    // Down and slow to be diagnosed, so that the first is still at it when the second comes.
    sandbox.standin.set_database_down(true);
    let slow = Rule::new("ecs", "DescribeServices", Fault::Timeout(Duration::from_secs(30)));
    sandbox.gateway.faults().add(slow.of("diagnose").times(2));
    let first = execute(&sandbox, &json!({})).await?;
    let since = Instant::now();
    while !states(&sandbox, &first).await?.iter().any(|state| state == "Ours") {
        ensure!(since.elapsed() < PATIENCE, "it never took the incident");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let incident = only_incident(&sandbox).await?["id"].clone();
    let second = run(&sandbox, &json!({ "incident": incident })).await?;
    assert_eq!((second.status.clone(), second.last()), (ExecutionStatus::Succeeded, "NotOurs"), "{second:?}");
    let third = run(&sandbox, &json!({})).await?;
    assert_eq!(third.last(), "NotOurs", "{third:?}");
    assert_eq!(end(&sandbox, &first).await?.last(), "Escalated");
    only_incident(&sandbox).await?;
    Ok(())
}

#[tokio::test]
async fn a_bad_release_is_taken_back_and_the_incident_resolved() -> Test {
    let sandbox = start().await?;
    let good = sandbox.release(&[("FEATURE", "new")]).await?;
    sandbox.release(&[("BROKEN", "true")]).await?;
    let run = run(&sandbox, &json!({})).await?;
    assert_eq!((run.status.clone(), run.last()), (ExecutionStatus::Succeeded, "Resolved"), "{run:?}");
    assert_eq!(run.states.iter().filter(|state| *state == "Remedy").count(), 1, "{run:?}");
    assert_eq!(sandbox.runs().await?, good);
    let incident = only_incident(&sandbox).await?;
    assert_eq!(incident["remedies"][0]["decision"], "applied", "{incident:#}");
    assert!(incident["resolved_at"].is_string() && incident["acted_at"].is_string(), "{incident:#}");
    Ok(())
}

#[tokio::test]
async fn what_is_out_of_reach_goes_to_people_at_once_and_nothing_is_touched() -> Test {
    let sandbox = start().await?;
    let before = sandbox.runs().await?;
    assert!(before.starts_with(FAMILY));
    sandbox.standin.set_database_down(true);
    let run = run(&sandbox, &json!({})).await?;
    assert_eq!((run.status.clone(), run.last()), (ExecutionStatus::Succeeded, "Escalated"), "{run:?}");
    assert!(!run.has("Remedy"), "{run:?}");
    assert_eq!(sandbox.runs().await?, before);
    let incident = only_incident(&sandbox).await?;
    assert!(incident["resolved_at"].is_null() && incident["level"].as_u64() >= Some(2), "{incident:#}");
    Ok(())
}

/// The state machine waits for the person, and goes on once they have said yes.
#[tokio::test]
async fn in_mode_approve_a_person_says_yes_and_the_machine_goes_on() -> Test {
    let parameters = vec![("RecoverySeconds".to_owned(), "10".to_owned())];
    let mode = "approve".to_owned();
    let sandbox = Sandbox::start(Options { metrics: false, mode, parameters, ..Options::default() }).await?;
    let good = sandbox.release(&[("FEATURE", "new")]).await?;
    let bad = sandbox.release(&[("BROKEN", "true")]).await?;
    let execution = execute(&sandbox, &json!({})).await?;
    let since = Instant::now();
    let plan = loop {
        let waiting = incidents(&sandbox).await?;
        let plan = waiting.first().and_then(|incident| incident["remedies"][0]["approval"].as_str());
        if let Some(plan) = plan {
            break plan.to_owned();
        }
        ensure!(since.elapsed() < PATIENCE, "nobody was asked: {waiting:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(sandbox.runs().await?, bad, "it waits");
    let done = sandbox.clients.ask("rollback", &json!({ "approve": plan })).await?;
    assert_eq!(done["decision"], "applied", "{done:#}");
    let run = end(&sandbox, &execution).await?;
    assert_eq!((run.status.clone(), run.last()), (ExecutionStatus::Succeeded, "Resolved"), "{run:?}");
    assert!(run.has("AwaitApproval"), "{run:?}");
    assert_eq!(sandbox.runs().await?, good);
    let incident = only_incident(&sandbox).await?;
    assert_eq!(incident["resolution"], "the probe passed twice after rollback", "{incident:#}");
    Ok(())
}

/// Both alarms come in the same moment, and the one on 5xx flaps: one incident, one execution, and nothing is touched.
#[tokio::test]
async fn alarms_open_one_incident_and_start_one_execution() -> Test {
    let sandbox = start().await?;
    deploy::calm_alarms(&sandbox.clients).await?;
    deploy::let_incident_hear(&sandbox.clients, true).await?;
    set_alarm(&sandbox, "probe-failing", StateValue::Alarm).await?;
    for _ in 0..3 {
        set_alarm(&sandbox, "no-healthy-target", StateValue::Alarm).await?;
        set_alarm(&sandbox, "no-healthy-target", StateValue::Ok).await?;
    }
    let since = Instant::now();
    let execution = loop {
        let listed = sandbox.clients.sfn.list_executions().state_machine_arn(MACHINE).send().await?;
        if let Some(execution) = listed.executions().first() {
            break execution.execution_arn.clone();
        }
        ensure!(since.elapsed() < PATIENCE, "no execution was started");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let run = end(&sandbox, &execution).await?;
    assert_eq!((run.status.clone(), run.last()), (ExecutionStatus::Succeeded, "Resolved"), "{run:?}");
    let incident = only_incident(&sandbox).await?;
    let id = incident["id"].as_str().context("no id")?;
    assert!(execution.ends_with(&format!(":{id}")), "{execution} is not named after {id}");
    assert_eq!((&incident["cause"], &incident["severity"]), (&"service-down".into(), &"critical".into()));
    let listed = sandbox.clients.sfn.list_executions().state_machine_arn(MACHINE).send().await?;
    assert_eq!(listed.executions().len(), 1, "{listed:?}");
    Ok(())
}

async fn set_alarm(sandbox: &Sandbox, name: &str, state: StateValue) -> Test {
    let set = sandbox.clients.cloudwatch.set_alarm_state().alarm_name(format!("lendpeak2-production-{name}"));
    set.state_value(state).state_reason("a test says so").send().await?;
    Ok(())
}

/// The 5xx alarm wakes `rollback` by itself: the state machine, which comes a moment later, waits for what that does.
#[tokio::test]
async fn a_remedy_that_its_own_alarm_began_is_waited_for_and_done_once() -> Test {
    const SLOW: Duration = Duration::from_secs(8);
    let sandbox = start().await?;
    let good = sandbox.release(&[("FEATURE", "new")]).await?;
    sandbox.release(&[("BROKEN", "true")]).await?;
    let slow = Rule::new("ecs", "UpdateService", Fault::Timeout(SLOW)).of("rollback");
    sandbox.gateway.faults().add(slow);
    let rings = sandbox.clients.cloudwatch.set_alarm_state().alarm_name("lendpeak2-production-alb-5xx-rate");
    rings.state_value(StateValue::Alarm).state_reason("Threshold Crossed").send().await?;
    let reached = sandbox.gateway.record().wait_for("rollback", "ecs", "UpdateService", PATIENCE).await;
    ensure!(reached, "the alarm's own run never acted");
    let run = run(&sandbox, &json!({})).await?;
    assert_eq!((run.status.clone(), run.last()), (ExecutionStatus::Succeeded, "Resolved"), "{run:?}");
    assert_eq!(sandbox.runs().await?, good);
    let incident = only_incident(&sandbox).await?;
    assert_eq!(incident["remedies"][0]["decision"], "refused", "{incident:#}");
    let calls = sandbox.gateway.record().by("rollback");
    let done = calls.iter().filter(|call| call.operation == "UpdateService" && call.status == Some(200));
    assert_eq!(done.count(), 1);
    Ok(())
}

/// `scale-up` holds the service when the roll-back is asked for: as soon as it lets go, the release is taken back.
#[tokio::test]
async fn a_remedy_that_another_one_keeps_waiting_is_asked_again_and_mends_it() -> Test {
    let sandbox = start().await?;
    let good = sandbox.release(&[("FEATURE", "new")]).await?;
    sandbox.release(&[("BROKEN", "true")]).await?;
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(15);
    let until = until.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    let target = format!("target#{}", sandbox::stack::TARGET);
    let mut put = sandbox.clients.dynamodb.put_item().table_name(sandbox::stack::LEDGER);
    for (name, value) in [
        ("pk", target.as_str()),
        ("sk", "holder"),
        ("held_by", "scale-up"),
        ("execution_id", "another"),
        ("lease_until", until.as_str()),
    ] {
        put = put.item(name, aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned()));
    }
    put.send().await?;
    let run = run(&sandbox, &json!({})).await?;
    assert_eq!((run.status.clone(), run.last()), (ExecutionStatus::Succeeded, "Resolved"), "{run:?}");
    assert_eq!(sandbox.runs().await?, good);
    let incident = only_incident(&sandbox).await?;
    let tried = incident["remedies"].as_array().context("no remedies")?;
    assert_eq!((tried.len(), &tried[0]["decision"]), (1, &"applied".into()), "{incident:#}");
    assert!(tried[0]["waits"].as_u64() >= Some(1), "{incident:#}");
    Ok(())
}

/// The probe passes, and the person who opened it sees what the probe does not.
#[tokio::test]
async fn what_a_person_opened_stays_open_when_the_probe_passes() -> Test {
    let sandbox = start().await?;
    let open = json!({ "open": { "title": "Customers cannot log in", "cause": "service-down" } });
    let id = sandbox.clients.ask("incident", &open).await?["incident"].clone();
    let since = Instant::now();
    loop {
        let incident = only_incident(&sandbox).await?;
        assert!(incident["resolved_at"].is_null(), "{incident:#}");
        if incident["handling"]["handed_over"].is_object() {
            break;
        }
        ensure!(since.elapsed() < PATIENCE, "the machine never came to an end: {incident:#}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let resolve = json!({ "resolve": id, "reason": "they can again", "by": "Ana" });
    assert_eq!(sandbox.clients.ask("incident", &resolve).await?["did"], "resolved");
    Ok(())
}
