//! What cannot be read in the ledger is left out and named once; all else goes on.

use super::*;

/// What is not JSON, lacks a field, is of a wrong type, is empty, or belongs to a later version.
fn broken(id: &str) -> Vec<(String, String)> {
    let datas = [
        "not json".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        String::new(),
        json!({ "id": id, "cause": "x", "title": 7 }).to_string(),
    ];
    datas.into_iter().enumerate().map(|(number, data)| (format!("{id}-{number}"), data)).collect()
}

#[tokio::test]
async fn an_incident_that_cannot_be_read_keeps_no_alarm_no_list_and_no_sweep_from_the_others() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    for (id, data) in broken("99991231-000000-broken") {
        stack.put("incidents", &id, &[("data", &data)]).await?;
        stack.put("incident-open", &format!("broken-{id}"), &[("incident", &id)]).await?;
    }
    stack.put("incident-open", "without-incident", &[]).await?;
    let id = opened(&function).await?;
    stack.age(&id, "level_since", 16).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.incident(&id).await?["level"], 2, "the other one went up");
    let list = outcome(&function, &json!({})).await?;
    assert_eq!(list["open"][0]["incident"], json!(id));
    assert!(for_people(&list).contains("cannot be read"), "{list:#}");
    outcome(&function, &tick()).await?;
    outcome(&function, &tick()).await?;
    let named: Vec<String> = stack.told().into_iter().filter(|told| told == "notices LEDGER:").collect();
    assert_eq!(named.len(), 6, "each once: {:?}", stack.told());
    let show = json!({ "show": "99991231-000000-broken-0" }).to_string();
    let sandbox::runtime_api::Answer::Err { error_message, .. } =
        function.invoke(show, stack::DEADLINE).await
    else {
        anyhow::bail!("it cannot be shown");
    };
    assert!(error_message.contains("cannot be read"), "{error_message}");
    Ok(())
}

/// The pointer of the cause leads to an incident that cannot be read, is over, or is not there at all.
#[tokio::test]
async fn an_alarm_whose_incident_cannot_be_read_opens_another_one() -> Test {
    for pointer in ["broken", "nothing", ""] {
        let stack = Stack::start().await?;
        let function = stack.function(&[]).await?;
        stack.put("incidents", "broken", &[("data", "{}")]).await?;
        let leads: &[(&str, &str)] = if pointer.is_empty() { &[] } else { &[("incident", pointer)] };
        stack.put("incident-open", "service-down", leads).await?;
        let answer = outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
        assert_eq!(answer["did"], "opened", "{pointer}: {answer}");
        let again = outcome(&function, &alarm(PROBE, Timestamp::now())).await?;
        assert_eq!((&again["did"], &again["incident"]), (&json!("joined"), &answer["incident"]));
        outcome(&function, &json!({ "resolve": answer["incident"] })).await?;
        assert!(stack.open(&function).await?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_line_or_a_component_that_cannot_be_read_is_left_out() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    stack.put(&format!("incident#{id}"), "2026-11-28T00:00:00.000Z#x", &[("data", "{}")]).await?;
    stack.put("component", "api", &[("data", "{\"component\":7}")]).await?;
    let status = json!({ "component": "website", "status": "down", "message": "all of it" });
    outcome(&function, &json!({ "update_status": status })).await?;
    let shown = outcome(&function, &json!({ "show": id })).await?;
    assert!(for_people(&shown).contains("website is down"), "{shown}");
    let list = outcome(&function, &json!({})).await?;
    assert_eq!(list["components"].as_array().map(Vec::len), Some(1), "{list}");
    Ok(())
}

/// An item exactly as the first version of `incident` wrote it, of weeks ago.
#[tokio::test]
async fn an_old_incident_of_the_first_version_is_read_and_stops_nothing() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let old = json!({
        "id": "20261101-000000-old", "cause": "old", "title": "Alarm old", "severity": "high", "assignee": null,
        "began_at": "2026-11-01T00:00:00Z", "opened_at": "2026-11-01T00:00:00Z", "acted_at": null,
        "resolved_at": "2026-11-01T01:00:00Z", "resolution": "by hand", "acknowledged": null, "level": 1,
        "level_since": "2026-11-01T00:00:00Z", "handling": "people", "reopened": 0, "found": null,
        "remedies": [], "waited": false, "answered": null, "owed": null, "ops_item": null,
    });
    stack.put("incidents", "20261101-000000-old", &[("data", &old.to_string())]).await?;
    let list = outcome(&function, &json!({})).await?;
    assert_eq!(list["over"][0]["incident"], "20261101-000000-old", "{list}");
    opened(&function).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.told(), ["notices OPEN"]);
    Ok(())
}

/// A hundred older ones of less weight are open: the one that matters is first and looked after.
#[tokio::test]
async fn the_most_severe_is_listed_first_and_looked_after_however_many_are_open() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let first = outcome(&function, &json!({ "open": { "title": "low", "severity": "low" } })).await?;
    let first = first["incident"].as_str().context("no id")?.to_owned();
    let data = stack.incident(&first).await?;
    for number in 0..150 {
        let mut copy = data.clone();
        let (id, title) = (format!("20261101-000000-a{number:03}"), format!("a{number:03}"));
        (copy["id"], copy["title"], copy["cause"]) = (json!(id), json!(title), json!(title));
        copy["acknowledged"] = json!({ "by": "Ana", "at": Timestamp::now() });
        let item = [("data", copy.to_string())];
        let item: Vec<(&str, &str)> = item.iter().map(|(name, value)| (*name, value.as_str())).collect();
        stack.put("incidents", &id, &item).await?;
        stack.put("incident-open", &format!("a{number:03}"), &[("incident", &id)]).await?;
    }
    let id = opened(&function).await?;
    stack.age(&id, "level_since", 16).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.incident(&id).await?["level"], 2);
    let list = outcome(&function, &json!({})).await?;
    assert_eq!((&list["open"][0]["incident"], &list["open_in_all"]), (&json!(id), &json!(152)));
    assert!(list.to_string().len() < 100_000);
    Ok(())
}
