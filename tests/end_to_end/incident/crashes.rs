//! A run that is killed leaves an incident that the next run makes whole: never two, never silent.

use sandbox::gateway::{Fault, Rule};

use super::*;

#[tokio::test]
async fn killed_once_it_is_written_the_next_minute_tells_people() -> Test {
    let stack = Stack::start().await?;
    let event = alarm(COMPOSITE, Timestamp::now());
    stack.kill_after(&event, "dynamodb", "TransactWriteItems", 1).await?;
    assert_eq!(stack.told(), Vec::<String>::new());
    let next = stack.function(&[]).await?;
    assert_eq!(outcome(&next, &event).await?["did"], "joined");
    let open = stack.open(&next).await?;
    assert_eq!(open.len(), 1, "{open:?}");
    let mut owed = stack.incident(&open[0]).await?["owed"].clone();
    owed["since"] = json!(Timestamp::now() - SignedDuration::from_mins(1));
    stack.change("incidents", &open[0], "owed", owed).await?;
    outcome(&next, &tick()).await?;
    assert_eq!(stack.told(), ["notices OPEN"]);
    outcome(&next, &tick()).await?;
    assert_eq!(stack.told(), ["notices OPEN"]);
    Ok(())
}

#[tokio::test]
async fn killed_after_it_told_people_they_may_hear_it_twice_but_hear_it() -> Test {
    let stack = Stack::start().await?;
    let event = alarm(COMPOSITE, Timestamp::now());
    stack.kill_after(&event, "sns", "Publish", 1).await?;
    let next = stack.function(&[]).await?;
    assert_eq!(outcome(&next, &event).await?["did"], "joined");
    assert_eq!(stack.open(&next).await?.len(), 1);
    assert_eq!(stack.told(), ["notices OPEN"]);
    Ok(())
}

#[tokio::test]
async fn what_sns_did_not_take_is_told_a_minute_later() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    // Four tries for each of the three levels.
    let down = Rule::new("sns", "Publish", Fault::InternalError).of("incident").times(12);
    stack.sandbox.gateway.faults().add(down);
    let answer = function.invoke(alarm(COMPOSITE, Timestamp::now()).to_string(), stack::DEADLINE).await;
    assert!(matches!(answer, sandbox::runtime_api::Answer::Err { .. }), "{answer:?}");
    let open = stack.open(&function).await?;
    assert_eq!(open.len(), 1, "{open:?}");
    let mut owed = stack.incident(&open[0]).await?["owed"].clone();
    owed["since"] = json!(Timestamp::now() - SignedDuration::from_mins(1));
    stack.change("incidents", &open[0], "owed", owed).await?;
    outcome(&function, &tick()).await?;
    assert!(stack.incident(&open[0]).await?["owed"].is_null());
    Ok(())
}

/// Without the ledger there is no knowing whether it is open: the event is delivered again.
#[tokio::test]
async fn without_the_ledger_it_is_an_error_and_nobody_is_told_twice_later() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let down = Rule::new("dynamodb", "GetItem", Fault::Denied).of("incident");
    stack.sandbox.gateway.faults().add(down);
    let event = alarm(COMPOSITE, Timestamp::now());
    let answer = function.invoke(event.to_string(), stack::DEADLINE).await;
    assert!(matches!(answer, sandbox::runtime_api::Answer::Err { .. }), "{answer:?}");
    assert_eq!(stack.writes(), Vec::<String>::new());
    assert_eq!(outcome(&function, &event).await?["did"], "opened");
    assert_eq!(stack.told(), ["notices OPEN"]);
    Ok(())
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_found_done() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    stack.add_fault("dynamodb", "TransactWriteItems", Fault::CutAfter, 1);
    let answer = outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    assert!(["opened", "joined"].contains(&answer["did"].as_str().unwrap_or_default()), "{answer}");
    assert_eq!(stack.open(&function).await?.len(), 1);
    Ok(())
}

/// As much of `make chaos` as a test has time for.
#[tokio::test]
async fn it_holds_wherever_it_is_struck() -> Test {
    scenarios::chaos::hold("incident").await
}
