//! What the state machine asks, and how it is looked after.

use aws_sdk_sfn::types::ExecutionListItem;
use sandbox::gateway::{Fault, Rule};

use super::*;

const WITH_MACHINE: [(&str, &str); 1] = [("STATE_MACHINE_ARN", MACHINE)];

pub(crate) fn diagnosis(function: &str, cause: &str) -> Value {
    json!({ "summary": "The release answers 500.", "findings": [{
        "cause": cause, "confidence": "certain", "impact": "down", "what": "the release answers 500",
        "since": null, "evidence": [], "support_level": 1,
        "remedy": { "what": "do it", "function": function, "send": {} },
    }] })
}

/// An incident that this test's execution handles.
async fn taken(function: &Bootstrap) -> anyhow::Result<String> {
    let answer = outcome(function, &step("Take@1", &json!({ "take": {} }))).await?;
    anyhow::ensure!(answer["ours"] == true, "{answer}");
    Ok(answer["incident"].as_str().context("no id")?.to_owned())
}

async fn decided(function: &Bootstrap, id: &str, at: &str, diagnosis: Value) -> anyhow::Result<Value> {
    let decide = json!({ "decide": { "incident": id, "diagnosis": diagnosis } });
    outcome(function, &step(at, &decide)).await
}

#[tokio::test]
async fn a_service_down_alarm_starts_one_execution_and_another_alarm_none() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&WITH_MACHINE).await?;
    outcome(&function, &alarm(PROBE, Timestamp::now())).await?;
    outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    outcome(&function, &alarm("lendpeak2-production-dead-letters", Timestamp::now())).await?;
    let executions = stack.sandbox.clients.sfn.list_executions().state_machine_arn(MACHINE).send().await?;
    let names: Vec<&str> = executions.executions().iter().map(ExecutionListItem::name).collect();
    let open = stack.open(&function).await?;
    let expected: Vec<&String> = open.iter().filter(|id| id.ends_with("-service-down")).collect();
    assert_eq!(names, expected);
    Ok(())
}

#[tokio::test]
async fn an_execution_that_could_not_be_started_is_started_by_the_next_minute() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&WITH_MACHINE).await?;
    for service in ["states", "sfn"] {
        let denied = Rule::new(service, "StartExecution", Fault::Denied).of("incident");
        stack.sandbox.gateway.faults().add(denied);
    }
    let id = opened(&function).await?;
    assert_eq!(stack.told(), ["notices OPEN"]);
    let started = async || {
        let list = stack.sandbox.clients.sfn.list_executions().state_machine_arn(MACHINE).send().await?;
        anyhow::Ok(list.executions().len())
    };
    assert_eq!(started().await?, 0);
    let since = Timestamp::now() - SignedDuration::from_mins(2);
    stack.change("incidents", &id, "handling", json!({ "wanted": { "since": since } })).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(started().await?, 1);
    Ok(())
}

