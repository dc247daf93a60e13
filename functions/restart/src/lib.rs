//! Restarts an ECS service: a new deployment of the task definition that runs, so that every task is replaced by a
//! fresh one. The desired count and all else stay as they are.
//!
//! Woken by a person, a state machine, or an alarm that somebody has wired to it. It helps where what a task has
//! gathered is the trouble: leaked memory or connections, a pool that holds a server which is gone, credentials from
//! before a rotation. ECS stops living tasks for it, so it is left alone whenever new ones could not take their
//! place: a roll-out under way, tasks that fail to start, an image or a secret that is not there, a deployment that
//! would leave no task.
//!
//! A deployment takes minutes, longer than a run. The scheduled run looks after it, and says how it ended.
//!
//! [`request`] says what is asked, [`observe`] reads, and [`needs`] what new tasks need; [`plan`] decides, [`settle`]
//! how it ended; [`apply`] writes and looks again.

mod apply;
#[cfg(test)]
mod aws_calls;
pub mod codes;
mod needs;
mod observe;
mod plan;
mod request;
mod settings;
mod settle;
mod skipped;

use std::{sync::OnceLock, time::Duration};

use aws_types::SdkConfig;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use shared::{
    aws::Aws,
    code, ecs,
    error::Error,
    guard::Approved,
    outcome::{Stop, Verification},
    plan::{Past, Plan},
    remedy::Remedy,
    runner::Runner,
    settings::{Environment, Policy, SettingsError},
    trigger::Trigger,
};

pub use observe::Observed;
pub use plan::Action;
pub use request::{Goal, Request};
pub use settings::Settings;

pub const FUNCTION: &str = "restart";

/// The function as its environment sets it up.
pub fn start(environment: &Environment) -> Result<Runner<Restart>, SettingsError> {
    over(environment, Aws::new(environment, FUNCTION)?)
}

/// The same, over an AWS that is there already.
pub fn over(environment: &Environment, aws: Aws) -> Result<Runner<Restart>, SettingsError> {
    let policy = Policy::from_environment(environment)?;
    let settings = Settings::from_environment(environment)?;
    let restart = Restart { aws: Clients::new(aws.config().clone()), settings };
    Ok(Runner::new(restart, policy, aws))
}

pub struct Restart {
    settings: Settings,
    aws: Clients,
}

/// Each is made when it is first needed: Lambda waits for none of them while the function starts.
pub(crate) struct Clients {
    config: SdkConfig,
    cloudwatch: OnceLock<aws_sdk_cloudwatch::Client>,
    ecr: OnceLock<aws_sdk_ecr::Client>,
    ecs: OnceLock<aws_sdk_ecs::Client>,
    secrets: OnceLock<aws_sdk_secretsmanager::Client>,
}

impl Clients {
    fn new(config: SdkConfig) -> Self {
        Self {
            config,
            cloudwatch: OnceLock::new(),
            ecr: OnceLock::new(),
            ecs: OnceLock::new(),
            secrets: OnceLock::new(),
        }
    }

    pub(crate) fn cloudwatch(&self) -> &aws_sdk_cloudwatch::Client {
        self.cloudwatch.get_or_init(|| aws_sdk_cloudwatch::Client::new(&self.config))
    }

    pub(crate) fn ecr(&self) -> &aws_sdk_ecr::Client {
        self.ecr.get_or_init(|| aws_sdk_ecr::Client::new(&self.config))
    }

    pub(crate) fn ecs(&self) -> &aws_sdk_ecs::Client {
        self.ecs.get_or_init(|| aws_sdk_ecs::Client::new(&self.config))
    }

    pub(crate) fn secrets(&self) -> &aws_sdk_secretsmanager::Client {
        self.secrets.get_or_init(|| aws_sdk_secretsmanager::Client::new(&self.config))
    }
}

impl Remedy for Restart {
    const FUNCTION: &'static str = FUNCTION;
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

    fn allows(&self, action: &Action) -> Result<(), Stop> {
        let Action::Deploy { cluster, service, .. } = action;
        if *cluster == self.settings.cluster && *service == self.settings.service {
            return Ok(());
        }
        let why = format!("service {service} of cluster {cluster} is not this function's any more");
        Err(Stop::refused(&code::NOT_ALLOWED, why))
    }

    fn understands(&self, what: &Value) -> bool {
        settle::Restarted::deserialize(what).is_ok()
    }

    fn is_outstanding(&self, action: &Action, observed: &Observed) -> bool {
        plan::is_outstanding(action, observed)
    }

    async fn apply(&self, action: &Approved<Action>) -> Result<(), Error> {
        apply::apply(&self.aws, action).await
    }

    async fn verify(&self, _request: &Request, actions: &[&Action], patience: Duration) -> Verification {
        apply::verify(&self.aws, actions, patience).await
    }
}
