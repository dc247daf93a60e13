//! Faults to inject: which call, what goes wrong.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::Call;

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Fault {
    /// The service answers that there were too many requests. Nothing happened.
    Throttle,
    /// The service answers 500. Nothing happened.
    InternalError,
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
    /// Nothing happens, and no answer ever comes: time to kill the caller.
    HangBefore,
    /// The call takes effect (its status is in the record then), and no answer ever comes: time to kill
    /// the caller.
    HangAfter,
}

/// One fault for one operation.
#[derive(Debug, Clone)]
pub struct Rule {
    caller: Option<String>,
    service: String,
    operation: String,
    skip: usize,
    times: usize,
    fault: Fault,
}

impl Rule {
    /// The next call of `operation` gets `fault`.
    pub fn new(service: &str, operation: &str, fault: Fault) -> Self {
        let (service, operation) = (service.to_owned(), operation.to_owned());
        Self { caller: None, service, operation, skip: 0, times: 1, fault }
    }

    /// Only calls of this caller count.
    #[must_use]
    pub fn of(mut self, caller: &str) -> Self {
        self.caller = Some(caller.to_owned());
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
    }
}

/// The rules that still wait for their call.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
}

impl Faults {
    pub fn add(&self, rule: Rule) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
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
