//! What people and the state machine ask for.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::{
    diagnosis::Diagnosis,
    error::Error,
    text::{PERSON, line},
    trigger::{Asked, Trigger},
};

use crate::incident::{SERVICE_DOWN, Severity};

/// A title has to fit a notice's subject.
const MAX_TITLE: usize = 80;
/// A note is a remark; an item of the ledger holds 400 KB with all that is in it.
const MAX_TEXT: usize = PERSON;
const MAX_NAME: usize = 60;

#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    List,
    Show {
        id: String,
    },
    Open(Open),
    Note {
        id: String,
        text: String,
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
    UpdateStatus(Component),
    /// A kill switch is set.
    Stop(Stop),
    /// A kill switch is lifted, or all of them are.
    Go {
        whom: String,
        by: Option<String>,
    },
    Step(Step),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// `all`, or a function.
    pub whom: String,
    pub reason: Option<String>,
    pub by: Option<String>,
    pub until: Option<Until>,
}

/// When a kill switch ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
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
    /// One incident is open for each. What has none named is a cause of its own by its title.
    #[serde(default)]
    pub cause: Option<String>,
}

fn severity() -> Severity {
    Severity::High
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

/// What the state machine `service-down` tells and asks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// It is there: is the incident its own? Without one, it opens one.
    Take {
        #[serde(default)]
        incident: Option<String>,
    },
    /// This was found: what is to be done?
    Decide { incident: String, diagnosis: Box<Diagnosis> },
    /// This came of a remedy: what now?
    Did { incident: String, function: String, outcome: Value },
    /// Has the remedy been approved?
    Approval { incident: String },
    /// The probe passed, and passed again.
    Recovered { incident: String, probe: String },
    /// It cannot go on.
    HandOver { incident: String, reason: String },
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    list: Option<bool>,
    show: Option<String>,
    #[serde(alias = "create_incident")]
    open: Option<Open>,
    note: Option<String>,
    text: Option<String>,
    acknowledge: Option<String>,
    by: Option<String>,
    take_over: Option<bool>,
    escalate: Option<String>,
    level: Option<u8>,
    resolve: Option<String>,
    update_status: Option<Component>,
    stop: Option<String>,
    until: Option<String>,
    go: Option<String>,
    step: Option<Step>,
}

const WAYS: &str = "send one of {\"list\": true}, {\"show\": \"<id>\"}, {\"open\": {\"title\": \"...\"}}, {\"note\": \"<id>\", \"text\": \"...\"}, {\"acknowledge\": \"<id>\", \"by\": \"...\"}, {\"escalate\": \"<id>\"}, {\"resolve\": \"<id>\"}, {\"update_status\": {\"component\": \"api\", \"status\": \"degraded\", \"message\": \"...\"}}, {\"stop\": \"all\", \"reason\": \"...\", \"by\": \"...\"}, {\"go\": \"all\", \"by\": \"...\"}";

