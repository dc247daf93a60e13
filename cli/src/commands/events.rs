//! `lendpeak2 events`

use std::time::{Duration, Instant};

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    failure::Failure,
    runbook::Runbook,
    time::{self, Since},
};

const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// Show what happened at AWS: alarms, deployments and the service's own events, the oldest first
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How far back: a span (2h) or a time (2026-11-28T22:00:00Z)
    #[arg(long, default_value = "3h", value_name = "SPAN|TIME", value_parser = Since::read)]
    since: Since,
    /// Go on with what comes, until interrupted or for --timeout
    #[arg(long)]
    follow: bool,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: Timestamp,
    source: &'static str,
    what: String,
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let mut from = options.since.from(time::now());
    let begun = Instant::now();
    let mut shown: Vec<Event> = Vec::new();
    loop {
        let mut events = alarms(runbook, from).await?;
        events.extend(service(runbook, from).await?);
        events.sort();
        events.dedup();
        events.retain(|event| !shown.contains(event));
        show(runbook, &events, options.follow, shown.is_empty());
        let is_over =
            runbook.global.timeout.is_some_and(|patience| begun.elapsed() + BETWEEN_LOOKS > patience);
        if !options.follow || is_over || runbook.screen.is_closed() {
            return Ok(Exit::Done);
        }
        shown.extend(events);
        // AWS tells some things late: a minute is read again.
        from = from.max(time::now().checked_sub(Duration::from_mins(1)).unwrap_or(from));
        shown.retain(|event| event.at >= from);
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

fn show(runbook: &Runbook<'_>, events: &[Event], follow: bool, first: bool) {
    let screen = runbook.screen;
    let as_json =
        |event: &Event| json!({ "at": event.at.to_string(), "source": event.source, "what": event.what });
    match (screen.is_json(), follow) {
        (true, false) => screen.json(&Value::Array(events.iter().map(as_json).collect())),
        (true, true) => events.iter().for_each(|event| screen.answer(&as_json(event).to_string())),
        (false, _) if events.is_empty() && first && !follow => {
            screen.answer("Nothing happened in that time.");
        }
        (false, _) => events.iter().for_each(|event| screen.answer(&line(event))),
    }
}

fn line(event: &Event) -> String {
    format!("{} {:10} {}", time::full(event.at), event.source, event.what.replace('\n', " "))
}

/// The alarms of this environment, and what became of each.
async fn alarms(runbook: &Runbook<'_>, from: Timestamp) -> Result<Vec<Event>, Failure> {
    use aws_sdk_cloudwatch::{
        Client,
        primitives::DateTime,
        types::{AlarmType, HistoryItemType, ScanBy},
    };
    let prefix = format!("lendpeak2-{}-", runbook.stack.environment);
    let client = Client::new(&runbook.config);
    let read = client
        .describe_alarm_history()
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .history_item_type(HistoryItemType::StateUpdate)
        .start_date(DateTime::from_secs(from.as_second()))
        .end_date(DateTime::from_secs(time::now().as_second().saturating_add(1)))
        .scan_by(ScanBy::TimestampDescending);
    let mut pages = read.into_paginator().items().send();
    let mut events = Vec::new();
    while let Some(item) = pages.next().await {
        let item = item.map_err(|error| {
            Failure::aws("read what alarms did", "cloudwatch:DescribeAlarmHistory", &error)
        })?;
        let (Some(name), Some(at)) = (item.alarm_name(), item.timestamp()) else { continue };
        if !name.starts_with(&prefix) {
            continue;
        }
        let at = time::of_millis(at.to_millis().unwrap_or_default());
        if at >= from {
            let what = format!("{name}: {}", item.history_summary().unwrap_or_default());
            events.push(Event { at, source: "alarm", what });
        }
    }
    Ok(events)
}

/// The service's deployments, and what ECS says of it.
async fn service(runbook: &Runbook<'_>, from: Timestamp) -> Result<Vec<Event>, Failure> {
    let (cluster, service) =
        (runbook.stack.parameter("ClusterName")?, runbook.stack.parameter("ServiceName")?);
    let client = aws_sdk_ecs::Client::new(&runbook.config);
    let described =
        client.describe_services().cluster(cluster).services(service).send().await.map_err(|error| {
            Failure::aws(format!("read what service {service} did"), "ecs:DescribeServices", &error)
        })?;
    let mut events = Vec::new();
    for service in described.services() {
        for event in service.events() {
            if let Some(at) = event.created_at() {
                let what = event.message().unwrap_or_default().to_owned();
                events.push(Event {
                    at: time::of_millis(at.to_millis().unwrap_or_default()),
                    source: "service",
                    what,
                });
            }
        }
        for deployment in service.deployments() {
            let name = deployment.task_definition().unwrap_or_default();
            let name = name.rsplit('/').next().unwrap_or_default();
            let reason = deployment.rollout_state_reason().unwrap_or_default();
            let state =
                deployment.rollout_state().map_or(String::new(), |state| format!(": {}", state.as_str()));
            if let Some(at) = deployment.created_at() {
                let at = time::of_millis(at.to_millis().unwrap_or_default());
                events.push(Event { at, source: "deployment", what: format!("{name}: BEGUN") });
            }
            if let (Some(at), false) = (deployment.updated_at(), state.is_empty()) {
                let at = time::of_millis(at.to_millis().unwrap_or_default());
                let why = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
                events.push(Event { at, source: "deployment", what: format!("{name}{state}{why}") });
            }
        }
    }
    events.retain(|event| event.at >= from);
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line() {
        let at = "2026-12-01T10:00:00Z".parse().unwrap();
        let event = Event { at, source: "alarm", what: "cpu: Alarm updated\nfrom OK to ALARM".to_owned() };
        assert_eq!(line(&event), "2026-12-01 10:00:00 alarm      cpu: Alarm updated from OK to ALARM");
    }
}
