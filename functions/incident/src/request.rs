//! The requests of people and of the state machine.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Value;
use shared::{
    diagnosis::Diagnosis,
    error::Error,
    text::{PERSON, line},
    trigger::{Asked, Trigger},
};

use crate::{
    incident::{SERVICE_DOWN, Severity},
    slug::slug,
};

/// A title has to fit the subject of a notice.
const MAX_TITLE: usize = 80;
/// A note is a remark. An item of the ledger holds 400 KB in all.
const MAX_TEXT: usize = PERSON;
const MAX_NAME: usize = 60;
/// As far back as records are kept.
const MAX_DAYS: i64 = 400;
/// The days of a report, unless it says otherwise.
pub const WEEK: u16 = 7;

#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    List,
    Show {
        id: String,
    },
    Report(Report),
    Open(Open),
    Note {
        id: String,
        text: String,
        /// Whether it is for customers, on the status page.
        public: bool,
        by: Option<String>,
    },
    Acknowledge {
        id: String,
        by: String,
        take_over: bool,
    },
    Escalate {
        id: String,
        level: Option<u8>,
        reason: Option<String>,
        by: Option<String>,
    },
    Resolve {
        id: String,
        reason: Option<String>,
        by: Option<String>,
    },
    UpdateStatus {
        component: Component,
        until: Option<When>,
        by: Option<String>,
    },
    /// Announce work.
    Maintenance {
        maintenance: Maintenance,
        by: String,
    },
    /// End announced work, or call it off.
    EndMaintenance {
        id: String,
        by: String,
    },
    /// Set a kill switch.
    Stop(Stop),
    /// Lift one kill switch, or all of them.
    Go {
        name: String,
        by: Option<String>,
    },
    Step(Step),
}

/// The report of the last days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    #[serde(default = "week")]
    pub days: i64,
}

fn week() -> i64 {
    i64::from(WEEK)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// `all`, or a function.
    pub name: String,
    pub reason: Option<String>,
    pub by: Option<String>,
    pub until: Option<When>,
}

/// When a kill switch lifts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    At(Timestamp),
    After(SignedDuration),
}

/// The guide's `create-incident`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    pub title: String,
    #[serde(default = "severity")]
    pub severity: Severity,
    #[serde(default)]
    pub assignee: Option<String>,
    /// Only one incident is open for each cause. Without one, the title is the cause.
    #[serde(default)]
    pub cause: Option<String>,
}

fn severity() -> Severity {
    Severity::High
}

/// Announced work, in words that customers read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    pub title: String,
    #[serde(default)]
    pub text: Option<String>,
    /// Empty means all.
    #[serde(default)]
    pub components: Vec<String>,
    /// Now, unless it says otherwise.
    #[serde(default)]
    pub from: Option<When>,
    /// A time, or a span from its beginning.
    pub until: When,
}

/// The guide's `update-status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub component: String,
    pub status: ComponentStatus,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentStatus {
    Operational,
    Degraded,
    Down,
    Maintenance,
}

impl ComponentStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Maintenance => "maintenance",
        }
    }
}

/// What the state machine `service-down` reports and asks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// The execution has begun. Is the incident its own? Without an id, one is opened.
    Take {
        #[serde(default)]
        incident: Option<String>,
    },
    /// `diagnose` has answered. What is to be done?
    Decide { incident: String, diagnosis: Box<Diagnosis> },
    /// A remedy has answered. What comes next?
    Did { incident: String, function: String, outcome: Value },
    /// Has a person approved the remedy's plan?
    Approval { incident: String },
    /// The probe passed twice.
    Recovered { incident: String, probe: String },
    /// The state machine cannot go on.
    HandOver { incident: String, reason: String },
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    list: Option<bool>,
    show: Option<String>,
    report: Option<Report>,
    #[serde(alias = "create_incident")]
    open: Option<Open>,
    note: Option<String>,
    text: Option<String>,
    public: Option<bool>,
    acknowledge: Option<String>,
    by: Option<String>,
    take_over: Option<bool>,
    escalate: Option<String>,
    level: Option<u8>,
    resolve: Option<String>,
    update_status: Option<Component>,
    maintenance: Option<Maintenance>,
    end_maintenance: Option<String>,
    stop: Option<String>,
    until: Option<String>,
    go: Option<String>,
    step: Option<Step>,
}

