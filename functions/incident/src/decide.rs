//! What the state machine does next. Pure: from a diagnosis and what was tried, to a choice; from a remedy's
//! answer, to what follows it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::settings::Mode;

use crate::incident::{HIGHEST_LEVEL, Tried};

/// More than two would be guessing.
pub const MAX_REMEDIES: usize = 2;
/// Who is asked where nothing is known: the guide's level for infrastructure.
pub const DEVOPS: u8 = 2;

/// What of `diagnose`'s answer is heeded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    #[serde(default)]
    pub summary: String,
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Instead of all that, if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub cause: String,
    pub confidence: Confidence,
    pub impact: Impact,
    pub what: String,
    #[serde(default)]
    pub since: Option<Timestamp>,
    #[serde(default)]
    pub evidence: Vec<Fact>,
    pub remedy: Proposed,
    pub support_level: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub what: String,
    pub value: String,
    #[serde(default)]
    pub threshold: Option<String>,
}

/// What `diagnose` says is to be done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    pub what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    Possible,
    Likely,
    Certain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    Untidy,
    Risk,
    Degraded,
    Down,
}

/// A remedy of ours, and what it is used for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remedy {
    pub function: String,
    pub request: Value,
    pub cause: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    Remedy(Remedy),
    /// Nothing is known that could be done: perhaps it goes over.
    Wait {
        reason: String,
    },
    HandOver {
        level: u8,
        reason: String,
    },
}

impl Finding {
    /// Whether it may be acted on: known well enough, and users feel it.
    fn counts(&self) -> bool {
        self.confidence >= Confidence::Likely && self.impact >= Impact::Degraded
    }

    fn level(&self) -> u8 {
        self.support_level.clamp(1, HIGHEST_LEVEL)
    }
}

/// The first cause that counts and was not treated yet says what happens: its remedy is used if its mode allows
/// it, and a cause that is out of the runbook's reach goes to people at once. Only a remedy whose mode forbids
/// it, or that was tried, lets the next cause have its turn.
pub fn choose(
    diagnosis: &Diagnosis,
    remedies: &BTreeMap<String, Mode>,
    tried: &[Tried],
    waited: bool,
) -> Choice {
    let first = diagnosis.findings.first();
    let level = first.map_or(DEVOPS, Finding::level);
    if let Some(error) = &diagnosis.error {
        let reason = diagnosis.reason.as_deref().unwrap_or_default();
        return Choice::HandOver {
            level: DEVOPS,
            reason: format!("there is no diagnosis: {error} {reason}"),
        };
    }
    if tried.iter().filter(|tried| tried.counts()).count() >= MAX_REMEDIES {
        return Choice::HandOver { level, reason: format!("{}; {}", came_of(tried), found(diagnosis)) };
    }
    let mut forbidden = None;
    for finding in diagnosis.findings.iter().filter(|finding| finding.counts()) {
        let known =
            finding.remedy.function.as_ref().and_then(|function| {
                Some((function, remedies.get(function)?, finding.remedy.send.as_ref()?))
            });
        let Some((function, mode, request)) = known else {
            let reason = format!("{}. It is out of the runbook's reach", finding.what);
            return Choice::HandOver { level: finding.level(), reason };
        };
        if tried.iter().any(|tried| tried.remedy.function == *function) {
            continue;
        }
        match mode {
            Mode::Auto | Mode::Approve => {
                return Choice::Remedy(Remedy {
                    function: function.clone(),
                    request: request.clone(),
                    cause: finding.cause.clone(),
                });
            }
            Mode::Off | Mode::Observe => {
                forbidden.get_or_insert_with(|| {
                    let reason = format!("{}. {function} may not act by itself here", finding.what);
                    Choice::HandOver { level: finding.level(), reason }
                });
            }
        }
    }
    if let Some(forbidden) = forbidden {
        return forbidden;
    }
    if !tried.is_empty() {
        return Choice::HandOver { level, reason: format!("{}; {}", came_of(tried), found(diagnosis)) };
    }
    if !waited {
        return Choice::Wait { reason: format!("nothing to act on; {}", found(diagnosis)) };
    }
    Choice::HandOver {
        level,
        reason: format!("the probe keeps failing and the cause is not known; {}", found(diagnosis)),
    }
}

