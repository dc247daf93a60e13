//! An incident, or what belongs to one, that no version can read: the others are told, swept and closed as ever.

use anyhow::{Context, ensure};
use sandbox::{
    runtime_api::Answer,
    stack::{DEADLINE, tick},
};
use serde_json::{Value, json};

use super::{
    Findings, Test,
    fixture::{COMPOSITE, Fixture, Ledger},
    incidents::{alarm, ids},
    items::{self, Item, Named},
};

/// An incident that can be read and of which people are to be told still, and which one is open for its cause.
fn readable() -> anyhow::Result<Vec<Item>> {
    let (_, newest) =
        items::of("incident")?.into_iter().find(|(commit, _)| commit == "96041a9").context("it is gone")?;
    let item = |name: &str| newest.items.get(name).cloned().with_context(|| format!("no item {name}"));
    Ok(vec![item("untold")?, item("which is open for dead-letters")?])
}

fn object(value: &Value) -> anyhow::Result<Item> {
    value.as_object().cloned().context("no item")
}

const BROKEN: &str = "no-healthy-target";

/// The broken one is open for its alarm.
async fn beside_readable<'a>(fixture: &'a Fixture, incident: &Item) -> anyhow::Result<Ledger<'a>> {
    let pointer = object(&json!({ "pk": "incident-open", "sk": BROKEN, "incident": incident["sk"] }))?;
    let readable = readable()?;
    let mut items: Vec<&Item> = readable.iter().collect();
    items.extend([incident, &pointer]);
    fixture.with(&items).await
}

#[tokio::test]
async fn an_incident_that_cannot_be_read_keeps_no_other_from_being_told() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for incident in items::broken("incident")? {
        findings.add(&incident.place, others_go_on(&fixture, &incident).await);
        findings
            .add(&format!("{}, another of its cause", incident.place), another(&fixture, &incident).await);
    }
    findings.none()
}

async fn others_go_on(fixture: &Fixture, incident: &Named) -> Test {
    let ledger = beside_readable(fixture, &incident.item).await?;
    let id = ledger.filled(incident.item["sk"].as_str().unwrap_or_default()).await?;
    let untold = ledger.filled(readable()?[0]["sk"].as_str().unwrap_or_default()).await?;
    let list = ledger.ask("incident", &json!({})).await?;
    ensure!(ids(&list, "open").contains(&untold), "{list:#}");
    for _ in 0..2 {
        ledger.ask("incident", &tick()).await?;
    }
    ensure!(ledger.told_of(&[&untold]) >= 1, "nobody was told of {untold}: {:#?}", ledger.told());
    // Without its version, the rest can be read all the same.
    if !incident.name.contains("version") || incident.name == "of a later version" {
        let told = ledger.told_of(&[&id]);
        ensure!(told == 1, "it was told {told} times: {:#?}", ledger.told());
    }
    let opened = ledger.ask("incident", &alarm(COMPOSITE)).await?;
    ensure!(opened["did"] == "opened", "{opened:#}");
    let resolved = ledger.ask("incident", &json!({ "resolve": untold, "reason": "emptied" })).await?;
    ensure!(resolved["did"] == "resolved", "{resolved:#}");
    // Whoever asks for the very one is told so, by its name.
    let shown = ledger.function("incident").await?.invoke(json!({ "show": id }).to_string(), DEADLINE).await;
    let said = match &shown {
        Answer::Ok(answer) => answer.to_string(),
        Answer::Err { error_message, .. } => error_message.clone(),
        other => anyhow::bail!("{other:?}"),
    };
    ensure!(said.contains(&id), "{shown:?}");
    Ok(())
}

