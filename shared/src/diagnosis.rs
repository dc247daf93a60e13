//! What `diagnose` answers and `incident` reads: causes, what shows each of them, and what to do.
//!
//! What is read may be of another version. A field that is not known is left out. One that is missing is empty, but for
//! those that a cause has always had.

mod chapter;

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub use chapter::Chapter;

use crate::{
    decision::Next,
    lenient::{if_known, or_default},
    status::{Advice, Level, advice},
};

/// Grows when a field changes its meaning or goes.
pub const VERSION: u32 = 1;

/// The whole answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Diagnosis {
    /// One sentence.
    pub summary: String,
    /// What to do about the first cause, as every function says it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "if_known")]
    pub next: Option<Next>,
    /// Whether nothing was found in what could be read.
    pub nothing_found: bool,
    /// What a person reads, line by line; Markdown where that was asked for. The state machine hands it on as one text.
    #[serde(deserialize_with = "lines")]
    pub text: Vec<String>,
    /// Causes, the first the one to look at.
    pub findings: Vec<Finding>,
    /// What changed in the last hours, the oldest first.
    #[serde(deserialize_with = "or_default")]
    pub changes: Vec<Change>,
    /// The chapters that were gone through.
    #[serde(deserialize_with = "or_default")]
    pub chapters: Vec<Chapter>,
    pub looked_at: Vec<Cow<'static, str>>,
    /// What a status code means, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "if_known")]
    pub status: Option<Status>,
    /// What could not be seen, and why. Nothing is concluded from it.
    #[serde(deserialize_with = "or_default")]
    pub not_seen: Vec<NotSeen>,
    pub version: u32,
    pub function: Cow<'static, str>,
    pub environment: String,
    pub execution_id: String,
    pub at: Timestamp,
    pub duration_ms: u64,
    /// The error that the state machine hands on where there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The message of that error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    Possible,
    Likely,
    Certain,
}

/// What it does to users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    /// Nothing: it makes the next night harder.
    Untidy,
    /// Nothing yet.
    Risk,
    /// Some are served slowly, wrongly or not at all.
    Degraded,
    /// They are not served.
    Down,
}

/// A cause that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// For programs: `image_missing`.
    pub cause: Cow<'static, str>,
    #[serde(default, deserialize_with = "or_default")]
    pub chapter: Chapter,
    pub confidence: Confidence,
    pub impact: Impact,
    /// One sentence, without a full stop.
    pub what: String,
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// When that happened which it is blamed on: nothing that comes of it began before.
    #[serde(skip)]
    pub not_before: Option<Timestamp>,
    #[serde(default)]
    pub evidence: Vec<Fact>,
    pub remedy: Remedy,
    /// 1 development, 2 DevOps, 3 AWS support.
    pub support_level: u8,
    /// What else was found that comes from this.
    #[serde(default)]
    pub explains: Vec<Consequence>,
}

/// Something that a person can check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// As in `memory of the tasks`.
    pub what: String,
    /// With its unit, as in `93 %`.
    pub value: String,
    /// What it was held against, as in `above 90 %`.
    #[serde(default)]
    pub threshold: Option<String>,
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// Where to look, as in `ECS, stopped tasks`.
    #[serde(default)]
    pub source: Cow<'static, str>,
}

/// The next step. A name that is not known stands as `<cluster>` in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Remedy {
    /// What to do, in words.
    pub what: String,
    /// The function of the runbook that does it.
    #[serde(flatten)]
    pub sent: Option<Sent>,
    /// The second-best step.
    #[serde(default)]
    pub otherwise: Option<String>,
    /// How one sees that it helped.
    #[serde(default)]
    pub helped: String,
}

/// A request to a function of the runbook. One without the other is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    pub function: Cow<'static, str>,
    /// The JSON to send to it.
    #[serde(rename = "send")]
    pub request: Value,
}

/// What else was found. Its own remedy is for a person: the runbook acts on the cause's alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consequence {
    pub cause: Cow<'static, str>,
    #[serde(default, deserialize_with = "or_default")]
    pub chapter: Chapter,
    pub what: String,
    #[serde(default)]
    pub evidence: Vec<Fact>,
    pub remedy: Remedy,
}

