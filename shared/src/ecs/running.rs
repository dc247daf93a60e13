//! The tasks of a service that run, or are about to.

use aws_sdk_ecs::{
    Client,
    types::{DesiredStatus, Task},
};
use jiff::Timestamp;
use serde::Serialize;

use super::{tasks, timestamp};
use crate::error::Error;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunningTask {
    pub task: String,
    /// Its deployment, as in `ecs-svc/1234`.
    pub started_by: String,
    /// It reads its secrets after that.
    pub created_at: Option<Timestamp>,
}

/// `None` if the cluster has no such service: `DescribeServices` says so.
pub async fn running_tasks(client: &Client, cluster: &str, service: &str) -> Result<Vec<RunningTask>, Error> {
    let tasks = tasks(client, cluster, service, DesiredStatus::Running).await?;
    Ok(tasks.into_iter().flat_map(|found| found.tasks).map(running_task).collect())
}

fn running_task(task: Task) -> RunningTask {
    RunningTask {
        created_at: task.created_at.as_ref().and_then(timestamp),
        started_by: task.started_by.unwrap_or_default(),
        task: task.task_arn.unwrap_or_default(),
    }
}
