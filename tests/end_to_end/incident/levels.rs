//! Who is told, and when it goes up by itself.

use sandbox::gateway::{Fault, Rule};

use super::*;

#[tokio::test]
async fn what_nobody_acknowledges_goes_up_level_by_level() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.told(), ["notices OPEN"]);

    stack.age(&id, "level_since", 16).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.told()[1..], ["notices ESCALATED", "level-2 ESCALATED"]);
    outcome(&function, &tick()).await?;
    stack.age(&id, "level_since", 16).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.told().len(), 3, "level 2 has half an hour");

    stack.age(&id, "level_since", 31).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.told()[3..], ["notices ESCALATED", "level-2 ESCALATED", "level-3 ESCALATED"]);
    stack.age(&id, "level_since", 10_000).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.told().len(), 6, "there is nobody above");
    Ok(())
}

#[tokio::test]
async fn a_persons_acknowledgement_stops_the_clock() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    let answer = outcome(&function, &json!({ "acknowledge": id, "by": "on call" })).await?;
    assert_eq!(answer["did"], "acknowledged");
    let again = outcome(&function, &json!({ "acknowledge": id, "by": "somebody else" })).await?;
    assert_eq!(again["did"], "nothing");
    assert_eq!(stack.incident(&id).await?["acknowledged"]["by"], "on call");
    stack.age(&id, "level_since", 10_000).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.told(), ["notices OPEN"]);
    Ok(())
}

#[tokio::test]
async fn a_person_passes_it_up_and_the_level_that_is_new_to_it_has_to_acknowledge() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    outcome(&function, &json!({ "acknowledge": id, "by": "on call" })).await?;
    let answer = outcome(&function, &json!({ "escalate": id, "reason": "the network is down" })).await?;
    assert_eq!((&answer["did"], &answer["level"]), (&json!("escalated"), &json!(2)));
    assert_eq!(stack.told()[1..], ["notices ESCALATED", "level-2 ESCALATED"]);
    let message = stack.published().pop().context("no notice")?["Message"].clone();
    assert!(message.as_str().unwrap_or_default().contains("the network is down"), "{message}");
    stack.age(&id, "level_since", 31).await?;
    outcome(&function, &tick()).await?;
    assert_eq!(stack.incident(&id).await?["level"], 3);
    Ok(())
}

#[tokio::test]
async fn where_all_levels_are_one_team_it_is_told_once() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[("LEVEL_2_TOPIC_ARN", ""), ("LEVEL_3_TOPIC_ARN", "")]).await?;
    let id = opened(&function).await?;
    outcome(&function, &json!({ "escalate": id, "level": 3 })).await?;
    assert_eq!(stack.told(), ["notices OPEN", "notices ESCALATED"]);
    Ok(())
}

/// The topic of level 1 is gone: the others hear it, once, and level 1 as soon as it can.
#[tokio::test]
async fn a_level_that_cannot_be_reached_keeps_no_other_from_hearing_it() -> Test {
    let stack = Stack::start().await?;
    let function = stack.function(&[]).await?;
    let id = opened(&function).await?;
    // Tried once: a denial is no fault of the moment.
    let denied = Rule::new("sns", "Publish", Fault::Denied).of("incident").about("production-notices");
    stack.sandbox.gateway.faults().add(denied);
    let escalate = json!({ "escalate": id, "level": 3, "reason": "the region is down" });
    let answer = outcome(&function, &escalate).await?;
    let text = for_people(&answer);
    for words in ["levels 2 and 3 were told", "level 1 could not be told"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let owed = stack.incident(&id).await?["owed"].clone();
    assert_eq!(owed["told"], json!([2, 3]));

    let mut aged = owed;
    aged["since"] = json!(Timestamp::now() - SignedDuration::from_mins(1));
    stack.change("incidents", &id, "owed", aged).await?;
    stack.sandbox.gateway.record().clear();
    outcome(&function, &tick()).await?;
    assert_eq!(stack.told(), ["notices ESCALATED"]);
    assert!(stack.incident(&id).await?["owed"].is_null());
    Ok(())
}
