//! What the state machine does next. Pure: from a diagnosis and what was tried, to a choice; from a remedy's
//! answer, to what follows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::{
    code,
    diagnosis::{Confidence, Diagnosis, Fact, Finding, Impact, Remedy as Proposed},
    outcome::{Answer, Decision},
    settings::Mode,
    text::line,
};

use crate::incident::{HIGHEST_LEVEL, Tried};

/// More than two would be guessing.
pub const MAX_REMEDIES: usize = 2;
/// Who is asked where nothing is known: the guide's level for infrastructure.
pub const DEVOPS: u8 = 2;

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

/// Whether it may be acted on: known well enough, and users feel it.
fn counts(finding: &Finding) -> bool {
    finding.confidence >= Confidence::Likely && finding.impact >= Impact::Degraded
}

/// A finding as an incident keeps it: an item of the ledger holds only so much, and people read less.
pub fn bounded(finding: &Finding) -> Finding {
    const MAX_TEXT: usize = 500;
    const MAX_FACTS: usize = 6;
    const MAX_JSON: usize = 4_000;
    let short = |text: &str| line(text, MAX_TEXT);
    let fact = |fact: &Fact| Fact {
        what: short(&fact.what),
        value: short(&fact.value),
        threshold: fact.threshold.as_deref().map(short),
        at: fact.at,
        source: short(&fact.source).into(),
    };
    let Proposed { what, sent, otherwise, helped } = &finding.remedy;
    Finding {
        cause: short(&finding.cause).into(),
        chapter: finding.chapter,
        confidence: finding.confidence,
        impact: finding.impact,
        what: short(&finding.what),
        since: finding.since,
        evidence: finding.evidence.iter().take(MAX_FACTS).map(fact).collect(),
        remedy: Proposed {
            what: short(what),
            sent: sent
                .clone()
                .filter(|sent| sent.function.len() <= MAX_TEXT && sent.request.to_string().len() <= MAX_JSON),
            otherwise: otherwise.as_deref().map(short),
            helped: short(helped),
        },
        support_level: finding.support_level,
        explains: Vec::new(),
    }
}

fn level(finding: &Finding) -> u8 {
    finding.support_level.clamp(1, HIGHEST_LEVEL)
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
    let first_level = diagnosis.findings.first().map_or(DEVOPS, level);
    if let Some(error) = &diagnosis.error {
        let reason = diagnosis.reason.as_deref().unwrap_or_default();
        return Choice::HandOver {
            level: DEVOPS,
            reason: format!("there is no diagnosis: {error} {reason}"),
        };
    }
    if tried.iter().filter(|tried| tried.counts()).count() >= MAX_REMEDIES {
        let reason = format!("{}; {}", came_of(tried), found(diagnosis));
        return Choice::HandOver { level: first_level, reason };
    }
    let mut forbidden = None;
    for finding in diagnosis.findings.iter().filter(|finding| counts(finding)) {
        let sent = finding.remedy.sent.as_ref();
        let known = sent.and_then(|sent| Some((sent, remedies.get(&*sent.function)?)));
        let Some((sent, mode)) = known else {
            let reason = format!("{}. It is out of the runbook's reach", finding.what);
            return Choice::HandOver { level: level(finding), reason };
        };
        if tried.iter().any(|tried| tried.remedy.function == sent.function && is_done_with(tried)) {
            continue;
        }
        match mode {
            Mode::Auto | Mode::Approve => {
                return Choice::Remedy(Remedy {
                    function: sent.function.to_string(),
                    request: sent.request.clone(),
                    cause: finding.cause.to_string(),
                });
            }
            Mode::Off | Mode::Observe => {
                forbidden.get_or_insert_with(|| {
                    let reason = format!("{}. {} may not act by itself here", finding.what, sent.function);
                    Choice::HandOver { level: level(finding), reason }
                });
            }
        }
    }
    if let Some(forbidden) = forbidden {
        return forbidden;
    }
    if !tried.is_empty() {
        let reason = format!("{}; {}", came_of(tried), found(diagnosis));
        return Choice::HandOver { level: first_level, reason };
    }
    if !waited {
        return Choice::Wait { reason: format!("nothing to act on; {}", found(diagnosis)) };
    }
    Choice::HandOver {
        level: first_level,
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

/// A remedy's answer in words: a code for those who search, the reason for those who read.
pub fn said(answer: &Answer) -> String {
    match &answer.error {
        Some(error) => format!("it did not answer ({error}); whether it acted is not known"),
        None if answer.reason.is_empty() => answer.code.clone(),
        None => answer.reason.clone(),
    }
}

/// Whether something was done to the target before: if that was a moment ago, its effect is to be seen.
pub fn is_cooling_down(answer: &Answer) -> bool {
    answer.code == code::COOLDOWN.name()
}

/// Whether the same is being done already: the remedy's own alarm was quicker, or a person. An execution of an earlier
/// definition passes the code alone.
pub fn is_under_way(answer: &Answer) -> bool {
    answer.under_way || code::is_under_way(&answer.code)
}

/// Whether a person has stopped it.
pub fn is_stopped(answer: &Answer) -> bool {
    answer.code == code::KILL_SWITCH.name()
}

/// What follows a remedy's answer. `waits`: how often it was asked again before.
pub fn after(answer: &Answer, waits: u32) -> After {
    use Decision::{Applied, AwaitingApproval, Failed, Listed, NothingToDo, Observed, Refused, Replayed};
    match (answer.decision(), answer.plan()) {
        (AwaitingApproval, Some(id)) => After::Approval(id.to_owned()),
        // Asked for before, and not answered yet.
        (Refused | NothingToDo, Some(id)) if answer.code == code::APPROVAL_PENDING.name() => {
            After::Approval(id.to_owned())
        }
        (Refused | NothingToDo, _) if is_under_way(answer) => After::Verify,
        (Refused | NothingToDo, _) if code::is_for_now(&answer.code) => {
            After::Again(AGAIN_SECONDS.saturating_mul(u64::from(waits) + 1).min(MOST_SECONDS))
        }
        (Refused | NothingToDo | Observed | AwaitingApproval | Listed, _) => After::Next,
        // Done, begun and failed, or unknown: only the probe knows.
        (Applied | Failed | Replayed, _) => After::Verify,
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
