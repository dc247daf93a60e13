//! What a run began and did not come to, under rules that have become stricter since, or written by somebody else.

use sandbox::gateway::{Fault, Rule};

use super::*;

/// A scaling that was decided, and that ECS did not let through.
async fn begun(fixture: &Fixture, settings: &[(&str, &str)]) -> Test {
    let denied = Rule::new("ecs", "UpdateService", Fault::Denied).of("scale-up");
    fixture.sandbox.gateway.faults().add(denied);
    put_alarm(&fixture.sandbox, "load", CPU, &OF_SERVICE).await?;
    let function = fixture.a("scale-up", settings).await?;
    ensure!(decision(&function, &load("load")).await? == "failed action_failed");
    ensure!(fixture.data(&of_service(), "scale-up").await?["open"] == true);
    Ok(())
}

/// The scheduled run ends it: nothing is changed, and people hear why.
async fn is_given_up(fixture: &Fixture, settings: &[(&str, &str)], words: &str) -> Test {
    let (changes, told) = (fixture.changes(), fixture.told().len());
    let function = fixture.a("scale-up", settings).await?;
    let answer = outcome(&function, &tick()).await?;
    ensure!(decisions(&answer).contains(&"failed given_up".to_owned()), "{answer:#}");
    ensure!(fixture.changes() == changes, "{:?}", fixture.changes());
    ensure!(fixture.told().len() == told + 1, "{:?}", fixture.told());
    ensure!(fixture.told_of(words) == 1, "no word of {words}: {:?}", fixture.told());
    let again = outcome(&function, &tick()).await?;
    ensure!(!decisions(&again).contains(&"failed given_up".to_owned()), "{again:#}");
    ensure!(fixture.changes() == changes && fixture.told().len() == told + 1);
    Ok(())
}

#[tokio::test]
async fn what_was_begun_in_mode_auto_waits_for_nobody_in_a_stricter_mode_and_is_given_up() -> Test {
    let fixture = Fixture::start("scale-up").await?;
    let at_once = ("COOLDOWN_SECONDS", "0");
    begun(&fixture, &[at_once]).await?;
    let words = "MODE is approve now, and nobody has approved it";
    is_given_up(&fixture, &[at_once, ("MODE", "approve")], words).await?;
    // Where nothing may be done, nobody is told either: it is in the record.
    begun(&fixture, &[at_once]).await?;
    let (changes, told) = (fixture.changes(), fixture.told());
    let function = fixture.a("scale-up", &[at_once, ("MODE", "observe")]).await?;
    let answer = outcome(&function, &tick()).await?;
    assert!(answer.to_string().contains("MODE allows no change any more"), "{answer:#}");
    assert_eq!((fixture.changes(), fixture.told()), (changes, told));
    Ok(())
}

#[tokio::test]
async fn what_was_begun_is_given_up_where_todays_limits_forbid_it() -> Test {
    let fixture = Fixture::start("scale-up").await?;
    begun(&fixture, &[]).await?;
    is_given_up(&fixture, &[("MAX_TASKS", "2")], "a minimum of 3 is more than the 2 that are allowed now")
        .await
}

/// Whoever can write the ledger is not let through by it.
#[tokio::test]
async fn an_intent_for_more_than_is_allowed_another_service_or_another_day_is_given_up() -> Test {
    let fixture = Fixture::start("scale-up").await?;
    let week = Timestamp::now() + SignedDuration::from_hours(24 * 8);
    let set = |cluster: &str, service: &str, count: u32| json!([{ "set_desired_count": { "cluster": cluster, "service": service, "desired_count": count } }]);
    for (field, value, words) in [
        ("actions", set(CLUSTER, SERVICE, 4_999), "4999"),
        ("actions", set(CLUSTER, "worker", 3), "worker"),
        ("actions", set("lendpeak2-staging", SERVICE, 3), "lendpeak2-staging"),
        ("actions", json!([{ "delete_service": { "service": SERVICE } }]), "cannot be read"),
        ("at", json!(week), "too old"),
    ] {
        let fixture = &fixture;
        begun(fixture, &[("COOLDOWN_SECONDS", "0")]).await?;
        let mut intent = fixture.data(&of_service(), "scale-up").await?["intent"].clone();
        if field == "at" {
            intent["trigger"]["at"] = value;
        } else {
            intent[field] = value;
        }
        fixture.change(&of_service(), "scale-up", "intent", intent).await?;
        is_given_up(fixture, &[("COOLDOWN_SECONDS", "0")], words).await.context(words)?;
    }
    Ok(())
}
