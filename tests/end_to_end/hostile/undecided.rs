//! A plan that nobody decides about: people are told once that it has expired, and of one that somebody decided about
//! nobody is told so.

use super::*;

const HALF_AN_HOUR: SignedDuration = SignedDuration::from_mins(32);
const EXPIRED: &str = "has expired at";

/// What a function that asks first answers to a person.
async fn asks(fixture: &Fixture) -> anyhow::Result<(Bootstrap, String)> {
    let function = fixture.a("restart", &[("MODE", "approve")]).await?;
    let asked = outcome(&function, &by_hand("restart")).await?;
    ensure!(read(&asked) == "awaiting_approval approval_needed", "{asked:#}");
    let plan = asked["next"]["send"]["approve"].as_str().context("no plan")?.to_owned();
    Ok((function, plan))
}

#[tokio::test]
async fn a_plan_that_expires_is_told_once_with_the_request_that_asks_again() -> Test {
    let fixture = Fixture::start("restart").await?;
    let (function, plan) = asks(&fixture).await?;
    time::passes(&fixture.sandbox, SignedDuration::from_mins(29)).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(fixture.told_of(EXPIRED), 0, "it can still be approved");
    time::passes(&fixture.sandbox, SignedDuration::from_mins(3)).await?;
    for _ in 0..2 {
        outcome(&function, &tick()).await?;
    }
    let told = fixture.told();
    let expired: Vec<&String> = told.iter().filter(|told| told.contains(EXPIRED)).collect();
    let [expired] = expired[..] else { anyhow::bail!("told {} times: {told:?}", expired.len()) };
    assert!(expired.starts_with("[production] nobody decided: "), "{expired}");
    for words in
        [plan.as_str(), "nothing was done", "asked by hand: memory grows", r#""reason":"memory grows""#]
    {
        assert!(expired.contains(words), "{words}: {expired}");
    }
    assert_eq!(fixture.expiries().await?, [""; 0]);
    assert_eq!(fixture.changes(), [""; 0]);
    // Who asks again is answered with a plan of its own.
    let (_, again) = asks(&fixture).await?;
    assert_ne!(again, plan);
    assert_eq!(fixture.expiries().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn whoever_decides_takes_back_that_it_expires() -> Test {
    for verb in ["approve", "reject"] {
        let fixture = Fixture::start("restart").await?;
        let (function, plan) = asks(&fixture).await?;
        // To look at it decides nothing.
        outcome(&function, &json!({ verb: plan, "dry_run": true })).await?;
        assert_eq!(fixture.expiries().await?.len(), 1, "{verb}");
        let decided = outcome(&function, &json!({ verb: plan, "by": "Ana" })).await?;
        ensure!(
            ["applied applied", "nothing_to_do rejected"].contains(&read(&decided).as_str()),
            "{decided:#}"
        );
        assert_eq!(fixture.expiries().await?, [""; 0], "{verb}");
        time::passes(&fixture.sandbox, HALF_AN_HOUR).await?;
        outcome(&function, &tick()).await?;
        assert_eq!(fixture.told_of(EXPIRED), 0, "{verb}");
    }
    Ok(())
}

/// The same plan, asked for by two alarms at once, is one plan and has one end.
#[tokio::test]
async fn whoever_joins_a_plan_adds_no_second_end() -> Test {
    let fixture = Fixture::start("restart").await?;
    let (function, plan) = asks(&fixture).await?;
    let joined = outcome(&function, &by_hand("restart")).await?;
    assert_eq!(read(&joined), "nothing_to_do approval_pending", "{joined:#}");
    time::passes(&fixture.sandbox, HALF_AN_HOUR).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(fixture.told_of(&format!("Plan {plan} {EXPIRED}")), 1);
    Ok(())
}
