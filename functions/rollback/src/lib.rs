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
//! [`request`] says what is asked, [`observe`] and [`history`] read, [`choice`] and [`plan`] decide, [`follow_up`] says how
//! it ended, [`apply`] writes and looks again; [`probe`] asks the health probe.

mod action;
mod apply;
#[cfg(test)]
mod aws_calls;
mod choice;
pub mod codes;
mod follow_up;
mod history;
mod observe;
mod plan;
mod probe;
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
    ledger::{Intent, Releases},
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
pub use request::{Because, Request, To};
pub use settings::Settings;

pub const FUNCTION: &str = "rollback";

pub struct Rollback {
    settings: Settings,
    aws: Clients,
}

shared::aws_clients! {
    pub(crate) struct Clients {
        cloudwatch: aws_sdk_cloudwatch,
        dynamodb: aws_sdk_dynamodb,
        ecs: aws_sdk_ecs,
        lambda: aws_sdk_lambda,
    }
}

impl Clients {
    pub(crate) fn releases(&self, settings: &Settings) -> Releases {
        Releases::new(self.dynamodb().clone(), &settings.ledger_table)
    }
}

impl Remedy for Rollback {
    const FUNCTION: &'static str = FUNCTION;
    const EXAMPLE: &'static str = r#"{"to": "previous", "dry_run": true}"#;
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
        InShort::always(plan::in_short(actions, &self.settings))
    }

    async fn look_again(&self, _request: &Request, seen: &Observed) -> Result<Option<Observed>, Error> {
        let service =
            ecs::staged_service(self.aws.ecs(), &self.settings.cluster, &self.settings.service).await?;
        Ok(Some(Observed { service, ..seen.clone() }))
    }

    fn instead(&self, action: &Action) -> Option<Action> {
        action.instead()
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
