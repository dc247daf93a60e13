//! What the state machine does next. Pure: a diagnosis and the attempts so far give a choice; a remedy's answer gives
//! the step after it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::{
    code,
    diagnosis::{Confidence, Diagnosis, Fact, Finding, Impact, Remedy as Advice},
    outcome::{Answer, Decision},
    settings::Mode,
    text::line,
};

use crate::incident::{Attempt, Decided, HIGHEST_LEVEL, Remedy};

/// A third remedy would be a guess.
pub const MAX_REMEDIES: usize = 2;
/// Who gets an incident whose cause is not known: the guide's level for infrastructure.
pub const DEVOPS: u8 = 2;

#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    Remedy(Remedy),
    /// Nothing to act on was found: it may recover by itself.
    Wait {
        reason: String,
    },
    HandOver {
        level: u8,
        reason: String,
    },
}

/// Whether a finding may be acted on: it is likely or certain, and users feel it.
fn counts(finding: &Finding) -> bool {
    finding.confidence >= Confidence::Likely && finding.impact >= Impact::Degraded
}

/// A finding, cut to what an incident keeps of it: an item of the ledger holds 400 KB, and people read less.
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
    let Advice { what, sent, otherwise, helped } = &finding.remedy;
    Finding {
        cause: short(&finding.cause).into(),
        chapter: finding.chapter,
        confidence: finding.confidence,
        impact: finding.impact,
        what: short(&finding.what),
        since: finding.since,
        not_before: finding.not_before,
        evidence: finding.evidence.iter().take(MAX_FACTS).map(fact).collect(),
        remedy: Advice {
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

/// Acts on the first cause that counts and was not treated yet: calls its remedy if the mode allows that, or hands
/// over at once if no function can mend it. The next cause has its turn only after a remedy that acted, that refused
/// for good, or whose mode forbids it. A remedy that could not act yet is called again.
pub fn choose(
    diagnosis: &Diagnosis,
    remedies: &BTreeMap<String, Mode>,
    attempts: &[Attempt],
    waited: bool,
) -> Choice {
    let first_level = diagnosis.findings.first().map_or(DEVOPS, level);
    if let Some(error) = &diagnosis.error {
        let reason = diagnosis.reason.as_deref().unwrap_or_default();
        return Choice::HandOver { level: DEVOPS, reason: format!("diagnose failed ({error}): {reason}") };
    }
    if attempts.iter().filter(|attempt| attempt.counts()).count() >= MAX_REMEDIES {
        let reason = format!("{}; {}", in_words(attempts), found(diagnosis));
        return Choice::HandOver { level: first_level, reason };
    }
    let mut forbidden = None;
    for finding in diagnosis.findings.iter().filter(|finding| counts(finding)) {
        let sent = finding.remedy.sent.as_ref();
        let known = sent.and_then(|sent| Some((sent, remedies.get(&*sent.function)?)));
        let Some((sent, mode)) = known else {
            let reason = format!("{}; no function can mend that", finding.what.trim_end_matches('.'));
            return Choice::HandOver { level: level(finding), reason };
        };
        if attempts.iter().any(|attempt| attempt.remedy.function == sent.function && is_done_with(attempt)) {
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
                    let (what, function) = (finding.what.trim_end_matches('.'), &sent.function);
                    let mode = if *mode == Mode::Off { "off" } else { "observe" };
                    let reason =
                        format!("{what}; {function} is in mode {mode}, so it changes nothing by itself");
                    Choice::HandOver { level: level(finding), reason }
                });
            }
        }
    }
    if let Some(forbidden) = forbidden {
        return forbidden;
    }
    if !attempts.is_empty() {
        let reason = format!("{}; {}", in_words(attempts), found(diagnosis));
        return Choice::HandOver { level: first_level, reason };
    }
    if !waited {
        return Choice::Wait { reason: format!("found nothing to act on; {}", found(diagnosis)) };
    }
    Choice::HandOver {
        level: first_level,
        reason: format!("the probe still fails and the cause is not known; {}", found(diagnosis)),
    }
}

/// Whether a remedy has had its turn. Waiting for a person to lift a kill switch may take longer than for a lease.
fn is_done_with(attempt: &Attempt) -> bool {
    /// About half an hour, since the time between two calls grows.
    const MAX_WAITS: u32 = 10;
    /// Longer than the state machine runs.
    const MAX_WAITS_FOR_PEOPLE: u32 = 100;
    let for_people = attempt.code.as_deref() == Some(code::KILL_SWITCH.name());
    let most = if for_people { MAX_WAITS_FOR_PEOPLE } else { MAX_WAITS };
    !attempt.is_waiting() || attempt.waits >= most
}

/// As in `rollback did not help, scale-up was not approved`.
fn in_words(attempts: &[Attempt]) -> String {
    let one = |attempt: &Attempt| {
        let function = &attempt.remedy.function;
        match &attempt.decision {
            _ if attempt.acted() => format!("{function} did not help"),
            Some(Decided::NotApproved) => format!("{function} was not approved"),
            _ => {
                let why = attempt.reason.as_deref().unwrap_or("no reason given");
                format!("{function} did nothing ({why})")
            }
        }
    };
    attempts.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn found(diagnosis: &Diagnosis) -> String {
    let summary = diagnosis.summary.trim_end_matches('.');
    if summary.is_empty() { "diagnose gave no summary".to_owned() } else { format!("diagnose: {summary}") }
}

/// How long another remedy usually takes. A remedy that cannot act yet is called again after that.
const AGAIN_SECONDS: u64 = 30;
const MOST_SECONDS: u64 = 300;

/// The step after a remedy's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// Probe until it has helped, or its time is up.
    Verify,
    /// It could not act yet: call it again after this many seconds, unless the probe passes first.
    Again(u64),
    /// Wait until a person approves this plan.
    Approval(String),
    /// It changed nothing: diagnose again.
    Next,
    /// It changed nothing, and time has passed: probe first.
    Look,
}

/// Whether the remedy refused because something was done to the target before. If that was a moment ago, its effect
/// may still come.
pub fn is_cooling_down(answer: &Answer) -> bool {
    answer.code == code::COOLDOWN.name()
}

/// Whether the same change is already under way, started by the remedy's own alarm or by a person. An execution of an
/// earlier definition passes the code alone.
pub fn is_under_way(answer: &Answer) -> bool {
    answer.under_way || code::is_under_way(&answer.code)
}

/// Whether a kill switch stopped it.
pub fn is_stopped(answer: &Answer) -> bool {
    answer.code == code::KILL_SWITCH.name()
}

/// The step after a remedy's answer. `waits` is how often it was called again before.
pub fn after(answer: &Answer, waits: u32) -> After {
    use Decision::{Applied, AwaitingApproval, Failed, Listed, NothingToDo, Observed, Refused, Replayed};
    match (answer.decision(), answer.plan()) {
        (AwaitingApproval, Some(id)) => After::Approval(id.to_owned()),
        // The plan was sent for approval before, and nobody has answered yet.
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

/// The state machine reads this.
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
