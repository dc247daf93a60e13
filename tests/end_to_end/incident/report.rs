//! What the report of an incident holds, and what it leaves out.

use super::*;

/// A record of another function, as it writes one.
async fn record(stack: &Stack, function: &str, at: Timestamp, decision: &str, trigger: Value) -> Test {
    let outcome = json!({
        "version": 1, "decision": decision, "code": "some", "reason": format!("{function} says {decision}"),
        "next": null, "target": "service/x/y", "steps": [], "verification": null, "plan": null, "observed": null,
        "trigger": trigger, "function": function, "environment": "production", "execution_id": "e", "at": at,
        "duration_ms": 1,
    });
    let sk = format!("{}#{decision}", at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"));
    stack.put(&format!("audit#{function}"), &sk, &[("outcome", &outcome.to_string())]).await
}

fn by_person(more: &Value) -> Value {
    json!({ "id": "r", "at": Timestamp::now(), "kind": { "person": more } })
}

#[tokio::test]
async fn what_cured_it_is_named_also_where_a_person_approved_it() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = outcome(&function, &step("Take@1", &json!({ "take": {} }))).await?["incident"].clone();
    let decide =
        json!({ "decide": { "incident": id, "diagnosis": machine::diagnosis("rollback", "bad_release") } });
    outcome(&function, &step("Decide@1", &decide)).await?;
    let did = json!({ "did": { "incident": id, "function": "rollback", "outcome": {
        "decision": "refused", "code": "no_known_good_release", "reason": "there is none" } } });
    outcome(&function, &step("Did@1", &did)).await?;
    record(&stack, "rollback", Timestamp::now(), "applied", by_person(&json!({ "approve": "499484d277f1" })))
        .await?;
    let recovered = json!({ "recovered": { "incident": id, "probe": "All checks pass." } });
    outcome(&function, &step("Recovered@1", &recovered)).await?;
    let incident = stack.incident(id.as_str().unwrap_or_default()).await?;
    let how = incident["resolution"].as_str().unwrap_or_default();
    assert!(how.starts_with("the probe passed twice after rollback (approved by hand, "), "{how}");
    assert!(incident["acted_at"].is_string());
    let message = stack.published().pop().context("no notice")?["Message"].clone();
    let message = message.as_str().unwrap_or_default();
    assert!(message.contains("rollback (approved by hand") && !message.contains("refused"), "{message}");
    Ok(())
}

#[tokio::test]
async fn the_report_leaves_out_what_has_nothing_to_do_with_it_and_keeps_the_newest() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    let at = |ms: i64| Timestamp::now() + SignedDuration::from_millis(ms);
    for (function, decision, trigger) in [
        ("rollback", "observed", by_person(&json!({ "dry_run": true }))),
        ("rollback", "applied", by_person(&json!({ "dry_run": true }))),
        ("scale-up", "refused", by_person(&json!({}))),
        ("scale-up", "nothing_to_do", by_person(&json!({}))),
    ] {
        record(&stack, function, at(0), decision, trigger).await?;
    }
    for number in 0..310 {
        record(&stack, "rollback", at(number + 10), "nothing_to_do", by_person(&json!({}))).await?;
    }
    record(&stack, "rollback", at(400), "applied", json!({ "kind": { "alarm": {} } })).await?;
    let shown = outcome(&function, &json!({ "show": id, "verbose": true })).await?;
    let by: Vec<&str> = shown["timeline"]
        .as_array()
        .context("no timeline")?
        .iter()
        .filter_map(|line| line["by"].as_str())
        .collect();
    assert_eq!(by, ["alarm", "incident", "rollback"], "{}", shown["lines"]);
    Ok(())
}

/// A metric's period may have begun before the deployment: what was well then did not break then.
#[tokio::test]
async fn what_came_back_did_not_begin_while_it_was_well() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    outcome(&function, &alarm_in("OK", COMPOSITE, Timestamp::now())).await?;
    let well: Timestamp = serde_json::from_value(stack.incident(&id).await?["quiet_since"].clone())?;
    outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    outcome(&function, &step("Take@1", &json!({ "take": { "incident": id } }))).await?;
    let mut diagnosis = machine::diagnosis("rollback", "bad_release");
    diagnosis["findings"][0]["since"] = json!(Timestamp::now() - SignedDuration::from_mins(5));
    let decide = json!({ "decide": { "incident": id, "diagnosis": diagnosis } });
    outcome(&function, &step("Decide@1", &decide)).await?;
    let incident = stack.incident(&id).await?;
    let began: Timestamp = serde_json::from_value(incident["began_at"].clone())?;
    assert!(began >= well, "{incident:#}");
    assert!(incident["first_began_at"].is_string(), "{incident:#}");
    Ok(())
}
