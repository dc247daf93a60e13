//! What `snapshot-restore` can do, in absolute values.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    docdb::{ClusterSettings, InstanceSettings},
    restore::Restore,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    CreateCluster(Box<Restore>),
    /// What AWS does not take when a cluster is restored.
    CopySettings {
        cluster: String,
        settings: Box<ClusterSettings>,
    },
    CreateInstance {
        cluster: String,
        instance: Box<InstanceSettings>,
        engine: Box<ClusterSettings>,
        tags: BTreeMap<String, String>,
    },
    /// The cluster's master user gets the password in this version of the secret, which is read when it is done.
    SetPassword {
        cluster: String,
        secret: String,
        version: String,
    },
    /// AWS does not tell which password a cluster has.
    NotePassword {
        restore: String,
        arn: String,
        version: String,
    },
    SetSecretHost {
        secret: String,
        before: String,
        version: String,
        from: String,
        to: String,
        /// Other fields that name the host before, and stay as they are.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        also: Vec<String>,
    },
    PointSecretBack {
        secret: String,
        from: String,
        to: String,
    },
    /// New tasks read the secret again. `running` is the deployment that they take the place of.
    Redeploy {
        cluster: String,
        service: String,
        running: String,
    },
    /// So that it is never discarded, also once it is not in use any more.
    NoteCutOver {
        restore: String,
        arn: String,
        before: String,
    },
    AllowDeletion {
        cluster: String,
    },
    DeleteInstance {
        instance: String,
        /// Items of earlier versions do not name it.
        #[serde(default)]
        cluster: String,
    },
    DeleteCluster {
        cluster: String,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateCluster(restore) => {
                write!(f, "create cluster {} beside {} from {}", restore.id, restore.source, restore.origin)
            }
            Self::CopySettings { cluster, settings } => {
                write!(
                    f,
                    "give cluster {cluster} the parameter group {} and the backup and maintenance times of its source",
                    settings.parameter_group
                )
            }
            Self::CreateInstance { cluster, instance, .. } => {
                let zone = instance.zone.as_deref().map(|zone| format!(" in {zone}")).unwrap_or_default();
                write!(f, "create instance {} ({}{zone}) in cluster {cluster}", instance.name, instance.class)
            }
            Self::SetPassword { cluster, secret, version } => {
                write!(
                    f,
                    "give the master user of cluster {cluster} the password in version {version} of secret {secret}"
                )
            }
            Self::NotePassword { restore, version, .. } => {
                write!(f, "note on cluster {restore} that it has the password in version {version}")
            }
            Self::NoteCutOver { restore, .. } => write!(f, "note on cluster {restore} that it is put to use"),
            Self::SetSecretHost { secret, from, to, .. } => {
                write!(f, "change the host in secret {secret} from {from} to {to}, and nothing else in it")
            }
            Self::PointSecretBack { secret, to, .. } => {
                write!(f, "make version {to} of secret {secret} current again")
            }
            Self::Redeploy { service, .. } => {
                write!(f, "start new tasks of {service}, which read the secret")
            }
            Self::AllowDeletion { cluster } => {
                write!(f, "take the deletion protection off cluster {cluster}")
            }
            Self::DeleteInstance { instance, .. } => write!(f, "delete instance {instance}"),
            Self::DeleteCluster { cluster } => write!(f, "delete cluster {cluster} without a last snapshot"),
        }
    }
}
