//! What `diagnose` is asked for: everything, one chapter, or what an event is about.

use serde::Deserialize;
use shared::{
    error::Error,
    text,
    trigger::{Alarm, AlarmState, Asked, Kind, Trigger},
};

use crate::{
    chapter::{self, Chapter},
    report::Format,
};

/// Characters of a symptom that is repeated to whoever sent it.
const SYMPTOM: usize = 60;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub chapters: Vec<Chapter>,
    pub format: Format,
    /// A status code whose meaning is asked for.
    pub status: Option<u16>,
}

/// A person's JSON.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    symptom: Option<String>,
    status: Option<u16>,
    format: Option<String>,
}

/// What several triggers ask for, together: one look at the stack answers them all. An alarm that is not in ALARM asks
/// for nothing.
///
/// # Errors
/// A person's request that `diagnose` does not take.
pub fn from_triggers(triggers: &[Trigger]) -> Result<Request, Error> {
    let mut all = Request { chapters: Vec::new(), format: Format::Text, status: None };
    for trigger in triggers {
        let Request { chapters, format, status } = from_trigger(trigger)?;
        all.chapters.extend(chapters);
        all = Request { format, status: all.status.or(status), ..all };
    }
    all.chapters.sort_unstable();
    all.chapters.dedup();
    Ok(all)
}

fn from_trigger(trigger: &Trigger) -> Result<Request, Error> {
    let of =
        |chapters: &[Chapter]| Request { chapters: chapters.to_vec(), format: Format::Text, status: None };
    Ok(match &trigger.kind {
        Kind::Alarm(alarm) if alarm.state == AlarmState::Alarm => of(&of_alarm(alarm)),
        // The alarm is OK, or has no data.
        Kind::Alarm(_) => of(&[]),
        Kind::Ecs(_) => of(&[
            Chapter::ServiceDown,
            Chapter::ApplicationWontStart,
            Chapter::AlbTargetUnhealthy,
            Chapter::HighMemory,
        ]),
        Kind::Pipeline(_) => of(&[Chapter::BuildFailures, Chapter::CloudfrontCache]),
        Kind::Schedule { .. } => of(&Chapter::ALL),
        Kind::Person(asked) | Kind::StepFunctions { asked, .. } => by_hand(asked)?,
    })
}

fn by_hand(asked: &Asked) -> Result<Request, Error> {
    let ByHand { symptom, status, format } = asked.request_without_plan()?;
    let format = match format.as_deref() {
        None | Some("text") => Format::Text,
        Some("markdown") => Format::Markdown,
        Some(other) => {
            return Err(Error::InvalidRequest(format!(
                "`format` is `{other}`, but must be text or markdown"
            )));
        }
    };
    if let Some(status) = status.filter(|status| !(100..=599).contains(status)) {
        return Err(Error::InvalidRequest(format!(
            "`status` is {status}, but must be an HTTP status from 100 to 599"
        )));
    }
    let chapters = match (symptom, status) {
        (None, None) => Chapter::ALL.to_vec(),
        (None, Some(status)) => of_status(status),
        (Some(symptom), None) => of_symptom(&symptom)?,
        (Some(_), Some(_)) => {
            return Err(Error::InvalidRequest(
                "`symptom` and `status` are two questions: send one of them".to_owned(),
            ));
        }
    };
    Ok(Request { chapters, format, status })
}

fn of_symptom(symptom: &str) -> Result<Vec<Chapter>, Error> {
    chapter::named(symptom).map_err(|nearest| {
        let all: Vec<&str> = Chapter::ALL.iter().map(|chapter| chapter.as_str()).collect();
        Error::InvalidRequest(format!(
            "`symptom` is `{}`, which is no heading of the guide; the nearest are {}; there are {}; send {{}} for all",
            text::line(symptom, SYMPTOM),
            nearest.join(", "),
            all.join(", ")
        ))
    })
}

/// The chapters that the guide lists for this code.
fn of_status(status: u16) -> Vec<Chapter> {
    use Chapter::{
        AlbTargetUnhealthy, ApiTimeouts, ApplicationWontStart, AutoScaling, CloudfrontCache, CorsErrors,
        ServiceDown, StatusCode,
    };
    let more: &[Chapter] = match status {
        403 => &[CorsErrors],
        404 => &[CloudfrontCache],
        429 => &[AutoScaling],
        500 => &[ServiceDown],
        502 => &[ServiceDown, ApplicationWontStart, ApiTimeouts],
        503 => &[ServiceDown, ApplicationWontStart, AlbTargetUnhealthy],
        504 => &[ServiceDown, ApiTimeouts],
        _ => &[],
    };
    [&[StatusCode], more].concat()
}

/// The chapters that an alarm is about, by its metric; all of them where nothing fits.
fn of_alarm(alarm: &Alarm) -> Vec<Chapter> {
    use Chapter as C;
    let mut found = Vec::new();
    for metric in &alarm.metrics {
        let chapters: &[C] = match (metric.namespace.as_str(), metric.name.as_str()) {
            ("AWS/ECS", "MemoryUtilization") => &[C::HighMemory, C::ApplicationWontStart],
            ("AWS/ECS", _) => &[C::AutoScaling, C::ApiTimeouts, C::SlowQueries],
            ("AWS/ApplicationELB", "TargetResponseTime") => {
                &[C::ApiTimeouts, C::SlowQueries, C::HighLatency, C::ConnectionPoolExhausted, C::AutoScaling]
            }
            ("AWS/ApplicationELB", "UnHealthyHostCount" | "HealthyHostCount") => {
                &[C::AlbTargetUnhealthy, C::ApplicationWontStart, C::ServiceDown]
            }
            ("AWS/ApplicationELB", _) => &[
                C::ServiceDown,
                C::ApplicationWontStart,
                C::AlbTargetUnhealthy,
                C::ApiTimeouts,
                C::StatusCode,
            ],
            ("AWS/DocDB", "DatabaseConnections" | "DatabaseConnectionsMax") => &[C::ConnectionPoolExhausted],
            ("AWS/DocDB", "DBClusterReplicaLagMaximum" | "DBInstanceReplicaLag") => &[C::ReplicationLag],
            ("AWS/DocDB", "FreeLocalStorage" | "VolumeBytesUsed") => &[C::StorageFull],
            ("AWS/DocDB", _) => {
                &[C::SlowQueries, C::ConnectionPoolExhausted, C::ReplicationLag, C::StorageFull]
            }
            ("AWS/CloudFront", _) => &[C::CloudfrontCache, C::BuildFailures],
            _ => &C::ALL,
        };
        found.extend_from_slice(chapters);
    }
    if found.is_empty() { C::ALL.to_vec() } else { found }
}

#[cfg(test)]
mod tests;
