//! What a function that changes something supplies; [`crate::runner::Runner`] does the rest.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    aws::Aws,
    error::Error,
    guard::Approved,
    ledger::Intent,
    outcome::{Stop, Verification},
    plan::{InShort, Past, Plan, value},
    settings::{Environment, SettingsError},
    trigger::Trigger,
};

/// What a function supplies.
#[expect(
    async_fn_in_trait,
    reason = "Lambda gives one invocation at a time to one thread: nothing needs Send"
)]
pub trait Remedy: Sized {
    const FUNCTION: &'static str;
    /// See [`crate::lambda::Task::EXAMPLE`].
    const EXAMPLE: &'static str;
    /// Whether a person is asked first in mode `auto` too.
    const ASKS_FIRST: bool = false;
    /// Whether other remedies let it go first on a target, because waiting makes things worse.
    const IS_URGENT: bool = false;
    /// Whether its follow-up also says what is still to be done. Then the scheduled run finishes what a dead run left
    /// from the follow-up, even if the intent is too old.
    const RESUMES: bool = false;
    /// Whether what is read shows which actions are left. If not, each action finds that out itself.
    const ACTIONS_SHOW: bool = true;
    type Request: Serialize + Clone;
    type Observed: Serialize;
    /// One change to AWS, in absolute values. `Display` says it to a person.
    type Action: Serialize + DeserializeOwned + ToString;
    /// What the scheduled run looks after once this run has ended. It has to read what earlier versions stored: the
    /// runner leaves out what cannot be read, and reports it.
    type FollowUp: Serialize + DeserializeOwned;

    /// As its environment sets it up.
    fn new(environment: &Environment, aws: &Aws) -> Result<Self, SettingsError>;
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
        past: &Past<Self::FollowUp>,
    ) -> Plan<Self::Action, Self::FollowUp>;
    /// What the actions come to, in some words for people: `backend: 2 → 4 tasks`.
    fn in_short(&self, actions: &[Self::Action], observed: &Self::Observed) -> InShort;
    /// Reads again, while the target is being claimed, what somebody else may have changed since. The rest is taken
    /// from `seen`.
    async fn look_again(
        &self,
        request: &Self::Request,
        seen: &Self::Observed,
    ) -> Result<Option<Self::Observed>, Error> {
        let _ = (request, seen);
        Ok(None)
    }
    /// What identifies an action: a second request for it joins the plan that waits for approval.
    fn known_by(&self, action: &Self::Action) -> Value {
        value(action)
    }
    /// An intent as today's version would have written it.
    fn of_today(&self, intent: Intent) -> Intent {
        intent
    }
    /// Whether today's settings allow an action that was decided earlier.
    fn allows(&self, action: &Self::Action) -> Result<(), Stop> {
        let _ = action;
        Ok(())
    }
    /// Whether an action that was decided earlier still has to be done.
    fn is_outstanding(&self, action: &Self::Action, observed: &Self::Observed) -> bool;
    /// Whether an action that is not outstanding took effect itself, and nobody else made the change.
    fn has_taken_effect(&self, action: &Self::Action, observed: &Self::Observed) -> bool {
        let _ = (action, observed);
        true
    }
    /// What is done in place of an action that AWS refused for good.
    fn instead(&self, action: &Self::Action) -> Option<Self::Action> {
        let _ = action;
        None
    }
    /// Does one action.
    async fn apply(&self, action: &Approved<Self::Action>) -> Result<(), Error>;
    /// Looks until the actions have taken effect, or `patience` ends.
    async fn verify(
        &self,
        request: &Self::Request,
        actions: &[&Self::Action],
        patience: Duration,
    ) -> Verification;
}
