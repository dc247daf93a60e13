//! Which votes count, and what ends a plan.

use super::*;

#[tokio::test]
async fn where_two_are_wanted_two_people_approve_and_each_counts_once() -> Test {
    let house = House::named(&[("MinimumApprovals", "restart=2,snapshot-restore=2")]).await?;
    let plan = house.plan("dan").await?;
    let approve = format!("approve:{plan}");
    let first = house.decide(ALICE, &approve).await?;
    assert_eq!(read(&first), "awaiting_approval approvals_missing", "{first:#}");
    assert!(first["summary"].as_str().is_some_and(|said| said.contains("1 of 2")), "{first:#}");
    let again = house.decide(ALICE, &approve).await?;
    assert_eq!(read(&again), "awaiting_approval approvals_missing", "{again:#}");
    assert_eq!(house.restarts(), 0);
    let told = house.told().join("\n");
    let progress = format!("1 of 2 approvals for plan {plan} of restart: alice@example.com");
    assert_eq!(told.matches(&progress).count(), 1, "{told}");
    assert!(told.contains("asked by dan: memory grows"), "{told}");

    let second = house.decide(BOB, &approve).await?;
    assert_eq!(read(&second), "applied approved", "{second:#}");
    let record = house.recorded("applied").await?;
    let summary = record["summary"].as_str().unwrap_or_default();
    assert!(summary.contains("approved by alice@example.com and bob@example.com"), "{summary}");
    assert_eq!(record["trigger"]["votes"].as_array().map(Vec::len), Some(2));
    assert_eq!(house.restarts(), 1);
    let late = house.decide("Ops.cleo", &approve).await?;
    assert_eq!(read(&late), "refused approval_used", "{late:#}");
    Ok(())
}

#[tokio::test]
async fn who_asked_does_not_approve_where_that_is_ruled_out() -> Test {
    let house = House::named(&[("NotByWhoAsked", "restart")]).await?;
    let plan = house.plan("claude-code for alice@example.com").await?;
    let approve = format!("approve:{plan}");
    let refused = house.decide(ALICE, &approve).await?;
    assert_eq!(read(&refused), "refused asked_by_sender", "{refused:#}");
    let done = house.decide(BOB, &approve).await?;
    assert_eq!(read(&done), "applied approved", "{done:#}");
    house.recorded("applied").await?;
    // Nobody says who asked.
    house.end_cooldown(&format!("target#{}", stack::TARGET), "restart").await?;
    let asked = house.ask("restart", &json!({})).await?;
    let plan = asked["next"]["plan"].as_str().context("no plan")?;
    let refused = house.decide(BOB, &format!("approve:{plan}")).await?;
    assert_eq!(read(&refused), "refused asker_unknown", "{refused:#}");
    Ok(())
}

#[tokio::test]
async fn a_plan_that_has_expired_is_approved_by_nobody() -> Test {
    let house = House::named(&[]).await?;
    let plan = house.plan("dan").await?;
    house.change("approval#restart", key(&plan), "expires", json!("2026-01-01T00:00:00Z")).await?;
    let late = house.decide(ALICE, &format!("approve:{plan}")).await?;
    assert_eq!(read(&late), "refused approval_expired", "{late:#}");
    assert!(late["summary"].as_str().is_some_and(|said| said.contains("expired at 2026-01-01")), "{late:#}");
    assert_eq!(house.restarts(), 0);
    Ok(())
}

#[tokio::test]
async fn the_first_rejection_ends_it() -> Test {
    let house = House::named(&[("MinimumApprovals", "restart=2")]).await?;
    let plan = house.plan("dan").await?;
    house.decide(ALICE, &format!("approve:{plan}")).await?;
    let rejected = house.decide(BOB, &format!("reject:{plan} not during the sale")).await?;
    assert_eq!(read(&rejected), "applied rejected", "{rejected:#}");
    let record = house.recorded("rejected").await?;
    let reason = record["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("rejected by bob@example.com at "), "{reason}");
    assert!(reason.contains(": not during the sale"), "{reason}");
    assert_eq!(
        [&record["trigger"]["by"], &record["trigger"]["verified"]],
        [&json!("bob@example.com"), &json!(true)]
    );
    house.told_of("rejected by bob@example.com").await?;
    for key in [ALICE, "Ops.cleo"] {
        let late = house.decide(key, &format!("approve:{plan}")).await?;
        assert_eq!(read(&late), "refused approval_rejected", "{late:#}");
    }
    assert_eq!(house.restarts(), 0);
    Ok(())
}

/// Approved, and refused for another reason: people are told, since nobody has the remedy's answer.
#[tokio::test]
async fn what_an_approval_comes_to_is_told_also_where_nothing_is_done_and_it_can_be_given_again() -> Test {
    let house = House::named(&[]).await?;
    let plan = house.plan("dan").await?;
    house.put("kill-switch", "all", &[("reason", "the sale")]).await?;
    let approved = house.decide(ALICE, &format!("approve:{plan}")).await?;
    assert_eq!(read(&approved), "applied approved", "{approved:#}");
    house.recorded("kill_switch").await?;
    assert_eq!(house.restarts(), 0);
    house.told_of("nothing was done: the kill switch `all` is on").await?;
    house.decide(ALICE, "start:all").await?;
    let again = house.decide(ALICE, &format!("approve:{plan}")).await?;
    assert_eq!(read(&again), "applied approved", "{again:#}");
    house.recorded("applied").await?;
    assert_eq!(house.restarts(), 1);
    Ok(())
}