/// The cause is not taken for ever.
async fn another(fixture: &Fixture, incident: &Named) -> Test {
    let ledger = beside_readable(fixture, &incident.item).await?;
    let answer = ledger.ask("incident", &alarm(&format!("lendpeak2-production-{BROKEN}"))).await?;
    ensure!(answer["did"] == "opened" || answer["did"] == "joined", "{answer:#}");
    let id = answer["incident"].as_str().context("no id")?;
    let resolved = ledger.ask("incident", &json!({ "resolve": id, "reason": "there is one again" })).await?;
    ensure!(resolved["did"] == "resolved", "{resolved:#}");
    ensure!(ledger.item("incident-open", BROKEN).await?.is_none(), "the cause is still taken");
    Ok(())
}

#[tokio::test]
async fn a_pointer_to_no_incident_keeps_none_from_opening() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for (name, more) in [
        ("to one that is gone", json!({ "incident": "20260101-000000-service-down" })),
        ("to nothing", json!({})),
        ("to a number", json!({ "incident": 7 })),
        ("to an empty name", json!({ "incident": "" })),
    ] {
        let opens = async {
            let mut pointer = object(&json!({ "pk": "incident-open", "sk": "service-down" }))?;
            pointer.extend(object(&more)?);
            let ledger = fixture.with(&[&pointer]).await?;
            ledger.ask("incident", &tick()).await?;
            ledger.ask("incident", &json!({})).await?;
            let answer = ledger.ask("incident", &alarm(COMPOSITE)).await?;
            ensure!(answer["did"] == "opened", "{answer:#}");
            let list = ledger.ask("incident", &json!({})).await?;
            ensure!(ids(&list, "open") == [answer["incident"].as_str().unwrap_or_default()], "{list:#}");
            Ok(())
        };
        findings.add(name, opens.await);
    }
    findings.none()
}

#[tokio::test]
async fn a_component_a_line_or_a_record_that_cannot_be_read_is_left_out() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    let down = object(&json!({ "pk": "component", "sk": "website",
        "data": { "component": "website", "status": "down", "message": "no answer", "at": "<now-1h>" } }))?;
    for component in items::broken("component")? {
        let left_out = async {
            let ledger = fixture.with(&[&component.item, &down]).await?;
            let list = ledger.ask("incident", &json!({})).await?;
            ensure!(list["lines"].to_string().contains("website is down: no answer"), "{list:#}");
            ledger.ask("incident", &tick()).await?;
            let update = json!({ "update_status": { "component": "website", "status": "operational", "message": "up" } });
            let updated = ledger.ask("incident", &update).await?;
            ensure!(updated["did"] == "status_updated", "{updated:#}");
            // Saying how it is puts the broken one right.
            let update =
                json!({ "update_status": { "component": "api", "status": "operational", "message": "up" } });
            let updated = ledger.ask("incident", &update).await?;
            ensure!(updated["components"].as_array().is_some_and(|all| all.len() == 2), "{updated:#}");
            Ok(())
        };
        findings.add(&component.place, left_out.await);
    }
    let incident = &readable()?[0];
    let torn = json!({ "sk": "<sortable now-10m>#x", "data": "{", "outcome": "{", "decision": 3 });
    for pk in
        [format!("incident#{}", incident["sk"].as_str().unwrap_or_default()), "audit#scale-up".to_owned()]
    {
        let left_out = async {
            let mut torn = object(&torn)?;
            torn.insert("pk".to_owned(), json!("<pk>"));
            let ledger = fixture.with(&[incident]).await?;
            let pk = ledger.filled(&pk).await?;
            torn.insert("pk".to_owned(), json!(pk));
            ledger.put(&torn).await?;
            let id = ledger.filled(incident["sk"].as_str().unwrap_or_default()).await?;
            let note = json!({ "note": id, "text": "queue is long" });
            ledger.ask("incident", &note).await?;
            let shown = ledger.ask("incident", &json!({ "show": id })).await?;
            ensure!(shown.to_string().contains("queue is long"), "{shown:#}");
            ledger.ask("incident", &tick()).await.map(drop)
        };
        findings.add(&format!("a torn item of {pk}"), left_out.await);
    }
    findings.none()
}
