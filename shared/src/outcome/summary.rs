//! An outcome in one line: what was done, or would be, or why nothing was.

use super::{Decision, Outcome, StepResult};
use crate::{
    code::{self, Code},
    text::line,
};

/// Characters that a line of the console shows.
const LONGEST: usize = 300;

/// Codes whose reason already says the result.
const ENDS: &[&Code] = &[&code::VERIFIED, &code::SUPERSEDED, &code::REJECTED];

/// What the line is made of, besides the outcome.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'a> {
    /// What the actions come to, as in `backend: 2 → 4 tasks`.
    pub what: &'a str,
    /// Who asked, and why.
    pub asked: &'a str,
    /// What the plan says of itself.
    pub plan: &'a str,
    /// What would refuse it now.
    pub refused: &'a str,
}

/// As in `backend: 2 → 4 tasks, all run; asked by hand: queue grows`.
pub(crate) fn of(outcome: &Outcome, about: About<'_>) -> String {
    let nothing = || format!("nothing was done: {}", why(outcome));
    let what = if about.what.is_empty() { actions(outcome) } else { about.what.to_owned() };
    let asked = |text: String| with(text, about.asked);
    let summary = match outcome.decision {
        Decision::Applied if what.is_empty() => first(&outcome.reason).to_owned(),
        Decision::Applied => asked(format!("{what}{}", seen(outcome))),
        Decision::Observed if outcome.code.is(&code::WOULD_ACT) && about.refused.is_empty() => {
            asked(format!("would do: {what}"))
        }
        Decision::Observed if outcome.code.is(&code::WOULD_ACT) => {
            asked(format!("would be refused now ({}): {what}", about.refused))
        }
        Decision::AwaitingApproval => waits(format!("waits for approval: {what}"), about),
        Decision::NothingToDo if outcome.code.is(&code::APPROVAL_PENDING) => {
            waits(format!("waits for approval already: {what}"), about)
        }
        Decision::Observed | Decision::Listed => first(&outcome.reason).to_owned(),
        Decision::NothingToDo if ENDS.iter().any(|end| outcome.code.is(end)) => {
            first(&outcome.reason).to_owned()
        }
        Decision::Refused | Decision::NothingToDo if was_changed(outcome) => {
            format!("stopped half-way: {}", lower(first(&outcome.reason)))
        }
        Decision::Refused | Decision::NothingToDo => nothing(),
        Decision::Failed => failed(outcome),
        Decision::Replayed if outcome.summary.is_empty() => nothing(),
        Decision::Replayed => {
            format!("nothing was done now; this event was answered before: {}", outcome.summary)
        }
    };
    line(&summary, LONGEST)
}

/// What waits says who asked, unless the plan does.
fn waits(text: String, about: About<'_>) -> String {
    let text = if about.plan.contains(about.asked) { text } else { with(text, about.asked) };
    with(text, first(about.plan))
}

fn with(text: String, more: &str) -> String {
    if more.is_empty() { text } else { format!("{text}; {more}") }
}

/// Why nothing was done. Of a cooldown, also what was done before, when, and for whom.
fn why(outcome: &Outcome) -> String {
    let sentence = first(&outcome.reason);
    let rest = outcome.reason.get(sentence.len()..).unwrap_or_default().trim_start_matches(['.', ' ']);
    if outcome.code.is(&code::COOLDOWN) && !rest.is_empty() {
        return format!("{}: {}", lower(sentence), lower(rest));
    }
    lower(sentence)
}

/// What a second look showed.
fn seen(outcome: &Outcome) -> String {
    let Some(seen) = outcome.verification.as_ref().filter(|seen| !seen.what.is_empty()) else {
        return String::new();
    };
    if seen.verified { format!(", {}", clause(&seen.what)) } else { format!(", not seen yet: {}", seen.what) }
}

/// What comes first in a sentence: the rest stands in the answer.
fn clause(text: &str) -> &str {
    let end = [", ", ": ", "; "].iter().filter_map(|stop| text.find(stop)).min();
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

fn failed(outcome: &Outcome) -> String {
    let step = outcome.steps.iter().find(|step| step.result == StepResult::Failed);
    let Some((action, error)) = step.and_then(|step| Some((&step.action, step.error.as_deref()?))) else {
        return format!("failed: {}", lower(first(&outcome.reason)));
    };
    let done = outcome.steps.iter().filter(|step| is_done(step.result)).count();
    let before = match done {
        0 => String::new(),
        1 => ", after 1 action was done".to_owned(),
        done => format!(", after {done} actions were done"),
    };
    format!("failed: {action}{before}: {error}")
}

fn is_done(result: StepResult) -> bool {
    matches!(result, StepResult::Done | StepResult::AlreadyDone)
}

fn was_changed(outcome: &Outcome) -> bool {
    outcome.steps.iter().any(|step| is_done(step.result))
}

/// The actions themselves, where nobody says what they come to.
fn actions(outcome: &Outcome) -> String {
    const MOST: usize = 3;
    let actions: Vec<&str> = outcome.steps.iter().map(|step| step.action.as_str()).take(MOST).collect();
    let more = outcome.steps.len().saturating_sub(MOST);
    if more == 0 { actions.join(", ") } else { format!("{} and {more} more", actions.join(", ")) }
}

/// The first sentence, without its full stop.
pub(crate) fn first(text: &str) -> &str {
    let begins =
        |rest: &str| rest.chars().next().is_some_and(|letter| letter.is_uppercase() || letter == '{');
    let end =
        text.match_indices(". ").find(|(place, stop)| text.get(place + stop.len()..).is_some_and(begins));
    let sentence = end.and_then(|(place, _)| text.get(..place)).unwrap_or(text);
    sentence.trim_end_matches('.')
}

/// For the beginning of a sentence.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// For the middle of a sentence: a name keeps its capital.
pub(crate) fn lower(text: &str) -> String {
    let word = text.split(|letter: char| !letter.is_alphabetic()).next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if word.chars().skip(1).all(char::is_lowercase) && word.len() > 1 => {
            first.to_lowercase().chain(letters).collect()
        }
        Some(_) | None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
