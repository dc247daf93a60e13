//! What AWS refuses while something is made, each with what a person can do about it.

use std::collections::BTreeMap;

use aws_sdk_docdb::operation::{
    create_db_instance::CreateDBInstanceError as Instance,
    restore_db_cluster_from_snapshot::RestoreDBClusterFromSnapshotError as FromSnapshot,
    restore_db_cluster_to_point_in_time::RestoreDBClusterToPointInTimeError as ToPointInTime,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::json;
use shared::{
    code::Code,
    error::Error,
    outcome::{Decision, Next, Stop},
};

use crate::{
    codes,
    docdb::InstanceSettings,
    restore::{Origin, Restore},
    skipped,
};

/// `over`: nothing was made, so there is nothing to look after.
fn refused(code: &'static Code, reason: String, next: Next, over: bool) -> Error {
    let stop = Stop { decision: Decision::Failed, code, reason, next: Some(next) };
    Error::Refused { stop: Box::new(stop), over }
}

fn again() -> &'static str {
    "then ask for the restore again"
}

/// AWS support can help with what AWS has too little of.
fn ask_aws(what: String) -> Next {
    Next { level: 3, ..Next::devops(what) }
}

pub(crate) fn of_snapshot(error: &FromSnapshot, restore: &Restore) -> Option<Error> {
    let from = match &restore.origin {
        Origin::Snapshot { id, .. } => id.as_str(),
        _ => "",
    };
    Some(match error {
        FromSnapshot::DbClusterSnapshotNotFoundFault(_) | FromSnapshot::DbSnapshotNotFoundFault(_) => {
            let mut stop = skipped::snapshot_missing(from, &[]);
            stop.decision = Decision::Failed;
            Error::Refused { stop: Box::new(stop), over: true }
        }
        FromSnapshot::InvalidDbClusterSnapshotStateFault(_)
        | FromSnapshot::InvalidDbSnapshotStateFault(_) => {
            let reason = format!("snapshot {from} is not available any more");
            refused(&codes::SNAPSHOT_NOT_AVAILABLE, reason, Next::devops("choose another snapshot"), true)
        }
        FromSnapshot::KmsKeyNotAccessibleFault(_) => key(restore, from),
        FromSnapshot::DbClusterQuotaExceededFault(_) => cluster_quota(restore),
        FromSnapshot::StorageQuotaExceededFault(_) => storage_quota(restore),
        FromSnapshot::InsufficientDbClusterCapacityFault(_)
        | FromSnapshot::InsufficientStorageClusterCapacityFault(_) => no_cluster_capacity(restore),
        FromSnapshot::InvalidRestoreFault(_) => impossible(restore, error),
        _ => return None,
    })
}

pub(crate) fn of_point_in_time(error: &ToPointInTime, restore: &Restore) -> Option<Error> {
    Some(match error {
        ToPointInTime::KmsKeyNotAccessibleFault(_) => key(restore, &restore.source),
        ToPointInTime::DbClusterQuotaExceededFault(_) => cluster_quota(restore),
        ToPointInTime::StorageQuotaExceededFault(_) => storage_quota(restore),
        ToPointInTime::InsufficientDbClusterCapacityFault(_)
        | ToPointInTime::InsufficientStorageClusterCapacityFault(_) => no_cluster_capacity(restore),
        ToPointInTime::InvalidRestoreFault(_) => {
            let reason = format!("cluster {} cannot be restored to {}", restore.source, restore.origin);
            let next = Next::devops("see from when to when it can be restored").send(json!({ "list": true }));
            refused(&codes::OUTSIDE_WINDOW, reason, next, true)
        }
        _ => return None,
    })
}

pub(crate) fn of_instance(error: &Instance, instance: &InstanceSettings) -> Option<Error> {
    let name = &instance.name;
    Some(match error {
        Instance::InstanceQuotaExceededFault(_) => refused(
            &codes::INSTANCE_QUOTA,
            format!("instance {name} would be one more than this account may have here"),
            ask_aws("delete an instance that nobody needs, or have the quota of instances raised; then send `continue`".to_owned()),
            false,
        ),
        Instance::KmsKeyNotAccessibleFault(_) => refused(
            &codes::KEY_NOT_OURS,
            format!("the key that instance {name} needs cannot be used"),
            Next::devops("see whether the key is enabled and lets this function use it; then send `continue`"),
            false,
        ),
        Instance::DbSubnetGroupDoesNotCoverEnoughAZs(_) | Instance::InvalidSubnet(_) => refused(
            &codes::NO_CAPACITY,
            format!("the subnet group has no place for instance {name}"),
            Next::devops("see the subnet group's zones; then send `continue`"),
            false,
        ),
        _ => return None,
    })
}

