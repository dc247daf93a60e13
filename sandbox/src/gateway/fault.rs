//! Faults to inject: which call, what goes wrong.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use super::Call;

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Fault {
    /// The service answers that there were too many requests. Nothing happened.
    Throttle,
    /// The service answers 500. Nothing happened.
    InternalError,
    /// The service refuses it, with this code and message. Nothing happened.
    Refused(&'static str, &'static str),
    /// The caller's role does not allow the call. Nothing happened.
    Denied,
    /// The service answers well, and has nothing to tell. Nothing happened.
    Empty,
    /// No answer for so long, then the connection closes. Nothing happened.
    Timeout(Duration),
    /// The connection closes without an answer. Nothing happened.
    CutBefore,
    /// The call takes effect, then the connection closes without an answer.
    CutAfter,
    /// The call takes effect, and its answer ends half-way with the connection.
    CutShort,
    /// Nothing happens, and no answer ever comes, however often the SDK repeats the call: time to kill the caller.
    HangBefore,
    /// The call takes effect (its status is in the record then), and no answer ever comes, however often the SDK
    /// repeats it: time to kill the caller.
    HangAfter,
}

/// One fault for one operation.
#[derive(Debug, Clone)]
pub struct Rule {
    caller: Option<String>,
    service: String,
    operation: String,
    about: Option<String>,
    skip: usize,
    times: usize,
    fault: Fault,
}

impl Rule {
    /// The next call of `operation` gets `fault`.
    pub fn new(service: &str, operation: &str, fault: Fault) -> Self {
        let (service, operation) = (service.to_owned(), operation.to_owned());
        Self { caller: None, service, operation, about: None, skip: 0, times: 1, fault }
    }

    /// Only calls of this caller count.
    #[must_use]
    pub fn of(mut self, caller: &str) -> Self {
        self.caller = Some(caller.to_owned());
        self
    }

    /// Only calls whose request has these words count, as in the end of a topic's ARN.
    #[must_use]
    pub fn about(mut self, words: &str) -> Self {
        self.about = Some(words.to_owned());
        self
    }

    /// The `k`-th matching call from now on gets the fault; the first is 1.
    #[must_use]
    pub fn at(mut self, k: usize) -> Self {
        self.skip = k.saturating_sub(1);
        self
    }

    /// So many calls in a row get it.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    fn matches(&self, call: &Call) -> bool {
        self.service == call.service
            && self.operation == call.operation
            && self.caller.as_ref().is_none_or(|caller| *caller == call.caller)
            && self.about.as_ref().is_none_or(|words| call.request.to_string().contains(words))
    }
}

/// The rules that still wait for their call, and the calls that hang.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
    /// By the id that the SDK gives to all attempts of a call.
    hanging: Mutex<HashSet<String>>,
}

impl Faults {
    pub fn add(&self, rule: Rule) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
    }

    /// From now on nobody is allowed this call: `service=ecr&operation=DescribeRepositories`, as a query. Answers whether
    /// that was understood.
    pub(super) fn deny(&self, query: Option<&str>) -> bool {
        let named = |name: &str| {
            let pairs = query.unwrap_or_default().split('&');
            pairs
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, value)| *key == name && !value.is_empty())
        };
        let (Some((_, service)), Some((_, operation))) = (named("service"), named("operation")) else {
            return false;
        };
        self.add(Rule::new(service, operation, Fault::Denied).times(usize::MAX));
        true
    }

    /// Rules whose call has not come.
    pub fn left(&self) -> Vec<Rule> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn clear(&self) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The first rule that matches counts this call; only it does.
    pub(super) fn take(&self, call: &Call) -> Option<Fault> {
        let mut hanging = self.hanging.lock().unwrap_or_else(PoisonError::into_inner);
        if call.sdk_id.as_ref().is_some_and(|id| hanging.contains(id)) {
            return Some(Fault::HangBefore);
        }
        let fault = self.next(call)?;
        if matches!(fault, Fault::HangBefore | Fault::HangAfter) {
            hanging.extend(call.sdk_id.clone());
        }
        Some(fault)
    }

    fn next(&self, call: &Call) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let index = rules.iter().position(|rule| rule.matches(call))?;
        let rule = rules.get_mut(index)?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        rule.times = rule.times.saturating_sub(1);
        let (fault, spent) = (rule.fault.clone(), rule.times == 0);
        if spent {
            rules.remove(index);
        }
        Some(fault)
    }
}

/// Less than a caller waits for one attempt: `ATTEMPT_TIMEOUT` of `shared/src/aws.rs`.
const HELD_AT_MOST: Duration = Duration::from_secs(4);

/// Which calls a gate is for.
type Which = fn(&Call) -> bool;

/// Holds one call up before it does anything, so that something else can be done in the middle of a run.
#[derive(Debug, Default)]
pub struct Gate {
    /// The caller, and which of its calls.
    next: Mutex<Option<(String, Which)>>,
    holds: watch::Sender<bool>,
}

impl Gate {
    /// Holds the next of these calls of `caller` up.
    pub fn close(&self, caller: &str, which: fn(&Call) -> bool) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some((caller.to_owned(), which));
    }

    /// Whether a call is held up now.
    pub fn holds(&self) -> bool {
        *self.holds.borrow()
    }

    /// Lets every call go on.
    pub fn open(&self) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.holds.send_replace(false);
    }

    pub(super) async fn pass(&self, call: &Call) {
        let is_held = self
            .next
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take_if(|(caller, which)| *caller == call.caller && which(call))
            .is_some();
        if is_held {
            self.holds.send_replace(true);
            let open = async { self.holds.subscribe().wait_for(|holds| !holds).await.map(|_| ()) };
            let _ = tokio::time::timeout(HELD_AT_MOST, open).await;
            self.holds.send_replace(false);
        }
    }
}
