//! What an agent may look at as a plan, and ask for: a remedy, by what its command takes. None of them overrides anything.

use std::num::NonZeroU32;

use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::json;

use crate::{
    commands::{freeze, invalidate, restart, restore, rollback, scale},
    failure::Failure,
    remedy::{Ask, Common, Override},
    runbook::Runbook,
};

pub(super) enum Remedy {
    Rollback(Rollback),
    Scale(Scale),
    Restart(Restart),
    Freeze(Freeze),
    Invalidate(Invalidate),
    Restore(Restore),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rollback {
    /// Another release than the last one that is known to be good: `123`, `family:123`, or the ARN of a task definition
    #[serde(default)]
    to: Option<String>,
    /// Why, with what you have seen; recorded, and told to people
    reason: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Scale {
    /// How many tasks there are to be, at most twice as many as now; half as many again if left out
    #[serde(default)]
    tasks: Option<NonZeroU32>,
    /// Why, with what you have seen; recorded, and told to people
    reason: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Restart {
    /// Why, with what you have seen; recorded, and told to people
    reason: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Freeze {
    /// `on` stops writes, `off` lets them through again
    state: State,
    /// Why, with what you have seen; recorded, and told to people
    reason: String,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    On,
    Off,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Invalidate {
    /// What to clear from CloudFront, as in `/index.html` or `/assets/*`
    #[schemars(length(min = 1))]
    paths: Vec<String>,
    /// Why, with what you have seen; recorded, and told to people
    reason: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Restore {
    /// A snapshot's id, or `latest`; one of the three
    #[serde(default)]
    snapshot: Option<String>,
    /// The newest snapshot before a time, as in `2026-11-20T10:00:00Z`; one of the three
    #[serde(default)]
    before: Option<String>,
    /// A time, as in `2026-11-20T09:59:00Z`, or `latest`; one of the three
    #[serde(default)]
    point_in_time: Option<String>,
    /// Why, with what you have seen; recorded, and told to people
    reason: String,
}

impl Remedy {
    pub(super) fn ask(self, runbook: &Runbook<'_>) -> Result<Ask, Failure> {
        let overrides = Override::default();
        Ok(match self {
            Self::Rollback(Rollback { to, reason }) => {
                let to = to.unwrap_or_else(|| "previous".to_owned());
                rollback::ask(runbook, &rollback::Options { to, common: because(reason)?, overrides })?
            }
            Self::Scale(Scale { tasks, reason }) => {
                let tasks = tasks.map_or(scale::Tasks::Step, |tasks| scale::Tasks::Count(tasks.get()));
                scale::ask(&scale::Options { tasks, common: because(reason)?, overrides })
            }
            Self::Restart(Restart { reason }) => {
                restart::ask(&restart::Options { common: because(reason)?, overrides })
            }
            Self::Freeze(Freeze { state, reason }) => {
                let state = match state {
                    State::On => freeze::State::On,
                    State::Off => freeze::State::Off,
                };
                freeze::ask(&freeze::Options { state, common: because(reason)? })
            }
            Self::Invalidate(Invalidate { paths, reason }) => {
                if paths.is_empty() {
                    return Err(Failure::usage("`paths` is empty", "say what to clear, as in /assets/*"));
                }
                invalidate::ask(&invalidate::Options { paths, status: None, common: because(reason)? })
            }
            Self::Restore(asked) => asked.ask()?,
        })
    }
}

impl Restore {
    fn ask(self) -> Result<Ask, Failure> {
        let own = match (self.snapshot, self.before, self.point_in_time) {
            (Some(id), None, None) => json!({ "snapshot": id }),
            (None, Some(time), None) => json!({ "before": time }),
            (None, None, Some(time)) => json!({ "point_in_time": time }),
            _ => {
                return Err(Failure::usage(
                    "it is not clear what to restore",
                    "give one of `snapshot`, `before` and `point_in_time`",
                ));
            }
        };
        Ok(restore::begin::ask(&own, &because(self.reason)?))
    }
}

/// People decide by it.
fn because(reason: String) -> Result<Common, Failure> {
    if reason.trim().is_empty() {
        return Err(Failure::usage("`reason` is empty", "say why, with what you have seen"));
    }
    Ok(Common { reason: Some(reason), dry_run: false })
}