#[tokio::test]
async fn an_execution_that_never_began_or_ended_or_takes_too_long_goes_to_people() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let ago = |minutes| Timestamp::now() - SignedDuration::from_mins(minutes);
    let sfn = &stack.sandbox.clients.sfn;
    let ended =
        sfn.start_execution().state_machine_arn(MACHINE).input(r#"{"incident":"20200101-000000-none"}"#);
    let ended = ended.send().await?.execution_arn;
    while sfn.describe_execution().execution_arn(&ended).send().await?.status.as_str() == "RUNNING" {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    for (handling, words) in [
        (json!({ "wanted": { "since": ago(6) } }), "did not start within 5 min"),
        (json!({ "machine": { "execution": ended, "since": ago(3) } }), "ended (failed)"),
        (
            json!({ "machine": { "execution": ended, "since": ago(121) } }),
            "has been running for more than 2 h",
        ),
    ] {
        let id = opened(&function).await?;
        stack.change("incidents", &id, "handling", handling).await?;
        outcome(&function, &tick()).await?;
        let incident = stack.incident(&id).await?;
        assert_eq!(incident["level"], 2, "{words}: {incident:#}");
        let notice = stack.published().pop().context("no notice")?["Message"].clone();
        assert!(notice.as_str().unwrap_or_default().contains(words), "{words}: {notice}");
        let told = stack.told().len();
        outcome(&function, &tick()).await?;
        assert_eq!(stack.told().len(), told, "it is told once");
        outcome(&function, &json!({ "resolve": id })).await?;
        stack.age(&id, "resolved_at", 20).await?;
        // Ids tell the second.
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_step_that_is_asked_again_is_answered_the_same() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = taken(&function).await?;
    let first = decided(&function, &id, "Decide@1", diagnosis("rollback", "bad_release")).await?;
    assert_eq!((&first["do"], &first["function"]), (&json!("remedy"), &json!("rollback")));
    let again = decided(&function, &id, "Decide@1", diagnosis("rollback", "bad_release")).await?;
    assert_eq!(again, first);
    assert_eq!(stack.incident(&id).await?["remedies"].as_array().map(Vec::len), Some(1));
    let next = decided(&function, &id, "Decide@2", diagnosis("rollback", "bad_release")).await?;
    assert_eq!(next["do"], "hand_over", "never the same twice");
    Ok(())
}

#[tokio::test]
async fn killed_at_its_decision_the_step_is_asked_again_and_decides_once() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = taken(&function).await?;
    let decide = json!({ "decide": { "incident": id, "diagnosis": diagnosis("rollback", "bad_release") } });
    stack.kill_after(&step("Decide@1", &decide), "dynamodb", "TransactWriteItems", 1).await?;
    let again = decided(&function, &id, "Decide@1", diagnosis("rollback", "bad_release")).await?;
    assert_eq!((&again["do"], &again["function"]), (&json!("remedy"), &json!("rollback")));
    assert_eq!(stack.incident(&id).await?["remedies"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn what_a_person_closed_the_machine_leaves_alone() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = taken(&function).await?;
    outcome(&function, &json!({ "resolve": id, "reason": "I did it" })).await?;
    let answer = decided(&function, &id, "Decide@1", diagnosis("rollback", "bad_release")).await?;
    assert_eq!(answer["do"], "hand_over");
    assert_eq!(stack.incident(&id).await?["remedies"], json!([]));
    assert_eq!(stack.told(), ["notices OPEN", "notices RESOLVED"]);
    Ok(())
}

/// The plan's life in the ledger is the remedy's: here it is written as `scale-up` writes it.
#[tokio::test]
async fn a_plan_that_waits_for_a_person_is_waited_for_until_it_expires() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = taken(&function).await?;
    let decision = decided(&function, &id, "Decide@1", diagnosis("scale-up", "no_spare_tasks")).await?;
    assert_eq!(decision["function"], "scale-up");
    let did = json!({ "did": { "incident": id, "function": "scale-up", "outcome": {
        "decision": "awaiting_approval", "code": "approval_needed", "reason": "approval is needed",
        "next": { "what": "approve", "level": 1, "send": { "approve": "plan-1" } } } } });
    assert_eq!(outcome(&function, &step("Did@1", &did)).await?["do"], "approval");
    let expires = Timestamp::now() + SignedDuration::from_mins(30);
    let stored = json!({ "id": "plan-1", "expires": expires }).to_string();
    stack.put("approval#scale-up", "plan-1", &[("data", &stored)]).await?;
    let asked = |state: &str| step(state, &json!({ "approval": { "incident": id } }));
    assert_eq!(outcome(&function, &asked("Approval@1")).await?["do"], "wait");
    // Somebody looks at what an approval would do: that decides nothing.
    looked_at(&stack, "plan-1").await?;
    assert_eq!(outcome(&function, &asked("Approval@1b")).await?["do"], "wait");
    stack.change("approval#scale-up", "plan-1", "expires", json!(Timestamp::now())).await?;
    assert_eq!(outcome(&function, &asked("Approval@2")).await?["do"], "look");
    let incident = stack.incident(&id).await?;
    assert_eq!(incident["remedies"][0]["decision"], "not_approved", "{incident:#}");
    Ok(())
}

/// The record of a dry run of an approval, as `scale-up` writes it.
async fn looked_at(stack: &Stack, plan: &str) -> Test {
    let now = Timestamp::now();
    let person =
        json!({ "id": "run-1", "at": now, "kind": { "person": { "dry_run": true, "approve": plan } } });
    let alarm =
        json!({ "name": "ecs-cpu", "arn": "arn", "state": "ALARM", "reason": "crossed", "metrics": [] });
    let of = json!({ "id": "a", "at": now, "kind": { "alarm": alarm } });
    let record = json!({
        "version": 1, "summary": "2 → 4 tasks, if you approve", "decision": "observed", "code": "would_act",
        "reason": "it would", "target": "service/lendpeak2-production/backend", "function": "scale-up",
        "environment": "production", "execution_id": "run-1", "at": now, "duration_ms": 1, "steps": [],
        "verification": null, "plan": null, "observed": null, "next": null,
        "trigger": { "approved_by": person, "by": "Ana", "verified": false, "of": of },
    });
    let at = now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
    stack.put("audit#scale-up", &format!("{at}#run-1"), &[("outcome", &record.to_string())]).await
}

#[tokio::test]
async fn recovered_says_what_helped_and_how_long_it_took() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = taken(&function).await?;
    decided(&function, &id, "Decide@1", diagnosis("rollback", "bad_release")).await?;
    let did = json!({ "did": { "incident": id, "function": "rollback", "outcome": {
        "decision": "applied", "code": "applied", "reason": "rolled back" } } });
    assert_eq!(outcome(&function, &step("Did@1", &did)).await?["do"], "verify");
    let recovered = json!({ "recovered": { "incident": id, "probe": "All checks pass." } });
    assert_eq!(outcome(&function, &step("Recovered@1", &recovered)).await?["do"], "done");
    let incident = stack.incident(&id).await?;
    assert_eq!(incident["resolution"], "the probe passed twice after rollback");
    assert_eq!(stack.told(), ["notices OPEN", "notices RESOLVED"]);
    assert!(stack.open(&function).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn another_execution_has_no_say_in_it() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = taken(&function).await?;
    let other = |step: Value| {
        json!({ "step_functions": { "execution": format!("{MACHINE}:other"), "state": "S@1" },
            "request": { "step": step } })
    };
    let decide = json!({ "decide": { "incident": id, "diagnosis": diagnosis("rollback", "bad_release") } });
    assert_eq!(outcome(&function, &other(decide)).await?["do"], "hand_over");
    outcome(&function, &other(json!({ "recovered": { "incident": id, "probe": "x" } }))).await?;
    outcome(&function, &other(json!({ "hand_over": { "incident": id, "reason": "x" } }))).await?;
    let incident = stack.incident(&id).await?;
    assert_eq!((&incident["remedies"], &incident["resolved_at"]), (&json!([]), &Value::Null));
    assert_eq!(incident["handling"]["machine"]["execution"], format!("{MACHINE}:one"));
    Ok(())
}

#[tokio::test]
async fn a_person_who_takes_over_stops_the_machine() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = taken(&function).await?;
    let take = json!({ "acknowledge": id, "by": "on call", "take_over": true });
    assert_eq!(outcome(&function, &take).await?["did"], "acknowledged");
    let answer = decided(&function, &id, "Decide@1", diagnosis("rollback", "bad_release")).await?;
    assert_eq!(answer["do"], "hand_over");
    assert_eq!(stack.incident(&id).await?["remedies"], json!([]));
    Ok(())
}
