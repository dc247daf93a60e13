//! Announced work: what it holds back, and what it does not.

use aws_sdk_cloudwatch::types::StateValue;

use super::*;

const CPU: &str = "lendpeak2-production-ecs-cpu";
const CLOUDFRONT: &str = "lendpeak2-production-cloudfront-4xx-rate";

async fn announced(function: &Bootstrap, components: Value) -> anyhow::Result<String> {
    let window = json!({ "title": "Database upgrade", "until": "1h", "components": components });
    let answer = outcome(function, &json!({ "maintenance": window, "by": "Ana" })).await?;
    assert_eq!(answer["did"], "announced", "{answer:#}");
    assert_eq!(answer["next"]["send"]["end_maintenance"], answer["id"], "{answer:#}");
    Ok(answer["id"].as_str().context("no id")?.to_owned())
}

async fn rings(stack: &Stack, name: &str) -> Test {
    put_alarm(&stack.sandbox, name).await?;
    let set = stack.sandbox.clients.cloudwatch.set_alarm_state().alarm_name(name);
    set.state_value(StateValue::Alarm).state_reason("too high").send().await?;
    Ok(())
}

#[tokio::test]
async fn an_alarm_of_its_components_is_held_back_and_opens_an_incident_if_it_still_fires_at_the_end() -> Test
{
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = announced(&function, json!(["api"])).await?;
    rings(&stack, CPU).await?;
    let held = outcome(&function, &alarm(CPU, Timestamp::now())).await?;
    assert_eq!(held["did"], "nothing", "{held:#}");
    assert!(held["summary"].as_str().unwrap_or_default().contains("Database upgrade"), "{held:#}");
    outcome(&function, &tick()).await?;
    assert_eq!(stack.open(&function).await?, Vec::<String>::new());
    let ended = outcome(&function, &json!({ "end_maintenance": id, "by": "Ana" })).await?;
    assert_eq!(ended["did"], "ended", "{ended:#}");
    outcome(&function, &tick()).await?;
    let open = stack.open(&function).await?;
    assert_eq!(open.len(), 1, "{open:?}");
    // Once is enough.
    outcome(&function, &tick()).await?;
    assert_eq!(stack.open(&function).await?, open);
    assert_eq!(stack.told(), ["notices maintenance", "notices maintenance", "notices OPEN"]);
    Ok(())
}

#[tokio::test]
async fn what_was_held_back_and_is_over_at_the_end_opens_nothing() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = announced(&function, json!([])).await?;
    rings(&stack, CPU).await?;
    outcome(&function, &alarm(CPU, Timestamp::now())).await?;
    let ok = stack.sandbox.clients.cloudwatch.set_alarm_state().alarm_name(CPU).state_value(StateValue::Ok);
    ok.state_reason("fine").send().await?;
    // Nobody ends it: its time does.
    stack.change("maintenance", &id, "until", json!(Timestamp::now() - SignedDuration::from_secs(1))).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.open(&function).await?, Vec::<String>::new());
    assert_eq!(stack.data("maintenance", &id).await?["held"], json!({}));
    Ok(())
}

#[tokio::test]
async fn an_alarm_of_other_components_and_what_was_open_before_are_not_held_back() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let before = opened(&function).await?;
    announced(&function, json!(["api"])).await?;
    put_alarm(&stack.sandbox, CLOUDFRONT).await?;
    let other = outcome(&function, &alarm(CLOUDFRONT, Timestamp::now())).await?;
    assert_eq!(other["did"], "opened", "{other:#}");
    let again = outcome(&function, &alarm(PROBE, Timestamp::now())).await?;
    assert_eq!((&again["did"], &again["incident"]), (&json!("joined"), &json!(before)), "{again:#}");
    Ok(())
}

