//! One deployment: how far it is, and how ECS shows it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::failure::Failure;
use crate::gateway::ecs::{seconds, set};
use crate::names::{ACCOUNT, REGION};

/// How a deployment moves traffic, and how long old tasks are kept after that.
#[derive(Debug, Clone)]
pub(super) struct Strategy {
    /// As in `BLUE_GREEN`.
    pub(super) name: String,
    pub(super) bakes: Duration,
    /// The stage whose hook does not answer.
    pub(super) held_in: Option<String>,
}

/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>)
pub(super) const STAGES: [&str; 9] = [
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
];
/// The first in which new tasks have all traffic.
pub(super) const SHIFTED: usize = 7;
pub(super) const BAKE_TIME: usize = 8;

#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) arn: String,
    /// `ecs-svc/…`
    pub(super) id: String,
    pub(super) service: String,
    pub(super) service_arn: String,
    pub(super) cluster_arn: String,
    pub(super) revision: String,
    pub(super) task_definition: String,
    /// Container, image, digest.
    pub(super) images: Vec<(String, String, String)>,
    /// What the service ran before.
    pub(super) before: Option<String>,
    pub(super) tasks: u32,
    pub(super) created: Timestamp,
    pub(super) takes: Duration,
    pub(super) fails: Option<Failure>,
    pub(super) stopped: Option<Timestamp>,
    pub(super) strategy: Option<Strategy>,
    /// Another deployment began before this one had ended.
    pub(super) superseded: bool,
}

impl Strategy {
    pub(super) fn show(&self, configuration: &mut Value) {
        set(configuration, "strategy", json!(self.name));
        set(configuration, "bakeTimeInMinutes", json!(self.bakes.as_secs().div_ceil(60)));
    }
}

impl Deployment {
    pub(super) fn is_over(&self, since: Timestamp) -> bool {
        let bakes = self.strategy.as_ref().filter(|_| self.stopped.is_none());
        let takes = self.takes + bakes.map(|strategy| strategy.bakes).unwrap_or_default();
        let held = bakes.is_some_and(|strategy| strategy.held_in.is_some());
        !held && Timestamp::now().duration_since(since).unsigned_abs() >= takes
    }

    /// Which of [`STAGES`] it is in, where it moves traffic and has not ended.
    pub(super) fn stage(&self) -> Option<usize> {
        let strategy = self.strategy.as_ref().filter(|_| self.status().ends_with("IN_PROGRESS"))?;
        let since = Timestamp::now().duration_since(self.created).unsigned_abs();
        let stage = if since >= self.takes {
            BAKE_TIME
        } else {
            let part = self.takes / u32::try_from(BAKE_TIME).unwrap_or(1);
            usize::try_from(since.as_millis() / part.as_millis().max(1)).unwrap_or_default().min(SHIFTED)
        };
        let held = strategy.held_in.as_deref().and_then(|held| STAGES.iter().position(|name| *name == held));
        Some(held.map_or(stage, |held| held.min(stage)))
    }

    pub(super) fn status(&self) -> &'static str {
        match self.stopped {
            Some(stopped) if self.is_over(stopped) => "ROLLBACK_SUCCESSFUL",
            Some(_) => "ROLLBACK_IN_PROGRESS",
            None if self.superseded => "STOPPED",
            None if !self.is_over(self.created) => "IN_PROGRESS",
            None if self.fails.is_some() => "STOPPED",
            None => "SUCCESSFUL",
        }
    }

    pub(super) fn rollout_state(&self) -> &'static str {
        match self.status() {
            "SUCCESSFUL" | "ROLLBACK_SUCCESSFUL" => "COMPLETED",
            "STOPPED" => "FAILED",
            _ => "IN_PROGRESS",
        }
    }

    /// The task definition that runs in the end.
    pub(super) fn runs(&self) -> String {
        let before = self.before.as_ref().filter(|_| self.stopped.is_some() || self.fails.is_some());
        before.unwrap_or(&self.task_definition).clone()
    }

    pub(super) fn times(&self) -> Value {
        let created = seconds(self.created);
        let mut times = json!({
            "serviceDeploymentArn": self.arn,
            "serviceArn": self.service_arn,
            "clusterArn": self.cluster_arn,
            "status": self.status(),
            "createdAt": created,
            "startedAt": created,
        });
        if !self.status().ends_with("IN_PROGRESS") {
            set(&mut times, "finishedAt", json!(seconds(self.stopped.unwrap_or(self.created))));
        }
        times
    }

    pub(super) fn in_full(&self) -> Value {
        let mut full = self.times();
        let target = json!({
            "arn": self.revision,
            "requestedTaskCount": self.tasks,
            "runningTaskCount": self.tasks,
            "pendingTaskCount": 0,
        });
        set(&mut full, "targetServiceRevision", target);
        if let (Some(strategy), Some(stage)) = (&self.strategy, self.stage()) {
            let mut configuration = json!({});
            strategy.show(&mut configuration);
            set(&mut full, "deploymentConfiguration", configuration);
            set(&mut full, "lifecycleStage", json!(STAGES.get(stage)));
            let since = if stage == BAKE_TIME { self.created + self.takes } else { self.created };
            set(&mut full, "updatedAt", json!(seconds(since)));
            if strategy.held_in.is_some() {
                let function = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:check-release");
                let hook = json!({ "hookId": "hook-1", "targetType": "AWS_LAMBDA", "targetArn": function, "status": "IN_PROGRESS" });
                set(&mut full, "lifecycleHookDetails", json!([hook]));
            }
        }
        full
    }

    pub(super) fn service_revision(&self) -> Value {
        let image = |(container, image, digest): &(String, String, String)| json!({ "containerName": container, "image": image, "imageDigest": digest });
        json!({
            "serviceRevisionArn": self.revision,
            "serviceArn": self.service_arn,
            "clusterArn": self.cluster_arn,
            "taskDefinition": self.task_definition,
            "containerImages": self.images.iter().map(image).collect::<Vec<_>>(),
            "createdAt": seconds(self.created),
        })
    }
}