impl Request {
    /// What was asked; `trigger` says whether by a person or by the state machine.
    pub fn new(trigger: &Trigger, asked: &Asked) -> Result<Self, Error> {
        let ByHand {
            list,
            show,
            open,
            note,
            text,
            acknowledge,
            by,
            take_over,
            escalate,
            level,
            resolve,
            update_status,
            stop,
            until,
            go,
            step,
        } = asked.request_without_plan()?;
        let ends = until.as_deref().map(Until::read).transpose()?;
        let wanted = [
            list.map(|_| Self::List),
            show.map(|id| Self::Show { id }),
            open.map(Self::Open),
            note.map(|id| Self::Note { id, text: text.clone().unwrap_or_default(), by: by.clone() }),
            acknowledge.map(|id| Self::Acknowledge {
                id,
                by: by.clone().unwrap_or_default(),
                take_over: take_over.unwrap_or_default(),
            }),
            escalate.map(|id| Self::Escalate { id, level, reason: asked.reason.clone(), by: by.clone() }),
            resolve.map(|id| Self::Resolve { id, reason: asked.reason.clone(), by: by.clone() }),
            update_status.map(Self::UpdateStatus),
            stop.map(|whom| {
                Self::Stop(Stop { whom, reason: asked.reason.clone(), by: by.clone(), until: ends })
            }),
            go.map(|whom| Self::Go { whom, by: by.clone() }),
            step.map(Self::Step),
        ];
        let mut wanted = wanted.into_iter().flatten();
        let first = wanted.next();
        if wanted.next().is_some() {
            return Err(invalid(format!("this asks for several things at once: {WAYS}")));
        }
        let Some(request) = first else {
            let leftovers =
                text.is_some() || by.is_some() || take_over.is_some() || level.is_some() || until.is_some();
            return if leftovers {
                Err(invalid(format!("this does not say what to do: {WAYS}")))
            } else {
                Ok(Self::List)
            };
        };
        for (field, given, fits) in [
            ("text", text.is_some(), matches!(request, Self::Note { .. })),
            (
                "by",
                by.is_some(),
                matches!(
                    request,
                    Self::Acknowledge { .. }
                        | Self::Note { .. }
                        | Self::Escalate { .. }
                        | Self::Resolve { .. }
                        | Self::Stop(_)
                        | Self::Go { .. }
                ),
            ),
            ("until", until.is_some(), matches!(request, Self::Stop(_))),
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
            Self::Open(open) => {
                written("title", &open.title, MAX_TITLE)?;
                may_be_written("assignee", open.assignee.as_deref(), MAX_NAME)?;
                may_be_written("cause", open.cause.as_deref(), MAX_NAME)?;
            }
            Self::Note { id, text, by } => {
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
            Self::UpdateStatus(component) => {
                written("component", &component.component, MAX_NAME)?;
                written("message", &component.message, MAX_TEXT)?;
            }
            Self::Stop(Stop { whom, reason, by, .. }) => {
                written("stop", whom, MAX_NAME)?;
                may_be_written("reason", reason.as_deref(), MAX_TEXT)?;
                may_be_written("by", by.as_deref(), MAX_NAME)?;
            }
            Self::Go { whom, by } => {
                if whom.is_empty() {
                    return Err(invalid(format!("`go` is empty: {WAYS}")));
                }
                may_be_written("by", by.as_deref(), MAX_NAME)?;
            }
            Self::Step(_) if is_by_machine(trigger) => {}
            Self::Step(_) => {
                return Err(invalid(format!("a step is for the state machine service-down; {WAYS}")));
            }
        }
        Ok(self)
    }
}

impl Until {
    /// A time, as in `2026-11-28T22:00:00Z`, or a span, as in `2h`.
    fn read(text: &str) -> Result<Self, Error> {
        text.parse().map(Self::At).or_else(|_| text.parse().map(Self::After)).map_err(|_| {
            invalid(
                "`until` is no time: send one as in \"2026-11-28T22:00:00Z\", or a span as in \"2h\""
                    .to_owned(),
            )
        })
    }
}

impl Open {
    /// The cause, fit for an id: lower-case letters, digits and hyphens.
    pub fn cause(&self) -> String {
        slug(self.cause.as_deref().unwrap_or(&self.title))
    }
}

/// A name fit for an id, whatever was given. Different texts are different names: where letters were lost or cut, a
/// digest of the text stands for them. Only case, blanks and hyphens make no difference.
pub fn slug(text: &str) -> String {
    /// Ids are typed by people, and name an execution: 80 characters at most, with the time before it.
    const MAX_SLUG: usize = 48;
    /// A hyphen and so many hexadecimal digits.
    const DIGEST: usize = 9;
    let is_gap = |c: char| c == '-' || c.is_whitespace();
    let lost = text.chars().any(|c| !c.is_ascii_alphanumeric() && !is_gap(c));
    let letters = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let dashed: String = letters.collect();
    let words: Vec<&str> = dashed.split('-').filter(|word| !word.is_empty()).collect();
    let slug = words.join("-");
    if !lost && !slug.is_empty() && slug.len() <= MAX_SLUG {
        return slug;
    }
    let start: String = slug.chars().take(MAX_SLUG - DIGEST).collect();
    let start = start.trim_end_matches('-');
    let start = if start.is_empty() { "unnamed" } else { start };
    // What is the same but for case and gaps is the same here too.
    let plain: Vec<String> =
        text.split(is_gap).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    format!("{start}-{}", digest(&plain.join(" ")))
}

/// The first hexadecimal digits of a text's digest.
pub fn digest(text: &str) -> String {
    let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(text).into();
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}

/// The title of an incident that the state machine opened by itself.
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
    // What shows nothing says nothing.
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
