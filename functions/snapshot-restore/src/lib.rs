//! Restores the DocumentDB cluster beside itself, and hands over.
//!
//! Data was corrupted: a person says which data to go back to, and approves. A new cluster is made with the
//! source's settings, each of them said explicitly, then its instances, the writer first; it is checked and handed
//! over. It has the password of its data's time: where the service's secret has another one since, it is given that
//! once a person approves. Only a further approval points the service at it, by the host in its secret, and that can
//! be undone. The source cluster is never written to.
//!
//! It takes longer than a run: each run reads where things stand and takes at most the next step. The state
//! machine asks again until it is done; so may a person, and so does the scheduled run.
//!
//! [`request`] says what is asked, [`observe`] reads ([`docdb`], [`secret`]), [`plan`] decides, [`apply`] writes and
//! looks again; [`restore`] is what the ledger keeps meanwhile, [`login`] whether the service can use it.

mod apply;
#[cfg(test)]
mod aws_calls;
pub mod codes;
mod docdb;
mod login;
mod name;
mod observe;
mod plan;
mod price;
mod refusal;
mod request;
mod restore;
mod secret;
mod settings;
mod skipped;

use std::{sync::OnceLock, time::Duration};

use aws_types::SdkConfig;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
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
};

pub use docdb::{Cluster, ClusterSettings, Instance, InstanceSettings, Snapshot};
pub use login::{Fit, Login};
pub use observe::{Database, Observed};
pub use plan::Action;
pub use request::{Goal, Request, Wanted};
pub use restore::{Origin, Restore};
pub use secret::Secret;
pub use settings::Settings;

pub const FUNCTION: &str = "snapshot-restore";

/// The function as its environment sets it up.
pub fn start(environment: &Environment) -> Result<Runner<SnapshotRestore>, SettingsError> {
    over(environment, Aws::new(environment, FUNCTION)?)
}

/// The same, over an AWS that is there already.
pub fn over(environment: &Environment, aws: Aws) -> Result<Runner<SnapshotRestore>, SettingsError> {
    let policy = Policy::from_environment(environment)?;
    let settings = Settings::from_environment(environment)?;
    let remedy = SnapshotRestore { clients: Clients::new(aws.config().clone()), settings };
    Ok(Runner::new(remedy, policy, aws))
}

pub struct SnapshotRestore {
    settings: Settings,
    clients: Clients,
}

/// Each is made when it is first needed: Lambda waits for none of them while the function starts.
pub(crate) struct Clients {
    config: SdkConfig,
    cloudwatch: OnceLock<aws_sdk_cloudwatch::Client>,
    docdb: OnceLock<aws_sdk_docdb::Client>,
    ecs: OnceLock<aws_sdk_ecs::Client>,
    lambda: OnceLock<aws_sdk_lambda::Client>,
    secrets: OnceLock<aws_sdk_secretsmanager::Client>,
}

impl Clients {
    fn new(config: SdkConfig) -> Self {
        Self {
            config,
            cloudwatch: OnceLock::new(),
            docdb: OnceLock::new(),
            ecs: OnceLock::new(),
            lambda: OnceLock::new(),
            secrets: OnceLock::new(),
        }
    }

    pub(crate) fn cloudwatch(&self) -> &aws_sdk_cloudwatch::Client {
        self.cloudwatch.get_or_init(|| aws_sdk_cloudwatch::Client::new(&self.config))
    }

    pub(crate) fn docdb(&self) -> &aws_sdk_docdb::Client {
        self.docdb.get_or_init(|| aws_sdk_docdb::Client::new(&self.config))
    }

    pub(crate) fn ecs(&self) -> &aws_sdk_ecs::Client {
        self.ecs.get_or_init(|| aws_sdk_ecs::Client::new(&self.config))
    }

    pub(crate) fn lambda(&self) -> &aws_sdk_lambda::Client {
        self.lambda.get_or_init(|| aws_sdk_lambda::Client::new(&self.config))
    }

    pub(crate) fn secrets(&self) -> &aws_sdk_secretsmanager::Client {
        self.secrets.get_or_init(|| aws_sdk_secretsmanager::Client::new(&self.config))
    }
}

impl Remedy for SnapshotRestore {
    const FUNCTION: &'static str = FUNCTION;
    const ASKS_FIRST: bool = true;
    const ACTIONS_SHOW: bool = false;
    type Request = Request;
    type Observed = Observed;
    type Action = Action;

    fn requests(&self, trigger: &Trigger) -> Result<Vec<Request>, Error> {
        request::from_trigger(trigger, &self.settings)
    }

    fn target(&self, request: &Request) -> Result<String, Stop> {
        Ok(request::target(request, &self.settings))
    }

    async fn observe(&self, request: &Request) -> Result<Observed, Error> {
        observe::observe(&self.clients, &self.settings, request).await
    }

    fn plan(&self, now: Timestamp, observed: &Observed, request: &Request, past: &Past) -> Plan<Action> {
        plan::plan(now, observed, request, &self.settings, past)
    }

    fn understands(&self, what: &Value) -> bool {
        restore::Progress::deserialize(what).is_ok() || what.get("version").is_some_and(Value::is_string)
    }

    /// The new cluster's name ends with the time when it was asked for, which makes no other restore of it.
    fn known_by(&self, action: &Action) -> Value {
        let known_by = serde_json::to_value(action).unwrap_or_default();
        match action {
            Action::CreateCluster(restore) => known_by.to_string().replace(&restore.id, "<id>").into(),
            _ => known_by,
        }
    }

    fn is_outstanding(&self, _action: &Action, _observed: &Observed) -> bool {
        true
    }

    async fn apply(&self, action: &Approved<Action>) -> Result<(), Error> {
        apply::apply(&self.clients, action).await
    }

    async fn verify(&self, _request: &Request, actions: &[&Action], patience: Duration) -> Verification {
        apply::verify(&self.clients, &self.settings, actions, patience).await
    }
}
