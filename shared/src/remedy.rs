//! What a function that changes something supplies; [`crate::runner::Runner`] does the rest.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    clock::readable,
    code,
    error::Error,
    freeze::Freeze,
    guard::Approved,
    ledger::{FollowUp, FollowUpChange, Intent, Note},
    outcome::{Stop, Verification},
    runner::value,
    trigger::Trigger,
};

/// What a function supplies.
#[expect(
    async_fn_in_trait,
    reason = "Lambda gives one invocation at a time to one thread: nothing needs Send"
)]
pub trait Remedy {
    const FUNCTION: &'static str;
    /// See [`crate::lambda::Task::EXAMPLE`].
    const EXAMPLE: &'static str;
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
    /// What the actions come to, in some words for people: `backend: 2 → 4 tasks`.
    fn in_short(&self, actions: &[Self::Action], observed: &Self::Observed) -> String {
        let _ = observed;
        actions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
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

/// What a plan has to know beside what was read: what earlier runs on the target left for this one.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Who asks and why, in words.
    pub asked: String,
    pub follow_up: Option<FollowUp>,
    /// What this month's plans have counted so far (the calendar's month, UTC).
    pub month_units: u32,
    /// Whether the target's writes are frozen.
    pub freeze: Option<Freeze>,
}

impl Default for Past {
    fn default() -> Self {
        let asked = "asked by hand".to_owned();
        Self { asked, follow_up: None, month_units: 0, freeze: None }
    }
}

/// What to do, or why not to.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<A> {
    pub actions: Vec<A>,
    /// Why these actions.
    pub reason: String,
    /// What else a person should know before a yes, a line each.
    pub details: Vec<String>,
    pub follow_up: FollowUpChange,
    pub weight: Weight,
    /// What it adds to the month's count, where AWS bills by number.
    pub units: u32,
    /// What cooldown and budget belong to, where that is less than the target: first what the plan is about, then what
    /// comes of it.
    pub about: Vec<String>,
    /// What the ledger is to remember once all is done.
    pub notes: Vec<Note>,
    /// How a person asks for just this.
    pub by_hand: Option<Value>,
    pub skipped: Option<Stop>,
}

/// What a plan has to do with the cooldown and the day's budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Waits for both, and counts for both.
    #[default]
    Full,
    /// Counts for both but does not wait out a cooldown, since it cannot be put off; a person who named exactly what
    /// to do is bound by neither.
    Wished,
    /// Puts back what an earlier action changed: whoever allowed that has allowed this.
    PutsBack,
}

/// That nothing waits to settle.
pub fn nothing_to_look_after() -> Stop {
    Stop::nothing_to_do(&code::NOTHING_TO_LOOK_AFTER, "nothing is waiting to settle")
}

/// That an earlier change still has time: what it is, and what was seen of it.
pub fn still_settling(what: &str, due: Timestamp, seen: &str) -> Stop {
    Stop::nothing_to_do(&code::STILL_SETTLING, format!("{what} has until {}: {seen}", readable(due)))
}

impl<A> Plan<A> {
    pub fn act(actions: Vec<A>, reason: impl Into<String>) -> Self {
        Self {
            actions,
            reason: reason.into(),
            details: Vec::new(),
            follow_up: FollowUpChange::Keep,
            weight: Weight::Full,
            units: 0,
            about: Vec::new(),
            notes: Vec::new(),
            by_hand: None,
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
