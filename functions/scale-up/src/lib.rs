//! Adds tasks to an ECS service that is short of them.
//!
//! Woken by the CPU, memory and response-time alarms, or by a person. It never scales down, never more than
//! doubles, never goes past the maximum, and leaves a service alone whose trouble is not a shortage: tasks
//! that fail to start, a roll-out under way, earlier tasks still starting. Where the service has a scalable
//! target, its minimum is raised too, or the next scaling policy would take the tasks away again. A
//! scheduled run takes the next step while a load alarm lasts, since an alarm calls only once, and brings
//! the minimum back once it has expired and no load alarm is in ALARM.
//!
//! [`request`] says what is asked, [`observe`] reads, [`plan`] decides, [`apply`] writes and looks again.

mod apply;
#[cfg(test)]
mod aws_calls;
pub mod codes;
mod observe;
mod plan;
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

pub const FUNCTION: &str = "scale-up";

/// The function as its environment sets it up.
pub fn start(environment: &Environment) -> Result<Runner<ScaleUp>, SettingsError> {
    over(environment, Aws::new(environment, FUNCTION)?)
}

/// The same, over an AWS that is there already.
pub fn over(environment: &Environment, aws: Aws) -> Result<Runner<ScaleUp>, SettingsError> {
    let policy = Policy::from_environment(environment)?;
    let scale_up = ScaleUp {
        settings: Settings::from_environment(environment)?,
        aws: Clients::new(aws.config().clone()),
    };
    Ok(Runner::new(scale_up, policy, aws))
}

pub struct ScaleUp {
    settings: Settings,
    aws: Clients,
}

/// Each is made when it is first needed: Lambda waits for none of them while the function starts.
pub(crate) struct Clients {
    config: SdkConfig,
    ecs: OnceLock<aws_sdk_ecs::Client>,
    scaling: OnceLock<aws_sdk_applicationautoscaling::Client>,
    cloudwatch: OnceLock<aws_sdk_cloudwatch::Client>,
}

impl Clients {
    fn new(config: SdkConfig) -> Self {
        Self { config, ecs: OnceLock::new(), scaling: OnceLock::new(), cloudwatch: OnceLock::new() }
    }

    pub(crate) fn ecs(&self) -> &aws_sdk_ecs::Client {
        self.ecs.get_or_init(|| aws_sdk_ecs::Client::new(&self.config))
    }

    pub(crate) fn scaling(&self) -> &aws_sdk_applicationautoscaling::Client {
        self.scaling.get_or_init(|| aws_sdk_applicationautoscaling::Client::new(&self.config))
    }

    pub(crate) fn cloudwatch(&self) -> &aws_sdk_cloudwatch::Client {
        self.cloudwatch.get_or_init(|| aws_sdk_cloudwatch::Client::new(&self.config))
    }
}

impl Remedy for ScaleUp {
    const FUNCTION: &'static str = FUNCTION;
    type Request = Request;
    type Observed = Observed;
    type Action = Action;

    fn requests(&self, trigger: &Trigger) -> Result<Vec<Request>, Error> {
        request::from_trigger(trigger, &self.settings).map(|request| vec![request])
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

    async fn look_again(&self, request: &Request, seen: &Observed) -> Result<Option<Observed>, Error> {
        let resource_id = self.settings.target();
        let (service, scalable_target) = tokio::join!(
            ecs::staged_service(self.aws.ecs(), &self.settings.cluster, &request.service),
            observe::scalable_target(self.aws.scaling(), &resource_id)
        );
        Ok(Some(Observed { service: service?, scalable_target: scalable_target?, ..seen.clone() }))
    }

    fn allows(&self, action: &Action) -> Result<(), Stop> {
        plan::allows(action, &self.settings)
    }

    fn understands(&self, what: &Value) -> bool {
        plan::understands(what)
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
