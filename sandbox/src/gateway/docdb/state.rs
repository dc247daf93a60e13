//! What the operations do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::seed::{CERTIFICATE, USER};
use super::wire;
use crate::names::{ACCOUNT, PASSWORD, REGION};

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) clusters: Vec<Cluster>,
    /// In the order of their creation.
    pub(super) instances: Vec<Instance>,
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) cluster_time: Duration,
    pub(super) instance_time: Duration,
    /// How long a cluster takes to take another password.
    pub(super) reset_time: Duration,
    /// Fields of requests that are taken and have no effect.
    pub(super) ignored: BTreeSet<String>,
    /// Operations whose next call is refused, with the error code.
    pub(super) refusals: Vec<(String, String)>,
    /// What instances are in place of available, by their names.
    pub(super) statuses: BTreeMap<String, &'static str>,
    /// The oldest first.
    pub(super) events: Vec<Event>,
}

#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    /// `db-cluster` or `db-instance`.
    pub(super) kind: &'static str,
    pub(super) source: String,
    pub(super) message: String,
    pub(super) category: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) fields: BTreeMap<&'static str, String>,
    pub(super) security_groups: Vec<String>,
    pub(super) log_exports: Vec<String>,
    pub(super) tags: BTreeMap<String, String>,
    /// Those that its master user has had, the oldest first, and since when.
    pub(super) passwords: Vec<(Timestamp, String)>,
    /// When it began to take the last one.
    pub(super) reset: Option<Instant>,
    /// The ARN of the secret in which AWS itself keeps the password.
    pub(super) managed_secret: Option<String>,
    pub(super) begun: Instant,
    pub(super) deleted: Option<Instant>,
}

#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) name: String,
    pub(super) cluster: String,
    pub(super) class: String,
    pub(super) zone: String,
    pub(super) promotion_tier: String,
    pub(super) maintenance_window: String,
    pub(super) certificate: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) begun: Instant,
    pub(super) deleted: Option<Instant>,
}

#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) id: String,
    pub(super) cluster: String,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) taken_at: Timestamp,
    pub(super) engine_version: String,
    pub(super) kms_key: String,
}

/// An error's code and message.
pub(super) type Refusal = (&'static str, String);

impl Cluster {
    /// What its master user logged in with at that time.
    fn password_at(&self, at: Timestamp) -> Option<&str> {
        let since = self.passwords.iter().rev().find(|(since, _)| *since <= at);
        since.map(|(_, password)| password.as_str())
    }
}

/// How long a deletion takes.
const DELETION: Duration = Duration::from_millis(300);

pub(super) fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:rds:{REGION}:{ACCOUNT}:{kind}:{name}")
}

fn text<'a>(request: &'a Value, name: &str) -> Option<&'a str> {
    request.get(name).and_then(Value::as_str)
}

fn required<'a>(request: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    text(request, name).ok_or_else(|| ("MissingParameter", format!("{name} is missing")))
}

/// `VpcSecurityGroupIds.VpcSecurityGroupId.1` and its kind, in order.
fn list(request: &Value, prefix: &str) -> Vec<String> {
    let fields = request.as_object().into_iter().flatten();
    fields
        .filter(|(name, _)| name.starts_with(prefix))
        .filter_map(|(_, value)| value.as_str().map(str::to_owned))
        .collect()
}

fn tags(request: &Value) -> BTreeMap<String, String> {
    (1..)
        .map_while(|number| {
            let field = |name: &str| text(request, &format!("Tags.Tag.{number}.{name}")).map(str::to_owned);
            Some((field("Key")?, field("Value").unwrap_or_default()))
        })
        .collect()
}

impl Inner {
    /// What is deleted goes once its time has come.
    pub(super) fn settle(&mut self) {
        let is_left = |deleted: Option<Instant>| deleted.is_none_or(|at| at.elapsed() < DELETION);
        self.instances.retain(|instance| is_left(instance.deleted));
        let instances = &self.instances;
        self.clusters.retain(|cluster| {
            is_left(cluster.deleted) || instances.iter().any(|instance| instance.cluster == cluster.name)
        });
    }