const WAYS: &str = "send one of {\"list\": true}, {\"show\": \"<id>\"}, {\"report\": {\"days\": 7}}, {\"open\": {\"title\": \"...\"}}, {\"note\": \"<id>\", \"text\": \"...\"}, {\"acknowledge\": \"<id>\", \"by\": \"...\"}, {\"escalate\": \"<id>\"}, {\"resolve\": \"<id>\"}, {\"update_status\": {\"component\": \"api\", \"status\": \"degraded\", \"message\": \"...\"}}, {\"maintenance\": {\"title\": \"...\", \"until\": \"2h\"}, \"by\": \"...\"}, {\"end_maintenance\": \"<id>\", \"by\": \"...\"}, {\"stop\": \"all\", \"reason\": \"...\", \"by\": \"...\"}, {\"go\": \"all\", \"by\": \"...\"}";

impl Request {
    /// Whether it changes nothing, whatever there is.
    pub fn only_looks(&self) -> bool {
        matches!(self, Self::List | Self::Show { .. } | Self::Report(_))
    }

    /// What was asked; `trigger` says whether by a person or by the state machine.
    pub fn new(trigger: &Trigger, asked: &Asked) -> Result<Self, Error> {
        let ByHand {
            list,
            show,
            report,
            open,
            note,
            text,
            acknowledge,
            by,
            take_over,
            escalate,
            level,
            resolve,
            public,
            update_status,
            maintenance,
            end_maintenance,
            stop,
            until,
            go,
            step,
        } = asked.request_without_plan()?;
        let ends = until.as_deref().map(When::read).transpose()?;
        let wanted = [
            list.map(|_| Self::List),
            show.map(|id| Self::Show { id }),
            report.map(Self::Report),
            open.map(Self::Open),
            note.map(|id| Self::Note {
                id,
                text: text.clone().unwrap_or_default(),
                public: public.unwrap_or_default(),
                by: by.clone(),
            }),
            acknowledge.map(|id| Self::Acknowledge {
                id,
                by: by.clone().unwrap_or_default(),
                take_over: take_over.unwrap_or_default(),
            }),
            escalate.map(|id| Self::Escalate { id, level, reason: asked.reason.clone(), by: by.clone() }),
            resolve.map(|id| Self::Resolve { id, reason: asked.reason.clone(), by: by.clone() }),
            update_status.map(|component| Self::UpdateStatus { component, until: ends, by: by.clone() }),
            maintenance
                .map(|maintenance| Self::Maintenance { maintenance, by: by.clone().unwrap_or_default() }),
            end_maintenance.map(|id| Self::EndMaintenance { id, by: by.clone().unwrap_or_default() }),
            stop.map(|name| {
                Self::Stop(Stop { name, reason: asked.reason.clone(), by: by.clone(), until: ends })
            }),
            go.map(|name| Self::Go { name, by: by.clone() }),
            step.map(Self::Step),
        ];
        let mut wanted = wanted.into_iter().flatten();
        let first = wanted.next();
        if wanted.next().is_some() {
            return Err(invalid(format!("this asks for several things at once: {WAYS}")));
        }
        let Some(request) = first else {
            let leftovers = text.is_some()
                || public.is_some()
                || by.is_some()
                || take_over.is_some()
                || level.is_some()
                || until.is_some();
            return if leftovers {
                Err(invalid(format!("this request does not say what to do: {WAYS}")))
            } else {
                Ok(Self::List)
            };
        };
        for (field, given, fits) in [
            ("text", text.is_some(), matches!(request, Self::Note { .. })),
            ("public", public.is_some(), matches!(request, Self::Note { .. })),
            (
                "by",
                by.is_some(),
                matches!(
                    request,
                    Self::Acknowledge { .. }
                        | Self::Note { .. }
                        | Self::Escalate { .. }
                        | Self::Resolve { .. }
                        | Self::UpdateStatus { .. }
                        | Self::Maintenance { .. }
                        | Self::EndMaintenance { .. }
                        | Self::Stop(_)
                        | Self::Go { .. }
                ),
            ),
            ("until", until.is_some(), matches!(request, Self::Stop(_) | Self::UpdateStatus { .. })),
            ("take_over", take_over.is_some(), matches!(request, Self::Acknowledge { .. })),
            ("level", level.is_some(), matches!(request, Self::Escalate { .. })),
        ] {
            if given && !fits {
                return Err(invalid(format!("`{field}` does not belong to this request: {WAYS}")));
            }
        }
        request.checked(trigger)
    }

