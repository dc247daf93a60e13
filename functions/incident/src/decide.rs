//! What the state machine does next. Pure: from a diagnosis and what was tried, to a choice; from a remedy's
//! answer, to what follows it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::{code, settings::Mode, text::line};

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

    /// As an incident keeps it: an item of the ledger holds only so much, and people read less.
    #[must_use]
    pub fn bounded(&self) -> Self {
        const MAX_TEXT: usize = 500;
        const MAX_FACTS: usize = 6;
        const MAX_JSON: usize = 4_000;
        let short = |text: &String| line(text, MAX_TEXT);
        let fact = |fact: &Fact| Fact {
            what: short(&fact.what),
            value: short(&fact.value),
            threshold: fact.threshold.as_ref().map(short),
        };
        let send = self.remedy.send.clone().filter(|send| send.to_string().len() <= MAX_JSON);
        Self {
            cause: short(&self.cause),
            what: short(&self.what),
            evidence: self.evidence.iter().take(MAX_FACTS).map(fact).collect(),
            remedy: Proposed {
                what: short(&self.remedy.what),
                function: self.remedy.function.as_ref().map(short),
                send,
            },
            ..self.clone()
        }
    }

    fn level(&self) -> u8 {
        self.support_level.clamp(1, HIGHEST_LEVEL)
    }
}

/// The first cause that counts and was not treated yet says what happens: its remedy is used if its mode allows
/// it, and a cause that is out of the runbook's reach goes to people at once. Only a remedy whose mode forbids
/// it, that acted, or that refused for good lets the next cause have its turn: one that could not act yet is asked
/// again.
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
        if tried.iter().any(|tried| tried.remedy.function == *function && is_done_with(tried)) {
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

/// Whether a remedy has had its turn. People have to lift a kill switch first: that may take longer than a lease.
fn is_done_with(tried: &Tried) -> bool {
    /// With the growing time between them, about half an hour.
    const MAX_WAITS: u32 = 10;
    /// Longer than the state machine lives.
    const MAX_WAITS_FOR_PEOPLE: u32 = 100;
    let for_people = tried.code.as_deref() == Some(code::KILL_SWITCH.name());
    let most = if for_people { MAX_WAITS_FOR_PEOPLE } else { MAX_WAITS };
    !tried.is_waited_for() || tried.waits >= most
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

/// As long as another remedy usually takes.
const AGAIN_SECONDS: u64 = 30;
const MOST_SECONDS: u64 = 300;

/// What comes after a remedy's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// Look whether it helped.
    Verify,
    /// It could not act yet: ask it again after so many seconds, if it is not well by then.
    Again(u64),
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
    under_way: bool,
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
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

    /// Whether the same is being done already: the remedy's own alarm was quicker, or a person. An execution of an
    /// earlier definition passes the code alone.
    pub fn is_under_way(&self) -> bool {
        self.under_way || code::is_under_way(&self.code)
    }

    /// Whether something was done to the target before: if that was a moment ago, its effect is to be seen.
    pub fn is_cooling_down(&self) -> bool {
        self.code == code::COOLDOWN.name()
    }

    /// Whether a person has stopped it.
    pub fn is_stopped(&self) -> bool {
        self.code == code::KILL_SWITCH.name()
    }

    /// `waits`: how often it was asked again before.
    pub fn after(&self, waits: u32) -> After {
        let approval = self.next.as_ref().and_then(|next| next.send.as_ref()?.get("approve")?.as_str());
        match (self.decision(), approval) {
            ("awaiting_approval", Some(id)) => After::Approval(id.to_owned()),
            // Asked for before, and not answered yet.
            ("refused" | "nothing_to_do", Some(id)) if self.code == code::APPROVAL_PENDING.name() => {
                After::Approval(id.to_owned())
            }
            ("refused" | "nothing_to_do", _) if self.is_under_way() => After::Verify,
            ("refused" | "nothing_to_do", _) if code::is_for_now(&self.code) => {
                After::Again(AGAIN_SECONDS.saturating_mul(u64::from(waits) + 1).min(MOST_SECONDS))
            }
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
            Self::Again(seconds) => json!({ "do": "again", "seconds": seconds }),
            Self::Approval(_) => json!({ "do": "approval" }),
            Self::Next => json!({ "do": "next" }),
            Self::Look => json!({ "do": "look" }),
        }
    }
}

#[cfg(test)]
mod tests;
