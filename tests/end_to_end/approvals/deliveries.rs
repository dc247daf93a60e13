//! A message comes more than once, and a run dies half-way: the plan is carried out once.

use sandbox::{
    gateway::{Fault, Rule},
    runtime_api::Bootstrap,
    stack::{SHORT_DEADLINE, outcome},
};

use super::*;

const NOTICES: &str = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";

/// `incident` in a process of its own, so that it can be given any delivery, and killed.
async fn incident(house: &House) -> anyhow::Result<Bootstrap> {
    let settings =
        [("NOTICE_TOPIC_ARN", NOTICES), ("FUNCTIONS", "restart,scale-up"), ("NAMED_APPROVERS", "true")];
    house.another("incident", &settings).await
}

/// What was changed, and how often it was begun.
async fn carried_out_once(house: &House) -> Test {
    house.recorded("applied").await?;
    // A call that came late finds it done.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let audit = house.audit().await?;
    assert_eq!(audit.iter().filter(|one| *one == "applied applied").count(), 1, "{audit:?}");
    assert_eq!(house.restarts(), 1, "{audit:?}");
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_delivered_twice_is_heeded_once() -> Test {
    let house = House::named(&[]).await?;
    let plan = house.plan("dan").await?;
    let message = delivered("m-1", ALICE, &format!("approve:{plan}"));
    let incident = incident(&house).await?;
    let first = outcome(&incident, &message).await?;
    assert_eq!(read(&first), "applied approved", "{first:#}");
    assert_eq!(outcome(&incident, &message).await?, first);
    let invoked = house.sandbox.gateway.record().by("incident");
    assert_eq!(invoked.iter().filter(|call| call.operation == "Invoke").count(), 1);
    carried_out_once(&house).await
}

#[tokio::test]
async fn two_deliveries_at_once_carry_it_out_once() -> Test {
    let house = House::named(&[]).await?;
    let plan = house.plan("dan").await?;
    let message = delivered("m-1", ALICE, &format!("approve:{plan}"));
    let (one, other) = (incident(&house).await?, incident(&house).await?);
    let (first, second) = tokio::join!(outcome(&one, &message), outcome(&other, &message));
    assert_eq!([read(&first?), read(&second?)], ["applied approved", "applied approved"]);
    carried_out_once(&house).await
}

/// The vote is written, and then nothing; or the remedy was called, and then nothing.
#[tokio::test]
async fn a_run_that_dies_is_followed_by_one_that_ends_it() -> Test {
    for (service, operation) in
        [("dynamodb", "TransactWriteItems"), ("lambda", "Invoke"), ("dynamodb", "PutItem")]
    {
        let house = House::named(&[]).await?;
        let plan = house.plan("dan").await?;
        let message = delivered("m-1", ALICE, &format!("approve:{plan}"));
        let faults = house.sandbox.gateway.faults();
        faults.add(Rule::new(service, operation, Fault::HangAfter).of("incident"));
        let doomed = incident(&house).await?;
        let run = async { doomed.invoke(message.to_string(), SHORT_DEADLINE).await };
        let reached = async {
            let since = Instant::now();
            while !faults.left().is_empty() && since.elapsed() < PATIENCE {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
            doomed.kill().await;
        };
        tokio::join!(run, reached);
        assert!(faults.left().is_empty(), "it did not come to {service} {operation}");
        assert_eq!(house.item("answers", "m-1").await?.is_some(), operation == "PutItem");

        let again = outcome(&incident(&house).await?, &message).await?;
        assert_eq!(read(&again), "applied approved", "{service} {operation}: {again:#}");
        carried_out_once(&house).await?;
    }
    Ok(())
}

/// What a repeat can help with is an error: SQS delivers the message again.
#[tokio::test]
async fn a_remedy_that_cannot_be_called_is_called_by_the_next_delivery() -> Test {
    let house = House::named(&[]).await?;
    let plan = house.plan("dan").await?;
    let message = delivered("m-1", ALICE, &format!("approve:{plan}"));
    house.sandbox.gateway.faults().add(Rule::new("lambda", "Invoke", Fault::Denied).of("incident"));
    let incident = incident(&house).await?;
    let failed = incident.invoke(message.to_string(), stack::DEADLINE).await;
    assert!(matches!(failed, sandbox::runtime_api::Answer::Err { .. }), "{failed:?}");
    let again = outcome(&incident, &message).await?;
    assert_eq!(read(&again), "applied approved", "{again:#}");
    carried_out_once(&house).await
}

/// It was done and told, and the answer was lost.
#[tokio::test]
async fn what_was_done_is_answered_so_by_the_next_delivery_and_done_once() -> Test {
    let house = House::start().await?;
    let incident = incident(&house).await?;
    let again = async |id: &str, body: &str, expected: &str| {
        let message = delivered(id, ALICE, body);
        house.sandbox.gateway.faults().add(Rule::new("dynamodb", "PutItem", Fault::Denied).of("incident"));
        let failed = incident.invoke(message.to_string(), stack::DEADLINE).await;
        assert!(matches!(failed, sandbox::runtime_api::Answer::Err { .. }), "{body}: {failed:?}");
        let again = outcome(&incident, &message).await?;
        assert_eq!(read(&again), expected, "{body}: {again:#}");
        anyhow::Ok(())
    };
    again("m-1", "stop:all the sale", "applied stopped").await?;
    again("m-2", "start:all", "applied lifted").await?;
    let opened = house.ask("incident", &json!({ "open": { "title": "Slow" } })).await?;
    let id = opened["incident"].as_str().context("no incident")?;
    again("m-3", &format!("acknowledge:{id}"), "applied acknowledged").await?;

    let records = house.records_of("incident").await?;
    let codes: Vec<&str> = records.iter().filter_map(|record| record["code"].as_str()).collect();
    assert_eq!(codes, ["stopped", "lifted"]);
    let told = house.told().join("\n");
    for words in ["the kill switch `all` is on", "the kill switch `all` is lifted"] {
        assert_eq!(told.to_lowercase().matches(words).count(), 1, "{words}: {told}");
    }
    Ok(())
}

/// However far the remedy comes: that a plan is rejected, the record of it, and the notice are written at once.
#[tokio::test]
async fn a_plan_is_rejected_with_its_record_or_not_at_all() -> Test {
    let house = House::named(&[]).await?;
    let plan = house.plan("dan").await?;
    let dies = Rule::new("dynamodb", "TransactWriteItems", Fault::HangAfter).of("restart");
    house.sandbox.gateway.faults().add(dies);
    let rejected = house.decide(BOB, &format!("reject:{plan} not now")).await?;
    assert_eq!(read(&rejected), "applied rejected", "{rejected:#}");
    house.recorded("rejected").await?;
    let item = house.item("approval#restart", key(&plan)).await?.context("no plan")?;
    assert!(item["rejected_at"].is_string(), "{item:#}");
    let calls = house.sandbox.gateway.record().by("restart");
    let written = &calls.iter().find(|call| call.fault.is_some()).context("it did not die")?.request;
    assert!(written.to_string().contains("\"owed\""), "{written:#}");
    Ok(())
}

#[tokio::test]
async fn two_who_vote_at_the_same_moment_both_count() -> Test {
    let house = House::named(&[("MinimumApprovals", "restart=2")]).await?;
    let plan = house.plan("dan").await?;
    let approve = format!("approve:{plan}");
    let (alice, bob) = tokio::join!(house.send(ALICE, &approve), house.send(BOB, &approve));
    let mut answers = [read(&house.answer(&alice?).await?), read(&house.answer(&bob?).await?)];
    answers.sort_unstable();
    assert_eq!(answers, ["applied approved", "awaiting_approval approvals_missing"]);
    carried_out_once(&house).await
}
