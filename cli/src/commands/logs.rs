//! `lendpeak2 logs`

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use aws_sdk_cloudwatchlogs::{Client, types::FilteredLogEvent};
use clap::Args;
use serde_json::json;

use crate::{
    exit::Exit,
    failure::Failure,
    function::Function,
    runbook::Runbook,
    time::{self, Since},
};

const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
/// Lines come late: CloudWatch Logs is read this far back again.
const OVERLAP_MS: i64 = 30_000;

/// Show the backend's log, or a function's, the oldest line first
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How far back: a span (15m) or a time (2026-11-28T22:00:00Z)
    #[arg(long, default_value = "15m", value_name = "SPAN|TIME", value_parser = Since::read)]
    since: Since,
    /// The log of a function of the runbook in place of the backend's
    #[arg(long, value_name = "NAME")]
    function: Option<Function>,
    /// A filter pattern of CloudWatch Logs, as in ERROR
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,
    /// Go on with what comes, until interrupted or for --timeout
    #[arg(long)]
    follow: bool,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let group = match options.function {
        Some(function) => format!("/aws/lambda/{}", runbook.stack.function(function)?),
        None => runbook.stack.parameter("LogGroupName")?.to_owned(),
    };
    let client = Client::new(&runbook.config);
    let mut from = options.since.from(time::now()).as_millisecond();
    let begun = Instant::now();
    // Ids of what was shown and may come again.
    let mut shown = BTreeSet::new();
    let mut is_empty = true;
    loop {
        let latest = read(runbook, &client, &group, options, from, &mut shown).await?;
        is_empty &= latest.is_none();
        let latest = latest.unwrap_or(from);
        let is_over =
            runbook.global.timeout.is_some_and(|patience| begun.elapsed() + BETWEEN_LOOKS > patience);
        if !options.follow || is_over || runbook.screen.is_closed() {
            if is_empty {
                runbook.screen.note(&format!("{group} has nothing of that time"));
            }
            return Ok(Exit::Done);
        }
        from = from.max(latest.saturating_sub(OVERLAP_MS));
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// Shows what is new, and answers how far that goes, if there was anything.
async fn read(
    runbook: &Runbook<'_>,
    client: &Client,
    group: &str,
    options: &Options,
    from: i64,
    shown: &mut BTreeSet<String>,
) -> Result<Option<i64>, Failure> {
    let filter = client.filter_log_events().log_group_name(group).start_time(from);
    let filter = filter.set_filter_pattern(options.filter.clone());
    let mut pages = filter.into_paginator().send();
    let mut latest = None;
    while let Some(page) = pages.next().await {
        let page = page
            .map_err(|error| Failure::aws(format!("read the log {group}"), "logs:FilterLogEvents", &error))?;
        for event in page.events() {
            latest = latest.max(Some(event.timestamp().unwrap_or(from)));
            let id = event.event_id().unwrap_or_default();
            if !options.follow || id.is_empty() || shown.insert(id.to_owned()) {
                let words = if runbook.screen.is_json() { as_json(event) } else { line(event) };
                runbook.screen.answer(&words);
            }
        }
        if runbook.screen.is_closed() {
            break;
        }
    }
    Ok(latest)
}

fn line(event: &FilteredLogEvent) -> String {
    let at = event.timestamp().map(time::of_millis).map(time::full).unwrap_or_default();
    format!("{at} {}", event.message().unwrap_or_default().trim_end())
}

fn as_json(event: &FilteredLogEvent) -> String {
    json!({
        "at": event.timestamp().map(time::of_millis).map(|at| at.to_string()),
        "stream": event.log_stream_name(),
        "message": event.message(),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_time_and_no_empty_one_after_it() {
        let event =
            FilteredLogEvent::builder().timestamp(1_796_119_200_000).message("ERROR: no route\n").build();
        assert_eq!(line(&event), "2026-12-01 10:00:00 ERROR: no route");
    }
}