    fn checked(self, trigger: &Trigger) -> Result<Self, Error> {
        match &self {
            Self::List => {}
            Self::Show { id } => written("show", id, MAX_NAME)?,
            Self::Report(Report { days }) if (1..=MAX_DAYS).contains(days) => {}
            Self::Report(Report { days }) => {
                return Err(invalid(format!("`report.days` is {days}, but must be from 1 to {MAX_DAYS}")));
            }
            Self::Open(open) => {
                written("title", &open.title, MAX_TITLE)?;
                may_be_written("assignee", open.assignee.as_deref(), MAX_NAME)?;
                may_be_written("cause", open.cause.as_deref(), MAX_NAME)?;
            }
            Self::Note { id, text, by, .. } => {
                written("note", id, MAX_NAME)?;
                written("text", text, MAX_TEXT)?;
                may_be_written("by", by.as_deref(), MAX_NAME)?;
            }
            Self::Acknowledge { id, by, .. } => {
                written("acknowledge", id, MAX_NAME)?;
                written("by", by, MAX_NAME)?;
            }
            Self::Escalate { id, level, reason, by } => {
                may_be_written("by", by.as_deref(), MAX_NAME)?;
                written("escalate", id, MAX_NAME)?;
                if let Some(level) = level.filter(|level| !(1..=3).contains(level)) {
                    return Err(invalid(format!(
                        "`level` is {level}, but must be 1 (development), 2 (DevOps) or 3 (AWS support)"
                    )));
                }
                may_be_written("reason", reason.as_deref(), MAX_TEXT)?;
            }
            Self::Resolve { id, reason, by } => {
                may_be_written("by", by.as_deref(), MAX_NAME)?;
                written("resolve", id, MAX_NAME)?;
                may_be_written("reason", reason.as_deref(), MAX_TEXT)?;
            }
            Self::UpdateStatus { component, by, .. } => {
                written("component", &component.component, MAX_NAME)?;
                written("message", &component.message, MAX_TEXT)?;
                may_be_written("by", by.as_deref(), MAX_NAME)?;
            }
            Self::Maintenance { maintenance, by } => {
                written("title", &maintenance.title, MAX_TITLE)?;
                may_be_written("text", maintenance.text.as_deref(), MAX_TEXT)?;
                written("by", by, MAX_NAME)?;
            }
            Self::EndMaintenance { id, by } => {
                written("end_maintenance", id, MAX_NAME)?;
                written("by", by, MAX_NAME)?;
            }
            Self::Stop(Stop { name, reason, by, .. }) => {
                written("stop", name, MAX_NAME)?;
                may_be_written("reason", reason.as_deref(), MAX_TEXT)?;
                may_be_written("by", by.as_deref(), MAX_NAME)?;
            }
            Self::Go { name, by } => {
                if name.is_empty() {
                    return Err(invalid(format!("`go` is empty: {WAYS}")));
                }
                may_be_written("by", by.as_deref(), MAX_NAME)?;
            }
            Self::Step(_) if is_by_machine(trigger) => {}
            Self::Step(_) => {
                return Err(invalid(format!("only the state machine service-down sends `step`: {WAYS}")));
            }
        }
        Ok(self)
    }
}

const NEITHER: &str =
    "neither a time nor a span: send a time as in \"2026-11-28T22:00:00Z\", or a span as in \"2h\"";

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(NEITHER))
    }
}

impl When {
    /// A time, as in `2026-11-28T22:00:00Z`, or a span, as in `2h`.
    fn read(text: &str) -> Result<Self, Error> {
        Self::parse(text).ok_or_else(|| invalid(format!("`until` is {NEITHER}")))
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().map(Self::At).or_else(|_| text.parse().map(Self::After)).ok()
    }

    /// The time that is meant, where a span begins at `start`.
    pub fn after(self, start: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::After(span) => start.checked_add(span).unwrap_or(Timestamp::MAX),
        }
    }
}

impl Open {
    /// The cause as lower-case letters, digits and hyphens, fit for an id. `service_down` is `service-down`: causes are
    /// written either way.
    pub fn cause(&self) -> String {
        match &self.cause {
            Some(cause) => slug(&cause.replace('_', "-")),
            None => slug(&self.title),
        }
    }
}

/// The incident of an execution that a person started without one.
pub fn by_hand() -> Open {
    Open {
        title: "Service down, reported by hand".to_owned(),
        severity: Severity::High,
        assignee: None,
        cause: Some(SERVICE_DOWN.to_owned()),
    }
}

fn is_by_machine(trigger: &Trigger) -> bool {
    matches!(trigger.kind, shared::trigger::Kind::StepFunctions { .. })
}

fn written(field: &str, text: &str, most: usize) -> Result<(), Error> {
    let length = text.chars().count();
    // A text of blanks and control characters alone shows nothing.
    if line(text, most).is_empty() {
        return Err(invalid(format!("`{field}` is missing or empty: {WAYS}")));
    }
    if length > most {
        return Err(invalid(format!("`{field}` has {length} characters; send at most {most}")));
    }
    Ok(())
}

fn may_be_written(field: &str, text: Option<&str>, most: usize) -> Result<(), Error> {
    text.map_or(Ok(()), |text| written(field, text, most))
}

fn invalid(message: String) -> Error {
    Error::InvalidRequest(message)
}

#[cfg(test)]
mod tests;
