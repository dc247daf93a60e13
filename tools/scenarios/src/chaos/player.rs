//! Delivers events to a function that something goes wrong with, as Lambda would: a process that has died is followed by
//! a new one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use sandbox::changes::changes_the_stack;
use sandbox::functions;
use sandbox::gateway::{Call, Fault};
use sandbox::notices::{Ears, Notice};
use sandbox::runtime_api::{Answer, Bootstrap};
use sandbox::stack::{DEADLINE, Stack};
use serde_json::Value;

use super::failure::Failure;
use super::ledger;
use super::point::Place;
use crate::definition::{Deliver, Work};

const POLL: Duration = Duration::from_millis(5);

/// Whether it tells of a call that was denied, in AWS's words: EC2 has its own.
pub(crate) fn tells_of_denial(text: &str) -> bool {
    ["AccessDenied", "UnauthorizedOperation"].iter().any(|code| text.contains(code))
}

/// One delivery.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) task: &'static str,
    pub(crate) event: Value,
    pub(crate) answer: Answer,
    /// All that the process logged until then.
    pub(crate) log: String,
    /// Whether the failure came to this delivery.
    pub(crate) struck: bool,
    /// How many calls the functions had made when it was over.
    pub(crate) calls: usize,
}

pub(crate) struct Player<'a> {
    pub(crate) stack: &'a Stack,
    ears: Ears,
    /// What people were told since the beginning, as far as was listened.
    pub(crate) heard: Vec<Notice>,
    /// The release that ran at first.
    pub(crate) ran: String,
    /// The functions that events are delivered to, and their processes.
    tasks: Vec<&'static str>,
    processes: HashMap<&'static str, Bootstrap>,
    failure: Option<(Place, Failure)>,
    pub(crate) said: Vec<Said>,
}

impl<'a> Player<'a> {
    /// From now on it counts what is called and told. Nothing goes wrong without `failure`.
    pub(crate) async fn begin(stack: &'a Stack, failure: Option<(&Place, Failure)>) -> anyhow::Result<Self> {
        Self::begin_with(vec![stack.task()], stack, failure).await
    }

    /// The same with more than one function that events are delivered to.
    pub(crate) async fn begin_with(
        tasks: Vec<&'static str>,
        stack: &'a Stack,
        failure: Option<(&Place, Failure)>,
    ) -> anyhow::Result<Self> {
        let (ears, ran) = (Ears::new(&stack.sandbox.clients).await?, stack.sandbox.runs().await?);
        let mut player = Self {
            stack,
            ears,
            heard: Vec::new(),
            ran,
            tasks,
            processes: HashMap::new(),
            failure: None,
            said: Vec::new(),
        };
        player.strike(failure);
        Ok(player)
    }

    /// Counts from now on what is called, and lets this go wrong.
    pub(crate) fn strike(&mut self, failure: Option<(&Place, Failure)>) {
        let gateway = &self.stack.sandbox.gateway;
        gateway.record().clear();
        if let Some((place, failure)) = failure {
            gateway.faults().add(failure.at(place));
        }
        self.failure = failure.map(|(place, failure)| (place.clone(), failure));
    }

    /// All that people were told until now.
    pub(crate) async fn listen(&mut self) -> anyhow::Result<&[Notice]> {
        self.heard.extend(self.ears.heard(&self.stack.sandbox.clients).await?);
        Ok(&self.heard)
    }

    /// How many calls the failure has come to.
    pub(crate) fn spoilt(&self) -> usize {
        self.stack.sandbox.gateway.calls().iter().filter(|call| call.fault.is_some()).count()
    }

    /// Delivers an event once; the answer, if there was one.
    pub(crate) async fn send(&mut self, event: &Value) -> anyhow::Result<Option<Value>> {
        self.send_to(self.stack.task(), event).await
    }

    /// The same to any function.
    pub(crate) async fn send_to(
        &mut self,
        task: &'static str,
        event: &Value,
    ) -> anyhow::Result<Option<Value>> {
        let function = self.process(task).await?;
        let spoilt = self.spoilt();
        let answer = self.deliver(task, &function, event).await?;
        self.heard_back(task, function, event, answer, spoilt).await
    }