/// The probe's own minute says what its alarm is about.
#[tokio::test]
async fn the_probes_alarm_is_about_the_components_whose_checks_fail() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    announced(&function, json!(["website"])).await?;
    minute(&stack, 0, &["page", "asset"]).await?;
    let held = outcome(&function, &alarm(PROBE, Timestamp::now())).await?;
    assert_eq!(held["did"], "nothing", "{held:#}");
    minute(&stack, 0, &["page", "health"]).await?;
    let later = Timestamp::now() + SignedDuration::from_secs(2);
    let opened = outcome(&function, &alarm(PROBE, later)).await?;
    assert_eq!(opened["did"], "opened", "{opened:#}");
    Ok(())
}

#[tokio::test]
async fn announced_twice_it_is_one_window_and_over_it_is_over() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let from = Timestamp::now() + SignedDuration::from_hours(2);
    let window = json!({ "title": "Upgrade", "from": from, "until": "30m" });
    let request = json!({ "maintenance": window, "by": "Ana" });
    let dry = json!({ "maintenance": window, "by": "Ana", "dry_run": true });
    outcome(&function, &dry).await?;
    assert_eq!(stack.writes(), Vec::<String>::new());
    let first = outcome(&function, &request).await?;
    let twin = outcome(&function, &request).await?;
    assert_eq!((&first["did"], &twin["did"]), (&json!("announced"), &json!("nothing")), "{twin:#}");
    let listed = outcome(&function, &json!({})).await?;
    assert_eq!(listed["maintenance"][0]["id"], first["id"], "{listed:#}");
    let end = json!({ "end_maintenance": first["id"], "by": "Ana" });
    assert_eq!(outcome(&function, &end).await?["did"], "called off");
    assert_eq!(outcome(&function, &end).await?["did"], "nothing");
    let listed = outcome(&function, &json!({})).await?;
    assert_eq!(listed["maintenance"], json!([]), "{listed:#}");
    Ok(())
}

#[tokio::test]
async fn announced_again_with_another_end_it_is_changed_and_what_it_held_back_is_not_forgotten() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let from = Timestamp::now() - SignedDuration::from_mins(5);
    let window = |until: &str| json!({ "maintenance": { "title": "Upgrade", "from": from, "until": until }, "by": "Ana" });
    let id = outcome(&function, &window("1h")).await?["id"].as_str().context("no id")?.to_owned();
    rings(&stack, CPU).await?;
    outcome(&function, &alarm(CPU, Timestamp::now())).await?;
    let changed = outcome(&function, &window("2h")).await?;
    assert_eq!((&changed["did"], &changed["id"]), (&json!("changed"), &json!(id)), "{changed:#}");
    let kept = stack.data("maintenance", &id).await?;
    assert!(kept["held"][CPU].is_string(), "{kept:#}");
    assert_eq!(kept["until"], json!(from + SignedDuration::from_hours(2)), "{kept:#}");
    Ok(())
}

#[tokio::test]
async fn a_window_that_cannot_be_is_refused_and_nothing_is_written() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let window = |fields: Value| json!({ "maintenance": fields, "by": "Ana" });
    for (request, words) in [
        (window(json!({ "title": "x", "until": "-1h" })), "in the past"),
        (window(json!({ "title": "x", "until": "soon" })), "neither a time nor a span"),
        (window(json!({ "title": "x", "until": "200h" })), "7 days"),
        (window(json!({ "title": "x", "from": "2100-01-01T00:00:00Z", "until": "1h" })), "a year"),
        (window(json!({ "title": "x", "until": "1h", "components": ["payroll"] })), "api, website"),
        (window(json!({ "title": " ", "until": "1h" })), "title"),
        (window(json!({ "title": "日本", "until": "1h", "from": 5 })), "from"),
        (json!({ "maintenance": { "title": "x", "until": "1h" } }), "`by`"),
        (json!({ "end_maintenance": "20260101-0000-x", "by": "Ana" }), "there is no maintenance"),
    ] {
        stack::refuses(&function, &[(&request.to_string(), "InvalidRequest", words)]).await?;
    }
    assert_eq!(stack.writes(), Vec::<String>::new());
    Ok(())
}
