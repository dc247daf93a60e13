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
//! looks again; [`restore`] is what is to be made, [`data`] of which data, [`follow_up`] what the ledger keeps meanwhile,
//! [`login`] whether the service can use it.

mod action;
mod apply;
#[cfg(test)]
mod aws_calls;
pub mod codes;
mod data;
mod docdb;
mod follow_up;
mod login;
mod name;
mod observe;
mod plan;
mod refusal;
mod request;
mod restore;
mod secret;
mod settings;
mod skipped;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use shared::{
    aws::Aws,
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
pub use docdb::{Cluster, ClusterSettings, Instance, InstanceSettings, Snapshot};
pub use follow_up::{Progress, Settling, UnderWay};
pub use login::{Fit, Login};
pub use observe::{Database, Observed};
pub use request::{Goal, Request, Wanted};
pub use restore::{Origin, Restore};
pub use secret::Secret;
pub use settings::Settings;

pub const FUNCTION: &str = "snapshot-restore";

pub struct SnapshotRestore {
    settings: Settings,
    clients: Clients,
}

shared::aws_clients! {
    pub(crate) struct Clients {
        cloudwatch: aws_sdk_cloudwatch,
        docdb: aws_sdk_docdb,
        ecs: aws_sdk_ecs,
        lambda: aws_sdk_lambda,
        secrets: aws_sdk_secretsmanager,
    }
}

impl Remedy for SnapshotRestore {
    const FUNCTION: &'static str = FUNCTION;
    const EXAMPLE: &'static str = r#"{"snapshot": "latest", "dry_run": true}"#;
    const ASKS_FIRST: bool = true;
    const ACTIONS_SHOW: bool = false;
    type Request = Request;
    type Observed = Observed;
    type Action = Action;
    type FollowUp = UnderWay;

    fn new(environment: &Environment, aws: &Aws) -> Result<Self, SettingsError> {
        Ok(Self {
            settings: Settings::from_environment(environment)?,
            clients: Clients::new(aws.config().clone()),
        })
    }

    fn requests(&self, trigger: &Trigger) -> Result<Vec<Request>, Error> {
        request::from_trigger(trigger, &self.settings)
    }

    fn target(&self, request: &Request) -> Result<String, Stop> {
        Ok(request::target(request, &self.settings))
    }

    async fn observe(&self, request: &Request) -> Result<Observed, Error> {
        observe::observe(&self.clients, &self.settings, request).await
    }

    fn plan(&self, now: Timestamp, observed: &Observed, request: &Request, past: &Past) -> Plan {
        plan::plan(now, observed, request, &self.settings, past)
    }

    fn in_short(&self, actions: &[Action], _observed: &Observed) -> InShort {
        plan::in_short(actions)
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
