//! Adds tasks to an ECS service that is short of them.
//!
//! Woken by the CPU, memory and response-time alarms, or by a person. It never scales down, never more than
//! doubles, never goes past the maximum, and leaves a service alone whose trouble is not a shortage: tasks
//! that fail to start, a roll-out under way, earlier tasks still starting. Where the service has a scalable
//! target, its minimum is raised too, or the next scaling policy would take the tasks away again. A
//! scheduled run takes the next step while a load alarm lasts, since an alarm calls only once, and brings
//! the minimum back once it has expired and no load alarm is in ALARM.
//!
//! [`request`] says what is asked, [`observe`] reads, [`plan`] decides, [`follow_up`] brings the minimum back, [`apply`]
//! writes and looks again.

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
    outcome::{Stop, Verification},
    plan::InShort,
    remedy::Remedy,
    settings::{Environment, SettingsError},
    trigger::Trigger,
};

use follow_up::{Past, Plan};

pub use action::Action;
pub use follow_up::RaisedMinimum;
pub use observe::Observed;
pub use request::{Goal, Request};
pub use settings::Settings;

pub const FUNCTION: &str = "scale-up";

pub struct ScaleUp {
    settings: Settings,
    aws: Clients,
}

shared::aws_clients! {
    pub(crate) struct Clients {
        ecs: aws_sdk_ecs,
        scaling: aws_sdk_applicationautoscaling,
        cloudwatch: aws_sdk_cloudwatch,
    }
}

impl Remedy for ScaleUp {
    const FUNCTION: &'static str = FUNCTION;
    const EXAMPLE: &'static str = r#"{"by": 1, "dry_run": true}"#;
    type Request = Request;
    type Observed = Observed;
    type Action = Action;
    type FollowUp = RaisedMinimum;

    fn new(environment: &Environment, aws: &Aws) -> Result<Self, SettingsError> {
        Ok(Self {
            settings: Settings::from_environment(environment)?,
            aws: Clients::new(aws.config().clone()),
        })
    }

    fn requests(&self, trigger: &Trigger) -> Result<Vec<Request>, Error> {
        request::from_trigger(trigger, &self.settings).map(|request| vec![request])
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
        InShort::always(plan::in_short(actions, observed))
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
