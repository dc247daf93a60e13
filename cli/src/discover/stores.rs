//! The database and Redis: which there are, and in which network.

use std::collections::BTreeMap;

use aws_sdk_elasticache::types::{CacheNode, Endpoint, SecurityGroupMembership};

use super::read;
use super::seen::{Cache, Database};
use crate::failure::Failure;

/// A page, and far more than a service uses.
const MOST: usize = 100;

pub(crate) async fn databases(client: &aws_sdk_docdb::Client) -> Result<Vec<Database>, Failure> {
    let (clusters, networks) = tokio::join!(database_clusters(client), database_networks(client));
    // Without the networks an endpoint may still tell.
    let networks = read(networks)?.unwrap_or_default();
    let clusters = clusters?.into_iter().map(|(mut database, group)| {
        database.vpc = group.and_then(|group| networks.get(&group).cloned());
        database
    });
    Ok(clusters.collect())
}

async fn database_clusters(
    client: &aws_sdk_docdb::Client,
) -> Result<Vec<(Database, Option<String>)>, Failure> {
    use aws_sdk_docdb::types::Filter;
    // Neptune and Aurora have the same API.
    let only = Filter::builder().name("engine").values("docdb").build();
    let mut pages = client.describe_db_clusters().filters(only).into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(cluster) = pages.next().await {
        let cluster = cluster.map_err(|error| {
            Failure::aws("list the DocumentDB clusters", "rds:DescribeDBClusters", &error)
        })?;
        let (Some(id), true) = (cluster.db_cluster_identifier(), cluster.engine() == Some("docdb")) else {
            continue;
        };
        let endpoints = [cluster.endpoint(), cluster.reader_endpoint()];
        let endpoints = endpoints.into_iter().flatten().map(str::to_owned).collect();
        let database = Database { id: id.to_owned(), endpoints, vpc: None };
        all.push((database, cluster.db_subnet_group().map(str::to_owned)));
        if all.len() == MOST {
            break;
        }
    }
    Ok(all)
}

async fn database_networks(client: &aws_sdk_docdb::Client) -> Result<BTreeMap<String, String>, Failure> {
    let mut pages = client.describe_db_subnet_groups().into_paginator().items().send();
    let mut all = BTreeMap::new();
    while let Some(group) = pages.next().await {
        let group = group.map_err(|error| {
            Failure::aws("list the database's subnets", "rds:DescribeDBSubnetGroups", &error)
        })?;
        if let (Some(name), Some(vpc)) = (group.db_subnet_group_name(), group.vpc_id()) {
            all.insert(name.to_owned(), vpc.to_owned());
        }
        if all.len() == MOST {
            break;
        }
    }
    Ok(all)
}

pub(crate) async fn caches(client: &aws_sdk_elasticache::Client) -> Result<Vec<Cache>, Failure> {
    let (nodes, groups, networks, serverless) = tokio::join!(
        cache_clusters(client),
        replication_groups(client),
        cache_networks(client),
        serverless_caches(client)
    );
    // Without either of them a node's address or the other may still tell.
    let networks = read(networks)?.unwrap_or_default();
    let groups = read(groups)?.unwrap_or_default();
    // Not every region has them.
    let serverless = read(serverless)?.unwrap_or_default();
    let nodes = nodes?.into_values().map(|(mut cache, group)| {
        for endpoint in groups.get(&cache.id).into_iter().flatten() {
            cache.endpoints.extend(endpoint.address().map(str::to_owned));
            cache.port = endpoint.port().or(cache.port);
        }
        if let Some((vpc, subnets)) = group.and_then(|group| networks.get(&group).cloned()) {
            cache.vpc = Some(vpc);
            cache.subnets = subnets;
        }
        cache
    });
    Ok(nodes.chain(serverless).collect())
}

