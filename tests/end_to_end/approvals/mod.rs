//! Approvals with a name: from a message in the queue, by whoever AWS says has sent it, to what a remedy does, against the
//! sandbox with real SDK calls.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod asking;
mod deliveries;
mod incidents;
mod names;
mod rules;
mod ways;

use std::{
    ops::Deref,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use sandbox::{
    Options, Sandbox,
    clients::config_of,
    gateway::sender_id,
    stack::{self, delivered, read},
};
use serde_json::{Value, json};

type Test = anyhow::Result<()>;

/// On a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
const ALICE: &str = "Ops.alice@example.com";
const BOB: &str = "Ops.bob@example.com";
/// A session that nobody has named.
const UNNAMED: &str = "Ops.botocore-session-1795860000";
/// Whoever presses a button in a chat.
const IN_CHAT: &str = "Chat.chatbot-session-slack-U0123ABCD";

/// The deployed functions, of which a remedy asks before it acts.
struct House(stack::Stack);

impl Deref for House {
    type Target = stack::Stack;

    fn deref(&self) -> &stack::Stack {
        &self.0
    }
}

impl House {
    /// Where a request to a function may approve too.
    async fn start() -> anyhow::Result<Self> {
        Self::with(&[]).await
    }

    /// Where AWS has to say who approves.
    async fn named(parameters: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::with(&[&[("NamedApprovers", "true")], parameters].concat()).await
    }

    async fn with(parameters: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::of(Some(vec!["health-probe", "incident", "restart"]), parameters).await
    }

    /// With these functions, or all.
    async fn of(functions: Option<Vec<&'static str>>, parameters: &[(&str, &str)]) -> anyhow::Result<Self> {
        let parameters =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let options = Options {
            mode: "approve".to_owned(),
            parameters,
            metrics: false,
            functions,
            ..Options::default()
        };
        let sandbox = Sandbox::start(options).await?;
        Ok(Self(stack::Stack::in_sandbox(sandbox, "restart", &[])))
    }

    /// What a deployed function answers to a plain request.
    async fn ask(&self, function: &str, request: &Value) -> anyhow::Result<Value> {
        self.sandbox.clients.ask(function, request).await
    }

    /// A plan of `restart` that waits, asked for by `by`.
    async fn plan(&self, by: &str) -> anyhow::Result<String> {
        let asked = self.ask("restart", &json!({ "reason": "memory grows", "by": by })).await?;
        ensure!(read(&asked) == "awaiting_approval approval_needed", "{asked:#}");
        let next = &asked["next"];
        let plan = next["plan"].as_str().or_else(|| next["send"]["approve"].as_str());
        Ok(plan.context("no plan")?.to_owned())
    }

    /// The queue's address, as people find it.
    async fn queue(&self) -> anyhow::Result<String> {
        let described = self.sandbox.clients.cloudformation.describe_stacks().send().await?;
        let outputs = described.stacks().iter().flat_map(|stack| stack.outputs.iter().flatten());
        let mut url = outputs.filter(|output| output.output_key() == Some("ApprovalsQueueUrl"));
        Ok(url.find_map(|output| output.output_value()).context("no such output")?.to_owned())
    }

    /// Whoever has this key sends a message. Its id.
    async fn send(&self, key: &str, body: &str) -> anyhow::Result<String> {
        let config = config_of(&self.sandbox.gateway.url(), "person", key)?;
        let sent = aws_sdk_sqs::Client::new(&config).send_message().queue_url(self.queue().await?);
        sent.message_body(body).send().await?.message_id.context("no id")
    }

    /// Sends a message, and waits for what it comes to.
    async fn decide(&self, key: &str, body: &str) -> anyhow::Result<Value> {
        let message = self.send(key, body).await?;
        self.answer(&message).await
    }

    async fn answer(&self, message: &str) -> anyhow::Result<Value> {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if self.item("answers", message).await?.is_some() {
                return self.data("answers", message).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("the message was not answered:\n{}", self.sandbox.emulator.log())
    }

    /// The record of `restart` with this code, once it is there.
    async fn recorded(&self, code: &str) -> anyhow::Result<Value> {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            let record = self.outcomes().await?.into_iter().find(|outcome| outcome["code"] == code);
            if let Some(record) = record {
                return Ok(record);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("no {code}: {:?}", self.audit().await?)
    }

    /// The audit records of any function.
    async fn records_of(&self, function: &str) -> anyhow::Result<Vec<Value>> {
        let partition = AttributeValue::S(format!("audit#{function}"));
        let query = self.sandbox.clients.dynamodb.query().table_name(stack::LEDGER);
        let query = query.key_condition_expression("pk = :pk").expression_attribute_values(":pk", partition);
        let items = query.send().await?.items.unwrap_or_default();
        let outcomes = items.iter().filter_map(|item| item.get("outcome")?.as_s().ok());
        outcomes.map(|outcome| Ok(serde_json::from_str(outcome)?)).collect()
    }

    fn restarts(&self) -> usize {
        self.count("ecs UpdateService")
    }

    /// The texts of the notices so far.
    fn told(&self) -> Vec<String> {
        let calls = self.sandbox.gateway.calls();
        let published = calls.iter().filter(|call| call.operation == "Publish");
        published.map(|call| sandbox::notices::text_of(&call.request)).collect()
    }

    /// Waits until people are told this: a notice is sent once its record is written.
    async fn told_of(&self, words: &str) -> Test {
        let since = Instant::now();
        while !self.told().join("\n").contains(words) {
            ensure!(since.elapsed() < PATIENCE, "nobody was told `{words}`:\n{}", self.told().join("\n"));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// How many messages a queue of the stack has.
    async fn waiting_in(&self, queue: &str) -> anyhow::Result<String> {
        let sqs = &self.sandbox.clients.sqs;
        let url = sqs.get_queue_url().queue_name(format!("lendpeak2-production-{queue}")).send().await?;
        let wanted = QueueAttributeName::ApproximateNumberOfMessages;
        let get = sqs.get_queue_attributes().set_queue_url(url.queue_url).attribute_names(wanted.clone());
        let attributes = get.send().await?.attributes.unwrap_or_default();
        Ok(attributes.get(&wanted).cloned().unwrap_or_default())
    }
}

/// The ledger's key of a plan.
fn key(plan: &str) -> &str {
    plan.get(..10).unwrap_or(plan)
}