/// A source that was not seen, whole or in part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotSeen {
    /// As in `the service's tasks`.
    pub source: String,
    /// As in `AccessDenied: …`, `not answered in time`, `switched off`.
    pub why: String,
}

/// A change of the stack, or the beginning of the trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub at: Timestamp,
    pub kind: ChangeKind,
    pub what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Release,
    Scaling,
    Secret,
    Database,
    FrontEnd,
    Alarm,
    Certificate,
    Configuration,
    /// When what was found first began.
    Trouble,
}

/// A status code as the guide's table has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub code: u16,
    pub meaning: Cow<'static, str>,
    pub action: Cow<'static, str>,
}

impl From<u16> for Status {
    fn from(code: u16) -> Self {
        let Advice { meaning, action, .. } = advice(code);
        Self { code, meaning: meaning.into(), action: action.into() }
    }
}

impl Finding {
    pub fn new(confidence: Confidence, impact: Impact, what: impl Into<String>) -> Self {
        Self {
            // The table of rules fills in what is empty here.
            cause: Cow::Borrowed(""),
            chapter: Chapter::default(),
            confidence,
            impact,
            what: what.into(),
            since: None,
            not_before: None,
            evidence: Vec::new(),
            remedy: Remedy::default(),
            support_level: Level::DevOps as u8,
            explains: Vec::new(),
        }
    }

    #[must_use]
    pub fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since = since;
        self
    }

    /// What it is blamed on happened then.
    #[must_use]
    pub fn not_before(mut self, at: Option<Timestamp>) -> Self {
        self.not_before = at;
        self.since = self.since.max(at.filter(|_| self.since.is_some()));
        self
    }

    #[must_use]
    pub fn fact(mut self, source: &'static str, what: impl Into<String>, value: impl Into<String>) -> Self {
        let (what, value) = (what.into(), value.into());
        self.evidence.push(Fact { what, value, threshold: None, at: None, source: Cow::Borrowed(source) });
        self
    }

    /// What the last fact was held against.
    #[must_use]
    pub fn against(mut self, threshold: impl Into<String>) -> Self {
        if let Some(fact) = self.evidence.last_mut() {
            fact.threshold = Some(threshold.into());
        }
        self
    }

    /// When the last fact was so.
    #[must_use]
    pub fn at(mut self, at: Option<Timestamp>) -> Self {
        if let Some(fact) = self.evidence.last_mut() {
            fact.at = at;
        }
        self
    }

    #[must_use]
    pub fn next(mut self, level: Level, what: impl Into<String>) -> Self {
        self.support_level = level as u8;
        self.remedy.what = what.into();
        self
    }

    /// The second-best step, where it is another than the rule's own.
    #[must_use]
    pub fn otherwise(mut self, what: impl Into<String>) -> Self {
        self.remedy.otherwise = Some(what.into());
        self
    }

    /// How one sees that it helped, where it is another than the rule's own.
    #[must_use]
    pub fn helped(mut self, when: impl Into<String>) -> Self {
        self.remedy.helped = when.into();
        self
    }

    /// The function that does what comes next, and the request to it.
    #[must_use]
    pub fn send(mut self, sent: impl Into<Sent>) -> Self {
        self.remedy.sent = Some(sent.into());
        self
    }
}

impl Finding {
    /// What to do about it, as an answer says it.
    pub fn next_step(&self, environment: &str, own: &str) -> Next {
        let Remedy { what, sent, .. } = &self.remedy;
        let (function, send) = match sent {
            Some(Sent { function, request }) => (Some(function.to_string()), Some(request.clone())),
            None => (None, None),
        };
        Next { what: what.clone(), function, send, level: self.support_level, ..Next::default() }
            .addressed(environment, own)
    }
}

impl Remedy {
    /// The function that does it.
    pub fn function(&self) -> Option<&str> {
        self.sent.as_ref().map(|sent| sent.function.as_ref())
    }
}

/// Lines, or one text of them.
fn lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text.lines().map(str::to_owned).collect(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests;
