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
//! [`request`] says what is asked, [`observe`] reads, [`plan`] decides, [`look_after`] sees to what takes longer
//! than a run, [`apply`] writes and looks again.

mod apply;
#[cfg(test)]
mod aws_calls;
pub mod codes;
mod look_after;
mod observe;
mod plan;
mod request;
mod settings;
mod skipped;

use std::{sync::OnceLock, time::Duration};

use aws_types::SdkConfig;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use shared::{
    aws::Aws,
    ecs,
    error::Error,
    guard::Approved,
    ledger::Releases,
    outcome::{Stop, Verification},
    plan::{Past, Plan},
    remedy::Remedy,
    runner::Runner,
    settings::{Environment, Policy, SettingsError},
    trigger::Trigger,
};

pub use observe::Observed;
pub use plan::Action;
pub use request::{Because, Goal, Request};
pub use settings::Settings;

pub const FUNCTION: &str = "write-freeze";

/// The function as its environment sets it up.
pub fn start(environment: &Environment) -> Result<Runner<WriteFreeze>, SettingsError> {
    over(environment, Aws::new(environment, FUNCTION)?)
}

/// The same, over an AWS that is there already.
pub fn over(environment: &Environment, aws: Aws) -> Result<Runner<WriteFreeze>, SettingsError> {
    let policy = Policy::from_environment(environment)?;
    let settings = Settings::from_environment(environment)?;
    let write_freeze = WriteFreeze { aws: Clients::new(aws.config().clone()), settings };
    Ok(Runner::new(write_freeze, policy, aws))
}

pub struct WriteFreeze {
    settings: Settings,
    aws: Clients,
}

/// Each is made when it is first needed: Lambda waits for none of them while the function starts.
pub(crate) struct Clients {
    config: SdkConfig,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    ecs: OnceLock<aws_sdk_ecs::Client>,
}

impl Clients {
    fn new(config: SdkConfig) -> Self {
        Self { config, dynamodb: OnceLock::new(), ecs: OnceLock::new() }
    }

    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }

    pub(crate) fn ecs(&self) -> &aws_sdk_ecs::Client {
        self.ecs.get_or_init(|| aws_sdk_ecs::Client::new(&self.config))
    }

    pub(crate) fn releases(&self, settings: &Settings) -> Releases {
        Releases::new(self.dynamodb(), &settings.ledger_table)
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        self.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.config)).clone()
    }
}

impl Remedy for WriteFreeze {
    const FUNCTION: &'static str = FUNCTION;
    const IS_URGENT: bool = true;
    type Request = Request;
    type Observed = Observed;
    type Action = Action;

    fn requests(&self, trigger: &Trigger) -> Result<Vec<Request>, Error> {
        request::from_trigger(trigger).map(|request| vec![request])
    }

    fn target(&self, request: &Request) -> Result<String, Stop> {
        request::target(request, &self.settings)
    }

    async fn observe(&self, request: &Request) -> Result<Observed, Error> {
        observe::observe(&self.aws, &self.settings, request).await
    }

    fn plan(&self, now: Timestamp, observed: &Observed, request: &Request, past: &Past) -> Plan<Action> {
        plan::plan(now, observed, request, &self.settings, past)
    }

    async fn look_again(&self, _request: &Request, seen: &Observed) -> Result<Option<Observed>, Error> {
        let service =
            ecs::staged_service(self.aws.ecs(), &self.settings.cluster, &self.settings.service).await?;
        Ok(Some(Observed { service, ..seen.clone() }))
    }

    fn understands(&self, what: &Value) -> bool {
        look_after::Awaited::deserialize(what).is_ok()
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
