//! Tasks that stopped, as a test wants them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Inner, last_part, text};
use crate::names::{ACCOUNT, REGION};

/// A task that has stopped, for whatever reason the test gives.
#[derive(Debug, Clone)]
pub struct StoppedTask {
    pub cluster: String,
    pub service: String,
    pub id: String,
    /// The ARN of its task definition.
    pub task_definition: String,
    /// As ECS words it: `Essential container in task exited`.
    pub reason: String,
    /// `EssentialContainerExited`, `TaskFailedToStart`, `ServiceSchedulerInitiated`, …
    pub stop_code: String,
    pub exit_code: Option<i32>,
    /// How long it ran, where it started.
    pub ran: Option<std::time::Duration>,
    pub stopped_at: Timestamp,
}

impl StoppedTask {
    fn arn(&self) -> String {
        format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task/{}/{}", self.cluster, self.id)
    }

    fn as_json(&self) -> Value {
        let stopped_at = self.stopped_at.as_second();
        let ran = self.ran.and_then(|ran| i64::try_from(ran.as_secs()).ok());
        let started_at = ran.map(|ran| stopped_at - ran);
        json!({
            "taskArn": self.arn(),
            "taskDefinitionArn": self.task_definition,
            "clusterArn": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{}", self.cluster),
            "group": format!("service:{}", self.service),
            "startedBy": "ecs-svc/0000000000000000000",
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
            "stopCode": self.stop_code,
            "stoppedReason": self.reason,
            "createdAt": started_at.unwrap_or(stopped_at) - 30,
            "startedAt": started_at,
            "stoppingAt": stopped_at,
            "stoppedAt": stopped_at,
            "containers": [{ "name": self.service, "lastStatus": "STOPPED", "exitCode": self.exit_code }],
        })
    }

    fn is(&self, cluster: &str, service: &str) -> bool {
        self.cluster == last_part(cluster) && (service.is_empty() || self.service == last_part(service))
    }
}

impl Inner {
    /// A page of a hundred, as ECS has it, and where the next one begins.
    pub(super) fn stopped_task_arns(&self, request: &Value) -> (Vec<Value>, Option<String>) {
        const PAGE: usize = 100;
        if text(request, "desiredStatus") != "STOPPED" {
            return (Vec::new(), None);
        }
        let (cluster, service) = (text(request, "cluster"), text(request, "serviceName"));
        let from = text(request, "nextToken").parse().unwrap_or_default();
        let all = self.stopped.iter().filter(|task| task.is(cluster, service));
        let mut page: Vec<Value> = all.skip(from).take(PAGE + 1).map(|task| json!(task.arn())).collect();
        let next = (page.len() > PAGE).then(|| (from + PAGE).to_string());
        page.truncate(PAGE);
        (page, next)
    }

    /// The tasks answered here, and the request for the others.
    pub(super) fn split_tasks(&self, request: &Value) -> (Vec<Value>, Value) {
        let mut own = Vec::new();
        let mut rest = Vec::new();
        for wanted in request.get("tasks").and_then(Value::as_array).into_iter().flatten() {
            let id = wanted.as_str().map(last_part).unwrap_or_default();
            match self.stopped.iter().find(|task| task.id == id) {
                Some(task) => own.push(task.as_json()),
                None => rest.push(wanted.clone()),
            }
        }
        let mut request = request.clone();
        super::set(&mut request, "tasks", json!(rest));
        (own, request)
    }
}

/// Appends to one of an answer's lists.
pub(super) fn add(answer: &mut Value, list: &str, more: Vec<Value>) {
    if let Some(list) = answer.get_mut(list).and_then(Value::as_array_mut) {
        list.extend(more);
    }
}
