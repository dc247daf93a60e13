//! `restart`: the service's memory grows.

use anyhow::Context;
use jiff::Timestamp;
use sandbox::Sandbox;
use sandbox::deploy::{CLUSTER, FAMILY, SERVICE};
use sandbox::stack::{self, OF_SERVICE};
use serde_json::{Value, json};

use super::{Flow, LocalWork, NOTICES, STILL_BROKEN, Scenario, Work};
use crate::job::{Addresses, Job};
use crate::peer::{Play, Row};

pub(super) static SCENARIO: Scenario = Scenario {
    subject: &subject::restart::SUBJECT,
    settings: &[("NOTICE_TOPIC_ARN", NOTICES)],
    make_needed,
    flow: Flow::Acts { alarm, by_hand },
    peer: Some(peer),
    jobs,
};

/// A release that has another one before it.
fn make_needed(sandbox: &Sandbox) -> Work<'_> {
    Box::pin(async move { sandbox.release(&[]).await.map(drop) })
}

fn alarm(since: Timestamp) -> Value {
    let memory = ["AWS/ECS", "MemoryUtilization"];
    stack::alarm("lendpeak2-production-memory-leak", memory, &OF_SERVICE, since)
}

fn by_hand() -> Value {
    json!({ "reason": STILL_BROKEN })
}

fn peer(rows: &mut Vec<Row>) -> LocalWork<'_> {
    Box::pin(async move {
        let mut play = Play::start(&SCENARIO, &[], rows).await?;
        let before = primary(play.sandbox()).await?;
        let request = json!({ "reason": "memory grows", "dry_run": true });
        play.ask("a dry run", &request, "observed would_act").await?;
        play.ask("by hand", &json!({ "reason": "memory grows" }), "applied applied").await?;
        play.row("a new deployment", true, primary(play.sandbox()).await? != before);
        play.row_of_what_runs("what runs then", &format!("{FAMILY}:1")).await?;
        play.row("calls of UpdateService", 1, play.stack.count("ecs UpdateService"));
        Ok(())
    })
}

/// The service's primary deployment.
async fn primary(sandbox: &Sandbox) -> anyhow::Result<String> {
    let described = sandbox.clients.ecs.describe_services().cluster(CLUSTER).services(SERVICE).send().await?;
    let deployments = described.services().first().context("the service is gone")?.deployments();
    Ok(deployments.first().and_then(|primary| primary.id()).context("no deployment")?.to_owned())
}

fn jobs(endpoint: &Addresses) -> Vec<Job> {
    let own = [("CLUSTER", "lendpeak2-production"), ("SERVICE", "backend")];
    vec![Job::of_remedy(&subject::restart::SUBJECT, endpoint, &own, json!({ "reason": "benchmark" }))]
}
