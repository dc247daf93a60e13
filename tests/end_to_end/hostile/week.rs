//! SNS takes nothing for a week: nothing that people are to hear is lost, and no run has ever more to do.

use std::collections::BTreeMap;

use sandbox::gateway::{Fault, Rule};

use super::*;

/// A step of the week.
const STEP: SignedDuration = SignedDuration::from_hours(4);
const STEPS: usize = 7 * 24 / 4;
/// Notices that a run sends for others, and the calls that each takes: taken on, published, asked who hears, paid.
const SENT_FOR_OTHERS: usize = 20;
const CALLS_EACH: usize = 4;
/// What a scheduled run with nothing to look after calls for itself.
const OWN_CALLS: usize = 20;

fn no_sns(fixture: &Fixture) {
    let denied = Rule::new("sns", "Publish", Fault::Denied).times(usize::MAX);
    fixture.sandbox.gateway.faults().add(denied);
}

/// How many calls a scheduled run makes.
async fn calls_of_a_tick(fixture: &Fixture, function: &Bootstrap) -> anyhow::Result<usize> {
    let before = fixture.sandbox.gateway.record().by("scale-up").len();
    outcome(function, &tick()).await?;
    Ok(fixture.sandbox.gateway.record().by("scale-up").len() - before)
}

#[tokio::test]
async fn what_happens_in_a_week_without_sns_is_told_once_when_it_is_back() -> Test {
    let fixture = Fixture::start("scale-up").await?;
    put_alarm(&fixture.sandbox, "load", CPU, &OF_SERVICE).await?;
    // Every alarm is refused for the same reason: there are as many tasks as there may be.
    let function = fixture.a("scale-up", &[("MAX_TASKS", "2")]).await?;
    no_sns(&fixture);
    for step in 0..STEPS {
        for _ in 0..3 {
            let answer = outcome(&function, &load("load")).await?;
            ensure!(read(&answer) == "refused at_maximum", "{answer:#}");
        }
        let owed = fixture.owed().await?.len();
        ensure!(owed == step + 1, "one piece of news in step {step}, and {owed} notices are owed");
        time::passes(&fixture.sandbox, STEP).await?;
        let calls = calls_of_a_tick(&fixture, &function).await?;
        let most = OWN_CALLS + SENT_FOR_OTHERS * CALLS_EACH;
        ensure!(calls <= most, "step {step}: {calls} calls of one run, of which {most} were to be the most");
        ensure!(fixture.told().is_empty(), "{:?}", fixture.told());
    }
    assert_eq!(fixture.owed().await?.len(), STEPS, "nothing has expired, and nothing is there twice");

    fixture.sandbox.gateway.faults().clear();
    let mut left = STEPS;
    while left > 0 {
        // Whoever took one on may still be at it.
        time::passes(&fixture.sandbox, SignedDuration::from_mins(2)).await?;
        outcome(&function, &tick()).await?;
        let now = fixture.owed().await?.len();
        let sent = left - now;
        ensure!(sent == left.min(SENT_FOR_OTHERS), "{sent} of {left} were sent");
        left = now;
    }
    let mut told = BTreeMap::new();
    for notice in fixture.told() {
        let record = notice
            .lines()
            .find(|line| line.starts_with("Record: "))
            .context("a notice without its record")?;
        *told.entry(record.to_owned()).or_insert(0) += 1;
    }
    assert_eq!((told.len(), told.values().max()), (STEPS, Some(&1)), "each once");
    outcome(&function, &tick()).await?;
    assert_eq!(fixture.told().len(), STEPS);
    Ok(())
}
