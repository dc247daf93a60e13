//! What is asked of `cache-invalidation`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    code,
    error::Error,
    outcome::{Next, Stop},
    trigger::{Alarm, Kind, PipelineEvent, PipelineService, Trigger},
};

use crate::{codes, paths::Paths, settings::Settings};

/// What an invalidation can cure.
pub(crate) const CACHE_METRICS: [&str; 3] = ["4xxErrorRate", "403ErrorRate", "404ErrorRate"];

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    pub goal: Goal,
    pub source: Source,
    /// The same for every delivery of the event that asks.
    pub event: String,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    Invalidate(Paths),
    /// How this invalidation stands.
    Status(String),
    /// Sends what had to wait, and looks whether what was sent has come to its end.
    LookAfter,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Alarm(Alarm),
    Deployment(PipelineEvent),
    Person,
    Schedule,
}

/// A person's JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    paths: Option<Vec<String>>,
    status: Option<String>,
}

pub(crate) fn from_trigger(trigger: &Trigger, settings: &Settings) -> Result<Request, Error> {
    let everything = || Goal::Invalidate(Paths::all());
    let (goal, source) = match &trigger.kind {
        Kind::Alarm(alarm) => (everything(), Source::Alarm(alarm.clone())),
        Kind::Pipeline(event) => (everything(), Source::Deployment(event.clone())),
        Kind::Schedule { .. } => (Goal::LookAfter, Source::Schedule),
        Kind::Ecs(event) => {
            return Err(Error::InvalidRequest(format!(
                "cache-invalidation is not woken by `{}`: send it finished builds or pipeline runs, alarms, a \
                 schedule or a request by hand",
                event.detail_type
            )));
        }
        Kind::Person(asked) | Kind::StepFunctions { asked, .. } => {
            let goal = match asked.request()? {
                ByHand { paths: Some(_), status: Some(_) } => {
                    return Err(Error::InvalidRequest(
                        "send either `paths` or `status`, not both".to_owned(),
                    ));
                }
                ByHand { paths: Some(paths), status: None } => Goal::Invalidate(
                    Paths::of(&paths, settings.own_host(), settings.limits)
                        .map_err(|bad| Error::InvalidRequest(bad.to_string()))?,
                ),
                ByHand { paths: None, status: Some(id) } => Goal::Status(invalidation_id(id)?),
                ByHand { paths: None, status: None } => everything(),
            };
            (goal, Source::Person)
        }
    };
    Ok(Request { goal, source, event: trigger.id.clone(), at: trigger.at })
}

fn invalidation_id(id: String) -> Result<String, Error> {
    const MAX_LENGTH: usize = 64;
    if !id.is_empty() && id.len() <= MAX_LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(id);
    }
    Err(Error::InvalidRequest("`status` must be the id of an invalidation, as in I1234567890ABC".to_owned()))
}

/// The distribution, if the settings allow the one who asks and an invalidation can help.
pub(crate) fn target(request: &Request, settings: &Settings) -> Result<String, Stop> {
    match &request.source {
        Source::Alarm(alarm) => check_alarm(alarm, settings)?,
        Source::Deployment(event) => check_deployment(event, settings)?,
        Source::Person | Source::Schedule => {}
    }
    Ok(match &request.goal {
        // A status question does not wait for a running invalidation.
        Goal::Status(id) => format!("{}/invalidation/{id}", settings.target()),
        Goal::Invalidate(_) | Goal::LookAfter => settings.target(),
    })
}

fn check_alarm(alarm: &Alarm, settings: &Settings) -> Result<(), Stop> {
    let wire_to = || Next::devops("correct which alarms call cache-invalidation, in template.yaml");
    let watched: Vec<&str> = alarm.metrics.iter().map(|metric| metric.name.as_str()).collect();
    // A composite alarm has no metrics: trust its wiring.
    let helps = |metric: &shared::trigger::Metric| {
        metric.namespace == "AWS/CloudFront" && CACHE_METRICS.contains(&metric.name.as_str())
    };
    if !watched.is_empty() && !alarm.metrics.iter().any(helps) {
        let reason =
            format!("alarm {} watches {}, which no invalidation helps", alarm.name, watched.join(" and "));
        return Err(Stop::refused(&codes::NOT_A_CACHE_ALARM, reason).next(wire_to()));
    }
    match alarm.dimension("DistributionId") {
        Some(other) if other != settings.distribution => {
            let reason =
                format!("alarm {} is about distribution {other}, not {}", alarm.name, settings.distribution);
            Err(Stop::refused(&code::NOT_ALLOWED, reason).next(wire_to()))
        }
        _ => Ok(()),
    }
}

fn check_deployment(event: &PipelineEvent, settings: &Settings) -> Result<(), Stop> {
    let (what, expected) = match event.service {
        PipelineService::CodeBuild => ("build project", &settings.build_project),
        PipelineService::CodePipeline => ("pipeline", &settings.pipeline),
    };
    if expected.as_ref() != Some(&event.name) {
        let expected =
            expected.as_ref().map_or_else(|| format!("no {what} does"), |name| format!("{name} does"));
        let reason = format!("{what} {} does not deploy this front end: {expected}", event.name);
        return Err(Stop::refused(&code::NOT_ALLOWED, reason).next(Next::devops(
            "correct which builds and pipelines call cache-invalidation, in template.yaml",
        )));
    }
    if event.state != "SUCCEEDED" {
        let reason = format!("{what} {} is {}: nothing new is deployed", event.name, event.state);
        return Err(Stop::nothing_to_do(&codes::NOT_DEPLOYED, reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
