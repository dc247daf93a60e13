//! Incidents and what belongs to them, as every version wrote them.

use anyhow::{Context, ensure};
use jiff::Timestamp;
use sandbox::stack::{self, tick};
use serde_json::{Value, json};

use super::{
    Findings, Test,
    fixture::{COMPOSITE, Fixture, Ledger},
    items::{self, Item, Schema},
};

/// An alarm as SNS delivers it.
pub(crate) fn alarm(name: &str) -> Value {
    stack::alarm(name, ["LendPeak2", "Healthy"], &[], Timestamp::now())
}

/// The ids of the incidents in a list that a person sees.
pub(crate) fn ids(list: &Value, which: &str) -> Vec<String> {
    let all = list[which].as_array().into_iter().flatten();
    all.filter_map(|incident| Some(incident["incident"].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn incidents_of_every_age_are_listed_shown_swept_and_closed() -> Test {
    let fixture = Fixture::start().await?;
    let mut findings = Findings::default();
    for (commit, schema) in items::of("incident")? {
        findings.add(&format!("incident/{commit}, listed and shown"), listed(&fixture, &schema).await);
        findings.add(&format!("incident/{commit}, swept"), swept(&fixture, &schema).await);
        findings.add(&format!("incident/{commit}, an alarm"), joined(&fixture, &schema).await);
        findings.add(&format!("incident/{commit}, closed"), closed(&fixture, &schema).await);
        findings.add(&format!("incident/{commit}, over"), over(&fixture, &schema).await);
    }
    findings.none()
}

async fn ledger<'a>(fixture: &'a Fixture, schema: &Schema) -> anyhow::Result<Ledger<'a>> {
    fixture.with(&schema.items.values().collect::<Vec<_>>()).await
}

async fn id(ledger: &Ledger<'_>, schema: &Schema, name: &str) -> anyhow::Result<String> {
    let sk = schema.items.get(name).and_then(|item| item.get("sk")?.as_str()).context("no such item")?;
    ledger.filled(sk).await
}

async fn listed(fixture: &Fixture, schema: &Schema) -> Test {
    let ledger = ledger(fixture, schema).await?;
    let list = ledger.ask("incident", &json!({})).await?;
    let open = ids(&list, "open");
    for name in ["with the machine", "untold", "handed over"] {
        let id = id(&ledger, schema, name).await?;
        ensure!(open.contains(&id), "{id} is not among the open ones: {open:?}");
    }
    let over = id(&ledger, schema, "over").await?;
    ensure!(ids(&list, "over") == [over.as_str()], "{list:#}");
    for name in ["with the machine", "untold", "handed over", "over"] {
        let id = id(&ledger, schema, name).await?;
        let shown = ledger.ask("incident", &json!({ "show": id })).await?;
        ensure!(shown["incident"] == json!(id) && shown["summary"].to_string().contains(&id), "{shown:#}");
    }
    let down = id(&ledger, schema, "with the machine").await?;
    let shown = ledger.ask("incident", &json!({ "show": down })).await?;
    ensure!(shown.to_string().contains("is at work on it"), "a line of its timeline is missing: {shown:#}");
    Ok(())
}

/// What is owed is told, and each level has its time.
async fn swept(fixture: &Fixture, schema: &Schema) -> Test {
    let ledger = ledger(fixture, schema).await?;
    let swept = ledger.ask("incident", &tick()).await?;
    for name in ["untold", "handed over"] {
        let id = id(&ledger, schema, name).await?;
        ensure!(ledger.told_of(&[&id]) >= 1, "nobody is told of {id}: {swept:#}\n{:#?}", ledger.told());
    }
    // Its execution is gone.
    let down = id(&ledger, schema, "with the machine").await?;
    let incident = ledger.item("incidents", &down).await?.context("it is gone")?;
    ensure!(incident["data"].to_string().contains("handed_over"), "{incident:#}");
    // The next minute has nothing to say again.
    let told = ledger.told().len();
    ledger.ask("incident", &tick()).await?;
    ensure!(ledger.told().len() == told, "told twice: {:#?}", ledger.told());
    Ok(())
}

async fn joined(fixture: &Fixture, schema: &Schema) -> Test {
    let ledger = ledger(fixture, schema).await?;
    let down = id(&ledger, schema, "with the machine").await?;
    let answer = ledger.ask("incident", &alarm(COMPOSITE)).await?;
    ensure!(answer["did"] != "opened" && answer["incident"] == json!(down), "{answer:#}");
    let other = ledger.ask("incident", &json!({ "open": { "title": "Builds fail" } })).await?;
    ensure!(other["did"] == "opened", "{other:#}");
    Ok(())
}

async fn closed(fixture: &Fixture, schema: &Schema) -> Test {
    let ledger = ledger(fixture, schema).await?;
    let down = id(&ledger, schema, "with the machine").await?;
    for (request, did) in [
        (json!({ "note": down, "text": "looks like the release" }), "noted"),
        (json!({ "acknowledge": down, "by": "on call", "take_over": true }), "acknowledged"),
        (json!({ "escalate": down, "level": 2, "reason": "needs DevOps" }), "escalated"),
        (json!({ "resolve": down, "reason": "rolled back by hand" }), "resolved"),
    ] {
        let answer = ledger.ask("incident", &request).await?;
        ensure!(answer["did"] == did && answer["incident"] == json!(down), "{request}: {answer:#}");
    }
    let list = ledger.ask("incident", &json!({})).await?;
    ensure!(ids(&list, "over").contains(&down), "{list:#}");
    ensure!(ledger.item("incident-open", "service-down").await?.is_none(), "the cause is still taken");
    Ok(())
}

/// What was over when the version changed: the same trouble days later is another incident.
async fn over(fixture: &Fixture, schema: &Schema) -> Test {
    let only: Vec<&Item> =
        schema.items.iter().filter(|(name, _)| *name == "over").map(|(_, item)| item).collect();
    ensure!(only.len() == 1, "no item that is over");
    let ledger = fixture.with(&only).await?;
    ledger.ask("incident", &tick()).await?;
    ensure!(ledger.told().is_empty(), "told of what is over: {:#?}", ledger.told());
    let answer = ledger.ask("incident", &alarm(COMPOSITE)).await?;
    ensure!(answer["did"] == "opened", "{answer:#}");
    ensure!(ledger.told().len() == 1, "{:#?}", ledger.told());
    Ok(())
}

#[tokio::test]
async fn components_and_records_of_every_age_are_shown() -> Test {
    let fixture = Fixture::start().await?;
    for (commit, schema) in items::of("component")? {
        let ledger = fixture.with(&schema.items.values().collect::<Vec<_>>()).await?;
        let list = ledger.ask("incident", &json!({})).await?;
        for word in ["api is degraded: slow answers", "payments is down", "reports is maintenance"] {
            ensure!(list["lines"].to_string().contains(word), "{commit}: {list:#}");
        }
        let update =
            json!({ "update_status": { "component": "api", "status": "operational", "message": "mended" } });
        let updated = ledger.ask("incident", &update).await?;
        // What was said of an incident that is not open any more has ended with it.
        let holding = schema.items.values().filter(|item| item["data"]["incidents"].is_null()).count();
        ensure!(updated["components"].as_array().is_some_and(|all| all.len() == holding), "{updated:#}");
    }
    let incidents = items::of("incident")?;
    let newest = incidents.get("96041a9").and_then(|schema| schema.items.get("with the machine"));
    let down = newest.context("no incident")?;
    for (commit, schema) in items::of("audit")? {
        let records = schema.items.values().chain([down]).collect::<Vec<_>>();
        let ledger = fixture.with(&records).await?;
        let id = ledger.filled(down["sk"].as_str().unwrap_or_default()).await?;
        let shown = ledger.ask("incident", &json!({ "show": id, "verbose": true })).await?;
        let lines = shown["timeline"].as_array().context("no timeline")?;
        let is_shown =
            lines.iter().any(|line| line["by"] == "scale-up" && line["what"].to_string().contains("applied"));
        ensure!(is_shown, "{commit}: what scale-up did is missing: {shown:#}");
    }
    Ok(())
}

/// Days, minutes, what was said of incidents and announced work, as every version wrote them.
#[tokio::test]
async fn what_customers_were_told_at_any_age_is_on_the_page() -> Test {
    let fixture = Fixture::start().await?;
    let mut all = Vec::new();
    for kind in ["minutes", "status-day", "status-incident", "status-page", "maintenance"] {
        for (_, schema) in items::of(kind)? {
            all.extend(schema.items.into_values());
        }
    }
    let ledger = fixture.with(&all.iter().collect::<Vec<_>>()).await?;
    ledger.ask("incident", &tick()).await?;
    let summary = fixture.page("api/v2/summary.json").await?;
    ensure!(summary["scheduled_maintenances"][0]["name"] == "Database upgrade", "{summary:#}");
    let incidents = fixture.page("api/v2/incidents.json").await?;
    ensure!(incidents.to_string().contains("A release was to blame."), "{incidents:#}");
    let page = fixture.file("index.html").await?;
    // 6 and 3 tenths of 4 minutes of the two days that were measured are lost.
    ensure!(page.contains("99."), "no uptime: {page}");
    Ok(())
}
