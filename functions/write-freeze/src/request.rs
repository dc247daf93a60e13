//! What is asked of `write-freeze`.

use serde::{Deserialize, Serialize};
use shared::{
    error::Error,
    outcome::Stop,
    trigger::{Alarm, Kind, Trigger},
};

use crate::settings::Settings;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    pub goal: Goal,
    pub because: Because,
    /// The topic that brought an alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// No writes.
    On,
    /// Writes again.
    Off,
    /// See how the last change went, and make the one that had to wait.
    LookAfter,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    Alarm(Alarm),
    /// In words.
    Person(String),
    /// In words.
    Machine(String),
    Schedule,
}

impl Because {
    /// For the record, and for people who wonder why nothing can be written.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Alarm(alarm) => format!("alarm {} rang", alarm.name),
            Self::Person(words) | Self::Machine(words) => words.clone(),
            Self::Schedule => "the schedule asks".to_owned(),
        }
    }
}

/// A person's JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    state: Option<String>,
}

pub(crate) fn from_trigger(trigger: &Trigger) -> Result<Request, Error> {
    let not_woken_by = |what: &str| {
        Error::InvalidRequest(format!(
            "write-freeze is not woken by {what}: send it alarms on the data's integrity, a schedule or a request by \
             hand"
        ))
    };
    let (goal, because) = match &trigger.kind {
        // Which alarms tell of corrupt data, only the stack's owner knows: whatever is wired here counts.
        Kind::Alarm(alarm) => (Goal::On, Because::Alarm(alarm.clone())),
        Kind::Schedule { .. } => (Goal::LookAfter, Because::Schedule),
        Kind::Ecs(event) => return Err(not_woken_by(&format!("`{}`", event.detail_type))),
        Kind::Pipeline(_) => return Err(not_woken_by("builds and pipelines")),
        Kind::Person(asked) | Kind::StepFunctions { asked, .. } => {
            let ByHand { state } = asked.request()?;
            // A stored plan has its own request.
            let goal = if asked.decides() { Goal::On } else { parse_state(state.as_deref())? };
            match &trigger.kind {
                Kind::StepFunctions { .. } => (goal, Because::Machine(trigger.words())),
                _ => (goal, Because::Person(trigger.words())),
            }
        }
    };
    Ok(Request { goal, because, topic: trigger.origin.topic.clone() })
}

/// The service, if the caller may change it.
pub(crate) fn target(request: &Request, settings: &Settings) -> Result<String, Stop> {
    if let Because::Alarm(alarm) = &request.because {
        settings.stack.is_wired(alarm, request.topic.as_deref()).map_err(|why| why.stop(crate::FUNCTION))?;
    }
    Ok(settings.target())
}

fn parse_state(state: Option<&str>) -> Result<Goal, Error> {
    let problem = match state {
        Some("on") => return Ok(Goal::On),
        Some("off") => return Ok(Goal::Off),
        Some(other) => format!("`state` is `{other}`"),
        None => "`state` is missing".to_owned(),
    };
    Err(Error::InvalidRequest(format!(
        "{problem}: send {{\"state\": \"on\", \"reason\": \"…\"}} to stop writes, or {{\"state\": \"off\"}} to let them \
         through again"
    )))
}

#[cfg(test)]
mod tests;
