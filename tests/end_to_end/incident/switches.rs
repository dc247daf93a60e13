//! The kill switch by request.

use super::*;

async fn switches(function: &Bootstrap) -> anyhow::Result<Vec<Value>> {
    let list = outcome(function, &json!({})).await?;
    Ok(list["switches"].as_array().context("no switches")?.clone())
}

#[tokio::test]
async fn it_is_set_shown_told_recorded_and_lifted() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    let stop = json!({ "stop": "all", "reason": "the sale\nhas begun", "by": "Ana", "until": "2h" });
    let stopped = outcome(&function, &stop).await?;
    assert_eq!(stopped["did"], "stopped", "{stopped:#}");
    let text = for_people(&stopped);
    for words in ["kill switch `all` is on (by Ana: the sale has begun), until", r#"{"go":"all""#, "Told"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let item = stack.item("kill-switch", "all").await?.context("no switch")?;
    assert_eq!((&item["by"], &item["reason"]), (&json!("Ana"), &json!("the sale has begun")));
    let until: Timestamp = item["until"].as_str().context("no end")?.parse()?;
    assert!((7_100..7_300).contains(&until.duration_since(Timestamp::now()).as_secs()), "{item:#}");
    let shown = &switches(&function).await?[0];
    assert_eq!(
        (&shown["name"], &shown["stops"], &shown["by"]),
        (&json!("all"), &json!("all"), &json!("Ana"))
    );

    let lifted = outcome(&function, &json!({ "go": "all", "by": "Bo" })).await?;
    assert_eq!(lifted["did"], "lifted", "{lifted:#}");
    assert!(switches(&function).await?.is_empty());
    assert_eq!(stack.told(), ["notices OPEN", "notices KILL", "notices KILL"]);
    assert_eq!(stack.audit().await?, ["applied stopped", "applied lifted"]);
    let timeline = outcome(&function, &json!({ "show": id })).await?;
    let timeline = for_people(&timeline);
    for words in ["the kill switch `all` is on", "the kill switch `all` is lifted, by Bo"] {
        assert!(timeline.contains(words), "{words}: {timeline}");
    }
    Ok(())
}

