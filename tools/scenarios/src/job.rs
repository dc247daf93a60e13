//! A job of the benchmark: what a function is set up with, asked, and has to answer. Each function has its jobs in
//! its scenario.

use canned::TABLE;
use serde_json::{Value, json};
use subject::Subject;

/// The job that reads a large stack.
pub const LARGE: &str = "diagnose";

pub type Setting = (&'static str, String);

/// In an event: the time at which it is sent.
pub const NOW: &str = "<now>";

/// Where the benchmark's AWS and pages answer.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// `https://127.0.0.1:<port>`.
    pub aws: String,
    /// `http://127.0.0.1:<port>`.
    pub pages: String,
    /// The same pages, each after a while.
    pub slow_pages: String,
    /// A large stack, each answer after a while.
    pub large: String,
}

#[derive(Debug, Clone)]
pub struct Job {
    pub name: &'static str,
    /// Whose binary does it; the scripts are named after it too.
    pub function: &'static str,
    pub environment: Vec<Setting>,
    /// [`NOW`] in it becomes the time at which it is sent.
    pub event: Value,
    /// What an answer must hold, beside whatever else, or the job was not done.
    pub expected: Value,
    pub aws: String,
    /// How it is also done: for a remedy, the probe and `diagnose`. The others would only say the same once more.
    pub peers: &'static [Peer],
    pub needs_curl: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Boto3,
    /// The same on a pool of threads: where it waits for many answers.
    Boto3Threads,
    /// Commands of the AWS CLI.
    Commands,
}

impl Job {
    /// One that is named after its function, on a small stack.
    pub fn of(
        subject: &Subject,
        endpoint: &Addresses,
        environment: Vec<Setting>,
        event: Value,
        expected: Value,
    ) -> Self {
        Self {
            name: subject.name,
            function: subject.name,
            environment,
            event,
            expected,
            aws: endpoint.aws.clone(),
            peers: &[],
            needs_curl: false,
        }
    }

    /// A remedy that acts when a person asks.
    pub fn of_remedy(
        subject: &Subject,
        endpoint: &Addresses,
        own: &[(&'static str, &str)],
        request: Value,
    ) -> Self {
        let applied = json!({ "decision": "applied", "verification": { "verified": true } });
        Self::of(subject, endpoint, recording(own), request, applied)
    }
}

/// These settings, and what a function has that writes to the ledger and tells people.
pub fn recording(own: &[(&'static str, &str)]) -> Vec<Setting> {
    let common = settings(&[
        ("MODE", "auto"),
        ("LEDGER_TABLE", TABLE),
        ("NOTICE_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:lendpeak2-production-notices"),
        // The canned answers show a change at once: to wait for it would hide that it does not show.
        ("VERIFY_SECONDS", "0"),
    ]);
    [common, settings(own)].concat()
}

pub fn settings(pairs: &[(&'static str, &str)]) -> Vec<Setting> {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}
