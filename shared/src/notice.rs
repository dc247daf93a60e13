//! Notices to people, over SNS: short enough for a phone's screen.

use std::{collections::BTreeSet, iter, time::Duration};

use aws_sdk_sns::{
    Client,
    config::{Builder, timeout::TimeoutConfig},
};
use aws_types::SdkConfig;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    aws,
    error::{Cause, Error, chain},
    outcome::{Decision, Outcome, first},
    text,
};

/// SNS takes a subject of 100 ASCII characters at most.
const MAX_SUBJECT: usize = 100;
/// What one topic has: two attempts, with up to a second between them. One that is cut short may have been taken, and
/// its notice comes once more.
const PATIENCE: Duration = Duration::from_secs(6);
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(2_400);
/// As much as is said of why SNS did not take it.
const MAX_WHY: usize = 200;

/// What people are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub topic_arn: String,
    pub subject: String,
    pub message: String,
}

/// What became of a notice that SNS has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// How many have confirmed that they want to hear; not known where SNS did not say.
    pub subscribers: Option<u32>,
}

/// What became of a notice that goes upwards where its own topic does not take it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Somebody hears of it, or SNS does not say that nobody does.
    pub heard: bool,
    /// SNS failed, and nobody has heard of it: another try is worth it.
    pub owed: bool,
    /// The topics that nobody is subscribed to.
    pub unheard: Vec<String>,
    /// What became of it at each topic, in words.
    pub words: Vec<String>,
}

impl Notice {
    /// With as much of the subject as SNS takes.
    pub fn new(topic_arn: impl Into<String>, subject: &str, message: impl Into<String>) -> Self {
        let subject = subject.replace('→', "->").replace('…', "...");
        let subject =
            subject.chars().map(|c| if c.is_ascii_graphic() { c } else { ' ' }).take(MAX_SUBJECT).collect();
        Self { topic_arn: topic_arn.into(), subject, message: message.into() }
    }

    /// An outcome, as its function's people read it. `what` is what its actions come to.
    pub fn of(outcome: &Outcome, topic_arn: &str, what: &str) -> Self {
        let subject = format!("[{}] {}", outcome.environment, title(outcome, what));
        Self::new(topic_arn, &subject, message(outcome))
    }
}

/// As in `backend 2 → 4 tasks (scale-up, by hand)`.
fn title(outcome: &Outcome, what: &str) -> String {
    let function = &outcome.function;
    let by = outcome.woken_by().map_or("", |woken_by| woken_by.by());
    let by = if by.is_empty() { function.clone() } else { format!("{function}, {by}") };
    // A colon would set off what is one thing.
    let what = if what.is_empty() { first(&outcome.reason).to_owned() } else { what.replacen(": ", " ", 1) };
    match outcome.decision {
        Decision::Applied => format!("{what} ({by})"),
        Decision::AwaitingApproval => format!("approve? {what} ({by})"),
        Decision::Failed if outcome.steps.is_empty() => {
            format!("{function} failed: {}", first(&outcome.reason))
        }
        Decision::Failed => format!("failed: {what} ({by})"),
        Decision::Refused => format!("{function} refused: {}", first(&outcome.reason)),
        Decision::Observed | Decision::NothingToDo | Decision::Listed | Decision::Replayed => {
            format!("{function}: {}", first(&outcome.reason))
        }
    }
}

/// Whether people should know of an outcome that an event or a schedule brought about: something was or could not be
/// done, or there is something for them to do. Looking alone tells nobody, and whoever sent a request has its answer.
pub fn is_due(outcome: &Outcome, by_event: bool) -> bool {
    match outcome.decision {
        Decision::Applied | Decision::AwaitingApproval | Decision::Failed => true,
        Decision::Refused => outcome.next.is_some() && by_event,
        Decision::Observed | Decision::NothingToDo | Decision::Listed | Decision::Replayed => false,
    }
}