/// As in `rollback did not help, scale-up was not approved`.
fn came_of(tried: &[Tried]) -> String {
    let one = |tried: &Tried| {
        let function = &tried.remedy.function;
        match tried.decision.as_deref() {
            _ if tried.acted() => format!("{function} did not help"),
            Some("not_approved") => format!("{function} was not approved"),
            _ => format!("{function} did nothing ({})", tried.reason.as_deref().unwrap_or("no reason given")),
        }
    };
    tried.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn found(diagnosis: &Diagnosis) -> String {
    let summary = diagnosis.summary.trim_end_matches('.');
    if summary.is_empty() { "diagnose said nothing".to_owned() } else { format!("diagnose: {summary}") }
}

/// Why a remedy refuses when it is done already, or is just being done: woken by its own alarm, or by a person.
const BEING_DONE: [&str; 9] = [
    "already_in_progress",
    "already_rolling_back",
    "already_waiting",
    "claimed_by_another",
    "deployment_in_progress",
    "held_by_another_remedy",
    "still_in_progress",
    "still_settling",
    "tasks_pending",
];
/// The target was acted on within the last half hour or so.
const COOLDOWN: &str = "cooldown";

/// What comes after a remedy's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// Look whether it helped.
    Verify,
    /// A person is asked to approve this plan.
    Approval(String),
    /// It changed nothing: what else is there?
    Next,
    /// It changed nothing, and time has passed: is it well by now?
    Look,
}

/// A remedy's answer, or the error that it ended with.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Answer {
    decision: Option<String>,
    #[serde(default)]
    pub code: String,
    #[serde(default)]
    pub reason: String,
    next: Option<Next>,
    error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Next {
    send: Option<Value>,
}

impl Answer {
    /// An answer that cannot be read may have been given by a run that acted.
    pub fn read(outcome: &Value) -> Self {
        Self::deserialize(outcome).unwrap_or_default()
    }

    pub fn decision(&self) -> &str {
        self.decision.as_deref().unwrap_or("failed")
    }

    /// In words: a code for those who search, the reason for those who read.
    pub fn said(&self) -> String {
        match &self.error {
            Some(error) => format!("it did not answer ({error}); whether it acted is not known"),
            None if self.reason.is_empty() => self.code.clone(),
            None => self.reason.clone(),
        }
    }

    /// Whether something was done to the target before: if that was a moment ago, its effect is to be seen.
    pub fn is_cooling_down(&self) -> bool {
        self.code == COOLDOWN
    }

    pub fn after(&self) -> After {
        let approval = self.next.as_ref().and_then(|next| next.send.as_ref()?.get("approve")?.as_str());
        match (self.decision(), approval) {
            ("awaiting_approval", Some(id)) => After::Approval(id.to_owned()),
            // Asked for before, and not answered yet.
            ("refused" | "nothing_to_do", Some(id)) if self.code == "approval_pending" => {
                After::Approval(id.to_owned())
            }
            ("refused" | "nothing_to_do", _) if BEING_DONE.contains(&self.code.as_str()) => After::Verify,
            ("refused" | "nothing_to_do" | "observed" | "awaiting_approval", _) => After::Next,
            // Done, begun and failed, or unknown: only the probe knows.
            _ => After::Verify,
        }
    }
}

/// As the state machine reads it.
impl Choice {
    pub fn answer(&self) -> Value {
        match self {
            Self::Remedy(Remedy { function, request, cause }) => json!({
                "do": "remedy", "function": function, "request": request, "reason": format!("for {cause}"),
            }),
            Self::Wait { reason } => json!({ "do": "wait", "reason": reason }),
            Self::HandOver { level, reason } => {
                json!({ "do": "hand_over", "level": level, "reason": reason })
            }
        }
    }
}

impl After {
    pub fn answer(&self) -> Value {
        match self {
            Self::Verify => json!({ "do": "verify" }),
            Self::Approval(_) => json!({ "do": "approval" }),
            Self::Next => json!({ "do": "next" }),
            Self::Look => json!({ "do": "look" }),
        }
    }
}

#[cfg(test)]
mod tests;
