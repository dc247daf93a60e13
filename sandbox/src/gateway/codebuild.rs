//! The front end's builds, by CodeBuild.

use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::call::Call;
use super::cloudfront::PAGES;
use super::{Answer, wire};
use crate::names::{ACCOUNT, REGION};

/// The build that deploys the front end.
pub const FRONT_END_BUILD: &str = "lendpeak2-frontend";
/// Where builds log, each to a stream of its number.
pub const BUILD_LOGS: &str = "/aws/codebuild/lendpeak2-frontend";

/// Every clone has the same builds.
#[derive(Debug, Clone)]
pub struct CodeBuild {
    /// The oldest first.
    builds: Arc<Mutex<Vec<Build>>>,
}

/// A build that is over.
#[derive(Debug, Clone)]
pub struct Build {
    /// `SUCCEEDED`, `FAILED`, …
    pub status: String,
    /// The phase that failed, and what CodeBuild says of it.
    pub failed: Option<(String, String)>,
    pub ended_at: Timestamp,
}

impl Default for CodeBuild {
    fn default() -> Self {
        let ended_at = Timestamp::now() - SignedDuration::from_hours(25);
        let first = Build { status: "SUCCEEDED".to_owned(), failed: None, ended_at };
        Self { builds: Arc::new(Mutex::new(vec![first])) }
    }
}

impl CodeBuild {
    /// The newest build.
    pub fn add(&self, build: Build) {
        self.builds.lock().unwrap_or_else(PoisonError::into_inner).push(build);
    }

    /// None for what the local AWS answers.
    pub(super) fn answer(&self, call: &Call) -> Option<Answer> {
        let builds = self.builds.lock().unwrap_or_else(PoisonError::into_inner);
        let all = (1..)
            .zip(builds.iter())
            .map(|(number, build)| (format!("{FRONT_END_BUILD}:{number}"), number, build));
        let body = match call.operation.as_str() {
            "ListBuildsForProject" => {
                if call.request.get("projectName").and_then(Value::as_str) != Some(FRONT_END_BUILD) {
                    let message = "The project does not exist";
                    return Some(wire::error(
                        call,
                        StatusCode::BAD_REQUEST,
                        "ResourceNotFoundException",
                        message,
                    ));
                }
                let mut ids: Vec<String> = all.map(|(id, ..)| id).collect();
                ids.reverse();
                json!({ "ids": ids })
            }
            "ListProjects" => json!({ "projects": [FRONT_END_BUILD] }),
            "BatchGetProjects" => projects(&call.request),
            "BatchGetBuilds" => {
                let wanted = call.request.get("ids").and_then(Value::as_array).cloned().unwrap_or_default();
                let found = all.filter(|(id, ..)| wanted.contains(&json!(id)));
                let found: Vec<Value> = found.map(|(id, number, build)| build.as_json(&id, number)).collect();
                json!({ "builds": found, "buildsNotFound": [] })
            }
            _ => return None,
        };
        Some(wire::json_1_1(StatusCode::OK, &body))
    }
}

/// The one project, which puts what it built into the bucket of the distribution.
fn projects(request: &Value) -> Value {
    let names = request.get("names").and_then(Value::as_array).cloned().unwrap_or_default();
    let (found, missing): (Vec<Value>, Vec<Value>) =
        names.into_iter().partition(|name| *name == FRONT_END_BUILD);
    let project = json!({
        "name": FRONT_END_BUILD,
        "arn": format!("arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{FRONT_END_BUILD}"),
        "source": { "type": "CODEPIPELINE", "buildspec": "buildspec.yml" },
        "artifacts": { "type": "NO_ARTIFACTS" },
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{ "name": "BUCKET", "value": PAGES, "type": "PLAINTEXT" }],
        },
    });
    json!({ "projects": vec![project; found.len()], "projectsNotFound": missing })
}

impl Build {
    fn as_json(&self, id: &str, number: u32) -> Value {
        let ended_at = self.ended_at.as_second();
        let phase = self.failed.as_ref().map(|(phase, message)| {
            json!({ "phaseType": phase, "phaseStatus": "FAILED", "endTime": ended_at,
                "contexts": [{ "statusCode": "COMMAND_EXECUTION_ERROR", "message": message }] })
        });
        json!({
            "id": id,
            "arn": format!("arn:aws:codebuild:{REGION}:{ACCOUNT}:build/{id}"),
            "buildNumber": number,
            "projectName": FRONT_END_BUILD,
            "buildStatus": self.status,
            "buildComplete": true,
            "startTime": ended_at - 240,
            "endTime": ended_at,
            "phases": phase.into_iter().collect::<Vec<_>>(),
            "logs": { "groupName": BUILD_LOGS, "streamName": number.to_string() },
        })
    }
}
