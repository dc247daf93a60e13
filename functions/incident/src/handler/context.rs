//! The clients, and what every part of the function uses.

use std::{sync::OnceLock, time::Duration};

use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use shared::{
    aws::Aws,
    error::{Cause, Error},
    notice::{self as topic, Facts},
    outbox::{Outbox, Owed},
    settings::{Environment, SettingsError},
};

use super::{actor::Actor, limits::MAX_WRITES};
use crate::{
    FUNCTION,
    incident::Incident,
    notice::Deployment,
    settings::Settings,
    store::{OpenIndex, Store},
};

/// The run that writes a notice has sent it by then, or died.
const SENDS_ITSELF_WITHIN: SignedDuration = SignedDuration::from_secs(30);

pub struct Handler {
    pub(super) settings: Settings,
    pub(super) config: SdkConfig,
    store: OnceLock<Store>,
    outbox: OnceLock<Outbox>,
    /// Only the status page needs it.
    pub(super) s3: OnceLock<aws_sdk_s3::Client>,
}

impl Handler {
    pub fn new(environment: &Environment) -> Result<Self, SettingsError> {
        Self::with_aws(environment, &Aws::new(environment, FUNCTION)?)
    }

    /// With AWS clients that exist already.
    pub fn with_aws(environment: &Environment, aws: &Aws) -> Result<Self, SettingsError> {
        let settings = Settings::from_environment(environment)?;
        Ok(Self {
            settings,
            config: aws.config().clone(),
            store: OnceLock::new(),
            outbox: OnceLock::new(),
            s3: OnceLock::new(),
        })
    }

    pub(super) fn store(&self) -> &Store {
        self.store.get_or_init(|| {
            Store::new(aws_sdk_dynamodb::Client::new(&self.config), &self.settings.ledger_table)
        })
    }

    pub(super) fn outbox(&self) -> &Outbox {
        self.outbox.get_or_init(|| {
            let client = aws_sdk_dynamodb::Client::new(&self.config);
            let Settings { ledger_table, topics, .. } = &self.settings;
            Outbox::new(client, ledger_table, self.config.clone(), topics.to_vec())
        })
    }

    /// A notice to level 1, to be written to the outbox.
    pub(super) fn notice_to_level_1(&self, facts: Facts, id: &str, now: Timestamp) -> Owed {
        let [topic, ..] = &self.settings.topics;
        let deadline = now.checked_add(SENDS_ITSELF_WITHIN).unwrap_or(now);
        Owed::new(id, topic::Notice::new(topic, facts), now, deadline)
    }

    /// Changes an incident, again and again until nobody else has written it meanwhile. `change` says `None` if there
    /// is nothing to change. Answers the incident, and whether it was changed.
    pub(super) async fn change(
        &self,
        id: &str,
        actor: &Actor<'_>,
        change: impl Fn(&mut Incident) -> Option<(OpenIndex, String)>,
    ) -> Result<(Incident, bool), Error> {
        for turn in 0..MAX_WRITES {
            back_off(turn, actor.id).await;
            let mut incident = self.known(id).await?;
            let Some((index, what)) = change(&mut incident) else {
                return Ok((incident, false));
            };
            if actor.dry_run {
                return Ok((incident, true));
            }
            let entry = actor.entry(&what);
            if self.store().save(&mut incident, index, Some((actor.id, &entry))).await? {
                return Ok((incident, true));
            }
        }
        Err(write_conflict(id))
    }

    /// An incident that has to exist.
    pub(super) async fn known(&self, id: &str) -> Result<Incident, Error> {
        let found = self.store().get(id).await?;
        found.ok_or_else(|| {
            let unreadable = self.store().why_unreadable(id);
            Error::InvalidRequest(match unreadable {
                Some(why) => format!("incident `{id}` is in the ledger and cannot be read: {why}"),
                None => {
                    format!("there is no incident `{id}`; send {{\"list\": true}} to see which there are")
                }
            })
        })
    }

    pub(super) async fn add_entry(&self, id: &str, actor: &Actor<'_>, what: &str) -> Result<(), Error> {
        self.store().add(id, actor.id, &actor.entry(what)).await.map(|_| ())
    }

    /// The deployment, without its kill switches and plans.
    pub(super) fn deployment(&self) -> Deployment {
        Deployment {
            environment: self.settings.environment.clone(),
            function: self.settings.function_name(FUNCTION),
            acknowledge_within: self.settings.acknowledge_within,
            remedies: self.settings.remedies.clone(),
            switches: Vec::new(),
            plans: Vec::new(),
            named_approvers: self.settings.approvals.named,
            unreached: Vec::new(),
        }
    }
}

/// Runs that met on one item come back at different times.
pub(super) async fn back_off(turn: u32, id: &str) {
    if turn > 0 {
        let spread = id.bytes().fold(0_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 97);
        tokio::time::sleep(Duration::from_millis(u64::from(turn) * 20 + spread)).await;
    }
}

pub(super) fn write_conflict(what: &str) -> Error {
    Error::Aws {
        operation: "write to the ledger about",
        resource: what.to_owned(),
        source: Cause::new(format!("other runs wrote it first, {MAX_WRITES} times in a row")),
    }
}
