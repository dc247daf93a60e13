//! The database's cluster, its instances and its events, as DocumentDB's management API tells them.

use std::cmp::Reverse;

use aws_sdk_docdb::{
    Client,
    types::{self, Filter, SourceType},
};
use futures_util::future::try_join_all;
use jiff::SignedDuration;
use shared::{
    aws,
    error::{Cause, Error},
};

use super::{Reader, Seen, Why, date_time, seen, service::said, timestamp, why};
use crate::evidence::{Database, DatabaseEvent, Instance, NotSeen};

const DEFAULT_PORT: u16 = 27_017;
/// A day tells of a failover, and of what led to it.
const EVENTS_SINCE: SignedDuration = SignedDuration::from_hours(24);
const MAX_EVENTS: usize = 50;
const MAX_PAGES: usize = 5;

pub(super) async fn database(reader: &Reader) -> Result<Option<Seen>, Why> {
    if reader.settings.database.is_none() {
        return Ok(None);
    }
    let database = reader.database().await?.clone();
    Ok(seen(move |evidence| evidence.database = Some(database)))
}

pub(super) async fn describe(reader: &Reader) -> Result<Database, Why> {
    let name = reader.settings.database.as_deref().ok_or("the stack has no database")?;
    let client = Client::new(&reader.config);
    let filter = Filter::builder().name("db-cluster-id").values(name).build();
    let (cluster, instances) = tokio::join!(
        client.describe_db_clusters().db_cluster_identifier(name).send(),
        client.describe_db_instances().filters(filter).send()
    );
    let cluster = cluster.map_err(|error| why(&aws::failed("describe cluster", name, &error)))?;
    let instances =
        instances.map_err(|error| why(&aws::failed("describe the instances of cluster", name, &error)))?;
    let cluster = cluster.db_clusters.unwrap_or_default().into_iter().next().ok_or_else(|| {
        why(&Error::Aws {
            operation: "describe cluster",
            resource: name.to_owned(),
            source: Cause::new("there is none"),
        })
    })?;
    Ok(put_together(cluster, instances.db_instances.unwrap_or_default()))
}

fn put_together(cluster: types::DbCluster, instances: Vec<types::DbInstance>) -> Database {
    let members = cluster.db_cluster_members.unwrap_or_default();
    let is_writer = |name: &str| {
        let member = members.iter().find(|member| member.db_instance_identifier() == Some(name));
        member.and_then(types::DbClusterMember::is_cluster_writer).unwrap_or_default()
    };
    let mut instances: Vec<Instance> = instances
        .into_iter()
        .map(|instance| {
            let name = instance.db_instance_identifier.unwrap_or_default();
            Instance {
                is_writer: is_writer(&name),
                class: instance.db_instance_class.unwrap_or_default(),
                status: instance.db_instance_status.unwrap_or_default(),
                name,
            }
        })
        .collect();
    instances.sort_by_key(|instance| (!instance.is_writer, instance.name.clone()));
    Database {
        name: cluster.db_cluster_identifier.unwrap_or_default(),
        status: cluster.status.unwrap_or_default(),
        port: cluster.port.and_then(|port| u16::try_from(port).ok()).unwrap_or(DEFAULT_PORT),
        security_groups: cluster
            .vpc_security_groups
            .unwrap_or_default()
            .into_iter()
            .filter_map(|group| group.vpc_security_group_id)
            .collect(),
        instances,
        earliest_restorable: cluster.earliest_restorable_time.as_ref().and_then(timestamp),
        latest_restorable: cluster.latest_restorable_time.as_ref().and_then(timestamp),
        profiler: cluster
            .enabled_cloudwatch_logs_exports
            .is_some_and(|logs| logs.iter().any(|log| log == "profiler")),
    }
}

/// Of the cluster, and of its instances once they are known. Each is asked for by name: an account with many databases
/// has more events in a day than can be read.
pub(super) async fn events(reader: &Reader) -> Result<Option<Seen>, Why> {
    let Some(name) = reader.settings.database.as_deref() else {
        return Ok(None);
    };
    let of_instances = async {
        let instances = &reader.database().await?.instances;
        try_join_all(instances.iter().map(|instance| of(reader, SourceType::DbInstance, &instance.name)))
            .await
    };
    let (of_cluster, of_instances) = tokio::join!(of(reader, SourceType::DbCluster, name), of_instances);
    let mut unseen = Vec::new();
    let mut events = Vec::new();
    let of_instances = of_instances.unwrap_or_else(|why| {
        unseen.push(NotSeen { source: "the events of the database's instances".to_owned(), why });
        Vec::new()
    });
    for Events { of, read, all } in of_instances.into_iter().chain([of_cluster?]) {
        if !all {
            let why = format!("there are more than the {} that were read", read.len());
            unseen.push(NotSeen { source: format!("some of the events of {of}"), why });
        }
        events.extend(read);
    }
    events.sort_by_key(|event: &DatabaseEvent| Reverse(event.at));
    events.truncate(MAX_EVENTS);
    Ok(seen(move |evidence| {
        evidence.database_events = Some(events);
        evidence.not_seen.extend(unseen);
    }))
}

struct Events {
    of: String,
    read: Vec<DatabaseEvent>,
    /// Whether there are no more.
    all: bool,
}

async fn of(reader: &Reader, kind: SourceType, name: &str) -> Result<Events, Why> {
    let client = Client::new(&reader.config);
    let mut read = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .describe_events()
            .source_type(kind.clone())
            .source_identifier(name)
            .start_time(date_time(reader.at - EVENTS_SINCE))
            .end_time(date_time(reader.at))
            .set_marker(from)
            .send()
            .await
            .map_err(|error| why(&aws::failed("describe the events of", name, &error)))?;
        read.extend(page.events.unwrap_or_default().into_iter().map(|event| DatabaseEvent {
            at: event.date.as_ref().and_then(timestamp),
            source: event.source_identifier.unwrap_or_default(),
            message: said(&event.message.unwrap_or_default()),
            categories: event.event_categories.unwrap_or_default(),
        }));
        from = page.marker;
        if from.is_none() {
            break;
        }
    }
    Ok(Events { of: name.to_owned(), read, all: from.is_none() })
}
