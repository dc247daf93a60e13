//! `health-probe`: it looks whether all is well.

use sandbox::Sandbox;
use serde_json::{Value, json};

use super::{Flow, Scenario, Work, already};
use crate::job::{Addresses, Job, Peer, settings};

pub(super) static SCENARIO: Scenario = Scenario {
    subject: &subject::health_probe::SUBJECT,
    settings: &[],
    make_needed: already,
    flow: Flow::Looks(event),
    // It asks no AWS.
    peer: None,
    jobs,
};

fn event(sandbox: &Sandbox) -> Work<'_, Value> {
    Box::pin(sandbox.ten_healthy_minutes())
}

fn jobs(endpoint: &Addresses) -> Vec<Job> {
    let job = Job::of(
        &subject::health_probe::SUBJECT,
        endpoint,
        own(&endpoint.pages),
        json!({}),
        json!({ "healthy": true }),
    );
    let job = Job { needs_curl: true, peers: &[Peer::Boto3, Peer::Commands], ..job };
    let of_many = [("health-probe of 10", 10), ("health-probe of 200", 200)];
    let of_many = of_many.map(|(name, addresses)| of_many_addresses(name, addresses, endpoint, &job));
    std::iter::once(job).chain(of_many).collect()
}

/// The usual checks, and so many addresses of the API that there are `addresses` in all.
fn of_many_addresses(name: &'static str, addresses: usize, endpoint: &Addresses, usual: &Job) -> Job {
    /// The probe's own checks, which each of its jobs makes.
    const CHECKS: [&str; 6] = ["health", "health-db", "health-redis", "page", "asset", "cors"];
    let pages = &endpoint.slow_pages;
    let urls: Vec<String> =
        (CHECKS.len()..addresses).map(|number| format!("{pages}/api/loans/{number}")).collect();
    let passed = format!("Healthy: all {addresses} checks passed.");
    Job {
        name,
        environment: [own(pages), vec![("URLS", urls.join(" "))]].concat(),
        event: json!({ "checks": CHECKS, "urls": urls }),
        expected: json!({ "healthy": true, "summary": passed }),
        peers: &[Peer::Boto3, Peer::Boto3Threads, Peer::Commands],
        ..usual.clone()
    }
}

fn own(pages: &str) -> Vec<(&'static str, String)> {
    settings(&[("API_URL", pages), ("APP_URL", pages), ("ASSET_PATH", "/assets/main.js")])
}
