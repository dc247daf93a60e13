//! Decides on the next step, from what was read and nothing else.

mod cut_over;
mod next_step;
mod password;
mod source;

use jiff::Timestamp;
use shared::plan::InShort;

use crate::{
    action::Action,
    follow_up::{self, Past, Plan},
    observe::Observed,
    request::{Goal, Request},
    settings::Settings,
};

/// As in `restore of lendpeak2-production as lendpeak2-production-r-1`.
pub(crate) fn in_short(actions: &[Action]) -> InShort {
    let (planned, done): (Vec<_>, Vec<_>) = actions.iter().filter_map(one_in_short).unzip();
    InShort { planned: planned.join(", "), done: done.join(", ") }
}

/// An action before and after it is done. What AWS takes minutes for has then begun.
fn one_in_short(action: &Action) -> Option<(String, String)> {
    let done = match action {
        Action::CreateCluster(restore) => {
            let words = format!("restore of {} as {}", restore.source, restore.id);
            return Some((words.clone(), words));
        }
        Action::SetSecretHost { secret, to, .. } => {
            let words = format!("secret {secret}: host → {to}");
            return Some((words.clone(), words));
        }
        // They go with what is done, and say nothing more to a person.
        Action::NoteCutOver { .. } | Action::NotePassword { .. } => return None,
        Action::CopySettings { cluster, .. } => format!("cluster {cluster} given the settings of its source"),
        Action::CreateInstance { cluster, instance, .. } => {
            format!("creation of instance {} begun in cluster {cluster}", instance.name)
        }
        Action::SetPassword { cluster, secret, version } => {
            format!(
                "master user of cluster {cluster} given the password in version {version} of secret {secret}"
            )
        }
        Action::PointSecretBack { secret, to, .. } => {
            format!("version {to} of secret {secret} made current again")
        }
        Action::Redeploy { service, .. } => {
            format!("new tasks of {service} started, which read the secret")
        }
        Action::AllowDeletion { cluster } => format!("deletion protection taken off cluster {cluster}"),
        Action::DeleteInstance { instance, .. } => format!("deletion of instance {instance} begun"),
        Action::DeleteCluster { cluster } => {
            format!("deletion of cluster {cluster} begun, without a last snapshot")
        }
    };
    Some((action.to_string(), done))
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
