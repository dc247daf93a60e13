//! The writes to DocumentDB.

use std::collections::BTreeMap;

use aws_sdk_docdb::{
    Client,
    operation::{
        create_db_instance::CreateDBInstanceError, delete_db_cluster::DeleteDBClusterError,
        delete_db_instance::DeleteDBInstanceError, modify_db_cluster::ModifyDBClusterError,
        restore_db_cluster_from_snapshot::RestoreDBClusterFromSnapshotError,
        restore_db_cluster_to_point_in_time::RestoreDBClusterToPointInTimeError,
    },
    primitives::DateTime,
    types::{ServerlessV2ScalingConfiguration, Tag},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use shared::{
    aws,
    error::{Cause, Error},
};

use crate::{
    docdb::{self, ClusterSettings, InstanceSettings},
    refusal,
    restore::{Origin, RESTORE_ID, Restore},
    secret::Password,
};

/// Makes the cluster; one of that name that is ours has been made before.
pub(crate) async fn create_cluster(client: &Client, restore: &Restore) -> Result<(), Error> {
    let made = match &restore.origin {
        Origin::Snapshot { id, .. } => from_snapshot(client, restore, id).await,
        Origin::PointInTime { .. } | Origin::LatestPointInTime => from_point_in_time(client, restore).await,
    };
    match made {
        Err(Exists) => take_up(client, &restore.id).await,
        Ok(made) => made,
    }
}

/// There is a cluster of that name.
struct Exists;

async fn from_snapshot(
    client: &Client,
    restore: &Restore,
    snapshot: &str,
) -> Result<Result<(), Error>, Exists> {
    let ClusterSettings { engine, engine_version, port, subnet_group, .. } = &restore.settings;
    let settings = &restore.settings;
    let sent = client
        .restore_db_cluster_from_snapshot()
        .db_cluster_identifier(&restore.id)
        .snapshot_identifier(snapshot)
        .engine(engine)
        .engine_version(engine_version)
        .set_port(*port)
        .db_subnet_group_name(subnet_group)
        .set_vpc_security_group_ids(Some(settings.security_groups.clone()))
        .db_cluster_parameter_group_name(&settings.parameter_group)
        .set_kms_key_id(settings.kms_key.clone())
        .set_enable_cloudwatch_logs_exports(Some(settings.log_exports.clone()))
        .set_storage_type(settings.storage_type.clone())
        .set_network_type(settings.network_type.clone())
        .set_copy_tags_to_snapshot(settings.copy_tags_to_snapshot)
        .set_serverless_v2_scaling_configuration(serverless(settings))
        .set_tags(Some(tags(&restore.tags)))
        .deletion_protection(true)
        .send()
        .await;
    match sent {
        Ok(_) => Ok(Ok(())),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(RestoreDBClusterFromSnapshotError::is_db_cluster_already_exists_fault) =>
        {
            Err(Exists)
        }
        Err(error) => {
            let refused = error.as_service_error().and_then(|refused| refusal::of_snapshot(refused, restore));
            Ok(Err(refused.unwrap_or_else(|| aws::failed("restore cluster", restore.id.as_str(), &error))))
        }
    }
}

async fn from_point_in_time(client: &Client, restore: &Restore) -> Result<Result<(), Error>, Exists> {
    let settings = &restore.settings;
    let mut request = client
        .restore_db_cluster_to_point_in_time()
        .db_cluster_identifier(&restore.id)
        .source_db_cluster_identifier(&restore.source)
        .restore_type("full-copy")
        .set_port(settings.port)
        .db_subnet_group_name(&settings.subnet_group)
        .set_vpc_security_group_ids(Some(settings.security_groups.clone()))
        .set_kms_key_id(settings.kms_key.clone())
        .set_enable_cloudwatch_logs_exports(Some(settings.log_exports.clone()))
        .set_storage_type(settings.storage_type.clone())
        .set_network_type(settings.network_type.clone())
        .set_copy_tags_to_snapshot(settings.copy_tags_to_snapshot)
        .set_serverless_v2_scaling_configuration(serverless(settings))
        .set_tags(Some(tags(&restore.tags)))
        .deletion_protection(true);
    request = match &restore.origin {
        Origin::PointInTime { at } => request.restore_to_time(DateTime::from_secs(at.as_second())),
        _ => request.use_latest_restorable_time(true),
    };
    match request.send().await {
        Ok(_) => Ok(Ok(())),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(RestoreDBClusterToPointInTimeError::is_db_cluster_already_exists_fault) =>
        {
            Err(Exists)
        }
        Err(error) => {
            let refused =
                error.as_service_error().and_then(|refused| refusal::of_point_in_time(refused, restore));
            Ok(Err(refused.unwrap_or_else(|| aws::failed("restore cluster", restore.id.as_str(), &error))))
        }
    }
}

/// A cluster of that name is ours if a run made it that died, and nobody else's then.
async fn take_up(client: &Client, id: &str) -> Result<(), Error> {
    let found = docdb::cluster(client, id).await?;
    let tags = match &found {
        Some(cluster) => docdb::tags(client, &cluster.arn).await?,
        None => BTreeMap::new(),
    };
    if tags.get(RESTORE_ID).is_some_and(|tag| tag == id) {
        Ok(())
    } else {
        Err(refusal::name_taken(id, true))
    }
}

pub(crate) async fn copy_settings(
    client: &Client,
    cluster: &str,
    settings: &ClusterSettings,
) -> Result<(), Error> {
    client
        .modify_db_cluster()
        .db_cluster_identifier(cluster)
        .db_cluster_parameter_group_name(&settings.parameter_group)
        .set_backup_retention_period(settings.backup_retention_days)
        .set_preferred_backup_window(settings.backup_window.clone())
        .set_preferred_maintenance_window(settings.maintenance_window.clone())
        .apply_immediately(true)
        .send()
        .await
        .map(|_| ())
        .map_err(|error| aws::failed("set what its source has in cluster", cluster, &error))
}

pub(crate) async fn create_instance(
    client: &Client,
    cluster: &str,
    instance: &InstanceSettings,
    engine: &ClusterSettings,
    its_tags: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let sent = client
        .create_db_instance()
        .db_instance_identifier(&instance.name)
        .db_cluster_identifier(cluster)
        .db_instance_class(&instance.class)
        .engine(&engine.engine)
        .set_availability_zone(instance.zone.clone())
        .set_promotion_tier(instance.promotion_tier)
        .set_preferred_maintenance_window(instance.maintenance_window.clone())
        .set_auto_minor_version_upgrade(instance.auto_minor_version_upgrade)
        .set_copy_tags_to_snapshot(instance.copy_tags_to_snapshot)
        .set_ca_certificate_identifier(instance.ca_certificate.clone())
        .set_enable_performance_insights(instance.performance_insights)
        .set_performance_insights_kms_key_id(instance.performance_insights_key.clone())
        .set_tags(Some(tags(its_tags)))
        .send()
        .await;
    let Err(error) = sent else { return Ok(()) };
    match error.as_service_error() {
        Some(refused) if refused.is_db_instance_already_exists_fault() => {
            if is_in(client, &instance.name, cluster).await? {
                return Ok(());
            }
            Err(refusal::name_taken(&instance.name, false))
        }
        Some(refused @ CreateDBInstanceError::InsufficientDbInstanceCapacityFault(_)) => {
            // What else there is, if it can be told, makes the answer worth more.
            let others = docdb::orderable(client, engine).await.unwrap_or_default();
            tracing::info!(%refused, others = others.len(), "no capacity");
            Err(refusal::no_instance_capacity(instance, cluster, &others))
        }
        Some(refused) => Err(refusal::of_instance(refused, instance)
            .unwrap_or_else(|| aws::failed("create instance", instance.name.as_str(), &error))),
        None => Err(aws::failed("create instance", instance.name.as_str(), &error)),
    }
}

async fn is_in(client: &Client, instance: &str, cluster: &str) -> Result<bool, Error> {
    let answer = client
        .describe_db_instances()
        .db_instance_identifier(instance)
        .send()
        .await
        .map_err(|error| aws::failed("describe instance", instance, &error))?;
    Ok(answer.db_instances().iter().any(|found| found.db_cluster_identifier() == Some(cluster)))
}

pub(crate) async fn add_tag(client: &Client, arn: &str, key: &str, value: &str) -> Result<(), Error> {
    client
        .add_tags_to_resource()
        .resource_name(arn)
        .tags(Tag::builder().key(key).value(value).build())
        .send()
        .await
        .map(|_| ())
        .map_err(|error| aws::failed("tag cluster", arn, &error))
}

/// Gives the cluster's master user this password. It takes effect a little later: AWS shows neither when, nor which
/// one it is.
pub(crate) async fn set_password(client: &Client, cluster: &str, password: &Password) -> Result<(), Error> {
    let password = password.reveal();
    let modify = client.modify_db_cluster().db_cluster_identifier(cluster).master_user_password(password);
    modify.apply_immediately(true).send().await.map(|_| ()).map_err(|error| {
        let mut source = Cause::from(&error);
        // AWS says what is wrong with it; it is not known to repeat it.
        if source.to_string().contains(password) {
            let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
            let mut short = Cause::new(code.unwrap_or("an error without a code"));
            short.may_have_happened = source.may_have_happened;
            source = short;
        }
        Error::Aws {
            operation: "set the master user's password of cluster",
            resource: cluster.to_owned(),
            source,
        }
    })
}

/// Whether the cluster is protected against being deleted.
pub(crate) async fn protect(client: &Client, cluster: &str, protected: bool) -> Result<(), Error> {
    let modify = client.modify_db_cluster().db_cluster_identifier(cluster).deletion_protection(protected);
    match modify.apply_immediately(true).send().await {
        Ok(_) => Ok(()),
        Err(error)
            if error.as_service_error().is_some_and(ModifyDBClusterError::is_db_cluster_not_found_fault) =>
        {
            Ok(())
        }
        // It may be on its way out already.
        Err(error) => {
            if_going(client, cluster, aws::failed("set the deletion protection of cluster", cluster, &error))
                .await
        }
    }
}

pub(crate) async fn delete_instance(client: &Client, instance: &str) -> Result<(), Error> {
    let gone = |error: &DeleteDBInstanceError| {
        // The state that a deletion can be repeated in is its own.
        error.is_db_instance_not_found_fault() || error.is_invalid_db_instance_state_fault()
    };
    match client.delete_db_instance().db_instance_identifier(instance).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(gone) => Ok(()),
        Err(error) => Err(aws::failed("delete instance", instance, &error)),
    }
}

pub(crate) async fn delete_cluster(client: &Client, cluster: &str) -> Result<(), Error> {
    let delete = client.delete_db_cluster().db_cluster_identifier(cluster).skip_final_snapshot(true);
    match delete.send().await {
        Ok(_) => Ok(()),
        Err(error)
            if error.as_service_error().is_some_and(DeleteDBClusterError::is_db_cluster_not_found_fault) =>
        {
            Ok(())
        }
        Err(error) => if_going(client, cluster, aws::failed("delete cluster", cluster, &error)).await,
    }
}

/// No error after all, when the cluster is being deleted.
async fn if_going(client: &Client, cluster: &str, error: Error) -> Result<(), Error> {
    match docdb::cluster(client, cluster).await {
        Ok(found) if found.as_ref().is_none_or(docdb::Cluster::is_going) => Ok(()),
        _ => Err(error),
    }
}

fn serverless(settings: &ClusterSettings) -> Option<ServerlessV2ScalingConfiguration> {
    settings.serverless.map(|[smallest, largest]| {
        ServerlessV2ScalingConfiguration::builder().min_capacity(smallest).max_capacity(largest).build()
    })
}

fn tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
