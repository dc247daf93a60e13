//! `cache-invalidation` from an event to the ledger, against the sandbox with real SDK calls. Most runs use a
//! bootstrap of their own, so that a test can choose its settings, its deadline and the moment it dies.

#![expect(clippy::indexing_slicing, reason = "a test ends at a field that is missing")]

mod crashes;
mod faults;
mod input;
mod modes;
mod triggers;
mod waiting;

use std::{ops::Deref, time::Duration};

use anyhow::Context;
use jiff::Timestamp;
use sandbox::{
    gateway::FRONT_END_BUILD,
    gateway::{CloudFront, DISTRIBUTION, Fault, Rule},
    runtime_api::Answer,
    stack::{self, DEADLINE, SHORT_DEADLINE, decision, outcome, read, tick, whole},
};
use serde_json::{Value, json};

type Test = anyhow::Result<()>;

const FUNCTION: &str = "cache-invalidation";
const PIPELINE: &str = "lendpeak2-frontend-release";
/// Longer than any test.
const NEVER: Duration = Duration::from_hours(1);

/// The sandbox with `cache-invalidation` in front of its front end.
struct Stack(stack::Stack);

impl Deref for Stack {
    type Target = stack::Stack;

    fn deref(&self) -> &stack::Stack {
        &self.0
    }
}

impl Stack {
    async fn start() -> anyhow::Result<Self> {
        let settings = [
            ("ATTEMPTS_PER_DAY", "50"),
            ("DISTRIBUTION_ID", DISTRIBUTION),
            ("BUILD_PROJECT", FRONT_END_BUILD),
            ("PIPELINE", PIPELINE),
        ];
        Ok(Self(stack::Stack::start(FUNCTION, &settings).await?))
    }

    fn cloudfront(&self) -> &CloudFront {
        self.sandbox.gateway.cloudfront()
    }

    /// The paths of every invalidation, the first first.
    fn sent(&self) -> Vec<Vec<String>> {
        self.cloudfront().invalidations().into_iter().map(|one| one.paths).collect()
    }

    /// Somebody else's invalidation takes all of CloudFront's wildcards.
    fn fill_cloudfront(&self) {
        self.cloudfront().set_time(NEVER);
        let wildcards: Vec<String> = (0..15).map(|n| format!("/{n}/*")).collect();
        self.cloudfront().add("somebody", &wildcards.iter().map(String::as_str).collect::<Vec<_>>());
    }

    fn follow_up_key() -> (String, String) {
        (format!("target#distribution/{DISTRIBUTION}"), format!("{FUNCTION}#follow-up"))
    }

    async fn is_looked_after(&self) -> anyhow::Result<bool> {
        let (pk, sk) = Self::follow_up_key();
        Ok(self.item(&pk, &sk).await?.is_some())
    }

    /// What is looked after is late.
    async fn let_it_be_late(&self) -> Test {
        let (pk, sk) = Self::follow_up_key();
        let mut what = self.data(&pk, &sk).await?["what"].clone();
        *what.pointer_mut("/awaited/0/due").context("nothing is looked after")? =
            json!("2026-01-01T00:00:00Z");
        self.change(&pk, &sk, "what", what).await
    }
}

fn text<'a>(outcome: &'a Value, pointer: &str) -> &'a str {
    outcome.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

const ALARM: &str = "lendpeak2-production-cloudfront-4xx-rate";

/// The 4xx alarm as SNS delivers it.
fn alarm(changed: Timestamp) -> Value {
    let dimensions = [("DistributionId", DISTRIBUTION), ("Region", "Global")];
    stack::alarm(ALARM, ["AWS/CloudFront", "4xxErrorRate"], &dimensions, changed)
}

/// A build's end, as EventBridge delivers it.
fn build(project: &str, number: u32, status: &str) -> Value {
    let id = format!("arn:aws:codebuild:us-east-1:000000000000:build/{project}:{number}");
    json!({ "version": "0", "id": format!("event-{number}"), "detail-type": "CodeBuild Build State Change",
        "source": "aws.codebuild", "time": Timestamp::now().to_string(), "resources": [id],
        "detail": { "build-status": status, "project-name": project, "build-id": id } })
}

fn built(number: u32) -> Value {
    build(FRONT_END_BUILD, number, "SUCCEEDED")
}
