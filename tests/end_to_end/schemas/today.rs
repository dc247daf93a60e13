//! Whoever changes the form of an item adds a file to `tests/schemas/`: what the functions of today write is there.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use sandbox::stack::{delivered, tick};
use serde_json::{Map, Value, json};

use super::{
    Test,
    fixture::{COMPOSITE, Fixture, Ledger, request},
    incidents::alarm,
    items,
};

#[tokio::test]
async fn what_is_written_today_is_among_the_schemas() -> Test {
    let fixture = Fixture::start().await?;
    let ledger = fixture.with(&[]).await?;
    write_everything(&fixture, &ledger).await?;
    let known = known()?;
    let mut unknown = BTreeMap::new();
    let mut kinds = BTreeSet::new();
    for item in written(&ledger).await? {
        let kind = kind(&item)?;
        for form in forms(&kind, &item)? {
            if !known.get(&kind).is_some_and(|forms| forms.contains(&form)) {
                unknown.entry(format!("{kind}: {form}")).or_insert_with(|| json!(item));
            }
        }
        kinds.insert(kind);
    }
    for kind in [
        "claim",
        "follow-up",
        "holder",
        "freeze",
        "event",
        "audit",
        "approval",
        "release",
        "incident",
        "component",
        "minutes",
        "maintenance",
        "status-day",
        "status-incident",
        "status-page",
        "refused",
        "owed",
        "answers",
    ] {
        ensure!(kinds.contains(kind), "nothing has written an item of {kind}: {kinds:?}");
    }
    let unknown: Vec<String> =
        unknown.into_iter().map(|(form, item)| format!("{form}, as in\n  {item}")).collect();
    ensure!(
        unknown.is_empty(),
        "no file of tests/schemas/<kind>/ has these; add one:\n{}",
        unknown.join("\n")
    );
    Ok(())
}

async fn write_everything(fixture: &Fixture, ledger: &Ledger<'_>) -> Test {
    approve_by_two(ledger).await?;
    for remedy in ["scale-up", "restart", "cache-invalidation", "write-freeze"] {
        ledger.answers(remedy, &request(remedy)?, "applied applied").await?;
    }
    fixture.sandbox.show_what_runs().await?;
    ledger.answers("scale-up", &super::fixture::alarm("scale-up")?, "refused cooldown").await?;
    ledger.answers("rollback", &request("rollback")?, "applied applied").await?;
    ledger.ask("write-freeze", &tick()).await?;
    // What is restored then has the password of before.
    fixture.sandbox.rotate_password("Xw3-heather-beacon-17").await?;
    let begun = approved(ledger, &request("snapshot-restore")?).await?;
    let restored = begun["plan"]["actions"][0]["create_cluster"]["id"].clone();
    approved(ledger, &json!({ "set_password_of": restored })).await?;
    let opened = ledger.ask("incident", &alarm(COMPOSITE)).await?;
    let update = json!({ "update_status": { "component": "api", "status": "down", "message": "no answer" } });
    ledger.ask("incident", &update).await?;
    tell_customers(fixture, ledger, &opened["incident"]).await?;
    for request in [
        json!({ "acknowledge": opened["incident"], "by": "on call" }),
        json!({ "escalate": opened["incident"], "level": 2, "reason": "needs DevOps" }),
        json!({ "resolve": opened["incident"], "reason": "rolled back" }),
    ] {
        ledger.ask("incident", &request).await?;
    }
    Ok(())
}

/// A day that is over, a word for customers, and maintenance.
async fn tell_customers(fixture: &Fixture, ledger: &Ledger<'_>, incident: &Value) -> Test {
    ledger.ask("health-probe", &tick()).await?;
    let yesterday = Timestamp::now() - SignedDuration::from_hours(24);
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let put =
        fixture.sandbox.clients.dynamodb.put_item().table_name(&ledger.table).item("pk", text("minutes"));
    let put = put.item("sk", text(&yesterday.strftime("%Y-%m-%dT%H").to_string())).item("m00", text("{}"));
    put.send().await?;
    for request in [
        json!({ "note": incident, "text": "We are looking into it.", "public": true }),
        json!({ "maintenance": { "title": "Upgrade", "until": "1h", "text": "Log-in is slow meanwhile." }, "by": "Ana" }),
    ] {
        ledger.ask("incident", &request).await?;
    }
    Ok(())
}

/// A plan with the votes of a role's session and of a user, and what their messages came to.
async fn approve_by_two(ledger: &Ledger<'_>) -> Test {
    let asks = json!({ "desired_count": 3, "reason": "queue grows", "by": "dan", "ask": true });
    let asked = ledger.answers("scale-up", &asks, "awaiting_approval approval_needed").await?;
    let plan = asked["next"]["send"]["approve"].as_str().context("no plan")?;
    for (message, key, came_to) in [
        ("m-1", "Ops.alice@example.com", "awaiting_approval approvals_missing"),
        ("m-2", "carol", "applied approved"),
    ] {
        let body = format!("approve:{plan} it has to be");
        ledger.answers("incident", &delivered(message, key, &body), came_to).await?;
    }
    Ok(())
}

