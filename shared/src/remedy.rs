//! What a function that changes something supplies; [`crate::runner::Runner`] does the rest.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::Error,
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
    type Request: Serialize;
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
        follow_up: Option<&FollowUp>,
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

/// What to do, or why not to.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<A> {
    pub actions: Vec<A>,
    /// Why these actions.
    pub reason: String,
    pub follow_up: FollowUpChange,
    /// Whether it counts for the cooldown and the day's budget; putting things back does not.
    pub counts: bool,
    pub skipped: Option<Stop>,
}

impl<A> Plan<A> {
    pub fn act(actions: Vec<A>, reason: impl Into<String>) -> Self {
        Self { actions, reason: reason.into(), follow_up: FollowUpChange::Keep, counts: true, skipped: None }
    }

    pub fn skip(stop: Stop) -> Self {
        Self {
            actions: Vec::new(),
            reason: String::new(),
            follow_up: FollowUpChange::Keep,
            counts: true,
            skipped: Some(stop),
        }
    }
}
