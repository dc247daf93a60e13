//! DocumentDB, which the local AWS has not for restores: clusters and instances that take time, snapshots, deletion
//! protection, and whatever AWS refuses. Signed as `rds`, as AWS has it.

mod seed;
mod state;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::call::Call;
use super::{Answer, wire as answers};
pub use seed::{
    PORT as DATABASE_PORT, SECRET, SECURITY_GROUPS as DATABASE_GROUPS, SOURCE, USER as DATABASE_USER,
    endpoint,
};
use state::{Cluster, Event, Inner, Instance, Refusal, Snapshot};

/// The account's clusters; every clone sees the same.
#[derive(Debug, Clone)]
pub struct DocDb {
    inner: Arc<Mutex<Inner>>,
}

/// A cluster as a test sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterNow {
    pub name: String,
    pub status: &'static str,
    /// By their names in DocumentDB's answers.
    pub fields: BTreeMap<String, String>,
    pub security_groups: Vec<String>,
    pub log_exports: Vec<String>,
    pub tags: BTreeMap<String, String>,
    /// In the order of their creation, each with its class, zone and status.
    pub instances: Vec<[String; 4]>,
}

impl Default for DocDb {
    fn default() -> Self {
        Self { inner: Arc::new(Mutex::new(seed::inner())) }
    }
}

impl DocDb {
    /// How long a cluster and an instance take until they are available, those under way too.
    pub fn set_times(&self, cluster: Duration, instance: Duration) {
        let mut inner = self.lock();
        (inner.cluster_time, inner.instance_time) = (cluster, instance);
    }

    /// How long a cluster takes to take another password: until then it has the one before.
    pub fn set_reset_time(&self, time: Duration) {
        self.lock().reset_time = time;
    }

    /// This field of requests, as in `StorageType`, has no effect from now on: the answer is a success all the same.
    pub fn ignore(&self, field: &str) {
        self.lock().ignored.insert(field.to_owned());
    }

    /// A cluster has this, by its name in DocumentDB's answers.
    pub fn set_field(&self, cluster: &str, field: &'static str, value: &str) {
        self.change(cluster, |cluster| {
            cluster.fields.insert(field, value.to_owned());
        });
    }

    /// The CA certificate of an instance.
    pub fn set_certificate(&self, instance: &str, certificate: &str) {
        let mut inner = self.lock();
        for one in inner.instances.iter_mut().filter(|one| one.name == instance) {
            certificate.clone_into(&mut one.certificate);
        }
    }

    /// AWS itself keeps the cluster's password from now on, in a secret of this ARN.
    pub fn manage_password(&self, cluster: &str, secret: &str) {
        self.change(cluster, |cluster| cluster.managed_secret = Some(secret.to_owned()));
    }

    /// Somebody gives a cluster's master user another password.
    pub fn set_password(&self, cluster: &str, password: &str) {
        self.change(cluster, |cluster| cluster.passwords.push((Timestamp::now(), password.to_owned())));
    }

    /// The passwords that clusters were given so far were given that much earlier.
    pub fn age_passwords(&self, by: Duration) {
        for cluster in &mut self.lock().clusters {
            for (since, _) in cluster.passwords.iter_mut().skip(1) {
                *since -= by;
            }
        }
    }

    fn change(&self, cluster: &str, change: impl FnOnce(&mut Cluster)) {
        if let Some(cluster) = self.lock().clusters.iter_mut().find(|one| one.name == cluster) {
            change(cluster);
        }
    }

    /// The next so many calls of an operation are refused with this error code.
    pub fn refuse(&self, operation: &str, code: &str, times: usize) {
        let refusal = (operation.to_owned(), code.to_owned());
        self.lock().refusals.extend(std::iter::repeat_n(refusal, times));
    }

    /// A snapshot of any cluster, in this status, with a key of this account.
    pub fn add_snapshot(
        &self,
        id: &str,
        cluster: &str,
        age: SignedDuration,
        status: &str,
        key_account: &str,
    ) {
        let snapshot = Snapshot {
            status: status.to_owned(),
            kms_key: seed::key(key_account),
            ..seed::snapshot(id, cluster, "manual", Timestamp::now() - age)
        };
        self.lock().snapshots.push(snapshot);
    }

    /// The ids of all snapshots.
    pub fn snapshots(&self) -> Vec<String> {
        self.lock().snapshots.iter().map(|snapshot| snapshot.id.clone()).collect()
    }

    /// When each of them was taken, as AWS tells it: to the millisecond.
    pub fn snapshot_times(&self) -> Vec<Timestamp> {
        let taken = |snapshot: &Snapshot| Timestamp::from_millisecond(snapshot.taken_at.as_millisecond());
        self.lock().snapshots.iter().flat_map(taken).collect()
    }

    pub fn forget_snapshots(&self) {
        self.lock().snapshots.clear();
    }

    /// A cluster that somebody else made.
    pub fn add_cluster(&self, name: &str) {
        let cluster = seed::cluster(name);
        self.lock().clusters.push(cluster);
    }

    /// Somebody deletes a cluster in the console.
    pub fn remove_cluster(&self, name: &str) {
        let mut inner = self.lock();
        inner.clusters.retain(|cluster| cluster.name != name);
        inner.instances.retain(|instance| instance.cluster != name);
    }

