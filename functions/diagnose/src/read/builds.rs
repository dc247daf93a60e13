//! The front end's last builds, and what the log of one that failed says.

use aws_sdk_codebuild::{
    Client,
    types::{Build as Described, BuildPhase, LogsLocation, SortOrderType},
};
use shared::{aws, text};

use super::{Reader, Seen, Why, seen, timestamp, why};
use crate::evidence::Build;

const NEWEST: usize = 5;
/// Lines of the log's end that are looked through.
const LOG_LINES: i32 = 200;
const ERROR_LINES: usize = 10;

pub(super) async fn builds(reader: &Reader) -> Result<Option<Seen>, Why> {
    let Some(project) = reader.settings.build_project.as_deref() else {
        return Ok(None);
    };
    let client = Client::new(&reader.config);
    let listed = client.list_builds_for_project().project_name(project).sort_order(SortOrderType::Descending);
    let listed =
        listed.send().await.map_err(|error| why(&aws::failed("list the builds of", project, &error)))?;
    let ids: Vec<String> = listed.ids.unwrap_or_default().into_iter().take(NEWEST).collect();
    if ids.is_empty() {
        return Ok(seen(|evidence| evidence.builds = Some(Vec::new())));
    }
    let described = client.batch_get_builds().set_ids(Some(ids)).send().await;
    let described =
        described.map_err(|error| why(&aws::failed("describe the builds of", project, &error)))?;
    let mut described = described.builds.unwrap_or_default();
    described.sort_by_key(|build| std::cmp::Reverse(build.start_time.as_ref().and_then(timestamp)));
    let logs = described.iter().find(|build| build.end_time.is_some()).filter(|build| failed(build));
    let errors = match logs.and_then(|build| Some((build.id.clone()?, build.logs.clone()?))) {
        Some((id, logs)) => Some((id, errors(reader, &logs).await)),
        None => None,
    };
    let mut builds: Vec<Build> = described.into_iter().map(build).collect();
    if let Some((id, errors)) = errors
        && let Some(build) = builds.iter_mut().find(|build| build.id == id)
    {
        build.errors = errors;
    }
    Ok(seen(move |evidence| evidence.builds = Some(builds)))
}

fn failed(build: &Described) -> bool {
    build.build_status().is_some_and(|status| ["FAILED", "FAULT", "TIMED_OUT"].contains(&status.as_str()))
}

fn build(build: Described) -> Build {
    let failed = build.phases().iter().find(|phase| {
        phase.phase_status().is_some_and(|status| ["FAILED", "FAULT", "TIMED_OUT"].contains(&status.as_str()))
    });
    let phase = failed
        .and_then(|phase| phase.phase_type())
        .map_or_else(String::new, |phase| phase.as_str().to_owned());
    let contexts = failed.map(BuildPhase::contexts).unwrap_or_default();
    let reason: Vec<String> =
        contexts.iter().filter_map(|context| context.message()).map(text::log_line).collect();
    Build {
        status: build.build_status().map_or_else(String::new, |status| status.as_str().to_owned()),
        phase,
        reason: reason.join("; "),
        started_at: build.start_time.as_ref().and_then(timestamp),
        ended_at: build.end_time.as_ref().and_then(timestamp),
        id: build.id.unwrap_or_default(),
        errors: Vec::new(),
    }
}

/// The log's last lines with errors. Without a log there are none, but the build is reported all the same.
async fn errors(reader: &Reader, logs: &LogsLocation) -> Vec<String> {
    let (Some(group), Some(stream)) = (logs.group_name(), logs.stream_name()) else {
        return Vec::new();
    };
    let client = aws_sdk_cloudwatchlogs::Client::new(&reader.config);
    let read =
        client.get_log_events().log_group_name(group).log_stream_name(stream).limit(LOG_LINES).send().await;
    let events = match read {
        Ok(events) => events.events.unwrap_or_default(),
        Err(error) => {
            let error = aws::failed("read the log of the build in", group, &error);
            tracing::warn!(error = why(&error), "the build's errors are not known");
            return Vec::new();
        }
    };
    let mut lines: Vec<String> = events
        .iter()
        .filter_map(|event| event.message())
        .filter(|line| tells(line))
        .map(text::log_line)
        .collect();
    lines.dedup();
    lines.split_off(lines.len().saturating_sub(ERROR_LINES))
}

fn tells(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    [
        "error",
        "err!",
        "cannot find",
        "not found",
        "out of memory",
        "vulnerabilit",
        "failed",
        "toomanyrequests",
        "too many requests",
        "rate limit",
    ]
    .iter()
    .any(|word| line.contains(word))
}
