//! The raised minimum, which the scheduled run brings back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    clock::readable,
    outcome::Stop,
    plan::{self, FollowUpChange, Limits},
};

use crate::{
    action::Action,
    observe::{Observed, ScalableTarget},
    request::Request,
    settings::Settings,
    skipped,
};

pub(crate) type FollowUp = plan::FollowUp<RaisedMinimum>;
pub(crate) type Past = plan::Past<RaisedMinimum>;
pub(crate) type Plan = plan::Plan<Action, RaisedMinimum>;

/// A minimum that was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaisedMinimum {
    /// What it is brought back to.
    min_capacity: u32,
    /// What it was raised to: another minimum is somebody else's. Items of earlier versions do not have it.
    #[serde(default)]
    raised_to: Option<u32>,
}

impl RaisedMinimum {
    /// Of several raises, the minimum before the first is the one to go back to, unless somebody has set another since.
    pub(crate) fn new(target: &ScalableTarget, raised_to: u32, earlier: Option<&FollowUp>) -> Self {
        let is = target.min_capacity;
        let ours = earlier
            .map(|earlier| &earlier.what)
            .filter(|earlier| earlier.raised_to.is_none_or(|to| to == is));
        let min_capacity = ours.map_or(is, |ours| ours.min_capacity.min(is));
        Self { min_capacity, raised_to: Some(raised_to) }
    }

    pub(crate) fn until(self, due: Timestamp) -> FollowUp {
        FollowUp { due, what: self, until_verified: false }
    }
}

/// Brings the minimum back once it has expired.
pub(crate) fn restore_minimum(
    now: Timestamp,
    observed: &Observed,
    request: &Request,
    settings: &Settings,
    follow_up: Option<&FollowUp>,
) -> Result<Plan, Stop> {
    let follow_up = follow_up.ok_or_else(|| skipped::no_minimum_raised(&request.service))?;
    if now < follow_up.due {
        return Err(skipped::minimum_not_expired(&request.service, follow_up.due));
    }
    let RaisedMinimum { min_capacity, raised_to } = follow_up.what;
    let is = observed.scalable_target.as_ref().map_or(0, |target| target.min_capacity);
    if let Some(raised_to) = raised_to.filter(|raised_to| *raised_to != is) {
        return Ok(Plan::settle(skipped::minimum_changed(&request.service, raised_to, is)));
    }
    let resource_id = settings.target();
    let action = Action::RestoreMinCapacity { resource_id, min_capacity, raised_to };
    let reason =
        format!("the minimum was raised until {}, and no load alarm is in ALARM", readable(follow_up.due));
    Ok(Plan { follow_up: FollowUpChange::Clear, limits: Limits::Exempt, ..Plan::act(vec![action], reason) })
}
