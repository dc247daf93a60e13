//! Tasks that have stopped.

use std::cmp::Reverse;

use aws_sdk_ecs::{
    Client,
    types::{DesiredStatus, Task, TaskStopCode},
};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{tasks, timestamp};
use crate::{error::Error, text};

/// The most characters of a stopped reason.
const MAX_REASON: usize = 300;

/// A task that ECS still remembers, for about an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoppedTask {
    pub task: String,
    pub task_definition: String,
    pub stopped_at: Option<Timestamp>,
    /// Nothing when it never ran.
    pub started_at: Option<Timestamp>,
    /// By its own fault, not by scaling or a deployment.
    pub failed: bool,
    pub reason: String,
}

/// `None` if the cluster has no such service: `DescribeServices` says so.
pub async fn stopped_tasks(client: &Client, cluster: &str, service: &str) -> Result<Vec<StoppedTask>, Error> {
    let tasks = tasks(client, cluster, service, DesiredStatus::Stopped).await?;
    Ok(tasks.into_iter().flat_map(|found| found.tasks).map(stopped).collect())
}

fn stopped(task: Task) -> StoppedTask {
    StoppedTask {
        stopped_at: task.stopped_at.as_ref().and_then(timestamp),
        started_at: task.started_at.as_ref().and_then(timestamp),
        failed: matches!(
            task.stop_code,
            Some(TaskStopCode::TaskFailedToStart | TaskStopCode::EssentialContainerExited) // Health checks of the load balancer or of a container have no code of their own.
        ) || task.stopped_reason.as_ref().is_some_and(|reason| reason.starts_with("Task failed ")),
        // It goes into the intent, and so into the ledger, before any notice.
        reason: text::line(&task.stopped_reason.unwrap_or_default(), MAX_REASON),
        task_definition: task.task_definition_arn.unwrap_or_default(),
        task: task.task_arn.unwrap_or_default(),
    }
}

/// For an answer: how many there are, and the newest of those that failed.
pub fn few_stopped_tasks<S: Serializer>(tasks: &[StoppedTask], serializer: S) -> Result<S::Ok, S::Error> {
    const FEW: usize = 10;
    #[derive(Serialize)]
    struct Few<'a> {
        count: usize,
        failed: usize,
        newest_failed: Vec<&'a StoppedTask>,
    }
    let mut failed: Vec<&StoppedTask> = tasks.iter().filter(|task| task.failed).collect();
    failed.sort_by_key(|task| Reverse(task.stopped_at));
    let few = Few {
        count: tasks.len(),
        failed: failed.len(),
        newest_failed: failed.into_iter().take(FEW).collect(),
    };
    few.serialize(serializer)
}
