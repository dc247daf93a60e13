//! The tasks of a service that run, or are about to.

use aws_sdk_ecs::{
    Client,
    operation::list_tasks::ListTasksError,
    types::{DesiredStatus, Task},
};
use jiff::Timestamp;
use serde::Serialize;

use super::timestamp;
use crate::{aws, error::Error};

/// Of 100 tasks each.
const MAX_PAGES: usize = 10;
/// As many as `DescribeTasks` takes.
const A_CALL: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunningTask {
    pub task: String,
    /// The deployment that it is of, as in `ecs-svc/1234`.
    pub started_by: String,
    /// It reads its secrets after that.
    pub created_at: Option<Timestamp>,
}

/// None when the cluster has no such service: `DescribeServices` says that.
pub async fn running_tasks(client: &Client, cluster: &str, service: &str) -> Result<Vec<RunningTask>, Error> {
    let whose = || format!("service {service} in cluster {cluster}");
    let mut tasks = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .list_tasks()
            .cluster(cluster)
            .service_name(service)
            .desired_status(DesiredStatus::Running)
            .set_next_token(from)
            .send()
            .await;
        let page = match page {
            Ok(page) => page,
            Err(error)
                if error.as_service_error().is_some_and(ListTasksError::is_service_not_found_exception) =>
            {
                return Ok(Vec::new());
            }
            Err(error) => return Err(aws::failed("list the tasks of", whose(), &error)),
        };
        tasks.extend(page.task_arns.unwrap_or_default());
        from = page.next_token;
        if from.is_none() {
            break;
        }
    }
    let mut running = Vec::new();
    for some in tasks.chunks(A_CALL) {
        let answer = client
            .describe_tasks()
            .cluster(cluster)
            .set_tasks(Some(some.to_vec()))
            .send()
            .await
            .map_err(|error| aws::failed("describe the tasks of", whose(), &error))?;
        running.extend(answer.tasks.unwrap_or_default().into_iter().map(running_task));
    }
    Ok(running)
}

fn running_task(task: Task) -> RunningTask {
    RunningTask {
        created_at: task.created_at.as_ref().and_then(timestamp),
        started_by: task.started_by.unwrap_or_default(),
        task: task.task_arn.unwrap_or_default(),
    }
}
