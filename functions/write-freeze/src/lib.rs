//! Stops writes to the database by making the application read-only, and lets them through again.
//!
//! Woken by a person, a state machine, or an alarm on the data's integrity. ECS sets no variable of a
//! service: the running task definition is registered once more with the variable in the named container, and the service
//! is pointed at that copy. Everything else is copied, and nothing else of the service changes. `off` goes back to
//! the release that was frozen, or, if another one was deployed in between, leaves that without the variable.
//!
//! The ledger says that writes are frozen before they are, and until they are not: `rollback` keeps them frozen,
//! and `scale-up` says so.
//!
//! [`request`] says what is asked, [`observe`] reads, [`plan`] decides, [`follow_up`] sees to what takes longer
//! than a run, [`apply`] writes and looks again.

mod action;
mod apply;
#[cfg(test)]
mod aws_calls;
pub mod codes;
mod follow_up;
mod observe;
mod plan;
mod request;
mod settings;
mod skipped;

use std::time::Duration;

use jiff::Timestamp;
use shared::{
    aws::Aws,
    ecs,
    error::Error,
    guard::Approved,
    ledger::Releases,
    outcome::{Stop, Verification},
    plan::InShort,
    remedy::Remedy,
    settings::{Environment, SettingsError},
    trigger::Trigger,
};

use follow_up::{Past, Plan};

pub use action::Action;
pub use follow_up::Awaited;
pub use observe::Observed;
pub use request::{Because, Goal, Request};
pub use settings::Settings;

pub const FUNCTION: &str = "write-freeze";

pub struct WriteFreeze {
    settings: Settings,
    aws: Clients,
}

shared::aws_clients! {
    pub(crate) struct Clients {
        dynamodb: aws_sdk_dynamodb,
        ecs: aws_sdk_ecs,
    }
}

impl Clients {
    pub(crate) fn releases(&self, settings: &Settings) -> Releases {
        Releases::new(self.dynamodb().clone(), &settings.ledger_table)
    }
}

impl Remedy for WriteFreeze {
    const FUNCTION: &'static str = FUNCTION;
    const EXAMPLE: &'static str = r#"{"state": "on", "dry_run": true}"#;
    const IS_URGENT: bool = true;
    type Request = Request;
    type Observed = Observed;
    type Action = Action;
    type FollowUp = Awaited;

    fn new(environment: &Environment, aws: &Aws) -> Result<Self, SettingsError> {
        Ok(Self {
            settings: Settings::from_environment(environment)?,
            aws: Clients::new(aws.config().clone()),
        })
    }

    fn requests(&self, trigger: &Trigger) -> Result<Vec<Request>, Error> {
        request::from_trigger(trigger).map(|request| vec![request])
    }

    fn target(&self, request: &Request) -> Result<String, Stop> {
        request::target(request, &self.settings)
    }

    async fn observe(&self, request: &Request) -> Result<Observed, Error> {
        observe::observe(&self.aws, &self.settings, request).await
    }

    fn plan(&self, now: Timestamp, observed: &Observed, request: &Request, past: &Past) -> Plan {
        plan::plan(now, observed, request, &self.settings, past)
    }

    fn in_short(&self, actions: &[Action], _observed: &Observed) -> InShort {
        plan::in_short(actions, &self.settings)
    }

    async fn look_again(&self, _request: &Request, seen: &Observed) -> Result<Option<Observed>, Error> {
        let service =
            ecs::staged_service(self.aws.ecs(), &self.settings.cluster, &self.settings.service).await?;
        Ok(Some(Observed { service, ..seen.clone() }))
    }

    fn is_outstanding(&self, action: &Action, observed: &Observed) -> bool {
        plan::is_outstanding(action, observed)
    }

    fn has_taken_effect(&self, action: &Action, observed: &Observed) -> bool {
        plan::has_taken_effect(action, observed)
    }

    async fn apply(&self, action: &Approved<Action>) -> Result<(), Error> {
        apply::apply(&self.aws, &self.settings, action).await
    }

    async fn verify(&self, _request: &Request, actions: &[&Action], patience: Duration) -> Verification {
        apply::verify(&self.aws, &self.settings, actions, patience).await
    }
}
