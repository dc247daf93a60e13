//! The tasks of a service, as ECS has them.

use aws_sdk_ecs::{
    Client,
    operation::list_tasks::ListTasksError,
    types::{DesiredStatus, Task},
};
use futures_util::future::try_join_all;

use crate::{aws, error::Error};

pub struct Tasks {
    pub tasks: Vec<Task>,
    /// False when there are more than were read.
    pub all: bool,
}

/// Those that are to run, or those that stopped; nothing when there is no such service. ECS lists them in no order, and
/// a deployment stops many: whoever looks for one has to read all.
pub async fn tasks(
    client: &Client,
    cluster: &str,
    service: &str,
    status: DesiredStatus,
) -> Result<Option<Tasks>, Error> {
    /// Of 100 tasks each, as many as `DescribeTasks` takes.
    const MAX_PAGES: usize = 10;
    let whose = || format!("service {service} in cluster {cluster}");
    let mut pages = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let listed = client
            .list_tasks()
            .cluster(cluster)
            .service_name(service)
            .desired_status(status.clone())
            .set_next_token(from)
            .send()
            .await;
        let listed = match listed {
            Ok(listed) => listed,
            Err(error)
                if error.as_service_error().is_some_and(ListTasksError::is_service_not_found_exception) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(aws::failed("list the tasks of", whose(), &error)),
        };
        pages.extend(listed.task_arns.filter(|tasks| !tasks.is_empty()));
        from = listed.next_token;
        if from.is_none() {
            break;
        }
    }
    let describe = async |tasks: Vec<String>| {
        let answer = client.describe_tasks().cluster(cluster).set_tasks(Some(tasks)).send().await;
        answer.map_err(|error| aws::failed("describe the tasks of", whose(), &error))
    };
    let answers = try_join_all(pages.into_iter().map(describe)).await?;
    let tasks = answers.into_iter().flat_map(|answer| answer.tasks.unwrap_or_default()).collect();
    Ok(Some(Tasks { tasks, all: from.is_none() }))
}