    pub(super) fn cluster_status(&self, cluster: &Cluster) -> &'static str {
        match cluster.deleted {
            Some(_) => "deleting",
            None if cluster.begun.elapsed() < self.cluster_time => "creating",
            None if self.is_resetting(cluster) => "resetting-master-credentials",
            None => "available",
        }
    }

    fn is_resetting(&self, cluster: &Cluster) -> bool {
        cluster.reset.is_some_and(|begun| begun.elapsed() < self.reset_time)
    }

    /// Whether its master user is let in with this.
    pub(super) fn lets_in(&self, cluster: &Cluster, user: &str, password: &str) -> bool {
        let before = usize::from(self.is_resetting(cluster));
        let now = cluster.passwords.iter().rev().nth(before);
        cluster.fields.get("MasterUsername").is_some_and(|master| master == user)
            && now.is_some_and(|(_, now)| now == password)
    }

    pub(super) fn instance_status(&self, instance: &Instance) -> &'static str {
        match instance.deleted {
            Some(_) => "deleting",
            None if instance.begun.elapsed() < self.instance_time => "creating",
            None => self.statuses.get(&instance.name).copied().unwrap_or("available"),
        }
    }

    fn find(&self, name: &str) -> Result<&Cluster, Refusal> {
        let found = self.clusters.iter().find(|cluster| cluster.name == name);
        found.ok_or_else(|| ("DBClusterNotFoundFault", format!("DBCluster {name} not found.")))
    }

    fn find_mut(&mut self, name: &str) -> Result<&mut Cluster, Refusal> {
        let found = self.clusters.iter_mut().find(|cluster| cluster.name == name);
        found.ok_or_else(|| ("DBClusterNotFoundFault", format!("DBCluster {name} not found.")))
    }

    pub(super) fn describe_clusters(&self, request: &Value) -> Result<String, Refusal> {
        let found = match text(request, "DBClusterIdentifier") {
            Some(name) => vec![self.find(name)?],
            None => self.clusters.iter().collect(),
        };
        let found: Vec<String> = found.into_iter().map(|cluster| self.cluster_xml(cluster)).collect();
        Ok(format!("<DBClusters>{}</DBClusters>", found.concat()))
    }

    fn cluster_xml(&self, cluster: &Cluster) -> String {
        let its: Vec<&Instance> = self.instances.iter().filter(|one| one.cluster == cluster.name).collect();
        let oldest =
            self.snapshots.iter().filter(|one| one.cluster == cluster.name).map(|one| one.taken_at).min();
        let now = Timestamp::now();
        let window = [oldest.unwrap_or(now), now - SignedDuration::from_mins(5)];
        wire::cluster(cluster, self.cluster_status(cluster), &its, window)
    }

    pub(super) fn describe_instances(&self, request: &Value) -> Result<String, Refusal> {
        let clusters = list(request, "Filters.Filter.1.Values.");
        let named = text(request, "DBInstanceIdentifier");
        let wanted = |instance: &&Instance| {
            named.is_none_or(|name| name == instance.name)
                && (clusters.is_empty() || clusters.contains(&instance.cluster))
        };
        let found: Vec<String> = self
            .instances
            .iter()
            .filter(wanted)
            .map(|instance| wire::instance(instance, self.instance_status(instance)))
            .collect();
        match named {
            Some(name) if found.is_empty() => {
                Err(("DBInstanceNotFound", format!("DBInstance {name} not found.")))
            }
            _ => Ok(format!("<DBInstances>{}</DBInstances>", found.concat())),
        }
    }

    pub(super) fn describe_snapshots(&self, request: &Value) -> Result<String, Refusal> {
        let named = text(request, "DBClusterSnapshotIdentifier");
        let cluster = text(request, "DBClusterIdentifier");
        let found: Vec<String> = self
            .snapshots
            .iter()
            .filter(|one| {
                named.is_none_or(|id| id == one.id) && cluster.is_none_or(|name| name == one.cluster)
            })
            .map(wire::snapshot)
            .collect();
        match named {
            Some(id) if found.is_empty() => Err(no_snapshot(id)),
            _ => Ok(format!("<DBClusterSnapshots>{}</DBClusterSnapshots>", found.concat())),
        }
    }

    /// A hundred a page, as AWS does where nobody says how many.
    pub(super) fn describe_events(&self, request: &Value) -> String {
        const A_PAGE: usize = 100;
        let kind = text(request, "SourceType");
        let source = text(request, "SourceIdentifier");
        let since: Option<Timestamp> = text(request, "StartTime").and_then(|since| since.parse().ok());
        let wanted = |event: &&Event| {
            kind.is_none_or(|kind| kind == event.kind)
                && source.is_none_or(|source| source == event.source)
                && since.is_none_or(|since| event.at >= since)
        };
        let from: usize = text(request, "Marker").and_then(|marker| marker.parse().ok()).unwrap_or_default();
        let found: Vec<&Event> = self.events.iter().filter(wanted).skip(from).take(A_PAGE + 1).collect();
        let page: String = found.iter().take(A_PAGE).copied().map(wire::event).collect();
        let marker = (found.len() > A_PAGE).then(|| format!("<Marker>{}</Marker>", from + A_PAGE));
        format!("{}<Events>{page}</Events>", marker.unwrap_or_default())
    }

    /// The tags of a cluster or an instance, by its ARN.
    fn tags_of(&mut self, request: &Value) -> Result<&mut BTreeMap<String, String>, Refusal> {
        let resource = required(request, "ResourceName")?.to_owned();
        let clusters = self.clusters.iter_mut().map(|one| (arn("cluster", &one.name), &mut one.tags));
        let instances = self.instances.iter_mut().map(|one| (arn("db", &one.name), &mut one.tags));
        let found = clusters.chain(instances).find(|(name, _)| *name == resource);
        found.map(|(_, tags)| tags).ok_or(("DBClusterNotFoundFault", format!("{resource} not found.")))
    }

    pub(super) fn list_tags(&mut self, request: &Value) -> Result<String, Refusal> {
        Ok(wire::tags(self.tags_of(request)?))
    }

    pub(super) fn add_tags(&mut self, request: &Value) -> Result<String, Refusal> {
        let new = tags(request);
        self.tags_of(request)?.extend(new);
        Ok(String::new())
    }

    pub(super) fn restore_from_snapshot(&mut self, request: &Value) -> Result<String, Refusal> {
        let id = required(request, "SnapshotIdentifier")?;
        required(request, "Engine")?;
        let snapshot = self.snapshots.iter().find(|one| one.id == id).ok_or_else(|| no_snapshot(id))?;
        if snapshot.status != "available" {
            let message = format!("Snapshot {id} is not available.");
            return Err(("InvalidDBClusterSnapshotStateFault", message));
        }
        let (version, key) = (snapshot.engine_version.clone(), snapshot.kms_key.clone());
        let master = self.master_of(&snapshot.cluster, snapshot.taken_at);
        self.create_cluster(request, &version, &key, master)
    }

    /// A cluster's master user and the password at that time, which a snapshot keeps.
    fn master_of(&self, cluster: &str, at: Timestamp) -> [String; 2] {
        let source = self.clusters.iter().find(|one| one.name == cluster);
        let user = source.and_then(|source| source.fields.get("MasterUsername")).map(String::as_str);
        let password = source.and_then(|source| source.password_at(at));
        [user.unwrap_or(USER), password.unwrap_or(PASSWORD)].map(str::to_owned)
    }

    pub(super) fn restore_to_point_in_time(&mut self, request: &Value) -> Result<String, Refusal> {
        let source = self.find(required(request, "SourceDBClusterIdentifier")?)?;
        if text(request, "RestoreToTime").is_some() == text(request, "UseLatestRestorableTime").is_some() {
            return Err(("InvalidParameterCombination", "Either a time or the latest.".to_owned()));
        }
        let field = |name: &str| source.fields.get(name).cloned().unwrap_or_default();
        let (version, key) = (field("EngineVersion"), field("KmsKeyId"));
        let at = text(request, "RestoreToTime").and_then(|at| at.parse().ok()).unwrap_or_else(Timestamp::now);
        let master = self.master_of(&source.name, at);
        self.create_cluster(request, &version, &key, master)
    }

    /// As AWS does: what is not said gets a default, not what the source has.
    fn create_cluster(
        &mut self,
        request: &Value,
        version: &str,
        key: &str,
        [user, password]: [String; 2],
    ) -> Result<String, Refusal> {
        let request = &self.heeded(request);
        let name = required(request, "DBClusterIdentifier")?.to_owned();
        if self.clusters.iter().any(|cluster| cluster.name == name) {
            return Err(("DBClusterAlreadyExistsFault", format!("DB Cluster already exists: {name}")));
        }
        let fields: [(&'static str, &str, &str); 12] = [
            ("Engine", "Engine", "docdb"),
            ("EngineVersion", "EngineVersion", version),
            ("Port", "Port", "27017"),
            ("DBSubnetGroup", "DBSubnetGroupName", "default"),
            ("DBClusterParameterGroup", "DBClusterParameterGroupName", "default.docdb5.0"),
            ("KmsKeyId", "KmsKeyId", key),
            ("StorageType", "StorageType", "standard"),
            ("NetworkType", "NetworkType", "IPV4"),
            ("DeletionProtection", "DeletionProtection", "false"),
            ("BackupRetentionPeriod", "-", "1"),
            ("PreferredBackupWindow", "-", "08:00-08:30"),
            ("PreferredMaintenanceWindow", "-", "wed:09:00-wed:09:30"),
        ];
        let mut fields: BTreeMap<&'static str, String> = fields
            .into_iter()
            .map(|(field, asked, default)| (field, text(request, asked).unwrap_or(default).to_owned()))
            .collect();
        fields.insert("StorageEncrypted", "true".to_owned());
        fields.insert("MasterUsername", user);
        let groups = list(request, "VpcSecurityGroupIds.");
        let cluster = Cluster {
            name,
            fields,
            security_groups: if groups.is_empty() { vec!["sg-default".to_owned()] } else { groups },
            log_exports: list(request, "EnableCloudwatchLogsExports."),
            tags: tags(request),
            passwords: vec![(Timestamp::now(), password)],
            reset: None,
            managed_secret: None,
            begun: Instant::now(),
            deleted: None,
        };
        let xml = self.cluster_xml(&cluster);
        self.clusters.push(cluster);
        Ok(xml)
    }

    /// Without what AWS does not heed here.
    fn heeded(&self, request: &Value) -> Value {
        let fields = request.as_object().into_iter().flatten();
        let is_heeded = |field: &str| !self.ignored.contains(field.split('.').next().unwrap_or(field));
        let heeded = fields.filter(|(field, _)| is_heeded(field));
        heeded.map(|(field, value)| (field.clone(), value.clone())).collect()
    }

    pub(super) fn create_instance(&mut self, request: &Value) -> Result<String, Refusal> {
        let request = &self.heeded(request);
        let name = required(request, "DBInstanceIdentifier")?;
        let cluster = self.find(required(request, "DBClusterIdentifier")?)?;
        if self.cluster_status(cluster) != "available" {
            let message = format!("DB cluster {} is not in available state.", cluster.name);
            return Err(("InvalidDBClusterStateFault", message));
        }
        if self.instances.iter().any(|instance| instance.name == name) {
            return Err(("DBInstanceAlreadyExists", format!("DB Instance already exists: {name}")));
        }
        let field = |name: &str, default: &str| text(request, name).unwrap_or(default).to_owned();
        let instance = Instance {
            name: name.to_owned(),
            cluster: cluster.name.clone(),
            class: required(request, "DBInstanceClass")?.to_owned(),
            zone: field("AvailabilityZone", "us-east-1c"),
            promotion_tier: field("PromotionTier", "1"),
            maintenance_window: field("PreferredMaintenanceWindow", "wed:09:00-wed:09:30"),
            certificate: field("CACertificateIdentifier", CERTIFICATE),
            tags: tags(request),
            begun: Instant::now(),
            deleted: None,
        };
        let xml = wire::instance(&instance, self.instance_status(&instance));
        self.instances.push(instance);
        Ok(xml)
    }

    pub(super) fn modify_cluster(&mut self, request: &Value) -> Result<String, Refusal> {
        let request = &self.heeded(request);
        let name = required(request, "DBClusterIdentifier")?;
        if self.cluster_status(self.find(name)?) != "available" {
            let message = format!("DB cluster {name} is not in available state.");
            return Err(("InvalidDBClusterStateFault", message));
        }
        let cluster = self.find_mut(name)?;
        for (field, asked) in [
            ("DBClusterParameterGroup", "DBClusterParameterGroupName"),
            ("BackupRetentionPeriod", "BackupRetentionPeriod"),
            ("PreferredBackupWindow", "PreferredBackupWindow"),
            ("PreferredMaintenanceWindow", "PreferredMaintenanceWindow"),
            ("DeletionProtection", "DeletionProtection"),
        ] {
            if let Some(value) = text(request, asked) {
                cluster.fields.insert(field, value.to_owned());
            }
        }
        if let Some(password) = text(request, "MasterUserPassword") {
            take_password(cluster, password)?;
        }
        let changed = cluster.clone();
        Ok(self.cluster_xml(&changed))
    }

    pub(super) fn delete_instance(&mut self, request: &Value) -> Result<String, Refusal> {
        let name = required(request, "DBInstanceIdentifier")?;
        let found = self.instances.iter_mut().find(|instance| instance.name == name);
        let instance =
            found.ok_or_else(|| ("DBInstanceNotFound", format!("DBInstance {name} not found.")))?;
        if instance.deleted.is_some() {
            let message = format!("Instance {name} is already being deleted.");
            return Err(("InvalidDBInstanceState", message));
        }
        instance.deleted = Some(Instant::now());
        Ok(wire::instance(instance, "deleting"))
    }

    pub(super) fn delete_cluster(&mut self, request: &Value) -> Result<String, Refusal> {
        let name = required(request, "DBClusterIdentifier")?;
        let in_use = self.instances.iter().any(|one| one.cluster == name && one.deleted.is_none());
        let cluster = self.find_mut(name)?;
        if cluster.deleted.is_some() {
            return Err(("InvalidDBClusterStateFault", format!("DB cluster {name} is being deleted.")));
        }
        if cluster.fields.get("DeletionProtection").is_some_and(|protected| protected == "true") {
            let message =
                "Cannot delete protected Cluster, please disable deletion protection and try again.";
            return Err(("InvalidParameterCombination", message.to_owned()));
        }
        if in_use {
            let message = "Cluster cannot be deleted, it still contains DB instances in non-deleting state.";
            return Err(("InvalidDBClusterStateFault", message.to_owned()));
        }
        if text(request, "SkipFinalSnapshot") != Some("true") {
            return Err(("InvalidParameterCombination", "A final snapshot needs a name.".to_owned()));
        }
        cluster.deleted = Some(Instant::now());
        let deleted = cluster.clone();
        Ok(self.cluster_xml(&deleted))
    }
}

/// (<https://docs.aws.amazon.com/documentdb/latest/developerguide/API_ModifyDBCluster.html>)
fn take_password(cluster: &mut Cluster, password: &str) -> Result<(), Refusal> {
    const LENGTHS: std::ops::RangeInclusive<usize> = 8..=100;
    if cluster.managed_secret.is_some() {
        let message = "You can't specify MasterUserPassword for a cluster whose password AWS manages.";
        return Err(("InvalidParameterCombination", message.to_owned()));
    }
    let is_taken = |letter: char| matches!(letter, ' '..='~') && !"/\"@".contains(letter);
    if !LENGTHS.contains(&password.len()) || !password.chars().all(is_taken) {
        let message = "The parameter MasterUserPassword is not a valid password.";
        return Err(("InvalidParameterValue", message.to_owned()));
    }
    cluster.passwords.push((Timestamp::now(), password.to_owned()));
    cluster.reset = Some(Instant::now());
    Ok(())
}

fn no_snapshot(id: &str) -> Refusal {
    ("DBClusterSnapshotNotFoundFault", format!("DBClusterSnapshot not found: {id}"))
}
