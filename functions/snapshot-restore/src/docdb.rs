//! What is read of DocumentDB.

mod connect;
mod read;

use aws_sdk_docdb::{primitives::DateTime, types};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use connect::answers;
pub(crate) use read::{add_instances, cluster, clusters, orderable, snapshot, snapshots, tags};

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cluster {
    pub name: String,
    pub arn: String,
    /// As in `creating`, `available`, `deleting`.
    pub status: String,
    pub endpoint: String,
    pub reader_endpoint: String,
    pub settings: ClusterSettings,
    pub deletion_protection: bool,
    pub earliest_restorable: Option<Timestamp>,
    pub latest_restorable: Option<Timestamp>,
    /// The name of its master user, the only one whose password AWS can set.
    pub master_user: Option<String>,
    /// The ARN of the secret in which AWS itself keeps and changes the master user's password, where it does.
    pub managed_secret: Option<String>,
    /// The writer first.
    pub instances: Vec<Instance>,
}

/// What a restored cluster gets from its source, each of it said explicitly.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClusterSettings {
    pub engine: String,
    pub engine_version: String,
    pub port: Option<i32>,
    pub subnet_group: String,
    pub security_groups: Vec<String>,
    pub parameter_group: String,
    pub kms_key: Option<String>,
    pub log_exports: Vec<String>,
    pub storage_type: Option<String>,
    pub network_type: Option<String>,
    pub copy_tags_to_snapshot: Option<bool>,
    pub backup_retention_days: Option<i32>,
    pub backup_window: Option<String>,
    pub maintenance_window: Option<String>,
    /// Smallest and largest capacity, where the cluster is serverless.
    pub serverless: Option<[f64; 2]>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Instance {
    pub status: String,
    pub is_writer: bool,
    pub engine_version: String,
    pub endpoint: String,
    pub settings: InstanceSettings,
}

/// What a restored instance gets from the one it stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSettings {
    pub name: String,
    pub class: String,
    pub zone: Option<String>,
    pub promotion_tier: Option<i32>,
    pub maintenance_window: Option<String>,
    pub auto_minor_version_upgrade: Option<bool>,
    pub copy_tags_to_snapshot: Option<bool>,
    pub ca_certificate: Option<String>,
    pub performance_insights: Option<bool>,
    pub performance_insights_key: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    pub id: String,
    pub cluster: String,
    /// `automated` or `manual`.
    pub kind: String,
    pub status: String,
    pub taken_at: Option<Timestamp>,
    pub engine_version: String,
    pub encrypted: bool,
    pub kms_key: Option<String>,
    /// Percent, while it is being taken.
    pub progress: i32,
}

impl Cluster {
    pub fn is_available(&self) -> bool {
        self.status == "available"
    }

    /// Whether it has instances, and all of it is available.
    pub fn is_up(&self) -> bool {
        self.is_available() && !self.instances.is_empty() && self.instances.iter().all(Instance::is_available)
    }

    /// Whether it is on its way out.
    pub fn is_going(&self) -> bool {
        self.status == "deleting"
    }
}

impl Instance {
    pub fn is_available(&self) -> bool {
        self.status == "available"
    }
}

impl Snapshot {
    pub fn is_available(&self) -> bool {
        self.status == "available"
    }
}

impl From<types::DbCluster> for Cluster {
    fn from(cluster: types::DbCluster) -> Self {
        let members = cluster.db_cluster_members.unwrap_or_default().into_iter().map(|member| Instance {
            is_writer: member.is_cluster_writer.unwrap_or_default(),
            settings: InstanceSettings {
                name: member.db_instance_identifier.unwrap_or_default(),
                ..InstanceSettings::default()
            },
            ..Instance::default()
        });
        let groups = cluster.vpc_security_groups.unwrap_or_default().into_iter();
        let serverless = cluster.serverless_v2_scaling_configuration;
        Self {
            instances: members.collect(),
            settings: ClusterSettings {
                engine: cluster.engine.unwrap_or_default(),
                engine_version: cluster.engine_version.unwrap_or_default(),
                port: cluster.port,
                subnet_group: cluster.db_subnet_group.unwrap_or_default(),
                security_groups: groups.filter_map(|group| group.vpc_security_group_id).collect(),
                parameter_group: cluster.db_cluster_parameter_group.unwrap_or_default(),
                kms_key: cluster.kms_key_id,
                log_exports: cluster.enabled_cloudwatch_logs_exports.unwrap_or_default(),
                storage_type: cluster.storage_type,
                network_type: cluster.network_type,
                copy_tags_to_snapshot: cluster.copy_tags_to_snapshot,
                backup_retention_days: cluster.backup_retention_period,
                backup_window: cluster.preferred_backup_window,
                maintenance_window: cluster.preferred_maintenance_window,
                serverless: serverless.and_then(|range| Some([range.min_capacity?, range.max_capacity?])),
            },
            name: cluster.db_cluster_identifier.unwrap_or_default(),
            arn: cluster.db_cluster_arn.unwrap_or_default(),
            status: cluster.status.unwrap_or_default(),
            endpoint: cluster.endpoint.unwrap_or_default(),
            reader_endpoint: cluster.reader_endpoint.unwrap_or_default(),
            deletion_protection: cluster.deletion_protection.unwrap_or_default(),
            earliest_restorable: cluster.earliest_restorable_time.as_ref().and_then(timestamp),
            latest_restorable: cluster.latest_restorable_time.as_ref().and_then(timestamp),
            master_user: cluster.master_username,
            managed_secret: cluster.master_user_secret.map(|secret| secret.secret_arn.unwrap_or_default()),
        }
    }
}

impl From<types::DbInstance> for Instance {
    fn from(instance: types::DbInstance) -> Self {
        Self {
            status: instance.db_instance_status.unwrap_or_default(),
            is_writer: false,
            engine_version: instance.engine_version.unwrap_or_default(),
            endpoint: instance.endpoint.and_then(|endpoint| endpoint.address).unwrap_or_default(),
            settings: InstanceSettings {
                name: instance.db_instance_identifier.unwrap_or_default(),
                class: instance.db_instance_class.unwrap_or_default(),
                zone: instance.availability_zone,
                promotion_tier: instance.promotion_tier,
                maintenance_window: instance.preferred_maintenance_window,
                auto_minor_version_upgrade: instance.auto_minor_version_upgrade,
                copy_tags_to_snapshot: instance.copy_tags_to_snapshot,
                ca_certificate: instance.ca_certificate_identifier,
                performance_insights: instance.performance_insights_enabled,
                performance_insights_key: instance.performance_insights_kms_key_id,
            },
        }
    }
}

impl From<types::DbClusterSnapshot> for Snapshot {
    fn from(snapshot: types::DbClusterSnapshot) -> Self {
        Self {
            id: snapshot.db_cluster_snapshot_identifier.unwrap_or_default(),
            cluster: snapshot.db_cluster_identifier.unwrap_or_default(),
            kind: snapshot.snapshot_type.unwrap_or_default(),
            status: snapshot.status.unwrap_or_default(),
            taken_at: snapshot.snapshot_create_time.as_ref().and_then(timestamp),
            engine_version: snapshot.engine_version.unwrap_or_default(),
            encrypted: snapshot.storage_encrypted.unwrap_or_default(),
            kms_key: snapshot.kms_key_id,
            progress: snapshot.percent_progress.unwrap_or_default(),
        }
    }
}

pub(crate) fn timestamp(at: &DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.to_millis().ok()?).ok()
}
