//! A restore: what is to be made, kept in the ledger as the source's follow-up until it is handed over.

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use shared::clock::readable;

use crate::{
    docdb::{Cluster, ClusterSettings, Instance, InstanceSettings},
    name,
};

/// Tags on a restored cluster and its instances.
pub(crate) const RESTORE_OF: &str = "lendpeak2:restore-of";
pub(crate) const RESTORE_ID: &str = "lendpeak2:restore-id";
pub(crate) const RESTORED_FROM: &str = "lendpeak2:restored-from";
/// How many instances it is to have before it is put to use.
pub(crate) const INSTANCES: &str = "lendpeak2:instances";
/// When its snapshot was taken; a point in time says that itself.
pub(crate) const DATA_OF: &str = "lendpeak2:data-of";
/// Set when it is given the secret's password: the version that has it.
pub(crate) const PASSWORD_OF: &str = "lendpeak2:password-of";
/// Set when the service is pointed at it: the version of the secret that was current before.
pub(crate) const CUT_OVER_FROM: &str = "lendpeak2:cut-over-from";
const OURS: &str = "lendpeak2:";

/// Everything that was approved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restore {
    /// Also the new cluster's name.
    pub id: String,
    pub source: String,
    pub origin: Origin,
    pub settings: ClusterSettings,
    pub tags: BTreeMap<String, String>,
    /// The writer first.
    pub instances: Vec<InstanceSettings>,
}

/// Whose data it gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Snapshot { id: String, taken_at: Timestamp },
    PointInTime { at: Timestamp },
    LatestPointInTime,
}

impl Restore {
    pub(crate) fn new(
        source: &Cluster,
        origin: Origin,
        tags: &BTreeMap<String, String>,
        at: Timestamp,
    ) -> Self {
        let id = name::of_cluster(&source.name, at);
        let mut tags = tags.clone();
        // A source that was itself restored keeps what was said of it.
        tags.retain(|key, _| !key.starts_with(OURS));
        let count = source.instances.len().to_string();
        for (key, value) in [
            (RESTORE_OF, &source.name),
            (RESTORE_ID, &id),
            (RESTORED_FROM, &origin.tag()),
            (INSTANCES, &count),
        ] {
            tags.insert(key.to_owned(), value.clone());
        }
        if let Origin::Snapshot { taken_at, .. } = &origin {
            tags.insert(DATA_OF.to_owned(), taken_at.to_string());
        }
        let instances = source.instances.iter().enumerate().map(|(number, instance)| InstanceSettings {
            name: name::of_instance(&id, number + 1),
            ..instance.settings.clone()
        });
        Self {
            source: source.name.clone(),
            origin,
            settings: source.settings.clone(),
            tags,
            instances: instances.collect(),
            id,
        }
    }

    /// `2 × db.r6g.large`.
    pub(crate) fn classes(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for instance in &self.instances {
            *counts.entry(&instance.class).or_default() += 1;
        }
        let counts: Vec<String> = counts.iter().map(|(class, count)| format!("{count} × {class}")).collect();
        if counts.is_empty() { "no instance".to_owned() } else { counts.join(" and ") }
    }

    /// In what the new cluster still differs from what was approved.
    pub(crate) fn differences(&self, cluster: &Cluster) -> Vec<String> {
        let (is, wanted) = (&cluster.settings, &self.settings);
        let mut found = Differences::default();
        found.compare("the engine", &is.engine, &wanted.engine);
        found.compare("the engine's version", &is.engine_version, &wanted.engine_version);
        found.compare("the parameter group", &is.parameter_group, &wanted.parameter_group);
        found.compare("the subnet group", &is.subnet_group, &wanted.subnet_group);
        found.compare("the security groups", &sorted(&is.security_groups), &sorted(&wanted.security_groups));
        found.compare("the log exports", &sorted(&is.log_exports), &sorted(&wanted.log_exports));
        found.compare("the KMS key", &text(is.kms_key.as_ref()), &text(wanted.kms_key.as_ref()));
        let storage = |settings: &ClusterSettings| or(settings.storage_type.as_deref(), USUAL_STORAGE);
        found.compare("the storage type", &storage(is), &storage(wanted));
        let network = |settings: &ClusterSettings| or(settings.network_type.as_deref(), USUAL_NETWORK);
        found.compare("the network type", &network(is), &network(wanted));
        let capacity = |settings: &ClusterSettings| {
            settings.serverless.map_or_else(|| "none".to_owned(), |[from, to]| format!("{from} to {to}"))
        };
        found.compare("the serverless capacity", &capacity(is), &capacity(wanted));
        found.compare("the deletion protection", on(cluster.deletion_protection), on(true));
        found.given("the port", is.port.as_ref(), wanted.port.as_ref());
        found.given(
            "the days of backups",
            is.backup_retention_days.as_ref(),
            wanted.backup_retention_days.as_ref(),
        );
        found.given("the backup window", is.backup_window.as_ref(), wanted.backup_window.as_ref());
        found.given(
            "the maintenance window",
            is.maintenance_window.as_ref(),
            wanted.maintenance_window.as_ref(),
        );
        found.given(
            "the copying of tags to snapshots",
            is.copy_tags_to_snapshot.map(on).as_ref(),
            wanted.copy_tags_to_snapshot.map(on).as_ref(),
        );
        for wanted in &self.instances {
            let made = cluster.instances.iter().find(|made| made.settings.name == wanted.name);
            match made {
                Some(made) => found.of_instance(made, wanted, &self.settings.engine_version),
                None => found.compare("the instance", "missing", &wanted.name),
            }
        }
        found.0
    }