    /// Delivers an event to each of two functions: to the second one while the first is about to change something, or
    /// has ended before that.
    pub(crate) async fn send_at_once(
        &mut self,
        [first, second]: [(&'static str, &Value); 2],
    ) -> anyhow::Result<()> {
        let (one, other) = (self.process(first.0).await?, self.process(second.0).await?);
        let (spoilt, has_ended) = (self.spoilt(), AtomicBool::new(false));
        let gate = self.stack.sandbox.gateway.gate();
        gate.close(first.0, changes_the_stack);
        let begin = async {
            let answer = self.deliver(first.0, &one, first.1).await;
            has_ended.store(true, Ordering::Relaxed);
            answer
        };
        let come_between = async {
            while !gate.holds() && !has_ended.load(Ordering::Relaxed) {
                tokio::time::sleep(POLL).await;
            }
            let answer = self.deliver(second.0, &other, second.1).await;
            gate.open();
            answer
        };
        let (answer, answer_between) = tokio::join!(begin, come_between);
        self.heard_back(first.0, one, first.1, answer?, spoilt).await?;
        self.heard_back(second.0, other, second.1, answer_between?, spoilt).await?;
        Ok(())
    }

    /// The function's process that is there still, or a new one.
    async fn process(&mut self, task: &'static str) -> anyhow::Result<Bootstrap> {
        match self.processes.remove(task) {
            Some(function) => Ok(function),
            None => self.stack.other(task).await,
        }
    }

    async fn deliver(&self, task: &str, function: &Bootstrap, event: &Value) -> anyhow::Result<Answer> {
        // A call of a function that is not delivered to is made because this one asks it.
        let dies = self.failure.as_ref().is_some_and(|(place, failure)| {
            failure.kills() && (place.caller == task || !self.tasks.contains(&place.caller.as_str()))
        });
        if dies && self.spoilt() == 0 {
            self.until_killed(function, event).await
        } else {
            Ok(function.invoke(event.to_string(), DEADLINE).await)
        }
    }

    /// Notes what came of a delivery. `spoilt` is how many calls the failure had come to before it.
    async fn heard_back(
        &mut self,
        task: &'static str,
        function: Bootstrap,
        event: &Value,
        answer: Answer,
        spoilt: usize,
    ) -> anyhow::Result<Option<Value>> {
        let struck = self.spoilt() > spoilt;
        if struck && self.failure.as_ref().is_some_and(|(_, failure)| *failure == Failure::Denied) {
            let_denial_be_logged(&function).await;
        }
        let log = function.log();
        if !matches!(answer, Answer::Exited(_) | Answer::TimedOut) {
            self.processes.insert(task, function);
        }
        let value = if let Answer::Ok(value) = &answer { Some(value.clone()) } else { None };
        let ours = functions()?;
        let calls = self.stack.sandbox.gateway.calls();
        let calls = calls.iter().filter(|call| ours.contains(&call.caller)).count();
        self.said.push(Said { task, event: event.clone(), answer, log, struck, calls });
        Ok(value)
    }

    async fn until_killed(&self, function: &Bootstrap, event: &Value) -> anyhow::Result<Answer> {
        let killed = async {
            let begun = Instant::now();
            while !self.stack.sandbox.gateway.calls().iter().any(is_reached) {
                if begun.elapsed() > DEADLINE {
                    bail!("the call at which it was to be killed has no end");
                }
                tokio::time::sleep(POLL).await;
            }
            function.kill().await;
            Ok(())
        };
        let run = function.invoke(event.to_string(), DEADLINE);
        tokio::pin!(run);
        tokio::select! {
            // It was not reached in this run.
            answer = &mut run => Ok(answer),
            killed = killed => {
                killed?;
                Ok(run.await)
            }
        }
    }
}

impl Deliver for Player<'_> {
    fn send<'a>(&'a mut self, event: &'a Value) -> Work<'a, Option<Value>> {
        Box::pin(self.send_to(self.stack.task(), event))
    }

    fn let_time_pass(&mut self) -> Work<'_> {
        Box::pin(ledger::let_time_pass(self.stack))
    }

    fn last(&self) -> String {
        format!("{:?}", self.said.last())
    }
}

/// On a busy machine the last lines of a log are read only after the answer. Whether they came is looked at later.
async fn let_denial_be_logged(function: &Bootstrap) {
    const LAST_LINES: Duration = Duration::from_secs(2);
    let begun = Instant::now();
    while begun.elapsed() < LAST_LINES && !tells_of_denial(&function.log()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether the call that is to kill has come, and has taken effect if it is to.
fn is_reached(call: &Call) -> bool {
    match call.fault {
        Some(Fault::HangBefore) => true,
        Some(Fault::HangAfter) => call.status.is_some(),
        _ => false,
    }
}
