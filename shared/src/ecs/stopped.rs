//! Tasks that have stopped.

use std::cmp::Reverse;

use aws_sdk_ecs::{
    Client,
    operation::list_tasks::ListTasksError,
    types::{DesiredStatus, Task, TaskStopCode},
};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::timestamp;
use crate::{aws, error::Error, text};

/// Characters of what a task stopped for: whoever wrote more of it is not read to the end.
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

/// The service's stopped tasks. ECS lists them in no order, and a deployment stops many: those that failed may be on any
/// page.
pub async fn stopped_tasks(client: &Client, cluster: &str, service: &str) -> Result<Vec<StoppedTask>, Error> {
    /// Of 100 tasks each.
    const MAX_PAGES: usize = 10;
    let whose = || format!("service {service} in cluster {cluster}");
    let mut pages = Vec::new();
    let mut from = None;
    while pages.len() < MAX_PAGES {
        let listed = client
            .list_tasks()
            .cluster(cluster)
            .service_name(service)
            .desired_status(DesiredStatus::Stopped)
            .set_next_token(from)
            .send()
            .await;
        let listed = match listed {
            Ok(listed) => listed,
            // DescribeServices answers that the service is missing.
            Err(error)
                if error.as_service_error().is_some_and(ListTasksError::is_service_not_found_exception) =>
            {
                return Ok(Vec::new());
            }
            Err(error) => return Err(aws::failed("list the stopped tasks of", whose(), &error)),
        };
        pages.extend(listed.task_arns.filter(|tasks| !tasks.is_empty()));
        from = listed.next_token;
        if from.is_none() {
            break;
        }
    }
    let describe = async |tasks: Vec<String>| {
        let answer = client.describe_tasks().cluster(cluster).set_tasks(Some(tasks)).send().await;
        answer.map_err(|error| aws::failed("describe the stopped tasks of", whose(), &error))
    };
    let answers = try_join_all(pages.into_iter().map(describe)).await?;
    Ok(answers.into_iter().flat_map(|answer| answer.tasks.unwrap_or_default()).map(stopped).collect())
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
