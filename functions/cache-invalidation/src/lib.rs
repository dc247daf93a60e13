//! Clears old content from the CloudFront distribution of the front end.
//!
//! Woken by the end of a front end's deployment, by the alarm on CloudFront's 4xx answers, or by a person. The
//! paths are put right as CloudFront needs them, what would be paid for and clear nothing is refused with what was
//! probably meant, paths that are being invalidated are not sent again, the same event is never paid for twice, and
//! the month's free paths are counted. When CloudFront has no room for more, the invalidation waits for the scheduled
//! run; that run also looks whether what was sent has come to its end, and tells people.
//!
//! [`request`] says what is asked, [`paths`] puts it right, [`mistakes`] knows what nobody means, [`observe`] reads,
//! [`plan`] decides, [`apply`] writes and looks again.

mod apply;
mod awaited;
#[cfg(test)]
mod aws_calls;
pub mod codes;
mod mistakes;
mod observe;
mod paths;
mod plan;
mod request;
mod settings;
mod skipped;

use std::{sync::OnceLock, time::Duration};

use aws_types::SdkConfig;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    aws::Aws,
    error::Error,
    guard::Approved,
    outcome::{Stop, Verification},
    plan::{Past, Plan},
    remedy::Remedy,
    runner::Runner,
    settings::{Environment, Policy, SettingsError},
    trigger::Trigger,
    web::Web,
};

pub use observe::Observed;
pub use paths::{Limits, Paths};
pub use plan::Action;
pub use request::{Goal, Request, Source};
pub use settings::Settings;

pub const FUNCTION: &str = "cache-invalidation";

/// The function as its environment sets it up.
pub fn start(environment: &Environment) -> Result<Runner<CacheInvalidation>, SettingsError> {
    over(environment, Aws::new(environment, FUNCTION)?)
}

/// The same, over an AWS that is there already.
pub fn over(environment: &Environment, aws: Aws) -> Result<Runner<CacheInvalidation>, SettingsError> {
    let policy = Policy::from_environment(environment)?;
    let remedy = CacheInvalidation {
        settings: Settings::from_environment(environment)?,
        clients: Clients { config: aws.config().clone(), cloudfront: OnceLock::new(), web: aws.web() },
    };
    Ok(Runner::new(remedy, policy, aws))
}

pub struct CacheInvalidation {
    settings: Settings,
    clients: Clients,
}

pub(crate) struct Clients {
    pub(crate) config: SdkConfig,
    cloudfront: OnceLock<aws_sdk_cloudfront::Client>,
    pub(crate) web: Web,
}

impl Clients {
    /// Made when it is first needed: Lambda does not wait for it while the function starts.
    pub(crate) fn cloudfront(&self) -> &aws_sdk_cloudfront::Client {
        self.cloudfront.get_or_init(|| aws_sdk_cloudfront::Client::new(&self.config))
    }
}

impl Remedy for CacheInvalidation {
    const FUNCTION: &'static str = FUNCTION;
    const RESUMES: bool = true;
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
        observe::observe(&self.clients, &self.settings, request).await
    }

    fn plan(&self, now: Timestamp, observed: &Observed, request: &Request, past: &Past) -> Plan<Action> {
        plan::plan(now, observed, request, &self.settings, past)
    }

    fn understands(&self, what: &Value) -> bool {
        awaited::understands(what)
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
        apply::verify(&self.clients, &self.settings, actions, patience).await
    }
}
