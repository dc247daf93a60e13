//! `diagnose`: it looks at a bad release.

use std::future::ready;

use sandbox::Sandbox;
use sandbox::deploy::{self, LOG_GROUP};
use sandbox::gateway::{DISTRIBUTION, FRONT_END_BUILD, REDIS_GROUP, REDIS_PORT, SECRET, SOURCE};
use sandbox::stack::outcome;
use sandbox::standin::LOAD_BALANCER;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::diagnosis::Diagnosis;

use super::{Flow, LocalWork, PROBE, Scenario, Work, broken_release};
use crate::job::{Addresses, Job, Peer, settings};
use crate::peer::{Play, Row};

pub(super) static SCENARIO: Scenario = Scenario {
    subject: &subject::diagnose::SUBJECT,
    settings: &[
        ("LOG_GROUP", LOG_GROUP),
        ("LOAD_BALANCER", LOAD_BALANCER),
        ("DATABASE_CLUSTER", SOURCE),
        ("DATABASE_SECRET", SECRET),
        ("DISTRIBUTION_ID", DISTRIBUTION),
        ("BUILD_PROJECT", FRONT_END_BUILD),
        ("REDIS_SECURITY_GROUPS", REDIS_GROUP),
        ("REDIS_PORT", REDIS_PORT),
        ("ALARM_PREFIX", "lendpeak2-production-"),
        ("PROBE_FUNCTION", PROBE),
    ],
    make_needed: broken_release,
    flow: Flow::Looks(event),
    peer: Some(peer),
    jobs,
};

fn event(_: &Sandbox) -> Work<'_, Value> {
    Box::pin(ready(anyhow::Ok(json!({}))))
}

fn peer(rows: &mut Vec<Row>) -> LocalWork<'_> {
    Box::pin(async move {
        let mut play = Play::start(&SCENARIO, &[], rows).await?;
        deploy::calm_alarms(&play.sandbox().clients).await?;
        let report = Diagnosis::deserialize(outcome(&play.process, &json!({})).await?)?;
        play.row("everything", "Nothing found.", &report.summary);
        play.row("sources that it could not see", 0, report.not_seen.len());
        play.row("sources that it looked at", 20, report.looked_at.len());
        play.row("calls that write", 0, play.stack.writes().len());
        Ok(())
    })
}

/// A large stack. As commands it would be some 60, and a script that judges their answers, which nobody has.
fn jobs(endpoint: &Addresses) -> Vec<Job> {
    let environment = settings(&[
        ("CLUSTER", "lendpeak2-production"),
        ("SERVICE", "backend"),
        ("LOG_GROUP", canned::LOG_GROUP),
        ("LOAD_BALANCER", canned::LOAD_BALANCER),
        ("DATABASE_CLUSTER", canned::SOURCE),
        ("DATABASE_SECRET", "lendpeak2-production-db-credentials"),
        ("DISTRIBUTION_ID", DISTRIBUTION),
        ("BUILD_PROJECT", canned::BUILD_PROJECT),
        ("REDIS_SECURITY_GROUPS", canned::REDIS_SECURITY_GROUP),
        ("PROBE_FUNCTION", PROBE),
        ("ALARM_PREFIX", canned::ALARM_PREFIX),
    ]);
    let job = Job::of(&subject::diagnose::SUBJECT, endpoint, environment, json!({}), all_seen());
    vec![Job { aws: endpoint.large.clone(), peers: &[Peer::Boto3, Peer::Boto3Threads], ..job }]
}

/// Everything was looked at, and what is wrong with the stack was found.
fn all_seen() -> Value {
    let looked_at = [
        "the service",
        "its tasks",
        "its task definition",
        "its images",
        "its secrets",
        "its errors in the log",
        "the target groups",
        "the load balancer",
        "the security groups",
        "the metrics",
        "the database",
        "the database's events",
        "slow queries",
        "auto scaling",
        "the alarms",
        "CloudFront",
        "the front end's builds",
        "the list of metrics",
        "the health probe",
        "AWS Health",
    ];
    json!({ "nothing_found": false, "looked_at": looked_at, "not_seen": [] })
}
