//! What a function's scenario is made of.

use std::fmt;
use std::pin::Pin;

use jiff::Timestamp;
use sandbox::Sandbox;
use sandbox::stack::Stack;
use serde_json::Value;
use subject::Subject;

use crate::job::{Addresses, Job};
use crate::row::Row;

pub(crate) const NOTICES: &str = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-notices";
pub(crate) const LEVEL_2: &str = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-level-2";
pub(crate) const LEVEL_3: &str = "arn:aws:sns:us-east-1:000000000000:lendpeak2-production-level-3";
pub(crate) const PROBE: &str = "lendpeak2-production-health-probe";

/// What is done on a sandbox, on any thread.
pub(crate) type Work<'a, T = ()> = Pin<Box<dyn Future<Output = anyhow::Result<T>> + Send + 'a>>;
/// The same, on one thread.
pub(crate) type LocalWork<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

pub struct Scenario {
    pub subject: &'static Subject,
    /// What its environment has in the sandbox, beside what every function's has.
    pub settings: &'static [(&'static str, &'static str)],
    /// Makes a stack in which it has something to do.
    pub(crate) make_needed: for<'a> fn(&'a Sandbox) -> Work<'a>,
    pub(crate) flow: Flow,
    /// Adds a row for each thing that it tried on moto, also where it cannot go on.
    pub(crate) peer: Option<for<'a> fn(&'a mut Vec<Row>) -> LocalWork<'a>>,
    pub(crate) jobs: fn(&Addresses) -> Vec<Job>,
}

/// What is delivered to it while something goes wrong.
pub(crate) enum Flow {
    /// This event, again and again: each delivery is like the first.
    Looks(for<'a> fn(&'a Sandbox) -> Work<'a, Value>),
    Acts {
        /// The alarm that wakes it, in ALARM since then. The alarm itself is not in CloudWatch: the event has the word.
        alarm: fn(Timestamp) -> Value,
        /// What a person sends who sees that it has not helped yet.
        by_hand: fn() -> Value,
    },
    /// One flow from its beginning to its end.
    Whole(for<'a> fn(&'a mut dyn Deliver) -> Work<'a>),
}

/// Delivers events to the function, as Lambda would.
pub(crate) trait Deliver: Send {
    /// Delivers an event once; the answer, if there was one.
    fn send<'a>(&'a mut self, event: &'a Value) -> Work<'a, Option<Value>>;
    /// Ends every lease, as if time had passed.
    fn let_time_pass(&mut self) -> Work<'_>;
    /// What became of the last delivery, for an error.
    fn last(&self) -> String;
}

impl Scenario {
    /// The function's name.
    pub fn name(&self) -> &'static str {
        self.subject.name
    }

    /// A stack in which the function has something to do.
    pub(crate) async fn start(&self) -> anyhow::Result<Stack> {
        self.start_with(self.settings).await
    }

    /// The same with these settings.
    pub(crate) async fn start_with(&self, settings: &[(&str, &str)]) -> anyhow::Result<Stack> {
        let stack = Stack::start(self.name(), settings).await?;
        (self.make_needed)(&stack.sandbox).await?;
        Ok(stack)
    }

    /// The alarm that wakes it, in ALARM since then; null where none does.
    pub(crate) fn alarm(&self, since: Timestamp) -> Value {
        match self.flow {
            Flow::Acts { alarm, .. } => alarm(since),
            Flow::Looks(_) | Flow::Whole(_) => Value::Null,
        }
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is one of each function.
impl PartialEq for Scenario {
    fn eq(&self, other: &Self) -> bool {
        self.subject == other.subject
    }
}

impl Eq for Scenario {}