/// `others` are the zones of the source's subnet group in which each class can be had.
pub(crate) fn no_instance_capacity(
    instance: &InstanceSettings,
    cluster: &str,
    others: &BTreeMap<String, Vec<String>>,
) -> Error {
    const MANY: usize = 6;
    let InstanceSettings { name, class, zone, .. } = instance;
    let zone = zone.as_deref().unwrap_or("any zone");
    let elsewhere: Vec<&str> =
        others.get(class).into_iter().flatten().map(String::as_str).filter(|other| *other != zone).collect();
    let elsewhere = if elsewhere.is_empty() { "no other zone".to_owned() } else { elsewhere.join(" and ") };
    let classes: Vec<&str> =
        others.keys().map(String::as_str).filter(|other| other != class).take(MANY).collect();
    let classes = if classes.is_empty() { "none that is known".to_owned() } else { classes.join(", ") };
    refused(
        &codes::NO_CAPACITY,
        format!(
            "AWS has no capacity for {class} in {zone} for instance {name}. The source's subnet group offers {class} \
             in {elsewhere}, and these other classes: {classes}"
        ),
        ask_aws(format!(
            "wait and send this again; or create {name} in the console with another class or zone, then send this"
        ))
        .send(json!({ "continue": cluster })),
        false,
    )
}

/// `over`: it was the cluster's name.
pub(crate) fn name_taken(name: &str, over: bool) -> Error {
    refused(
        &codes::NAME_TAKEN,
        format!("there is {name} already, and it is not this restore's"),
        Next::devops(format!("see whose it is; {}", again())),
        over,
    )
}

pub(crate) fn of_secret(secret: &str) -> Error {
    let mut stop = skipped::secret_changed(secret);
    stop.decision = Decision::Failed;
    Error::Refused { stop: Box::new(stop), over: true }
}

/// What was approved was the password of that version.
pub(crate) fn of_password(secret: &str, cluster: &str) -> Error {
    let reason = format!("secret {secret} was changed since: {cluster} was not given its password");
    let next = Next::devops("ask for it once more: it is given the one that the secret has then")
        .send(json!({ "set_password_of": cluster }));
    refused(&codes::SECRET_CHANGED, reason, next, true)
}

fn key(restore: &Restore, from: &str) -> Error {
    let key = restore.settings.kms_key.as_deref().unwrap_or("its key");
    refused(
        &codes::KEY_NOT_OURS,
        format!("{from} cannot be restored with {key}: the key is disabled, gone, or not for this account"),
        Next::devops(format!("see whether the key is enabled and lets this function use it; {}", again())),
        true,
    )
}

fn cluster_quota(restore: &Restore) -> Error {
    refused(
        &codes::CLUSTER_QUOTA,
        format!("cluster {} would be one more than this account may have here", restore.id),
        ask_aws(format!(
            "delete a cluster that nobody needs, or have the quota of clusters raised; {}",
            again()
        )),
        true,
    )
}

fn storage_quota(restore: &Restore) -> Error {
    refused(
        &codes::STORAGE_QUOTA,
        format!("cluster {} needs more storage than this account may have here", restore.id),
        ask_aws(format!("have the quota of storage raised; {}", again())),
        true,
    )
}

fn no_cluster_capacity(restore: &Restore) -> Error {
    refused(
        &codes::NO_CAPACITY,
        format!(
            "AWS has no capacity for cluster {} in the zones of subnet group {}",
            restore.id, restore.settings.subnet_group
        ),
        ask_aws(format!("wait a little, {}", again())),
        true,
    )
}

fn impossible(restore: &Restore, error: &FromSnapshot) -> Error {
    let why = error.message().map(|message| format!(": {message}")).unwrap_or_default();
    refused(
        &codes::RESTORE_IMPOSSIBLE,
        format!("AWS cannot restore {}{why}", restore.origin),
        Next::devops("choose another snapshot").send(json!({ "list": true })),
        true,
    )
}
