//! An incident's report: what was decided and changed while it lasted.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use shared::{
    error::Error,
    outcome::{Decision, Outcome, WokenBy},
    text::line,
    trigger::Kind,
};

use super::{context::Handler, limits::MAX_TEXT, listing};
use crate::{incident::Incident, store::TimelineEntry, woken::ChangedBy};

/// A change by a remedy that took effect while the service was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) function: String,
    pub(super) at: Timestamp,
    pub(super) by: ChangedBy,
}

impl Handler {
    /// What the remedies changed since it broke, whoever asked for it, the first change first.
    pub(super) async fn changes(&self, incident: &Incident, now: Timestamp) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        let mut functions: Vec<&String> =
            self.settings.remedies.keys().chain(&self.settings.functions).collect();
        functions.sort_unstable();
        functions.dedup();
        for function in functions {
            let outcomes = self.store().outcomes(function, incident.began_at, now).await?;
            let applied = outcomes.iter().filter(|outcome| outcome.decision == Decision::Applied);
            changes.extend(applied.map(|outcome| Change {
                function: line(&outcome.function, MAX_TEXT),
                at: outcome.at,
                by: ChangedBy::of(outcome),
            }));
        }
        changes.sort_by_key(|change| change.at);
        Ok(changes)
    }

    /// An incident with its timeline, into which the decisions of other functions are sorted.
    pub(super) async fn show(&self, id: &str, verbose: bool, now: Timestamp) -> Result<Value, Error> {
        let incident = self.known(id).await?;
        let mut timeline = self.store().timeline(&incident.id).await?;
        let end = incident.resolved_at.unwrap_or(now);
        let until = end.checked_add(SignedDuration::from_mins(1)).unwrap_or(end);
        let from = incident.first_began_at.unwrap_or(incident.began_at);
        for function in &self.settings.functions {
            let outcomes = self.store().outcomes(function, from, until).await?;
            let related = outcomes.into_iter().filter(|outcome| is_related(outcome, &incident));
            timeline.extend(related.map(|outcome| TimelineEntry {
                at: outcome.at,
                by: line(&outcome.function, MAX_TEXT),
                what: format!(
                    "{}: {}",
                    outcome.decision.as_str().replace('_', " "),
                    line(outcome.in_a_line(), MAX_TEXT)
                ),
            }));
        }
        timeline.sort_by_key(|entry| entry.at);
        Ok(listing::show(&incident, &timeline, &self.deployment(), verbose, now))
    }
}

/// The changes that came before the recovery, in words: the state machine's first, then anybody else's. `None` if
/// nothing was changed.
pub(super) fn changed_by(incident: &Incident, changes: &[Change]) -> Option<String> {
    let acted = incident.current_attempts().iter().filter(|attempt| attempt.acted());
    let own: Vec<&str> = acted.map(|attempt| attempt.remedy.function.as_str()).collect();
    let is_own = |change: &&Change| own.contains(&change.function.as_str());
    let mut words: Vec<String> = own.iter().map(|function| (*function).to_owned()).collect();
    for change in changes.iter().filter(|change| !is_own(change)) {
        words.push(change.in_words());
    }
    words.dedup();
    (!words.is_empty()).then(|| line(&words.join(" and "), MAX_TEXT))
}

/// How it ended, with the changes before that.
pub(super) fn with_changes(how: &str, changes: &[Change]) -> String {
    if changes.is_empty() {
        return how.to_owned();
    }
    let words: Vec<String> = changes.iter().map(Change::in_words).collect();
    line(&format!("{how}; before that: {}", words.join(", ")), MAX_TEXT)
}

impl Change {
    fn in_words(&self) -> String {
        let by = self.by.in_words();
        format!("{} ({by}, {} UTC)", self.function, self.at.strftime("%H:%M"))
    }
}

/// Whether a function's run belongs into the timeline of an incident: it changed something, may have, or asked to; or it
/// refused a remedy that the incident wants. Looks, lists and dry runs do not.
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
    let mut named = wanted.chain(incident.attempts.iter().map(|attempt| attempt.remedy.function.as_str()));
    match outcome.decision {
        Decision::Applied | Decision::Failed | Decision::AwaitingApproval => true,
        Decision::Refused => named.any(|function| function == outcome.function),
        Decision::Observed | Decision::NothingToDo | Decision::Listed | Decision::Replayed => false,
    }
}