/// What `snapshot-restore` answers to the approval of what it is asked.
async fn approved(ledger: &Ledger<'_>, request: &Value) -> anyhow::Result<Value> {
    let asked = ledger.answers("snapshot-restore", request, "awaiting_approval approval_needed").await?;
    let mut approve = asked["next"]["send"].clone();
    approve["verbose"] = json!(true);
    ledger.answers("snapshot-restore", &approve, "applied applied").await
}

/// Everything that was put since, and what updates have made of items.
async fn written(ledger: &Ledger<'_>) -> anyhow::Result<Vec<Map<String, Value>>> {
    let mut items = Vec::new();
    for call in ledger.requests("dynamodb") {
        let transaction = call["TransactItems"].as_array().into_iter().flatten();
        let puts = transaction.filter_map(|write| write.get("Put")).chain([&call]);
        items.extend(puts.filter_map(|put| Some(plain(put.get("Item")?.as_object()?))));
    }
    let now = ledger.all().await?.into_iter().filter_map(|item| item.as_object().cloned());
    items.extend(now);
    Ok(items)
}

/// `{"S": "text"}` and `{"N": "1"}` as plain values.
fn plain(item: &Map<String, Value>) -> Map<String, Value> {
    let value = |typed: &Value| match (typed.get("S"), typed.get("N").and_then(Value::as_str)) {
        (Some(text), _) => text.clone(),
        (None, Some(number)) => json!(number.parse::<i64>().unwrap_or_default()),
        (None, None) => typed.clone(),
    };
    item.iter().map(|(name, typed)| (name.clone(), value(typed))).collect()
}

/// The kind of an item, by the first words of its key.
fn kind(item: &Map<String, Value>) -> anyhow::Result<String> {
    let text =
        |name: &str| item.get(name).and_then(Value::as_str).with_context(|| format!("no {name}: {item:?}"));
    let (pk, sk) = (text("pk")?, text("sk")?);
    let word = pk.split('#').next().unwrap_or_default();
    Ok(match (word, sk) {
        ("target", "holder" | "freeze") => sk.to_owned(),
        ("target", sk) => sk.split_once('#').map_or("claim", |(_, what)| what).to_owned(),
        ("event", sk) if sk.starts_with("refused#") => "refused".to_owned(),
        ("incidents" | "incident-open" | "incident", _) => "incident".to_owned(),
        (word, _) => word.to_owned(),
    })
}

fn known() -> anyhow::Result<BTreeMap<String, BTreeSet<String>>> {
    let mut known = BTreeMap::new();
    for kind in items::kinds()? {
        let mut all = BTreeSet::new();
        for item in items::all(&kind)? {
            all.extend(forms(&kind, &item.item)?);
        }
        known.insert(kind, all);
    }
    Ok(known)
}

/// What makes out the form of an item: its attributes, the fields of its data, and the parts that each function forms
/// by itself.
fn forms(kind: &str, item: &Map<String, Value>) -> anyhow::Result<Vec<String>> {
    let sk = item.get("sk").and_then(Value::as_str).unwrap_or_default();
    let writer = sk.split('#').next().unwrap_or_default();
    if kind == "release" {
        // Each mark comes by itself.
        return Ok(item.keys().map(|name| format!("attribute {name}")).collect());
    }
    if kind == "minutes" {
        // An attribute for each minute.
        let is_minute = |name: &&String| name.len() != 3 || !name.starts_with('m');
        return Ok(item.keys().filter(is_minute).map(|name| format!("attribute {name}")).collect());
    }
    let pk = item.get("pk").and_then(Value::as_str).unwrap_or_default();
    let mut forms = vec![format!("{} with {}", pk.split('#').next().unwrap_or_default(), names(item))];
    let data = match item.get("data").or_else(|| item.get("outcome")) {
        None => return Ok(forms),
        Some(Value::String(text)) => serde_json::from_str(text)?,
        Some(json) => json.clone(),
    };
    let fields = data.as_object().context("no object")?;
    forms.push(format!("{} data with {}", pk.split('#').next().unwrap_or_default(), names(fields)));
    if kind == "claim" {
        let intent = data["intent"].as_object().context("no intent")?;
        forms.push(format!("intent with {}", names(intent)));
        let actions = data["intent"]["actions"].as_array().context("no actions")?;
        forms.extend(actions.iter().map(|action| format!("{writer} does {}", shape(action))));
    }
    if kind == "follow-up" {
        forms.push(format!("{writer} looks after {}", shape(&data["what"])));
    }
    Ok(forms)
}

fn names(fields: &Map<String, Value>) -> String {
    let names: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// The names in it, two levels deep.
fn shape(value: &Value) -> String {
    let Some(fields) = value.as_object() else {
        return value.to_string();
    };
    let named: BTreeMap<&str, String> = fields
        .iter()
        .map(|(name, value)| {
            let inner = value.as_array().and_then(|all| all.first()).unwrap_or(value).as_object();
            (name.as_str(), inner.map(|inner| format!(" {{{}}}", names(inner))).unwrap_or_default())
        })
        .collect();
    named.into_iter().map(|(name, inner)| name.to_owned() + &inner).collect::<Vec<_>>().join(", ")
}
