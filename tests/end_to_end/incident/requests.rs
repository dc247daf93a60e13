//! What people send.

use super::*;

#[tokio::test]
async fn the_guides_create_incident_and_update_status() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let create = json!({ "create_incident": { "severity": "high", "title": "API Response Time Degraded",
        "assignee": "oncall@lendpeak.com" } });
    let first = outcome(&function, &create).await?;
    assert_eq!(first["did"], "opened");
    let id = first["incident"].as_str().context("no id")?;
    let summary = format!("opened {id}: API Response Time Degraded, severity high; level 1 was told");
    assert_eq!(first["summary"], json!(summary));
    let next = json!({
        "what": "acknowledge it, or level 2 is called in 15 min",
        "function": "lendpeak2-production-incident",
        "send": { "acknowledge": id, "by": "<your name>" },
        "level": 1,
    });
    assert_eq!(first["next"], next);
    let twin = outcome(&function, &create).await?;
    assert_eq!((&twin["did"], &twin["incident"]), (&json!("joined"), &first["incident"]));

    let status = json!({ "update_status": { "component": "api", "status": "degraded",
        "message": "Investigating high response times" } });
    outcome(&function, &status).await?;
    let list = outcome(&function, &json!({ "list": true })).await?;
    assert!(list["did"] == "listed" && list["summary"].is_string(), "{list:#}");
    let text = for_people(&list);
    for words in [
        "1 incident is open",
        "API Response Time Degraded",
        "api is degraded: Investigating high response times",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let shown = outcome(&function, &json!({ "show": first["incident"] })).await?;
    assert_eq!(shown["assignee"], "oncall@lendpeak.com");
    assert!(shown["record"].is_null() && shown["timeline"].is_null(), "{shown:#}");
    assert!(for_people(&shown).contains("api is degraded"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn the_timeline_has_what_every_function_decided_beside_the_incidents_own_lines() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    stack.sandbox.clients.ask("scale-up", &json!({ "by": 1, "dry_run": true })).await?;
    stack.sandbox.clients.ask("scale-up", &json!({ "by": 1 })).await?;
    outcome(&function, &json!({ "note": id, "text": "the pool is full" })).await?;
    outcome(&function, &json!({ "resolve": id, "reason": "the pool was enlarged" })).await?;
    let shown = outcome(&function, &json!({ "show": id, "verbose": true })).await?;
    let by: Vec<&str> = shown["timeline"]
        .as_array()
        .context("no timeline")?
        .iter()
        .filter_map(|line| line["by"].as_str())
        .collect();
    assert_eq!(by, ["alarm", "incident", "scale-up", "person", "person", "incident"], "{shown:#}");
    assert_eq!(shown["record"]["id"], json!(id), "{shown:#}");
    let text = for_people(&shown);
    for words in ["is in ALARM", "the pool is full", "resolved it: the pool was enlarged", "told level 1"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(shown["stages"]["recovered_seconds"].is_i64(), "{shown:#}");
    Ok(())
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_writes_nothing() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let open = json!({ "open": { "title": "trouble" }, "dry_run": true });
    let would = outcome(&function, &open).await?;
    assert_eq!((&would["did"], &would["dry_run"]), (&json!("opened"), &json!(true)));
    assert_eq!(stack.writes(), Vec::<String>::new());
    let id = opened(&function).await?;
    stack.sandbox.gateway.record().clear();
    for (request, did) in [
        (json!({ "note": id, "text": "x", "dry_run": true }), "noted"),
        (json!({ "acknowledge": id, "by": "x", "dry_run": true }), "acknowledged"),
        (json!({ "escalate": id, "dry_run": true }), "escalated"),
        (json!({ "resolve": id, "dry_run": true }), "resolved"),
    ] {
        assert_eq!(outcome(&function, &request).await?["did"], did, "{request}");
    }
    let status = json!({ "component": "api", "status": "down", "message": "x" });
    outcome(&function, &json!({ "update_status": status, "dry_run": true })).await?;
    assert_eq!(stack.writes(), Vec::<String>::new());
    assert_eq!(stack.incident(&id).await?["level"], 1);
    Ok(())
}

#[tokio::test]
async fn what_is_over_cannot_be_acknowledged_or_passed_up() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    outcome(&function, &json!({ "resolve": id })).await?;
    for request in
        [json!({ "acknowledge": id, "by": "late" }), json!({ "escalate": id }), json!({ "resolve": id })]
    {
        assert_eq!(outcome(&function, &request).await?["did"], "nothing", "{request}");
    }
    assert_eq!(stack.told(), ["notices OPEN", "notices RESOLVED"]);
    Ok(())
}
