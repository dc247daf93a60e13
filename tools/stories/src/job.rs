//! A job: what a function is set up with, asked, and has to answer. Each function has its jobs in its story.

use serde_json::{Value, json};
use subject::Subject;

use super::canned::TABLE;
use super::endpoint::Endpoint;
use crate::story;

/// The job that reads a large stack.
pub(super) const LARGE: &str = "diagnose";

pub(crate) type Setting = (&'static str, String);

#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) name: &'static str,
    /// Whose binary does it; the scripts are named after it too.
    pub(crate) function: &'static str,
    pub(crate) environment: Vec<Setting>,
    /// [`super::NOW`] in it becomes the time at which it is sent.
    pub(crate) event: Value,
    /// What an answer must hold, beside whatever else, or the job was not done.
    pub(crate) expected: Value,
    pub(crate) aws: String,
    /// How it is also done: for a remedy, the probe and `diagnose`. The others would only say the same once more.
    pub(crate) peers: &'static [Peer],
    pub(crate) needs_curl: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Boto3,
    /// The same on a pool of threads: where it waits for many answers.
    Boto3Threads,
    /// Commands of the AWS CLI.
    Commands,
}

pub(super) fn all(endpoint: &Endpoint) -> Vec<Job> {
    story::ALL.into_iter().flat_map(|story| (story.jobs)(endpoint)).collect()
}

impl Job {
    /// One that is named after its function, on a small stack.
    pub(crate) fn of(
        subject: &Subject,
        endpoint: &Endpoint,
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
    pub(crate) fn of_remedy(
        subject: &Subject,
        endpoint: &Endpoint,
        own: &[(&'static str, &str)],
        request: Value,
    ) -> Self {
        let applied = json!({ "decision": "applied", "verification": { "verified": true } });
        Self::of(subject, endpoint, recording(own), request, applied)
    }
}

/// These settings, and what a function has that writes to the ledger and tells people.
pub(crate) fn recording(own: &[(&'static str, &str)]) -> Vec<Setting> {
    let common = settings(&[
        ("MODE", "auto"),
        ("LEDGER_TABLE", TABLE),
        ("NOTICE_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:lendpeak2-production-notices"),
        // The canned answers show a change at once: to wait for it would hide that it does not show.
        ("VERIFY_SECONDS", "0"),
    ]);
    [common, settings(own)].concat()
}

pub(crate) fn settings(pairs: &[(&'static str, &str)]) -> Vec<Setting> {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}
