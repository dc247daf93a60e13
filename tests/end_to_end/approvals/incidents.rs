//! Incidents and the kill switch over the queue: whoever acknowledges, notes and stops has a name too.

use super::*;

#[tokio::test]
async fn an_incident_is_acknowledged_and_noted_by_whoever_aws_says() -> Test {
    let house = House::start().await?;
    let opened = house.ask("incident", &json!({ "open": { "title": "Slow" } })).await?;
    let id = opened["incident"].as_str().context("no incident")?;
    let heard = house.decide(ALICE, &format!("acknowledge:{id}")).await?;
    assert_eq!(
        (read(&heard).as_str(), &heard["incident"]),
        ("applied acknowledged", &json!(id)),
        "{heard:#}"
    );
    let again = house.decide(BOB, &format!("acknowledge:{id}")).await?;
    assert_eq!(read(&again), "nothing_to_do nothing_changed", "{again:#}");
    let noted = house.decide(BOB, &format!("note:{id} it is the cache")).await?;
    assert_eq!(read(&noted), "applied noted", "{noted:#}");
    let shown = house.ask("incident", &json!({ "show": id })).await?;
    assert_eq!(shown["acknowledged"]["by"], "alice@example.com", "{shown:#}");
    let lines = shown["lines"].to_string();
    assert!(lines.contains("bob@example.com") && lines.contains("it is the cache"), "{lines}");
    let unknown = house.decide(ALICE, "acknowledge:20200101-000000-none").await?;
    assert_eq!(read(&unknown), "refused message_refused", "{unknown:#}");
    Ok(())
}

#[tokio::test]
async fn an_incident_has_who_asked_and_who_approved_in_its_timeline() -> Test {
    let house = House::named(&[("MinimumApprovals", "restart=2")]).await?;
    let opened = house.ask("incident", &json!({ "open": { "title": "Slow" } })).await?;
    let id = opened["incident"].as_str().context("no incident")?;
    let plan = house.plan("claude-code for dan").await?;
    house.decide(ALICE, &format!("approve:{plan}")).await?;
    house.decide(BOB, &format!("approve:{plan}")).await?;
    house.recorded("applied").await?;
    let shown = house.ask("incident", &json!({ "show": id })).await?;
    let lines = shown["lines"].to_string();
    for words in [
        "asked by claude-code for dan: memory grows",
        "1 of 2 approvals for plan",
        "approved by alice@example.com and bob@example.com",
    ] {
        assert!(lines.contains(words), "{words}: {lines}");
    }
    Ok(())
}

#[tokio::test]
async fn everything_is_stopped_and_started_by_a_message() -> Test {
    let house = House::start().await?;
    let stopped = house.decide(ALICE, "stop:all the sale has begun").await?;
    assert_eq!(read(&stopped), "applied stopped", "{stopped:#}");
    let switch = house.item("kill-switch", "all").await?.context("no switch")?;
    assert_eq!(
        [&switch["by"], &switch["reason"]],
        [&json!("alice@example.com"), &json!("the sale has begun")]
    );
    assert!(house.told().join("\n").contains("by alice@example.com: the sale has begun"));
    let refused = house.decide(ALICE, "stop:everything").await?;
    assert_eq!(read(&refused), "refused message_refused", "{refused:#}");
    let lifted = house.decide(BOB, "start:all").await?;
    assert_eq!(read(&lifted), "applied lifted", "{lifted:#}");
    assert_eq!(house.item("kill-switch", "all").await?, None);
    assert_eq!(read(&house.decide(BOB, "start:all").await?), "nothing_to_do nothing_changed");
    Ok(())
}
