//! Delivers events to a function that something goes wrong with, as Lambda would: a process that has died is followed by
//! a new one.

use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::Value;

use crate::functions;
use crate::gateway::{Call, Fault};
use crate::runtime_api::{Answer, Bootstrap};
use crate::stack::{DEADLINE, Stack};

use super::harm::Harm;
use super::point::Place;

/// Whether it tells of a call that was denied, in AWS's words: EC2 has its own.
pub(super) fn tells_of_denial(text: &str) -> bool {
    ["AccessDenied", "UnauthorizedOperation"].iter().any(|code| text.contains(code))
}

/// One delivery.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) event: Value,
    pub(super) answer: Answer,
    /// All that the process logged until then.
    pub(super) log: String,
    /// Whether the harm came to this delivery.
    pub(super) struck: bool,
    /// How many calls the functions had made when it was over.
    pub(super) calls: usize,
}

#[derive(Debug)]
pub(super) struct Player<'a> {
    pub(super) stack: &'a Stack,
    function: Option<Bootstrap>,
    harm: Option<Harm>,
    pub(super) said: Vec<Said>,
}

impl<'a> Player<'a> {
    /// Nothing goes wrong without `harm`.
    pub(super) fn new(stack: &'a Stack, harm: Option<(&Place, Harm)>) -> Self {
        if let Some((place, harm)) = harm {
            stack.sandbox.gateway.faults().add(harm.at(place));
        }
        Self { stack, function: None, harm: harm.map(|(_, harm)| harm), said: Vec::new() }
    }

    /// How many calls the harm has come to.
    pub(super) fn spoilt(&self) -> usize {
        self.stack.sandbox.gateway.calls().iter().filter(|call| call.fault.is_some()).count()
    }

    /// Delivers an event once; the answer, if there was one.
    pub(super) async fn send(&mut self, event: &Value) -> anyhow::Result<Option<Value>> {
        let function = match self.function.take() {
            Some(function) => function,
            None => self.stack.function(&[]).await?,
        };
        let spoilt = self.spoilt();
        let answer = if self.harm.is_some_and(Harm::kills) && spoilt == 0 {
            self.until_killed(&function, event).await?
        } else {
            function.invoke(event.to_string(), DEADLINE).await
        };
        let struck = self.spoilt() > spoilt;
        if struck && self.harm == Some(Harm::Denied) {
            let_denial_be_logged(&function).await;
        }
        let log = function.log();
        if !matches!(answer, Answer::Exited(_) | Answer::TimedOut) {
            self.function = Some(function);
        }
        let value = if let Answer::Ok(value) = &answer { Some(value.clone()) } else { None };
        let ours = functions()?;
        let calls = self.stack.sandbox.gateway.calls();
        let calls = calls.iter().filter(|call| ours.contains(&call.caller)).count();
        self.said.push(Said { event: event.clone(), answer, log, struck, calls });
        Ok(value)
    }

    async fn until_killed(&self, function: &Bootstrap, event: &Value) -> anyhow::Result<Answer> {
        let killed = async {
            let begun = Instant::now();
            while !self.stack.sandbox.gateway.calls().iter().any(is_reached) {
                if begun.elapsed() > DEADLINE {
                    bail!("the call at which it was to be killed has no end");
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
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
