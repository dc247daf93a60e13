//! What the state machine calls fails: the incident ends resolved or with people all the same, and never in silence.

use aws_sdk_sqs::types::QueueAttributeName;
use sandbox::gateway::{Fault, Rule};

use super::*;

/// From now on there is no such function.
async fn remove(sandbox: &Sandbox, task: &str) -> Test {
    sandbox
        .clients
        .lambda
        .delete_function()
        .function_name(sandbox::names::function_name(task))
        .send()
        .await?;
    Ok(())
}

/// A queue that gets what is told to level 1.
pub(crate) async fn ears(sandbox: &Sandbox) -> anyhow::Result<String> {
    let sqs = &sandbox.clients.sqs;
    let queue = sqs.create_queue().queue_name("ears").send().await?.queue_url.context("no queue")?;
    let attributes = sqs.get_queue_attributes().queue_url(&queue);
    let attributes = attributes.attribute_names(QueueAttributeName::QueueArn).send().await?;
    let arn = attributes.attributes.and_then(|all| all.get(&QueueAttributeName::QueueArn).cloned());
    let topic = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";
    let subscribe = sandbox.clients.sns.subscribe().topic_arn(topic).protocol("sqs");
    subscribe.endpoint(arn.context("a queue without an ARN")?).send().await?;
    Ok(queue)
}

/// What was heard so far.
pub(crate) async fn heard(sandbox: &Sandbox, queue: &str) -> anyhow::Result<Vec<String>> {
    let mut heard = Vec::new();
    loop {
        let received = sandbox.clients.sqs.receive_message().queue_url(queue).max_number_of_messages(10);
        let messages = received.send().await?.messages.unwrap_or_default();
        if messages.is_empty() {
            return Ok(heard);
        }
        heard.extend(messages.into_iter().filter_map(|message| message.body));
    }
}

#[tokio::test]
async fn without_the_probe_nothing_is_taken_for_well() -> Test {
    let sandbox = start().await?;
    remove(&sandbox, "health-probe").await?;
    let run = run(&sandbox, &json!({})).await?;
    assert_eq!((run.status.clone(), run.last()), (ExecutionStatus::Succeeded, "Escalated"), "{run:?}");
    assert!(!run.has("Recovered"), "{run:?}");
    assert!(only_incident(&sandbox).await?["resolved_at"].is_null());
    Ok(())
}

#[tokio::test]
async fn without_a_diagnosis_people_decide() -> Test {
    let sandbox = start().await?;
    sandbox.release(&[("BROKEN", "true")]).await?;
    remove(&sandbox, "diagnose").await?;
    let run = run(&sandbox, &json!({})).await?;
    assert_eq!((run.status.clone(), run.last()), (ExecutionStatus::Succeeded, "Escalated"), "{run:?}");
    assert!(!run.has("Remedy"), "{run:?}");
    Ok(())
}

#[tokio::test]
async fn a_remedy_that_fails_is_not_used_again_and_people_are_told_of_it() -> Test {
    let sandbox = start().await?;
    sandbox.release(&[("FEATURE", "new")]).await?;
    sandbox.release(&[("BROKEN", "true")]).await?;
    remove(&sandbox, "rollback").await?;
    let run = run(&sandbox, &json!({})).await?;
    assert_eq!((run.status.clone(), run.last()), (ExecutionStatus::Succeeded, "Escalated"), "{run:?}");
    let incident = only_incident(&sandbox).await?;
    let tried = incident["remedies"].as_array().context("no remedies")?;
    let rollbacks = tried.iter().filter(|tried| tried["function"] == "rollback");
    assert_eq!(rollbacks.count(), 1, "{incident:#}");
    Ok(())
}

#[tokio::test]
async fn a_step_whose_answer_is_lost_is_asked_again() -> Test {
    let sandbox = start().await?;
    let lost = Rule::new("dynamodb", "TransactWriteItems", Fault::CutAfter).of("incident");
    sandbox.gateway.faults().add(lost.times(2));
    let run = run(&sandbox, &json!({})).await?;
    assert_eq!((run.status.clone(), run.last()), (ExecutionStatus::Succeeded, "Resolved"), "{run:?}");
    assert!(sandbox.gateway.faults().left().is_empty());
    only_incident(&sandbox).await?;
    Ok(())
}

/// The state machine itself tells people then.
#[tokio::test]
async fn when_incident_does_not_answer_the_state_machine_tells_people() -> Test {
    let sandbox = start().await?;
    let queue = ears(&sandbox).await?;
    remove(&sandbox, "incident").await?;
    let run = run(&sandbox, &json!({ "incident": "20261126-143413-service-down" })).await?;
    assert_eq!(run.status, ExecutionStatus::Failed, "{run:?}");
    assert_eq!(run.states, ["Take", "Tell", "TellLevel2", "Unhandled"]);
    let heard = heard(&sandbox, &queue).await?;
    assert_eq!(heard.len(), 1, "{heard:?}");
    for words in ["20261126-143413-service-down", "does not answer", "diagnose", "on call"] {
        assert!(heard[0].contains(words), "{words}: {heard:?}");
    }
    assert!(!heard[0].contains("enableCustomActions"), "a queue gets the text alone: {heard:?}");
    Ok(())
}
