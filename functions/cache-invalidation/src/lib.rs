//! Clears old content from the CloudFront distribution of the front end.
//!
//! Woken by the end of a front end's deployment, by the alarm on CloudFront's 4xx answers, or by a person.
//! Paths are corrected for CloudFront; one that would cost money and clear nothing is refused with a correction. Paths
//! that are being invalidated are not sent again, the same event is never paid for twice, and the month's free paths are
//! counted. When CloudFront has no room for more, the invalidation waits for the scheduled run. That run also looks
//! whether earlier invalidations have ended, and tells people.
//!
//! [`request`] says what is asked, [`paths`] puts it right, [`mistakes`] knows what nobody means, [`observe`] reads,
//! [`plan`] decides, [`follow_up`] sees to what was sent or has to wait, [`apply`] writes and looks again.

mod action;
mod apply;
#[cfg(test)]
mod aws_calls;
pub mod codes;
mod follow_up;
mod mistakes;
mod observe;
mod paths;
mod plan;
mod request;
mod settings;
mod skipped;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    aws::Aws,
    error::Error,
    guard::Approved,
    outcome::{Stop, Verification},
    plan::InShort,
    remedy::Remedy,
    settings::{Environment, SettingsError},
    trigger::Trigger,
    web::Web,
};

use follow_up::{Past, Plan};

pub use action::Action;
pub use follow_up::Kept;
pub use observe::Observed;
pub use paths::{PathLimits, Paths};
pub use request::{Goal, Request, Source};
pub use settings::Settings;

pub const FUNCTION: &str = "cache-invalidation";

pub struct CacheInvalidation {
    settings: Settings,
    clients: Clients,
    web: Web,
}

shared::aws_clients! {
    pub(crate) struct Clients {
        cloudfront: aws_sdk_cloudfront,
    }
}

impl Remedy for CacheInvalidation {
    const FUNCTION: &'static str = FUNCTION;
    const EXAMPLE: &'static str = r#"{"paths": ["/assets/*"], "dry_run": true}"#;
    const RESUMES: bool = true;
    type Request = Request;
    type Observed = Observed;
    type Action = Action;
    type FollowUp = Kept;

    fn new(environment: &Environment, aws: &Aws) -> Result<Self, SettingsError> {
        Ok(Self {
            settings: Settings::from_environment(environment)?,
            clients: Clients::new(aws.config().clone()),
            web: aws.web(),
        })
    }

    fn requests(&self, trigger: &Trigger) -> Result<Vec<Request>, Error> {
        request::from_trigger(trigger, &self.settings).map(|request| vec![request])
    }

    fn target(&self, request: &Request) -> Result<String, Stop> {
        request::target(request, &self.settings)
    }

    async fn observe(&self, request: &Request) -> Result<Observed, Error> {
        observe::observe(&self.clients, &self.web, &self.settings, request).await
    }

    fn plan(&self, now: Timestamp, observed: &Observed, request: &Request, past: &Past) -> Plan {
        plan::plan(now, observed, request, &self.settings, past)
    }

    fn in_short(&self, actions: &[Action], _observed: &Observed) -> InShort {
        plan::in_short(actions)
    }

    /// The reference is the event's, which makes no other invalidation of it.
    fn known_by(&self, action: &Action) -> Value {
        let Action::CreateInvalidation { distribution, paths, .. } = action;
        json!([distribution, paths])
    }

    fn is_outstanding(&self, action: &Action, observed: &Observed) -> bool {
        plan::is_outstanding(action, observed)
    }

    async fn apply(&self, action: &Approved<Action>) -> Result<(), Error> {
        apply::apply(&self.clients, action).await
    }

    async fn verify(&self, _request: &Request, actions: &[&Action], patience: Duration) -> Verification {
        apply::verify(&self.clients, &self.web, &self.settings, actions, patience).await
    }
}
