//! The calls that read.

use std::collections::BTreeMap;

use aws_sdk_docdb::{
    Client,
    operation::{
        describe_db_cluster_snapshots::DescribeDBClusterSnapshotsError,
        describe_db_clusters::DescribeDBClustersError,
    },
    types::Filter,
};
use shared::{aws, error::Error};

use super::{Cluster, ClusterSettings, Instance, Snapshot};

/// 100 records a page, and an account has 40 clusters and instances unless AWS raised that.
const MAX_PAGES: usize = 20;

/// The cluster without its instances; `None` if there is none of that name.
pub(crate) async fn cluster(client: &Client, name: &str) -> Result<Option<Cluster>, Error> {
    match client.describe_db_clusters().db_cluster_identifier(name).send().await {
        Ok(answer) => Ok(answer.db_clusters.unwrap_or_default().into_iter().next().map(Cluster::from)),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(DescribeDBClustersError::is_db_cluster_not_found_fault) =>
        {
            Ok(None)
        }
        Err(error) => Err(aws::failed("describe cluster", name, &error)),
    }
}

/// The clusters whose name is right; of their instances, only which there are.
pub(crate) async fn clusters(
    client: &Client,
    is_right: impl Fn(&str) -> bool,
) -> Result<Vec<Cluster>, Error> {
    let mut found = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .describe_db_clusters()
            .set_marker(from)
            .send()
            .await
            .map_err(|error| aws::failed("describe", "the clusters", &error))?;
        let clusters = page.db_clusters.unwrap_or_default().into_iter().map(Cluster::from);
        found.extend(clusters.filter(|cluster| is_right(&cluster.name)));
        from = page.marker;
        if from.is_none() {
            break;
        }
    }
    Ok(found)
}

/// Reads the instances of these clusters, in one go.
pub(crate) async fn add_instances(client: &Client, clusters: &mut [Cluster]) -> Result<(), Error> {
    if clusters.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = clusters.iter().map(|cluster| cluster.name.clone()).collect();
    let whose = names.join(" and ");
    let filter = Filter::builder().name("db-cluster-id").set_values(Some(names)).build();
    let mut instances = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .describe_db_instances()
            .filters(filter.clone())
            .set_marker(from)
            .send()
            .await
            .map_err(|error| aws::failed("describe the instances of", whose.as_str(), &error))?;
        instances.extend(page.db_instances.unwrap_or_default());
        from = page.marker;
        if from.is_none() {
            break;
        }
    }
    for cluster in clusters {
        // Known so far are the cluster's members: who writes, and their place in line.
        let members = std::mem::take(&mut cluster.instances);
        for instance in &instances {
            if instance.db_cluster_identifier() != Some(&cluster.name) {
                continue;
            }
            let mut instance = Instance::from(instance.clone());
            if let Some(member) = members.iter().find(|member| member.settings.name == instance.settings.name)
            {
                instance.is_writer = member.is_writer;
            }
            cluster.instances.push(instance);
        }
        cluster.instances.sort_by_key(|instance| (!instance.is_writer, instance.settings.name.clone()));
    }
    Ok(())
}

/// The snapshots of a cluster, newest first.
pub(crate) async fn snapshots(client: &Client, cluster: &str) -> Result<Vec<Snapshot>, Error> {
    let mut snapshots = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .describe_db_cluster_snapshots()
            .db_cluster_identifier(cluster)
            .set_marker(from)
            .send()
            .await
            .map_err(|error| aws::failed("describe the snapshots of cluster", cluster, &error))?;
        snapshots.extend(page.db_cluster_snapshots.unwrap_or_default().into_iter().map(Snapshot::from));
        from = page.marker;
        if from.is_none() {
            break;
        }
    }
    snapshots.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.taken_at));
    Ok(snapshots)
}

/// The snapshot with this id, of any cluster; `None` if there is none.
pub(crate) async fn snapshot(client: &Client, id: &str) -> Result<Option<Snapshot>, Error> {
    let described = client.describe_db_cluster_snapshots().db_cluster_snapshot_identifier(id).send().await;
    match described {
        Ok(answer) => {
            Ok(answer.db_cluster_snapshots.unwrap_or_default().into_iter().next().map(Snapshot::from))
        }
        Err(error)
            if error
                .as_service_error()
                .is_some_and(DescribeDBClusterSnapshotsError::is_db_cluster_snapshot_not_found_fault) =>
        {
            Ok(None)
        }
        Err(error) => Err(aws::failed("describe snapshot", id, &error)),
    }
}

/// The tags of a cluster, without those that are AWS's own.
pub(crate) async fn tags(client: &Client, arn: &str) -> Result<BTreeMap<String, String>, Error> {
    let answer = client
        .list_tags_for_resource()
        .resource_name(arn)
        .send()
        .await
        .map_err(|error| aws::failed("list the tags of", arn, &error))?;
    let tags = answer.tag_list.unwrap_or_default().into_iter();
    Ok(tags
        .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
        .filter(|(key, _)| !key.starts_with("aws:"))
        .collect())
}

/// The zones of a subnet group in which each class can be had, by class.
pub(crate) async fn orderable(
    client: &Client,
    settings: &ClusterSettings,
) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let groups = client.describe_db_subnet_groups().db_subnet_group_name(&settings.subnet_group).send();
    let options = client
        .describe_orderable_db_instance_options()
        .engine(&settings.engine)
        .engine_version(&settings.engine_version)
        .send();
    let (groups, options) = tokio::join!(groups, options);
    let groups = groups
        .map_err(|error| aws::failed("describe subnet group", settings.subnet_group.as_str(), &error))?;
    let options = options.map_err(|error| aws::failed("list", "the instance classes to be had", &error))?;
    let subnets = groups.db_subnet_groups.unwrap_or_default().into_iter().filter_map(|group| group.subnets);
    let zones: Vec<String> =
        subnets.flatten().filter_map(|subnet| subnet.subnet_availability_zone?.name).collect();
    let mut classes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for option in options.orderable_db_instance_options.unwrap_or_default() {
        let class = option.db_instance_class.unwrap_or_default();
        let there = option.availability_zones.unwrap_or_default().into_iter().filter_map(|zone| zone.name);
        let there: Vec<String> = there.filter(|zone| zones.contains(zone)).collect();
        if !there.is_empty() {
            classes.insert(class, there);
        }
    }
    Ok(classes)
}
