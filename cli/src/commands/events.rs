//! `lendpeak2 events`

use std::time::{Duration, Instant};

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Decision},
    commands::history::{is_dry_run, what},
    exit::Exit,
    failure::Failure,
    function::Function,
    runbook::Runbook,
    time::{self, Since},
};

const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// Show what happened: alarms, deployments, the service's own events and what was done, the oldest first
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
    source: Source,
    what: String,
}

/// Whose event it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Alarm,
    Deployment,
    Service,
    Done(Function),
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Deployment => "deployment",
            Self::Service => "service",
            Self::Done(function) => function.name(),
        }
    }
}

pub(crate) async fn run(runbook: &Runbook<'_>, options: &Options) -> Result<Exit, Failure> {
    let mut from = options.since.from(time::now());
    let begun = Instant::now();
    let mut shown: Vec<Event> = Vec::new();
    loop {
        let mut events = alarms(runbook, from).await?;
        events.extend(service(runbook, from).await?);
        events.extend(done(runbook, from).await?);
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
    let as_json = |event: &Event| json!({ "at": event.at.to_string(), "source": event.source.name(), "what": event.what });
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
    format!("{} {:18} {}", time::full(event.at), event.source.name(), event.what.replace('\n', " "))
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
            events.push(Event { at, source: Source::Alarm, what });
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
                    source: Source::Service,
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
                events.push(Event { at, source: Source::Deployment, what: format!("{name}: BEGUN") });
            }
            if let (Some(at), false) = (deployment.updated_at(), state.is_empty()) {
                let at = time::of_millis(at.to_millis().unwrap_or_default());
                let why = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
                events.push(Event { at, source: Source::Deployment, what: format!("{name}{state}{why}") });
            }
        }
    }
    events.retain(|event| event.at >= from);
    Ok(events)
}

/// What the functions did, and what people decided. `history` also has why nothing was done.
async fn done(runbook: &Runbook<'_>, from: Timestamp) -> Result<Vec<Event>, Failure> {
    let ledger = runbook.ledger()?;
    let mut events = Vec::new();
    for function in Function::RECORDED {
        let records = ledger.records(function, &time::key(from)).await?;
        events.extend(records.iter().filter_map(|(_, record)| deed(function, record)));
    }
    events.retain(|event| event.at >= from);
    Ok(events)
}

/// A record of something that happened.
fn deed(function: Function, record: &Value) -> Option<Event> {
    /// What ends a deed, or a plan, is written down as nothing that had to be done.
    const ENDS: [&str; 4] = ["verified", "superseded", "rejected", "approval_expired"];
    let answer = Answer::of(record);
    let happened = match answer.decision {
        Decision::Applied | Decision::Failed | Decision::AwaitingApproval => true,
        Decision::NothingToDo => ENDS.contains(&answer.code.as_str()),
        _ => false,
    };
    let at = answer.at.parse().ok().filter(|_| happened && !is_dry_run(record))?;
    Some(Event { at, source: Source::Done(function), what: what(&answer) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_deed(record: &Value, expected: Option<&str>) {
        let mut of = json!({ "at": "2026-12-01T10:00:00.5Z", "summary": "backend: release :2 → :1" });
        of.as_object_mut().unwrap().extend(record.as_object().unwrap().clone());
        let deed = deed(Function::Rollback, &of);
        assert_eq!(deed.as_ref().map(|deed| deed.what.as_str()), expected, "{record}");
    }

    #[test]
    fn what_was_done_decided_or_asked_is_an_event_and_what_was_only_looked_at_is_not() {
        let (done, nothing) = (Some("backend: release :2 → :1"), None);
        for decision in ["applied", "failed", "awaiting_approval"] {
            check_deed(&json!({ "decision": decision, "code": "applied" }), done);
        }
        for decision in ["observed", "refused", "listed", "replayed", "nothing_to_do"] {
            check_deed(&json!({ "decision": decision, "code": "steady" }), nothing);
        }
        for end in ["verified", "superseded", "rejected", "approval_expired"] {
            check_deed(&json!({ "decision": "nothing_to_do", "code": end }), done);
        }
        let dry = json!({ "decision": "applied", "trigger": { "kind": { "person": { "dry_run": true } } } });
        check_deed(&dry, nothing);
        check_deed(&json!({ "decision": "applied", "at": "" }), nothing);
    }

    #[test]
    fn an_event_is_a_line() {
        let at = "2026-12-01T10:00:00Z".parse().unwrap();
        let event =
            Event { at, source: Source::Alarm, what: "cpu: Alarm updated\nfrom OK to ALARM".to_owned() };
        assert_eq!(
            line(&event),
            "2026-12-01 10:00:00 alarm              cpu: Alarm updated from OK to ALARM"
        );
    }
}