/// Whoever set it by another way may have mistyped it: it is on, is shown, and can be lifted by its very name.
#[tokio::test]
async fn a_misspelt_one_is_shown_as_one_that_stops_all_and_is_lifted_by_its_name() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    for name in ["ALL", "lendpeak2-production-scale-up", "all "] {
        stack.put("kill-switch", name, &[]).await?;
        let shown = &switches(&function).await?[0];
        assert_eq!((&shown["name"], &shown["stops"]), (&json!(name), &json!("all")));
        assert_eq!(outcome(&function, &json!({ "go": "scale-up" })).await?["did"], "nothing");
        let lifted = outcome(&function, &json!({ "go": name })).await?;
        assert_eq!((&lifted["did"], &lifted["names"]), (&json!("lifted"), &json!([name])));
        assert!(switches(&function).await?.is_empty());
    }
    stack.put("kill-switch", "rollback", &[("until", "2020-01-01T00:00:00.000Z")]).await?;
    assert!(switches(&function).await?.is_empty(), "its time is over");
    for name in ["ALL", "restart", "x"] {
        stack.put("kill-switch", name, &[]).await?;
    }
    assert_eq!(outcome(&function, &json!({ "go": "all" })).await?["did"], "lifted");
    for name in ["ALL", "restart", "x", "rollback"] {
        assert!(stack.item("kill-switch", name).await?.is_none(), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_no_function_cannot_be_stopped_and_a_dry_run_changes_nothing() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    stack::refuses(
        &function,
        &[
            (r#"{"stop": "scale_up"}"#, "InvalidRequest", "scale-up, rollback, restart, incident, all"),
            (r#"{"stop": "ALL"}"#, "InvalidRequest", "one of"),
            (r#"{"stop": "all", "until": "2020-01-01T00:00:00Z"}"#, "InvalidRequest", "is in the past"),
            (r#"{"stop": "all", "until": "-2h"}"#, "InvalidRequest", "is in the past"),
        ],
    )
    .await?;
    let dry = outcome(&function, &json!({ "stop": "scale-up", "dry_run": true })).await?;
    assert_eq!(dry["did"], "stopped");
    assert_eq!(stack.writes(), Vec::<String>::new());
    let blind = stack.function(&[("RUNBOOK_FUNCTIONS", "")]).await?;
    stack::refuses(&blind, &[(r#"{"stop": "scale-up"}"#, "InvalidRequest", "one of all")]).await?;
    assert_eq!(outcome(&blind, &json!({ "stop": "all" })).await?["did"], "stopped");
    Ok(())
}

#[tokio::test]
async fn with_one_on_the_notice_says_what_a_person_must_do() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    stack.put("kill-switch", "rollback", &[("by", "Ana")]).await?;
    let id = outcome(&function, &step("Take@1", &json!({ "take": {} }))).await?["incident"].clone();
    let message = stack.published().pop().context("no notice")?["Message"].clone();
    let message = message.as_str().unwrap_or_default();
    assert!(
        message.contains("the kill switch `rollback` is on") && message.contains(r#"{"go":"rollback""#),
        "{message}"
    );
    assert!(!message.contains("watch"), "{message}");
    // The remedy says the same: that was told.
    let decide =
        json!({ "decide": { "incident": id, "diagnosis": machine::diagnosis("rollback", "bad_release") } });
    outcome(&function, &step("Decide@1", &decide)).await?;
    let did = json!({ "did": { "incident": id, "function": "rollback", "outcome": {
        "decision": "refused", "code": "kill_switch", "reason": "the kill switch is on" } } });
    let answer = outcome(&function, &step("Did@1", &did)).await?;
    assert_eq!((&answer["do"], &answer["seconds"]), (&json!("again"), &json!(30)));
    assert_eq!(stack.told(), ["notices OPEN"]);
    Ok(())
}

/// One that is set while the machine is at work.
#[tokio::test]
async fn one_that_stops_the_machine_is_told_once_and_the_remedy_is_asked_again() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = outcome(&function, &step("Take@1", &json!({ "take": {} }))).await?["incident"].clone();
    stack.put("kill-switch", "typo", &[]).await?;
    for number in 1..=3 {
        let decide = json!({ "decide": { "incident": id, "diagnosis": machine::diagnosis("rollback", "bad_release") } });
        let decided = outcome(&function, &step(&format!("Decide@{number}"), &decide)).await?;
        assert_eq!(decided["function"], "rollback", "{decided}");
        let did = json!({ "did": { "incident": id, "function": "rollback", "outcome": {
            "decision": "refused", "code": "kill_switch", "reason": "the kill switch is on (for typo)" } } });
        let answer = outcome(&function, &step(&format!("Did@{number}"), &did)).await?;
        assert_eq!((&answer["do"], &answer["seconds"]), (&json!("again"), &json!(30 * number)));
    }
    assert_eq!(stack.told(), ["notices OPEN", "notices ESCALATED"]);
    let remedies = stack.incident(id.as_str().unwrap_or_default()).await?["remedies"].clone();
    assert_eq!(
        (remedies.as_array().map(Vec::len), &remedies[0]["waits"]),
        (Some(1), &json!(2)),
        "{remedies:#}"
    );
    Ok(())
}

/// As in mode `approve`: the plan was there before the incident.
#[tokio::test]
async fn where_a_plan_waits_for_approval_the_notice_brings_it() -> Test {
    let stack = Stack::start().await?;
    let function = stack
        .function(&[("STATE_MACHINE_ARN", MACHINE), ("REMEDIES", "rollback=approve,restart=observe")])
        .await?;
    let expires = Timestamp::now() + SignedDuration::from_mins(30);
    let data = json!({ "id": "499484d277f1", "expires": expires }).to_string();
    stack.put("approval#rollback", "499484d277f1", &[("data", &data)]).await?;
    let used = [("data", data.as_str()), ("used_at", "2026-11-28T00:00:00Z")];
    stack.put("approval#rollback", "000000000000", &used).await?;
    opened(&function).await?;
    let message = stack.published().pop().context("no notice")?["Message"].clone();
    let message = message.as_str().unwrap_or_default();
    let words = "You: approve, or it stays down. Send to lendpeak2-production-rollback\n{\"approve\":\"499484d277f1\"}";
    assert!(message.contains(words) && !message.contains("watch"), "{message}");
    Ok(())
}
