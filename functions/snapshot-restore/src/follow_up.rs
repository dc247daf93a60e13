//! What takes longer than a run: a restore that is under way, and a cut-over that is to settle.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    ecs::{RunningTask, Service},
    outcome::{Stop, Verification},
    plan::{self, still_settling},
};

use crate::{action::Action, observe::Observed, restore::Restore, skipped};

pub(crate) type FollowUp = plan::FollowUp<UnderWay>;
pub(crate) type Past = plan::Past<UnderWay>;
pub(crate) type Plan = plan::Plan<Action, UnderWay>;

/// What is looked after: the source's restore, or the service's cut-over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UnderWay {
    Restore(Box<Progress>),
    CutOver(Settling),
}

/// A restore under way, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub(crate) restore: Restore,
    pub(crate) begun_at: Timestamp,
    /// The steps that a run has claimed: a step that is here and does not show was refused.
    pub(crate) tried: Vec<String>,
}

/// A cut-over, or the way back, that the service's tasks are to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settling {
    /// The secret's version that they are to read.
    pub(crate) version: String,
    /// In words: `the cut-over to lendpeak2-r1`.
    #[serde(default = "the_change")]
    pub(crate) what: String,
    /// The restore whose cut-over can be undone.
    #[serde(default)]
    pub(crate) undo: Option<String>,
    /// The secret's fields that still name the host before.
    #[serde(default)]
    pub(crate) also: Vec<String>,
}

fn the_change() -> String {
    "the change".to_owned()
}

impl Progress {
    pub(crate) fn until(self, due: Timestamp) -> FollowUp {
        FollowUp { due, what: UnderWay::Restore(Box::new(self)), until_verified: false }
    }

    pub(crate) fn tries(mut self, step: &str) -> Self {
        self.tried.push(step.to_owned());
        self
    }

    pub(crate) fn times_tried(&self, step: &str) -> usize {
        self.tried.iter().filter(|tried| *tried == step).count()
    }
}

impl Settling {
    pub(crate) fn until(self, due: Timestamp) -> FollowUp {
        FollowUp { due, what: UnderWay::CutOver(self), until_verified: true }
    }
}

/// The restore that is under way, and until when.
pub(crate) fn restore(follow_up: Option<&FollowUp>) -> Option<(Timestamp, &Progress)> {
    match &follow_up?.what {
        UnderWay::Restore(progress) => Some((follow_up?.due, progress)),
        UnderWay::CutOver(_) => None,
    }
}

/// How the cut-over went.
pub(crate) fn look_after_cut_over(
    now: Timestamp,
    observed: &Observed,
    follow_up: Option<&FollowUp>,
) -> Result<Plan, Stop> {
    let Some(plan::FollowUp { due, what: UnderWay::CutOver(settling), .. }) = follow_up else {
        return Err(skipped::nothing_under_way());
    };
    let Settling { version, what, undo, also } = settling;
    if observed.secret.as_ref().is_some_and(|secret| secret.current != *version) && now >= *due {
        return Ok(Plan::settle(skipped::superseded(what)));
    }
    let seen = settled(observed, version, also);
    if seen.verified {
        return Ok(Plan::settle(skipped::verified(what, &seen.what)));
    }
    if now < *due {
        return Err(still_settling(what, *due, &seen.what));
    }
    Ok(Plan::settle(skipped::not_verified(what, &seen.what, undo.as_deref())))
}

/// Whether the service's tasks have read this version of the secret, all of them, and its database answers. `also` are
/// the secret's fields that still name the host before: then nobody can tell which database it is that answers.
pub(crate) fn settled(observed: &Observed, version: &str, also: &[String]) -> Verification {
    let (runs, what) = redeployed(observed, version);
    match &observed.database {
        _ if !runs => Verification { verified: false, what },
        Some(database) if database.answers && !also.is_empty() => Verification {
            verified: false,
            what: format!(
                "{what}, and /health/db passes, but that may be the database before: the secret's {} still names it",
                also.join(" and ")
            ),
        },
        Some(database) if database.answers => {
            Verification { verified: true, what: format!("{what}, and /health/db passes") }
        }
        Some(database) => Verification {
            verified: false,
            what: format!("{what}, but /health/db fails: {}", database.summary),
        },
        None => Verification { verified: false, what: format!("{what}, but the probe did not answer") },
    }
}

/// Whether all tasks that run have read this version, and what shows it: a task reads it as it starts, and never again.
pub(crate) fn redeployed(observed: &Observed, version: &str) -> (bool, String) {
    let no = |what: String| (false, what);
    let Some(secret) = observed.secret.as_ref().filter(|secret| secret.current == version) else {
        return no("another version of the secret is current".to_owned());
    };
    let Some(changed) = secret.changed_at else {
        return no("since when the secret's version is current is not known".to_owned());
    };
    let Some(service) = &observed.service else {
        return no("the service was not seen".to_owned());
    };
    let Service { running_count, desired_count, .. } = service;
    let Some(primary) = service.primary() else {
        return no("the service has no deployment".to_owned());
    };
    if !began_after(primary.created_at, changed) {
        return no("the service's tasks began before the secret was changed".to_owned());
    }
    let what = format!(
        "{running_count} of {desired_count} tasks run, their deployment is {}",
        primary.rollout.to_lowercase()
    );
    if service.deployments.len() != 1 || !primary.is_completed() || running_count < desired_count {
        return no(what);
    }
    let have_read =
        |task: &&RunningTask| task.started_by == primary.id && began_after(task.created_at, changed);
    let (all, new) = (observed.tasks.len(), observed.tasks.iter().filter(have_read).count());
    match all {
        0 => no(format!("{what}, but none of them can be seen")),
        _ if new < all => no(format!(
            "{what}, but {} of {all} began before the secret was changed: they have the version before",
            all - new
        )),
        _ => (true, format!("{what}, all of them begun after the secret was changed")),
    }
}

/// Either time may be without its fraction of a second.
fn began_after(began: Option<Timestamp>, changed: Timestamp) -> bool {
    let is_whole = |time: Timestamp| time.subsec_nanosecond() == 0;
    began.is_some_and(|began| {
        if is_whole(began) || is_whole(changed) {
            began.as_second() >= changed.as_second()
        } else {
            began >= changed
        }
    })
}
