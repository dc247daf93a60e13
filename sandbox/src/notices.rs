//! What people are told: a queue listens to each level's topic.

use anyhow::Context;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use crate::clients::Clients;
use crate::names::{ACCOUNT, REGION};

const TOPICS: [&str; 3] = ["notices", "level-2", "level-3"];
/// The words with which `incident` begins.
const WORDS: [&str; 6] = ["OPEN", "BACK AGAIN", "WORSE", "ESCALATED", "PROBE PASSES", "RESOLVED"];

/// A message to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Who got it: 1 to 3.
    pub level: u8,
    pub subject: String,
    pub text: String,
}

impl Notice {
    /// As in `OPEN`; none where it is not about the incident.
    pub fn word(&self) -> Option<&'static str> {
        WORDS.into_iter().find(|word| self.text.starts_with(&format!("{word}: ")))
    }

    /// Whether a person is to decide about a plan.
    pub fn asks(&self) -> bool {
        self.subject.contains("approve? ")
    }

    /// How many lines a phone shows that has so many letters in a line.
    pub fn lines(&self, columns: usize) -> usize {
        self.text.lines().map(|line| line.chars().count().div_ceil(columns).max(1)).sum()
    }
}

/// The text in a request that publishes: of several bodies, the one for whoever has none of his own.
pub fn text_of(publish: &Value) -> String {
    body_of(publish, "default")
}

/// What a subscriber of this protocol gets of a request that publishes.
pub fn body_of(publish: &Value, protocol: &str) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let field = |name: &str| publish.get(name).unwrap_or(&Value::Null);
    let message = text(field("Message"));
    if field("MessageStructure") != "json" {
        return message;
    }
    let bodies: Value = serde_json::from_str(&message).unwrap_or_default();
    bodies.get(protocol).or_else(|| bodies.get("default")).map(text).unwrap_or_default()
}

/// A queue for each level.
pub struct Ears {
    queues: Vec<(u8, String)>,
}

impl Ears {
    pub async fn new(clients: &Clients) -> anyhow::Result<Self> {
        let mut queues = Vec::new();
        for (level, topic) in (1..).zip(TOPICS) {
            let create = clients.sqs.create_queue().queue_name(format!("ears-{level}"));
            let queue = create.send().await?.queue_url.context("a queue without an address")?;
            let asked = clients
                .sqs
                .get_queue_attributes()
                .queue_url(&queue)
                .attribute_names(QueueAttributeName::QueueArn);
            let attributes = asked.send().await?.attributes.unwrap_or_default();
            let arn = attributes.get(&QueueAttributeName::QueueArn).context("a queue without an ARN")?;
            let topic = format!("arn:aws:sns:{REGION}:{ACCOUNT}:lendpeak2-production-{topic}");
            let subscribe = clients.sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(arn);
            subscribe.send().await.context("cannot subscribe to the notices")?;
            queues.push((level, queue));
        }
        Ok(Self { queues })
    }

    /// What was told since it was asked last.
    pub async fn heard(&self, clients: &Clients) -> anyhow::Result<Vec<Notice>> {
        let mut heard = Vec::new();
        for (level, queue) in &self.queues {
            loop {
                let receive = clients.sqs.receive_message().queue_url(queue).max_number_of_messages(10);
                let messages = receive.send().await?.messages.unwrap_or_default();
                if messages.is_empty() {
                    break;
                }
                for message in messages {
                    let body: Value = serde_json::from_str(message.body().unwrap_or_default())?;
                    let text =
                        |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                    heard.push(Notice { level: *level, subject: text("Subject"), text: text("Message") });
                    let delete = clients.sqs.delete_message().queue_url(queue);
                    delete.set_receipt_handle(message.receipt_handle).send().await?;
                }
            }
        }
        Ok(heard)
    }
}
