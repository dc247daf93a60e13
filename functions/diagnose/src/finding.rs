//! A cause that was found: what, how sure, what shows it, and what to do about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
pub use shared::status::Level;

use crate::chapter::Chapter;

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

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// For programs: `image_missing`.
    pub cause: &'static str,
    pub chapter: Chapter,
    pub confidence: Confidence,
    pub impact: Impact,
    /// One sentence, without a full stop.
    pub what: String,
    pub since: Option<Timestamp>,
    pub evidence: Vec<Fact>,
    pub remedy: Remedy,
    /// 1 development, 2 DevOps, 3 AWS support.
    pub support_level: u8,
    /// What else was found that comes from this.
    pub explains: Vec<Consequence>,
}

/// Something that a person can check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// As in `memory of the tasks`.
    pub what: String,
    /// With its unit, as in `93 %`.
    pub value: String,
    /// What it was held against, as in `above 90 %`.
    pub threshold: Option<String>,
    pub at: Option<Timestamp>,
    /// Where to look, as in `ECS, stopped tasks`.
    pub source: &'static str,
}

/// A name that is not known stands as `<cluster>` in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Remedy {
    /// What to do, in words.
    pub what: String,
    /// A function of the runbook that does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<&'static str>,
    /// The JSON to send to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send: Option<Value>,
    /// The second-best step.
    pub otherwise: Option<String>,
    /// How one sees that it helped.
    pub helped: String,
}

/// What else was found. Its own remedy is for a person: the runbook acts on the cause's alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Consequence {
    pub cause: &'static str,
    pub chapter: Chapter,
    pub what: String,
    pub evidence: Vec<Fact>,
    pub remedy: Remedy,
}

impl Finding {
    pub fn new(confidence: Confidence, impact: Impact, what: impl Into<String>) -> Self {
        Self {
            // The table of rules fills in what is empty here.
            cause: "",
            chapter: Chapter::ServiceDown,
            confidence,
            impact,
            what: what.into(),
            since: None,
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

    #[must_use]
    pub fn fact(mut self, source: &'static str, what: impl Into<String>, value: impl Into<String>) -> Self {
        let (what, value) = (what.into(), value.into());
        self.evidence.push(Fact { what, value, threshold: None, at: None, source });
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

    /// The function that does what comes next, and what to send to it.
    #[must_use]
    pub fn send(mut self, function: &'static str, request: Value) -> Self {
        self.remedy.function = Some(function);
        self.remedy.send = Some(request);
        self
    }
}