/// Publishes a notice, and asks beside it whether anybody hears it.
pub async fn send(config: &SdkConfig, notice: &Notice) -> Result<Told, Error> {
    // Most runs tell nobody: the client is made only here.
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    let client = Client::from_conf(Builder::from(config).timeout_config(timeouts).build());
    let published = async {
        client
            .publish()
            .topic_arn(&notice.topic_arn)
            .subject(&notice.subject)
            .message(&notice.message)
            .send()
            .await
            .map_err(|error| aws::failed("publish to", &notice.topic_arn, &error))
    };
    // A topic that does not answer must not keep the next one from being told.
    let (published, subscribers) = tokio::join!(
        timeout(PATIENCE, published),
        timeout(PATIENCE, subscribers(&client, &notice.topic_arn))
    );
    published.unwrap_or_else(|_| {
        let source = Cause::new(format!("no answer within {} s", PATIENCE.as_secs()));
        Err(Error::Aws { operation: "publish to", resource: notice.topic_arn.clone(), source })
    })?;
    let subscribers = subscribers.ok().flatten();
    if subscribers == Some(0) {
        tracing::error!(
            topic = notice.topic_arn,
            "nobody is subscribed to this topic: the notice is heard by nobody"
        );
    }
    Ok(Told { subscribers })
}

/// Sends a notice to its topic, and where that fails or nobody hears it, to the levels above, one after the other.
pub async fn tell(config: &SdkConfig, notice: &Notice, levels: &[String]) -> Sent {
    let mut sent = Sent::default();
    let mut tried = BTreeSet::new();
    for topic in iter::once(&notice.topic_arn).chain(levels).filter(|topic| tried.insert(*topic)) {
        let name = topic.rsplit(':').next().unwrap_or(topic);
        match send(config, &Notice { topic_arn: topic.clone(), ..notice.clone() }).await {
            Ok(told) if told.subscribers == Some(0) => {
                sent.unheard.push(topic.clone());
                sent.words.push(format!("Nobody is subscribed to {name}."));
            }
            Ok(_) => {
                sent.words.push(format!("Told {name}."));
                sent.heard = true;
                break;
            }
            Err(error) => {
                tracing::error!(topic, error = chain(&error), "people were not told");
                let why = text::line(&chain(&error), MAX_WHY);
                sent.words.push(format!("{name} could not be told ({why})."));
                sent.owed = true;
            }
        }
    }
    sent.owed &= !sent.heard;
    sent
}

/// How many have confirmed a subscription to the topic, if SNS says.
async fn subscribers(client: &Client, topic_arn: &str) -> Option<u32> {
    let answer = client.get_topic_attributes().topic_arn(topic_arn).send().await;
    let answer = answer
        .map_err(|error| {
            let error = aws::failed("look who is subscribed to", topic_arn, &error);
            tracing::warn!(error = chain(&error), "whether anybody hears of it is not known");
        })
        .ok()?;
    answer.attributes()?.get("SubscriptionsConfirmed")?.parse().ok()
}

/// A notice that fits a phone: what is too long for it is left out in the middle, never the next step.
fn message(outcome: &Outcome) -> String {
    let mut lines: Vec<String> = vec![outcome.summary.clone()];
    let more = |lines: &mut Vec<String>, text: &str| {
        if !text.is_empty() && !lines.iter().any(|line| line.contains(text)) {
            lines.push(text.to_owned());
        }
    };
    more(&mut lines, &outcome.reason);
    lines.extend(outcome.steps.iter().map(|step| {
        let error = step.error.as_deref().map(|error| format!(" ({error})")).unwrap_or_default();
        format!("- {}: {}{error}", step.action, step.result.as_str())
    }));
    if let Some(verification) = &outcome.verification {
        more(&mut lines, &verification.what);
    }
    let details = outcome.plan.get("details").and_then(Value::as_array);
    lines.extend(details.into_iter().flatten().filter_map(Value::as_str).map(|detail| format!("- {detail}")));
    let mut last = Vec::new();
    if let Some(next) = &outcome.next {
        last.push(format!("Next (level {}): {}", next.level, next.what));
        let function = next.function.as_deref().unwrap_or(&outcome.function);
        last.extend(next.send.iter().map(|send| format!("Send to {function}: {send}")));
    }
    last.push(format!("Record: {} at {}", outcome.execution_id, crate::clock::readable(outcome.at)));
    let last = last.join("\n");
    let first = lines.join("\n");
    let room = text::MAX_NOTICE.saturating_sub(last.len() + "\n…\n".len());
    if first.len() <= room {
        return format!("{first}\n{last}");
    }
    let kept = first.get(..first.floor_char_boundary(room)).unwrap_or_default();
    format!("{kept}…\n{last}")
}

#[cfg(test)]
mod tests;
