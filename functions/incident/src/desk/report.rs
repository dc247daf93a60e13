//! An incident's report: what was decided and done in its time, and what cured it.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use shared::{
    error::Error,
    outcome::{Decision, Outcome, WokenBy},
    text::line,
    trigger::Kind,
};

use super::{Desk, MAX_SAID, answer};
use crate::{incident::Incident, store::Line};

/// A change that took effect while it was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cure {
    pub function: String,
    pub at: Timestamp,
    pub by: Woken,
}

/// Who woke the function that did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Woken {
    Machine,
    Approved,
    Person,
    Alarm,
    Other,
}

impl Desk {
    /// What changed the service since it broke, whoever asked for it, the first first.
    pub(super) async fn cures(&self, incident: &Incident, now: Timestamp) -> Result<Vec<Cure>, Error> {
        let mut cures = Vec::new();
        let mut functions: Vec<&String> =
            self.settings.remedies.keys().chain(&self.settings.functions).collect();
        functions.sort_unstable();
        functions.dedup();
        for function in functions {
            let outcomes = self.store().outcomes(function, incident.began_at, now).await?;
            let applied = outcomes.iter().filter(|outcome| outcome.decision == Decision::Applied);
            cures.extend(applied.map(|outcome| Cure {
                function: line(&outcome.function, MAX_SAID),
                at: outcome.at,
                by: woken(outcome),
            }));
        }
        cures.sort_by_key(|cure| cure.at);
        Ok(cures)
    }

    pub(super) async fn show(&self, id: &str, now: Timestamp) -> Result<Value, Error> {
        let incident = self.known(id).await?;
        let mut lines = self.store().lines(&incident.id).await?;
        let over = incident.resolved_at.unwrap_or(now);
        let until = over.checked_add(SignedDuration::from_mins(1)).unwrap_or(over);
        let from = incident.first_began_at.unwrap_or(incident.began_at);
        for function in &self.settings.functions {
            let outcomes = self.store().outcomes(function, from, until).await?;
            let related = outcomes.into_iter().filter(|outcome| is_related(outcome, &incident));
            lines.extend(related.map(|outcome| Line {
                at: outcome.at,
                by: line(&outcome.function, MAX_SAID),
                what: format!(
                    "{}: {}",
                    outcome.decision.as_str().replace('_', " "),
                    line(&outcome.reason, MAX_SAID)
                ),
            }));
        }
        lines.sort_by_key(|line| line.at);
        Ok(answer::show(&incident, &lines, now))
    }
}

/// What was done for it, in words: by the state machine, and by anybody else.
pub(super) fn after(incident: &Incident, cures: &[Cure]) -> Option<String> {
    let tried = incident.tried_now().iter().filter(|tried| tried.acted());
    let own: Vec<&str> = tried.map(|tried| tried.remedy.function.as_str()).collect();
    let is_own = |cure: &&Cure| own.contains(&cure.function.as_str());
    let mut words: Vec<String> = own.iter().map(|function| (*function).to_owned()).collect();
    for cure in cures.iter().filter(|cure| !is_own(cure)) {
        words.push(cure.in_words());
    }
    words.dedup();
    (!words.is_empty()).then(|| line(&words.join(" and "), MAX_SAID))
}

/// How it ended, with what was done before.
pub(super) fn cured(how: &str, cures: &[Cure]) -> String {
    if cures.is_empty() {
        return how.to_owned();
    }
    let words: Vec<String> = cures.iter().map(Cure::in_words).collect();
    line(&format!("{how}; before that: {}", words.join(", ")), MAX_SAID)
}

impl Cure {
    fn in_words(&self) -> String {
        let by = match self.by {
            Woken::Machine => "by service-down",
            Woken::Approved => "approved by hand",
            Woken::Person => "by hand",
            Woken::Alarm => "by an alarm",
            Woken::Other => "by its schedule or an event",
        };
        format!("{} ({by}, {} UTC)", self.function, self.at.strftime("%H:%M"))
    }
}

fn woken(outcome: &Outcome) -> Woken {
    match outcome.woken_by() {
        Some(WokenBy::Approval { .. }) => Woken::Approved,
        Some(WokenBy::Trigger(trigger)) => match &trigger.kind {
            Kind::Person(asked) if asked.approve.is_some() => Woken::Approved,
            Kind::Person(_) => Woken::Person,
            Kind::StepFunctions { .. } => Woken::Machine,
            Kind::Alarm(_) => Woken::Alarm,
            Kind::Schedule { .. } | Kind::Ecs(_) | Kind::Pipeline(_) => Woken::Other,
        },
        Some(WokenBy::Rejection { .. } | WokenBy::Wanted { .. }) | None => Woken::Other,
    }
}

/// Whether a function's run has to do with an incident in whose time it was: it changed or may have changed something,
/// asked to, or was kept from what the incident wants. A look, a list and a dry run have not.
fn is_related(outcome: &Outcome, incident: &Incident) -> bool {
    if let Some(WokenBy::Trigger(trigger)) = outcome.woken_by() {
        if trigger.asked().is_some_and(|asked| asked.dry_run) {
            return false;
        }
        if let Kind::StepFunctions { execution, .. } = &trigger.kind
            && execution.contains(&incident.id)
        {
            return true;
        }
    }
    let wanted = incident.found.iter().filter_map(|found| found.remedy.function());
    let mut named = wanted.chain(incident.remedies.iter().map(|tried| tried.remedy.function.as_str()));
    match outcome.decision {
        Decision::Applied | Decision::Failed | Decision::AwaitingApproval => true,
        Decision::Refused => named.any(|function| function == outcome.function),
        Decision::Observed | Decision::NothingToDo | Decision::Listed | Decision::Replayed => false,
    }
}
