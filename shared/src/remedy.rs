//! What a function that changes something supplies; [`crate::runner::Runner`] does the rest.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    error::Error,
    guard::Approved,
    ledger::Intent,
    outcome::{Stop, Verification},
    plan::{Past, Plan},
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
    /// Whether it goes before others that want the same target: what it ends gets worse while it waits.
    const IS_URGENT: bool = false;
    /// Whether what it looks after is an intent of its own: what a dead run did not come to is done by that, also when
    /// the intent is too old.
    const RESUMES: bool = false;
    /// Whether what is read shows which actions are left; if not, each finds that out as it is done.
    const ACTIONS_SHOW: bool = true;
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
    /// Looks once more at what somebody else may have changed since, while the target is being claimed. What is not
    /// read again is as it was in `seen`.
    async fn look_again(
        &self,
        request: &Self::Request,
        seen: &Self::Observed,
    ) -> Result<Option<Self::Observed>, Error> {
        let _ = (request, seen);
        Ok(None)
    }
    /// What an action is known by: who asks for it again joins the plan that waits for approval.
    fn known_by(&self, action: &Self::Action) -> Value {
        value(action)
    }
    /// Whether it can read what is to be looked after; if not, that is left out, and people are told.
    fn understands(&self, what: &Value) -> bool {
        let _ = what;
        true
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
    /// Whether an action that was decided earlier is still to be done.
    fn is_outstanding(&self, action: &Self::Action, observed: &Self::Observed) -> bool;
    /// Whether what is not outstanding shows the action's own effect, and not somebody else's change since.
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
    /// Looks again, until the actions show or `patience` ends.
    async fn verify(
        &self,
        request: &Self::Request,
        actions: &[&Self::Action],
        patience: Duration,
    ) -> Verification;
}

/// Our own types always serialize; a failure here would be a defect, and must not cost the run.
pub(crate) fn value(data: &impl Serialize) -> Value {
    serde_json::to_value(data).unwrap_or_default()
}
