//! What is there at first: the production cluster with two instances, and snapshots of several ages.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::state::{Cluster, Inner, Instance, Snapshot};
use crate::names::{ACCOUNT, PASSWORD, REGION};

/// The production cluster.
pub const SOURCE: &str = "lendpeak2-production";
/// The secret that says where it is.
pub const SECRET: &str = "lendpeak2-production-db-credentials";
/// Where it listens.
pub const PORT: &str = "27018";
/// Its security groups.
pub const SECURITY_GROUPS: [&str; 2] = ["sg-0123456789abcdef0", "sg-0fedcba9876543210"];
/// Its master user, who is also the service's.
pub const USER: &str = "lendpeak";
pub(super) const CERTIFICATE: &str = "rds-ca-rsa2048-g1";
pub(super) const ZONES: [&str; 3] = ["us-east-1a", "us-east-1b", "us-east-1c"];
pub(super) const ORDERABLE: [(&str, &[&str]); 3] = [
    ("db.r6g.large", &["us-east-1a", "us-east-1b", "us-east-1d"]),
    ("db.r5.large", &["us-east-1b", "us-east-1c"]),
    ("db.t3.medium", &["us-east-1d"]),
];
/// What the cluster's parameter group sets, other than AWS does.
pub(super) const PARAMETERS: [(&str, &str); 3] =
    [("audit_logs", "enabled"), ("profiler", "enabled"), ("profiler_threshold_ms", "100")];
/// Some time ago.
const LONG: Duration = Duration::from_hours(1);

/// Where a cluster answers.
pub fn endpoint(cluster: &str) -> String {
    format!("{cluster}.cluster-c0ffee0c0ffee.{REGION}.docdb.amazonaws.com")
}

pub(super) fn key(account: &str) -> String {
    format!("arn:aws:kms:{REGION}:{account}:key/0123abcd-0123-4abc-8abc-0123456789ab")
}

pub(super) fn inner() -> Inner {
    let now = Timestamp::now();
    let instance = |number: usize, zone: &str| Instance {
        name: format!("{SOURCE}-{number}"),
        cluster: SOURCE.to_owned(),
        class: "db.r6g.large".to_owned(),
        zone: zone.to_owned(),
        promotion_tier: number.to_string(),
        maintenance_window: "sun:04:00-sun:04:30".to_owned(),
        certificate: CERTIFICATE.to_owned(),
        tags: BTreeMap::new(),
        begun: long_ago(),
        deleted: None,
    };
    let mut snapshots: Vec<Snapshot> = (0..7)
        .map(|day| {
            let taken_at = now - SignedDuration::from_mins(192 + day * 1_440);
            let id = format!("rds:{SOURCE}-{}", taken_at.strftime("%Y-%m-%d-%H-%M"));
            snapshot(&id, SOURCE, "automated", taken_at)
        })
        .collect();
    snapshots.push(snapshot("before-release-42", SOURCE, "manual", now - SignedDuration::from_hours(30)));
    snapshots.push(snapshot(
        "staging-copy",
        "lendpeak2-staging",
        "manual",
        now - SignedDuration::from_hours(1),
    ));
    Inner {
        clusters: vec![cluster(SOURCE)],
        // Not the writer first: who writes is said by the cluster's members.
        instances: vec![instance(1, "us-east-1a"), instance(2, "us-east-1b")],
        snapshots,
        cluster_time: Duration::ZERO,
        instance_time: Duration::ZERO,
        reset_time: Duration::ZERO,
        ignored: BTreeSet::new(),
        refusals: Vec::new(),
        statuses: BTreeMap::new(),
        events: Vec::new(),
    }
}

fn long_ago() -> Instant {
    Instant::now().checked_sub(LONG).unwrap_or_else(Instant::now)
}

pub(super) fn cluster(name: &str) -> Cluster {
    let fields = [
        ("Engine", "docdb"),
        ("EngineVersion", "5.0.0"),
        ("Port", PORT),
        ("DBSubnetGroup", "lendpeak2-production-db"),
        ("DBClusterParameterGroup", "lendpeak2-production-docdb5"),
        ("StorageEncrypted", "true"),
        ("StorageType", "standard"),
        ("NetworkType", "IPV4"),
        ("BackupRetentionPeriod", "7"),
        ("PreferredBackupWindow", "03:00-03:30"),
        ("PreferredMaintenanceWindow", "sun:05:00-sun:05:30"),
        ("DeletionProtection", "true"),
        ("MasterUsername", USER),
    ];
    let mut fields: BTreeMap<&'static str, String> =
        fields.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    fields.insert("KmsKeyId", key(ACCOUNT));
    Cluster {
        name: name.to_owned(),
        fields,
        security_groups: SECURITY_GROUPS.map(str::to_owned).to_vec(),
        log_exports: vec!["audit".to_owned(), "profiler".to_owned()],
        tags: [("Project".to_owned(), "LendPeak2".to_owned())].into(),
        passwords: vec![(Timestamp::UNIX_EPOCH, PASSWORD.to_owned())],
        reset: None,
        managed_secret: None,
        begun: long_ago(),
        deleted: None,
    }
}

pub(super) fn snapshot(id: &str, cluster: &str, kind: &str, taken_at: Timestamp) -> Snapshot {
    Snapshot {
        id: id.to_owned(),
        cluster: cluster.to_owned(),
        kind: kind.to_owned(),
        status: "available".to_owned(),
        taken_at,
        engine_version: "5.0.0".to_owned(),
        kms_key: key(ACCOUNT),
    }
}