    /// What AWS does not take when a cluster is restored, and what it may not have heeded.
    pub(crate) fn needs_settings(&self, cluster: &Cluster) -> bool {
        let (is, wanted) = (&cluster.settings, &self.settings);
        let differs = |is: &Option<String>, wanted: &Option<String>| wanted.is_some() && is != wanted;
        is.parameter_group != wanted.parameter_group
            || (wanted.backup_retention_days.is_some()
                && is.backup_retention_days != wanted.backup_retention_days)
            || differs(&is.backup_window, &wanted.backup_window)
            || differs(&is.maintenance_window, &wanted.maintenance_window)
    }
}

/// What is another than what was approved, each with both.
#[derive(Debug, Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare(&mut self, what: &str, is: &str, wanted: &str) {
        if is != wanted {
            self.0.push(format!("{what} is {is} instead of {wanted}"));
        }
    }

    /// What the source did not say was left to AWS.
    fn given(&mut self, what: &str, is: Option<&impl ToString>, wanted: Option<&impl ToString>) {
        if wanted.is_some() {
            self.compare(what, &text(is), &text(wanted));
        }
    }

    fn of_instance(&mut self, made: &Instance, wanted: &InstanceSettings, version: &str) {
        let is = &made.settings;
        let name = |what: &str| format!("{what} of {}", wanted.name);
        self.compare(&name("the class"), &is.class, &wanted.class);
        self.compare(&name("the version"), &made.engine_version, version);
        self.given(&name("the zone"), is.zone.as_ref(), wanted.zone.as_ref());
        self.given(&name("the promotion tier"), is.promotion_tier.as_ref(), wanted.promotion_tier.as_ref());
        self.given(&name("the CA certificate"), is.ca_certificate.as_ref(), wanted.ca_certificate.as_ref());
        self.given(
            &name("the maintenance window"),
            is.maintenance_window.as_ref(),
            wanted.maintenance_window.as_ref(),
        );
        for (what, is, wanted) in [
            (
                "the upgrade to minor versions",
                is.auto_minor_version_upgrade,
                wanted.auto_minor_version_upgrade,
            ),
            ("the copying of tags to snapshots", is.copy_tags_to_snapshot, wanted.copy_tags_to_snapshot),
            ("Performance Insights", is.performance_insights, wanted.performance_insights),
        ] {
            self.given(&name(what), is.map(on).as_ref(), wanted.map(on).as_ref());
        }
        self.given(
            &name("the key of Performance Insights"),
            is.performance_insights_key.as_ref(),
            wanted.performance_insights_key.as_ref(),
        );
    }
}

/// What AWS does not tell is the usual one.
/// (<https://docs.aws.amazon.com/documentdb/latest/developerguide/API_DBCluster.html>)
const USUAL_STORAGE: &str = "standard";
const USUAL_NETWORK: &str = "IPV4";

fn or(value: Option<&str>, usual: &str) -> String {
    value.unwrap_or(usual).to_owned()
}

fn on(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

fn sorted(names: &[String]) -> String {
    let mut names = names.to_vec();
    names.sort();
    if names.is_empty() { "none".to_owned() } else { names.join(" and ") }
}

fn text(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), ToString::to_string)
}

impl Origin {
    fn tag(&self) -> String {
        match self {
            Self::Snapshot { id, .. } => id.clone(),
            Self::PointInTime { at } => at.to_string(),
            Self::LatestPointInTime => "latest".to_owned(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snapshot { id, taken_at } => write!(f, "snapshot {id} of {}", readable(*taken_at)),
            Self::PointInTime { at } => write!(f, "its state at {}", readable(*at)),
            Self::LatestPointInTime => f.write_str("its latest restorable state"),
        }
    }
}

/// What has become of a restored cluster, for a person: `cluster a (available) with a-1 (creating)`.
pub(crate) fn state(cluster: &Cluster) -> String {
    let instances: Vec<String> = cluster
        .instances
        .iter()
        .map(|Instance { settings, status, .. }| format!("{} ({status})", settings.name))
        .collect();
    let with = if instances.is_empty() { "no instance".to_owned() } else { instances.join(" and ") };
    format!("cluster {} ({}) with {with}", cluster.name, cluster.status)
}

/// `3 h 12 min`.
pub(crate) fn span(span: SignedDuration) -> String {
    let minutes = span.as_mins().max(0);
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => "less than a minute".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_reads_as_people_say_it() {
        let minutes = |minutes| span(SignedDuration::from_mins(minutes));
        assert_eq!(
            [0, 12, 192, 1_440 * 3 + 125].map(minutes),
            ["less than a minute", "12 min", "3 h 12 min", "3 d 2 h"]
        );
    }
}
