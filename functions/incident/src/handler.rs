//! One run: something happened, somebody asks, or a minute has passed.
//!
//! - `context`: the clients, and what all the others use.
//! - `alarm`, `opening`: an alarm changes, and an incident opens.
//! - `requests`, `kill_switch`: what people send.
//! - `queue`, `votes`: what they send to the queue of approvals.
//! - `steps`, `state_machine`: what `service-down` asks, and how it is started and watched.
//! - `sweep`: what is due every minute.
//! - `notify`, `side_effects`, `unreadable`: what people are told, and what else follows a write.
//! - `records`: what is recorded.
//! - `maintenance`, `status_page`: announced work, and what customers read.
//! - `digest`: the report of some days.
//! - `report`, `listing`, `answer`: what is shown and answered. `look`: what a chat's button may ask for.
//! - `actor`, `delivery`, `limits`: what several of these share.

mod actor;
mod alarm;
mod answer;
mod context;
mod delivery;
mod digest;
mod kill_switch;
mod limits;
mod listing;
mod look;
mod maintenance;
mod notify;
mod opening;
mod queue;
mod records;
mod report;
mod requests;
mod side_effects;
mod state_machine;
mod status_page;
mod steps;
mod sweep;
mod unreadable;
mod votes;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use shared::{
    clock,
    error::Error,
    lambda::{Invocation, Task},
    trigger::{self, Kind, Trigger},
};

pub use context::Handler;

use crate::request::Request;
use actor::Actor;

/// A run answers soon, however many unreadable items are left to report.
const REPORT_UNREADABLE_WITHIN: Duration = Duration::from_secs(5);

impl Handler {
    /// Handles one event. Each branch is boxed: a run needs memory for what happens, and not for all that could.
    async fn answer(&self, trigger: &Trigger, now: Timestamp) -> Result<Value, Error> {
        let actor = |by, dry_run| Actor {
            id: &trigger.id,
            by,
            at: trigger.at,
            now,
            dry_run,
            execution: None,
            message: None,
        };
        match &trigger.kind {
            Kind::Alarm(alarm) => Ok(Box::pin(self.alarm(alarm, &actor("alarm", false))).await?.into()),
            Kind::Schedule { schedule } if digest::is_schedule(schedule) => {
                Box::pin(self.tell_digest(trigger.at, now)).await
            }
            Kind::Schedule { .. } => Box::pin(self.sweep(now)).await,
            Kind::Ecs(_) | Kind::Pipeline(_) => Err(Error::InvalidRequest(
                "incident takes alarms, its schedule and requests: this event is for other functions"
                    .to_owned(),
            )),
            Kind::Person(asked) => {
                Box::pin(self.asked(trigger, asked, &actor("person", asked.dry_run))).await
            }
            Kind::StepFunctions { execution, asked, .. } => {
                let actor = Actor { execution: Some(execution), ..actor("service-down", asked.dry_run) };
                match Request::new(trigger, asked)? {
                    Request::Step(step) => Box::pin(self.step(&step, &actor)).await,
                    _ => Box::pin(self.asked(trigger, asked, &actor)).await,
                }
            }
        }
    }
}

impl Task for Handler {
    const EXAMPLE: &'static str = r#"{"list": true}"#;

    async fn handle(&self, invocation: &Invocation) -> Result<Value, Error> {
        look::permit(invocation)?;
        let now = clock::now();
        let mut answers = Vec::new();
        if let Some(messages) = trigger::messages(invocation)? {
            for message in messages {
                let answer = Box::pin(self.heed(&message, now)).await;
                answers.push(logged(&message.id, answer));
            }
        } else {
            for trigger in trigger::parse(invocation)? {
                let answer = Box::pin(self.answer(&trigger, now)).await;
                answers.push(logged(&trigger.id, answer));
            }
        }
        if tokio::time::timeout(REPORT_UNREADABLE_WITHIN, self.report_unreadable(now)).await.is_err() {
            tracing::error!("not all unreadable items were reported: the next run goes on");
        }
        // All events were handled before one that failed becomes the answer.
        let answers: Vec<Value> = answers.into_iter().collect::<Result<_, _>>()?;
        Ok(answers.into_iter().next_back().unwrap_or_default())
    }
}

fn logged(id: &str, answer: Result<Value, Error>) -> Result<Value, Error> {
    if let Ok(answer) = &answer {
        tracing::info!(trigger = id, %answer, "answered");
    }
    answer
}