    /// An instance is in this status from now on, as in `failed`; `available` again is said likewise.
    pub fn set_status(&self, instance: &str, status: &'static str) {
        self.lock().statuses.insert(instance.to_owned(), status);
    }

    /// Something that happened to a cluster or an instance, in AWS's words and category.
    pub fn add_event(&self, source: &str, age: SignedDuration, message: &str, category: &'static str) {
        let mut inner = self.lock();
        let is_cluster = inner.clusters.iter().any(|cluster| cluster.name == source);
        inner.events.push(Event {
            at: Timestamp::now() - age,
            kind: if is_cluster { "db-cluster" } else { "db-instance" },
            source: source.to_owned(),
            message: message.to_owned(),
            category,
        });
    }

    /// All but the source.
    pub fn restored(&self) -> Vec<ClusterNow> {
        let mut inner = self.lock();
        inner.settle();
        inner
            .clusters
            .iter()
            .filter(|cluster| cluster.name != SOURCE)
            .map(|cluster| inner.now(cluster))
            .collect()
    }

    pub fn cluster(&self, name: &str) -> Option<ClusterNow> {
        let mut inner = self.lock();
        inner.settle();
        inner.clusters.iter().find(|cluster| cluster.name == name).map(|cluster| inner.now(cluster))
    }

    /// Whether a cluster answers at this address.
    pub fn answers(&self, host: &str) -> bool {
        let mut inner = self.lock();
        inner.settle();
        inner.clusters.iter().any(|cluster| {
            let up = |instance: &&Instance| instance.cluster == cluster.name;
            endpoint(&cluster.name) == host
                && inner
                    .instances
                    .iter()
                    .filter(up)
                    .any(|instance| inner.instance_status(instance) == "available")
        })
    }

    /// Whether the cluster at this address lets this user in with this password.
    pub fn lets_in(&self, host: &str, user: &str, password: &str) -> bool {
        let inner = self.lock();
        let mut clusters = inner.clusters.iter().filter(|cluster| endpoint(&cluster.name) == host);
        clusters.any(|cluster| inner.lets_in(cluster, user, password))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tags of the instance, or else the cluster, that a request names; none where that is not there.
    pub(super) fn tags_of(&self, request: &Value) -> Option<Map<String, Value>> {
        let inner = self.lock();
        let named = |field: &str| request.get(field).and_then(Value::as_str);
        let tags = match (named("DBInstanceIdentifier"), named("DBClusterIdentifier")) {
            (Some(name), _) => &inner.instances.iter().find(|instance| instance.name == name)?.tags,
            (None, Some(name)) => &inner.clusters.iter().find(|cluster| cluster.name == name)?.tags,
            (None, None) => return Some(Map::new()),
        };
        Some(tags.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect())
    }

    pub(super) fn answer(&self, call: &Call) -> Answer {
        let mut inner = self.lock();
        inner.settle();
        if let Some(index) = inner.refusals.iter().position(|(operation, _)| *operation == call.operation) {
            let (_, code) = inner.refusals.remove(index);
            return answers::error(call, StatusCode::BAD_REQUEST, &code, "Refused, as a test asked.");
        }
        match inner.carry_out(&call.operation, &call.request) {
            Ok(content) => answers::xml(StatusCode::OK, wire::document(&call.operation, &content)),
            Err((code, message)) => answers::error(call, StatusCode::BAD_REQUEST, code, &message),
        }
    }
}

impl Inner {
    fn carry_out(&mut self, operation: &str, request: &Value) -> Result<String, Refusal> {
        match operation {
            "DescribeDBClusters" => self.describe_clusters(request),
            "DescribeDBInstances" => self.describe_instances(request),
            "DescribeDBClusterSnapshots" => self.describe_snapshots(request),
            "DescribeDBClusterParameters" => Ok(wire::parameters(&seed::PARAMETERS)),
            "DescribeDBSubnetGroups" => Ok(wire::subnet_groups(&seed::ZONES)),
            "DescribeOrderableDBInstanceOptions" => Ok(wire::orderable(&seed::ORDERABLE)),
            "DescribeEvents" => Ok(self.describe_events(request)),
            "ListTagsForResource" => self.list_tags(request),
            "AddTagsToResource" => self.add_tags(request),
            "RestoreDBClusterFromSnapshot" => self.restore_from_snapshot(request),
            "RestoreDBClusterToPointInTime" => self.restore_to_point_in_time(request),
            "CreateDBInstance" => self.create_instance(request),
            "ModifyDBCluster" => self.modify_cluster(request),
            "DeleteDBInstance" => self.delete_instance(request),
            "DeleteDBCluster" => self.delete_cluster(request),
            _ => Err(("InvalidAction", format!("this sandbox knows no {operation}"))),
        }
    }

    fn now(&self, cluster: &Cluster) -> ClusterNow {
        let instances = self.instances.iter().filter(|instance| instance.cluster == cluster.name);
        ClusterNow {
            name: cluster.name.clone(),
            status: self.cluster_status(cluster),
            fields: cluster.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            security_groups: cluster.security_groups.clone(),
            log_exports: cluster.log_exports.clone(),
            tags: cluster.tags.clone(),
            instances: instances
                .map(|instance| {
                    let status = self.instance_status(instance).to_owned();
                    [instance.name.clone(), instance.class.clone(), instance.zone.clone(), status]
                })
                .collect(),
        }
    }
}