/// By replication group where they are of one: a node for each member.
async fn cache_clusters(
    client: &aws_sdk_elasticache::Client,
) -> Result<BTreeMap<String, (Cache, Option<String>)>, Failure> {
    let request = client.describe_cache_clusters().show_cache_node_info(true);
    let mut pages = request.into_paginator().items().send();
    let mut all: BTreeMap<String, (Cache, Option<String>)> = BTreeMap::new();
    while let Some(cluster) = pages.next().await {
        let cluster = cluster
            .map_err(|error| Failure::aws("list the caches", "elasticache:DescribeCacheClusters", &error))?;
        if cluster.engine() == Some("memcached") {
            continue;
        }
        let Some(id) = cluster.replication_group_id().or(cluster.cache_cluster_id()) else { continue };
        if all.len() == MOST && !all.contains_key(id) {
            break;
        }
        let (cache, group) = all.entry(id.to_owned()).or_default();
        id.clone_into(&mut cache.id);
        let nodes = cluster.cache_nodes().iter().filter_map(CacheNode::endpoint);
        for endpoint in nodes.chain(cluster.configuration_endpoint()) {
            cache.endpoints.extend(endpoint.address().map(str::to_owned));
            cache.port = cache.port.or(endpoint.port());
        }
        let groups = cluster.security_groups().iter().filter_map(SecurityGroupMembership::security_group_id);
        cache.security_groups.extend(groups.map(str::to_owned));
        cache.security_groups.sort();
        cache.security_groups.dedup();
        *group = cluster.cache_subnet_group_name().map(str::to_owned);
    }
    Ok(all)
}

/// The addresses of whole groups, which their nodes do not tell.
async fn replication_groups(
    client: &aws_sdk_elasticache::Client,
) -> Result<BTreeMap<String, Vec<Endpoint>>, Failure> {
    let mut pages = client.describe_replication_groups().into_paginator().items().send();
    let mut all = BTreeMap::new();
    while let Some(group) = pages.next().await {
        let group = group.map_err(|error| {
            Failure::aws("list the caches' groups", "elasticache:DescribeReplicationGroups", &error)
        })?;
        let shards = group.node_groups().iter();
        let shards = shards.flat_map(|shard| [shard.primary_endpoint(), shard.reader_endpoint()]).flatten();
        let endpoints = shards.chain(group.configuration_endpoint()).cloned().collect();
        if let Some(id) = group.replication_group_id() {
            all.insert(id.to_owned(), endpoints);
        }
        if all.len() == MOST {
            break;
        }
    }
    Ok(all)
}

/// The network of each group of subnets, and the subnets.
async fn cache_networks(
    client: &aws_sdk_elasticache::Client,
) -> Result<BTreeMap<String, (String, Vec<String>)>, Failure> {
    let mut pages = client.describe_cache_subnet_groups().into_paginator().items().send();
    let mut all = BTreeMap::new();
    while let Some(group) = pages.next().await {
        let group = group.map_err(|error| {
            Failure::aws("list the caches' subnets", "elasticache:DescribeCacheSubnetGroups", &error)
        })?;
        let subnets =
            group.subnets().iter().filter_map(|subnet| subnet.subnet_identifier().map(str::to_owned));
        if let (Some(name), Some(vpc)) = (group.cache_subnet_group_name(), group.vpc_id()) {
            all.insert(name.to_owned(), (vpc.to_owned(), subnets.collect()));
        }
        if all.len() == MOST {
            break;
        }
    }
    Ok(all)
}

async fn serverless_caches(client: &aws_sdk_elasticache::Client) -> Result<Vec<Cache>, Failure> {
    let mut pages = client.describe_serverless_caches().into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(cache) = pages.next().await {
        let cache = cache.map_err(|error| {
            Failure::aws("list the serverless caches", "elasticache:DescribeServerlessCaches", &error)
        })?;
        if cache.engine() == Some("memcached") {
            continue;
        }
        let endpoints = [cache.endpoint(), cache.reader_endpoint()];
        all.push(Cache {
            id: cache.serverless_cache_name().unwrap_or_default().to_owned(),
            endpoints: endpoints
                .iter()
                .flatten()
                .filter_map(|one| one.address().map(str::to_owned))
                .collect(),
            port: cache.endpoint().and_then(Endpoint::port),
            security_groups: cache.security_group_ids().to_vec(),
            vpc: None,
            subnets: cache.subnet_ids().to_vec(),
        });
        if all.len() == MOST {
            break;
        }
    }
    Ok(all)
}
