//! Notices to people, over SNS: short enough for a phone's screen.

use aws_sdk_sns::Client;
use aws_types::SdkConfig;

use crate::{
    aws,
    error::Error,
    outcome::{Decision, Outcome},
};

/// SNS takes a subject of 100 ASCII characters at most.
const MAX_SUBJECT: usize = 100;

/// Whether a person should know of an outcome: something was or could not be done, or there is something
/// for them to do. Looking alone tells nobody, and a schedule does not repeat its refusals.
pub fn is_due(outcome: &Outcome, scheduled: bool) -> bool {
    match outcome.decision {
        Decision::Applied | Decision::AwaitingApproval | Decision::Failed => true,
        Decision::Refused => outcome.next.is_some() && !scheduled,
        Decision::Observed | Decision::NothingToDo | Decision::Replayed => false,
    }
}

/// Publishes an outcome to the topic.
pub async fn send(config: &SdkConfig, topic_arn: &str, outcome: &Outcome) -> Result<(), Error> {
    let Outcome { environment, function, decision, target, .. } = outcome;
    let subject = format!("[{environment}] {function} {}: {target}", decision.as_str().replace('_', " "));
    publish(config, topic_arn, &subject, message(outcome)).await
}

/// Publishes a message, with as much of the subject as SNS takes.
pub async fn publish(
    config: &SdkConfig,
    topic_arn: &str,
    subject: &str,
    message: String,
) -> Result<(), Error> {
    let subject: String =
        subject.chars().map(|c| if c.is_ascii_graphic() { c } else { ' ' }).take(MAX_SUBJECT).collect();
    // Most runs tell nobody: the client is made only here.
    Client::new(config)
        .publish()
        .topic_arn(topic_arn)
        .subject(subject)
        .message(message)
        .send()
        .await
        .map(|_| ())
        .map_err(|error| aws::failed("publish to", topic_arn, &error))
}

fn message(outcome: &Outcome) -> String {
    let mut lines = vec![outcome.reason.clone()];
    lines.extend(outcome.steps.iter().map(|step| {
        let error = step.error.as_deref().map(|error| format!(" ({error})")).unwrap_or_default();
        format!("- {}: {:?}{error}", step.action, step.result)
    }));
    lines.extend(outcome.verification.iter().map(|verification| verification.what.clone()));
    if let Some(next) = &outcome.next {
        lines.push(format!("Next (level {}): {}", next.support_level, next.what));
        lines.extend(next.send.iter().map(|send| format!("Send to {}: {send}", outcome.function)));
    }
    lines.push(format!("Record: {} at {}", outcome.execution_id, crate::clock::readable(outcome.at)));
    lines.join("\n")
}
