//! What nobody hears at level 1 goes up, whichever function has it to tell.

use sandbox::{
    deploy,
    gateway::{Fault, Rule},
};

use super::*;

/// News for people: an alarm of an hour ago, which is refused, or a plan that waits for them.
fn news(task: &str) -> Value {
    let then = Timestamp::now() - SignedDuration::from_hours(1);
    match task {
        "snapshot-restore" => json!({ "snapshot": "latest", "reason": "negative amounts" }),
        _ => stack::alarm("late", CPU, &OF_SERVICE, then),
    }
}

async fn function(fixture: &Fixture, task: &str) -> anyhow::Result<Bootstrap> {
    fixture.a(task, &[("LEVEL_2_TOPIC_ARN", &topic("level-2"))]).await
}

/// The topics that took a notice of this function, in order.
fn topics(fixture: &Fixture, task: &str) -> Vec<String> {
    let calls = fixture.sandbox.gateway.calls().into_iter();
    let published =
        calls.filter(|call| call.caller == task && call.name() == "sns Publish" && call.status == Some(200));
    let name =
        |call: Call| call.request["TopicArn"].as_str()?.rsplit("production-").next().map(str::to_owned);
    published.filter_map(name).collect()
}

#[tokio::test]
async fn where_nobody_is_subscribed_the_next_level_hears_it() -> Test {
    let fixture = Fixture::start("scale-up").await?;
    deploy::unsubscribe(&fixture.sandbox.clients, "notices").await?;
    for task in subject::remedies().map(|subject| subject.name) {
        let answer = outcome(&function(&fixture, task).await?, &news(task)).await?;
        assert_eq!(topics(&fixture, task), ["notices", "level-2"], "{answer:#}");
        let reason = answer["reason"].to_string();
        assert!(reason.contains("Nobody is subscribed to lendpeak2-production-notices"), "{answer:#}");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_topic_does_not_take_the_next_level_hears() -> Test {
    let fixture = Fixture::start("scale-up").await?;
    let denied = Rule::new("sns", "Publish", Fault::Denied).about("production-notices").times(usize::MAX);
    fixture.sandbox.gateway.faults().add(denied);
    for task in subject::remedies().map(|subject| subject.name) {
        let answer = outcome(&function(&fixture, task).await?, &news(task)).await?;
        assert_eq!(topics(&fixture, task), ["level-2"], "{answer:#}");
    }
    assert_eq!(fixture.owed().await?, [""; 0]);
    Ok(())
}
