//! Rolls an ECS service back to the last release that is known to be good.
//!
//! Woken by a failed deployment, by the 5xx-rate alarm while the release is young, or by a person. "The
//! previous revision" may be the one that failed an hour ago: the choice is the newest release that AWS
//! saw succeed and that was never rolled back from, those first that ran while the health probe passed.
//! Nothing but the task definition of the service changes.
//!
//! A roll-back takes minutes, longer than a run. The scheduled run looks after it, and closes the record as
//! verified, or tells people that it did not settle.
//!
//! [`request`] says what is asked, [`observe`] and [`history`] read, [`choice`] and [`plan`] decide, [`apply`] writes and
//! looks again; [`probe`] asks the health probe.

mod apply;
#[cfg(test)]
mod aws_calls;
mod choice;
pub mod codes;
mod history;
mod observe;
mod plan;
mod probe;
mod request;
mod settings;
mod skipped;

use std::{sync::OnceLock, time::Duration};

use aws_types::SdkConfig;
use jiff::Timestamp;
use serde_json::Value;
use shared::{
    aws::Aws,
    ecs,
    error::Error,
    guard::Approved,
    ledger::{Intent, Releases},
    outcome::{Stop, Verification},
    plan::{Past, Plan},
    remedy::Remedy,
    runner::Runner,
    settings::{Environment, Policy, SettingsError},
    trigger::Trigger,
};

pub use observe::Observed;
pub use plan::Action;
pub use request::{Because, Request, To};
pub use settings::Settings;

pub const FUNCTION: &str = "rollback";

/// The function as its environment sets it up.
pub fn start(environment: &Environment) -> Result<Runner<Rollback>, SettingsError> {
    over(environment, Aws::new(environment, FUNCTION)?)
}

/// The same, over an AWS that is there already.
pub fn over(environment: &Environment, aws: Aws) -> Result<Runner<Rollback>, SettingsError> {
    let policy = Policy::from_environment(environment)?;
    let settings = Settings::from_environment(environment)?;
    let rollback = Rollback { aws: Clients::new(aws.config().clone()), settings };
    Ok(Runner::new(rollback, policy, aws))
}

pub struct Rollback {
    settings: Settings,
    aws: Clients,
}

/// Each is made when it is first needed: Lambda waits for none of them while the function starts.
pub(crate) struct Clients {
    config: SdkConfig,
    cloudwatch: OnceLock<aws_sdk_cloudwatch::Client>,
    dynamodb: OnceLock<aws_sdk_dynamodb::Client>,
    ecs: OnceLock<aws_sdk_ecs::Client>,
    lambda: OnceLock<aws_sdk_lambda::Client>,
}

impl Clients {
    fn new(config: SdkConfig) -> Self {
        Self {
            config,
            cloudwatch: OnceLock::new(),
            dynamodb: OnceLock::new(),
            ecs: OnceLock::new(),
            lambda: OnceLock::new(),
        }
    }

    pub(crate) fn cloudwatch(&self) -> &aws_sdk_cloudwatch::Client {
        self.cloudwatch.get_or_init(|| aws_sdk_cloudwatch::Client::new(&self.config))
    }

    pub(crate) fn ecs(&self) -> &aws_sdk_ecs::Client {
        self.ecs.get_or_init(|| aws_sdk_ecs::Client::new(&self.config))
    }

    pub(crate) fn lambda(&self) -> &aws_sdk_lambda::Client {
        self.lambda.get_or_init(|| aws_sdk_lambda::Client::new(&self.config))
    }

    pub(crate) fn releases(&self, settings: &Settings) -> Releases {
        let client = self.dynamodb.get_or_init(|| aws_sdk_dynamodb::Client::new(&self.config));
        Releases::new(client.clone(), &settings.ledger_table)
    }
}

impl Remedy for Rollback {
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

    fn instead(&self, action: &Action) -> Option<Action> {
        action.instead()
    }

    fn understands(&self, what: &Value) -> bool {
        ["from", "to"].iter().all(|name| what.get(name).is_some_and(Value::is_string))
    }

    fn of_today(&self, intent: Intent) -> Intent {
        plan::of_today(intent)
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
