//! What a function that changes something supplies; [`crate::runner::Runner`] does the rest.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    error::Error,
    freeze::Freeze,
    guard::Approved,
    ledger::{FollowUp, FollowUpChange},
    outcome::{Stop, Verification},
    trigger::Trigger,
};

/// What a function supplies.
#[expect(
    async_fn_in_trait,
    reason = "Lambda gives one invocation at a time to one thread: nothing needs Send"
)]
pub trait Remedy {
    const FUNCTION: &'static str;
    /// Whether a person is asked first in mode `auto` too.
    const ASKS_FIRST: bool = false;
    type Request: Serialize + Clone;
    type Observed: Serialize;
    /// One change to AWS, in absolute values; its text says it to a person.
    type Action: Serialize + DeserializeOwned + ToString;

    /// What a trigger asks of this function: one request for each target it concerns.
    fn requests(&self, trigger: &Trigger) -> Result<Vec<Self::Request>, Error>;
    /// What the request would change, if the settings allow that.
    fn target(&self, request: &Self::Request) -> Result<String, Stop>;
    /// Reads AWS.
    async fn observe(&self, request: &Self::Request) -> Result<Self::Observed, Error>;
    /// Decides, from nothing but its arguments.
    fn plan(
        &self,
        now: Timestamp,
        observed: &Self::Observed,
        request: &Self::Request,
        past: &Past,
    ) -> Plan<Self::Action>;
    /// Whether an action that was begun earlier is still to be done.
    fn is_outstanding(&self, action: &Self::Action, observed: &Self::Observed) -> bool;
    /// Does one action.
    async fn apply(&self, action: &Approved<Self::Action>) -> Result<(), Error>;
    /// Looks again, until the actions show or `patience` ends.
    async fn verify(
        &self,
        request: &Self::Request,
        actions: &[&Self::Action],
        patience: Duration,
    ) -> Verification;
}

/// What earlier runs on the target left for this one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    pub follow_up: Option<FollowUp>,
    /// What this month's plans have counted so far (the calendar's month, UTC).
    pub month_units: u32,
    /// Whether the target's writes are frozen.
    pub freeze: Option<Freeze>,
}

/// What to do, or why not to.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<A> {
    pub actions: Vec<A>,
    /// Why these actions.
    pub reason: String,
    pub follow_up: FollowUpChange,
    pub weight: Weight,
    /// What it adds to the month's count, where AWS bills by number.
    pub units: u32,
    pub skipped: Option<Stop>,
}

/// What a plan has to do with the cooldown and the day's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Waits for both, and counts for both.
    Full,
    /// Counts for both but does not wait out a cooldown: a person named exactly what to do, or the event
    /// cannot be put off.
    Wished,
    /// Puts back what an earlier action changed: whoever allowed that has allowed this.
    PutsBack,
}

impl<A> Plan<A> {
    pub fn act(actions: Vec<A>, reason: impl Into<String>) -> Self {
        Self {
            actions,
            reason: reason.into(),
            follow_up: FollowUpChange::Keep,
            weight: Weight::Full,
            units: 0,
            skipped: None,
        }
    }

    pub fn skip(stop: Stop) -> Self {
        Self { skipped: Some(stop), ..Self::act(Vec::new(), String::new()) }
    }

    /// Ends what is looked after: recorded and told, also on a scheduled run.
    pub fn settle(stop: Stop) -> Self {
        Self { follow_up: FollowUpChange::Clear, ..Self::skip(stop) }
    }

    /// Leaves it to the scheduled run.
    pub fn postpone(follow_up: FollowUp, stop: Stop) -> Self {
        Self { follow_up: FollowUpChange::Set(follow_up), ..Self::skip(stop) }
    }
}
