//! SNS takes nothing for one topic, or says nothing at all.

use sandbox::gateway::{Fault, Rule};

use super::*;

/// One topic takes nothing, however much is owed to it: whoever listens elsewhere hears what is for them.
#[tokio::test]
async fn a_topic_that_takes_nothing_keeps_no_other_from_its_notices() -> Test {
    const OWED: i64 = 60;
    let fixture = Fixture::start("scale-up").await?;
    let function = fixture.function(&[]).await?;
    let now = Timestamp::now();
    let owe = async |minutes: i64, name: &str| {
        let key = format!("{}#run-{minutes}", time::sortable(now - SignedDuration::from_mins(minutes)));
        let topic = topic(name);
        let subject = format!("[production] restart failed {minutes}");
        fixture
            .put("owed", &key, &[("topic", &topic), ("subject", &subject), ("message", "it did not settle")])
            .await
    };
    for minutes in 0..OWED {
        owe(60 * 24 + minutes, "notices").await?;
    }
    owe(5, "level-2").await?;
    let denied = Rule::new("sns", "Publish", Fault::Denied).about("production-notices").times(usize::MAX);
    fixture.sandbox.gateway.faults().add(denied);
    // Each run sends the twenty that were tried longest ago, if ever.
    for _ in 0..4 {
        outcome(&function, &tick()).await?;
        time::passes(&fixture.sandbox, SignedDuration::from_mins(2)).await?;
    }
    assert_eq!(fixture.told_of("restart failed 5"), 1, "{:?}", fixture.told());
    assert_eq!(fixture.owed().await?.len(), usize::try_from(OWED)?);
    Ok(())
}

/// SNS does not even say no.
#[tokio::test]
async fn a_run_ends_in_its_time_though_sns_answers_nothing() -> Test {
    let fixture = Fixture::start("scale-up").await?;
    let function = fixture.function(&[]).await?;
    let topic = topic("notices");
    for number in 0..40 {
        let key = format!("{}#run-{number}", time::sortable(Timestamp::now() - SignedDuration::from_mins(5)));
        fixture.put("owed", &key, &[("topic", &topic), ("subject", "x"), ("message", "y")]).await?;
    }
    let hangs = Rule::new("sns", "Publish", Fault::Timeout(Duration::from_mins(1))).times(usize::MAX);
    fixture.sandbox.gateway.faults().add(hangs);
    let begun = std::time::Instant::now();
    let answer = function.invoke(tick().to_string(), stack::DEADLINE).await;
    assert!(matches!(answer, sandbox::runtime_api::Answer::Ok(_)), "{answer:?} after {:?}", begun.elapsed());
    Ok(())
}
