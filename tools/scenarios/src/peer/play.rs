//! A function before moto: what it is asked, and how it is to answer, which is as it does in the sandbox.

use std::collections::BTreeSet;
use std::fmt::Display;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use sandbox::Sandbox;
use sandbox::clients::ACCOUNT;
use sandbox::deploy::LOG_GROUP;
use sandbox::events;
use sandbox::gateway::{DISTRIBUTION, FRONT_END_BUILD, REDIS_GROUP, REDIS_PORT, SECRET, SOURCE};
use sandbox::runtime_api::Bootstrap;
use sandbox::stack::{self, Stack, outcome};
use serde_json::Value;
use shared::outcome::Answer;

use super::start;
use crate::definition::{LEVEL_2, NOTICES, PROBE, Scenario};
use crate::row::Row;

/// What all functions have, those too that do not need it.
const SETTINGS: [(&str, &str); 10] = [
    ("NOTICE_TOPIC_ARN", NOTICES),
    ("LEVEL_2_TOPIC_ARN", LEVEL_2),
    ("PROBE_FUNCTION", PROBE),
    ("DISTRIBUTION_ID", DISTRIBUTION),
    ("BUILD_PROJECT", FRONT_END_BUILD),
    ("DATABASE_CLUSTER", SOURCE),
    ("DATABASE_SECRET", SECRET),
    ("LOG_GROUP", LOG_GROUP),
    ("REDIS_SECURITY_GROUPS", REDIS_GROUP),
    ("REDIS_PORT", REDIS_PORT),
];

/// One function in a moto of its own.
pub(crate) struct Play<'a> {
    pub(crate) stack: Stack,
    pub(crate) process: Bootstrap,
    rows: &'a mut Vec<Row>,
}

impl<'a> Play<'a> {
    /// With these settings beside those of its scenario.
    pub(crate) async fn start(
        scenario: &'static Scenario,
        more: &[(&str, &str)],
        rows: &'a mut Vec<Row>,
    ) -> anyhow::Result<Self> {
        let settings = [&SETTINGS[..], scenario.settings, more].concat();
        let stack = Stack::in_sandbox(start().await?, scenario.name(), &settings);
        stack.sandbox.gateway.lambda().serve(PROBE, stack.other("health-probe").await?);
        let process = stack.function(&[]).await?;
        Ok(Self { stack, process, rows })
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.stack.sandbox
    }

    pub(crate) fn row(&mut self, case: &'static str, expected: impl Display, seen: impl Display) {
        let (expected, seen) = (expected.to_string(), seen.to_string());
        self.rows.push(Row { function: self.stack.task(), case, expected, seen });
    }

    /// Sends an event; the row is about what the answer says was done.
    pub(crate) async fn ask(
        &mut self,
        case: &'static str,
        event: &Value,
        expected: &'static str,
    ) -> anyhow::Result<Value> {
        let answer = outcome(&self.process, event).await?;
        let did = text(&answer, "/did");
        self.row(case, expected, if did.is_empty() { stack::read(&answer) } else { did.to_owned() });
        Ok(answer)
    }

    /// Asks for what needs an approval, and gives it; answers the plan.
    pub(crate) async fn ask_and_approve(
        &mut self,
        case: &'static str,
        request: &Value,
    ) -> anyhow::Result<Value> {
        let asked = outcome(&self.process, request).await?;
        let next = Answer::read(&asked).next;
        let approve = next.and_then(|next| next.send).with_context(|| format!("no approval: {asked:#}"))?;
        self.ask(case, &approve, "applied applied").await?;
        Ok(asked.pointer("/plan/actions").cloned().unwrap_or_default())
    }

    pub(crate) async fn row_of_what_runs(
        &mut self,
        case: &'static str,
        expected: &str,
    ) -> anyhow::Result<()> {
        self.row(case, expected, self.sandbox().runs().await?);
        Ok(())
    }

    /// What the notices' subjects begin with that came to the people of level 1, by SNS and SQS, in the order of the
    /// alphabet.
    pub(crate) async fn heard(&self) -> anyhow::Result<String> {
        let sqs = &self.sandbox().clients.sqs;
        let queue = sqs.get_queue_url().queue_name("people-notices").send().await?;
        let received = sqs.receive_message().set_queue_url(queue.queue_url).max_number_of_messages(10);
        let received = received.send().await?;
        let notices = received.messages().iter().filter_map(|message| message.body());
        let subjects = notices.filter_map(|notice| {
            let notice: Value = serde_json::from_str(notice).ok()?;
            let subject = text(&notice, "/Subject").strip_prefix("[production] ")?;
            Some(subject.split(':').next()?.to_owned())
        });
        let subjects: BTreeSet<String> = subjects.collect();
        Ok(subjects.into_iter().collect::<Vec<_>>().join(", "))
    }
}

/// A sample event of `events/`, as if it happened at `at`. Those of scale-up are all about one alarm.
pub(crate) fn sample(path: &str, at: Timestamp) -> anyhow::Result<Value> {
    let path = sandbox::workspace().join("events").join(format!("{path}.json"));
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = events::filled(&text, at)
        .replace("123456789012", ACCOUNT)
        .replace("ecs-memory", "ecs-cpu")
        .replace("MemoryUtilization", "CPUUtilization");
    Ok(serde_json::from_str(&text)?)
}

/// The samples have fractions of the second, which must not be in the future.
pub(crate) fn a_moment_ago() -> Timestamp {
    Timestamp::now() - SignedDuration::from_secs(1)
}

pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn count(object: &Value, pointer: &str) -> usize {
    object.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len)
}
