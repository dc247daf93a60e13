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
//! [`request`] says what is asked, [`observe`] reads, and [`needs`] what new tasks need; [`plan`] decides, [`follow_up`]
//! how it ended; [`apply`] writes and looks again.

mod action;
mod apply;
#[cfg(test)]
mod aws_calls;
pub mod codes;
mod follow_up;
mod needs;
mod observe;
mod plan;
mod request;
mod settings;
mod skipped;

use std::time::Duration;

use jiff::Timestamp;
use shared::{
    aws::Aws,
    code, ecs,
    error::Error,
    guard::Approved,
    outcome::{Stop, Verification},
    plan::InShort,
    remedy::Remedy,
    settings::{Environment, SettingsError},
    trigger::Trigger,
};

use follow_up::{Past, Plan};

pub use action::Action;
pub use follow_up::Restarted;
pub use observe::Observed;
pub use request::{Goal, Request};
pub use settings::Settings;

pub const FUNCTION: &str = "restart";

pub struct Restart {
    settings: Settings,
    aws: Clients,
}

shared::aws_clients! {
    pub(crate) struct Clients {
        cloudwatch: aws_sdk_cloudwatch,
        ecr: aws_sdk_ecr,
        ecs: aws_sdk_ecs,
        secrets: aws_sdk_secretsmanager,
    }
}

impl Remedy for Restart {
    const FUNCTION: &'static str = FUNCTION;
    const EXAMPLE: &'static str = r#"{"dry_run": true}"#;
    type Request = Request;
    type Observed = Observed;
    type Action = Action;
    type FollowUp = Restarted;

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

    fn in_short(&self, actions: &[Action], observed: &Observed) -> InShort {
        InShort::always(plan::in_short(actions, observed, &self.settings))
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
