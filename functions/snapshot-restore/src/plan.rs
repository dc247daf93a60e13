//! Decides on the next step, from what was read and nothing else.

mod cut_over;
mod next_step;
mod password;
mod source;

use jiff::Timestamp;

use crate::{
    action::Action,
    follow_up::{self, Past, Plan},
    observe::Observed,
    request::{Goal, Request},
    settings::Settings,
};

/// As in `restore of lendpeak2-production as lendpeak2-production-r-1`.
pub(crate) fn in_short(actions: &[Action]) -> String {
    let one = |action: &Action| match action {
        Action::CreateCluster(restore) => format!("restore of {} as {}", restore.source, restore.id),
        Action::SetSecretHost { secret, to, .. } => format!("secret {secret}: host → {to}"),
        // They go with what is done, and say nothing more to a person.
        Action::NoteCutOver { .. } | Action::NotePassword { .. } => String::new(),
        other => other.to_string(),
    };
    actions.iter().map(one).filter(|one| !one.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The plan for one request.
pub(crate) fn plan(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    past: &Past,
) -> Plan {
    let follow_up = past.follow_up.as_ref();
    let decided = match &request.goal {
        Goal::List => source::list(now, observed, settings),
        Goal::Restore(wanted) => source::restore(now, observed, wanted, request.at, settings, follow_up),
        Goal::Continue(id) => next_step::of(now, observed, Some(id), settings, follow_up),
        Goal::LookAfter => next_step::of(now, observed, None, settings, follow_up),
        Goal::Report(id) => Err(next_step::report(observed, id)),
        Goal::Stopped(id) => Err(next_step::stopped(observed, id)),
        Goal::SetPassword(id) => password::set(observed, id, settings),
        Goal::CutOver(id) => cut_over::cut_over(now, observed, id, settings, past),
        Goal::Undo(id) => cut_over::undo(now, observed, id, settings),
        Goal::Discard(id) => cut_over::discard(observed, id, settings),
        Goal::LookAfterCutOver => follow_up::look_after_cut_over(now, observed, follow_up),
    };
    decided.unwrap_or_else(Plan::skip)
}

#[cfg(test)]
pub(crate) mod tests;
