//! The service's tasks: those that run, and those that stopped in the last hour, which is how long ECS remembers.

use aws_sdk_cloudwatchlogs::Client as Logs;
use aws_sdk_ecs::{
    Client,
    types::{self, DesiredStatus},
};
use jiff::Timestamp;
use shared::{
    ecs::{self, revision},
    error::Error,
    text,
};

use super::{
    Reader, Seen, Why, cut, last_part, seen,
    service::{Defined, said},
    timestamp, why,
};
use crate::{
    evidence::{ContainerEnd, NotSeen, RunningTask, StoppedTask, Tasks},
    settings::Settings,
};

const STOPPED_KEPT: usize = 100;

pub(super) async fn tasks(reader: &Reader) -> Result<Option<Seen>, Why> {
    let client = Client::new(&reader.config);
    let read = read(&client, &reader.settings).await.map_err(|error| why(&error))?;
    let Some((mut tasks, not_seen)) = read else {
        return Ok(None);
    };
    let ended = |task: &&mut StoppedTask| task.failed() && task.exit_code().is_some();
    if let Some(task) = tasks.stopped.iter_mut().find(ended)
        && let Ok(defined) = reader.definition().await
    {
        task.last_log = last_log(&Logs::new(&reader.config), defined, task).await;
    }
    Ok(seen(|evidence| {
        evidence.tasks = Some(tasks);
        evidence.not_seen.extend(not_seen);
    }))
}

/// The tasks, and a note if there are more. `None` if there is no such service.
async fn read(client: &Client, settings: &Settings) -> Result<Option<(Tasks, Vec<NotSeen>)>, Error> {
    let tasks = |status| ecs::tasks(client, &settings.cluster, &settings.service, status);
    let (running, stopped) = tokio::join!(tasks(DesiredStatus::Running), tasks(DesiredStatus::Stopped));
    let (Some(running), Some(stopped)) = (running?, stopped?) else {
        return Ok(None);
    };
    let lists = [("some of the running tasks", &running), ("some of the stopped tasks", &stopped)];
    let cut = lists.into_iter().filter(|(_, list)| !list.all).map(|(name, list)| cut(name, list.tasks.len()));
    let not_seen = cut.collect();
    let mut running: Vec<RunningTask> = running.tasks.into_iter().map(running_task).collect();
    running.sort_by(|one, other| (one.started_at, &one.id).cmp(&(other.started_at, &other.id)));
    let mut stopped: Vec<StoppedTask> = stopped.tasks.into_iter().map(stopped_task).collect();
    stopped.sort_by(|one, other| (other.stopped_at, &other.id).cmp(&(one.stopped_at, &one.id)));
    let stopped_in_all = u32::try_from(stopped.len()).unwrap_or(u32::MAX);
    stopped.truncate(STOPPED_KEPT);
    Ok(Some((Tasks { running, stopped, stopped_in_all }, not_seen)))
}

fn running_task(task: types::Task) -> RunningTask {
    let details = task.attachments().iter().flat_map(types::Attachment::details);
    let address = details.into_iter().find(|detail| detail.name() == Some("privateIPv4Address"));
    RunningTask {
        address: address.and_then(|detail| detail.value()).map(str::to_owned),
        id: id(task.task_arn.as_deref()),
        task_definition: task_definition(task.task_definition_arn.as_deref()),
        started_at: time(task.started_at.as_ref()),
        health: task.health_status.map_or_else(|| "UNKNOWN".to_owned(), |health| health.as_str().to_owned()),
    }
}

fn stopped_task(task: types::Task) -> StoppedTask {
    let containers = task.containers.unwrap_or_default().into_iter().map(|container| ContainerEnd {
        name: container.name.unwrap_or_default(),
        exit_code: container.exit_code,
        reason: container.reason.as_deref().map(said),
    });
    StoppedTask {
        id: id(task.task_arn.as_deref()),
        task_definition: task_definition(task.task_definition_arn.as_deref()),
        created_at: time(task.created_at.as_ref()),
        started_at: time(task.started_at.as_ref()),
        stopped_at: time(task.stopped_at.as_ref()),
        stop_code: task.stop_code.map_or_else(String::new, |code| code.as_str().to_owned()),
        reason: said(task.stopped_reason.as_deref().unwrap_or_default()),
        containers: containers.collect(),
        last_log: None,
    }
}

fn id(arn: Option<&str>) -> String {
    last_part(arn.unwrap_or_default()).to_owned()
}

fn task_definition(arn: Option<&str>) -> String {
    revision(arn.unwrap_or_default()).to_owned()
}

fn time(at: Option<&aws_smithy_types::DateTime>) -> Option<Timestamp> {
    at.and_then(timestamp)
}

/// The last line that the failed container of a task wrote. Only a person reads it, so a failure to read it is not
/// reported.
async fn last_log(client: &Logs, defined: &Defined, task: &StoppedTask) -> Option<String> {
    /// The last one may be empty.
    const LINES: i32 = 5;
    let failed =
        task.containers.iter().find(|container| container.exit_code.is_some_and(|code| code != 0))?;
    let log = defined.logs.get(&failed.name)?;
    let answer = client
        .get_log_events()
        .log_group_name(&log.group)
        .log_stream_name(format!("{}/{}/{}", log.prefix, failed.name, task.id))
        .limit(LINES)
        .start_from_head(false)
        .send()
        .await
        .ok()?;
    let events = answer.events.unwrap_or_default();
    let mut lines = events.iter().rev().filter_map(|event| event.message());
    lines.find(|line| !line.trim().is_empty()).map(text::log_line)
}

#[cfg(test)]
mod tests;
