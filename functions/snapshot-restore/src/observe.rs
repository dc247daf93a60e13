//! Reads what a request is about, and no more than that.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use shared::{
    aws, clock,
    ecs::{self, RunningTask, Service},
    error::{Error, chain},
};

use crate::{
    Clients,
    data::{There, data_of},
    docdb::{self, Cluster, Snapshot, timestamp},
    login::{self, Login, Whose},
    name,
    request::{Goal, Request, Wanted},
    secret::{self, Secret},
    settings::Settings,
};

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Observed {
    pub source: Option<Cluster>,
    pub source_tags: BTreeMap<String, String>,
    /// Of the source, newest first.
    pub snapshots: Vec<Snapshot>,
    /// The snapshot that was named, of whatever cluster.
    pub named: Option<Snapshot>,
    /// How large the source's volume was, in bytes, by the day.
    pub volume: Vec<(Timestamp, f64)>,
    /// The clusters that were restored from the source.
    pub restored: Vec<Cluster>,
    /// Those of them that could be connected to, or not; none where this function is not in their network.
    pub reached: BTreeMap<String, bool>,
    /// The tags of the one that the request names.
    pub tags: BTreeMap<String, String>,
    /// Whether the service can log in to them, as far as that is needed; before a restore, to the source as it was.
    pub logins: BTreeMap<String, Login>,
    pub secret: Option<Secret>,
    pub service: Option<Service>,
    /// The service's, where it is to be seen which version of the secret they have read.
    pub tasks: Vec<RunningTask>,
    pub database: Option<Database>,
}

/// What the probe says of the service's database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Database {
    pub answers: bool,
    pub summary: String,
}

impl Observed {
    /// What can be restored.
    pub(crate) fn there(&self) -> Option<There<'_>> {
        let source = self.source.as_ref()?;
        Some(There { source, named: self.named.as_ref(), snapshots: &self.snapshots })
    }

    /// The cluster of a restore.
    pub(crate) fn cluster(&self, id: &str) -> Option<&Cluster> {
        self.restored.iter().find(|cluster| cluster.name == id)
    }
}

pub(crate) async fn observe(
    clients: &Clients,
    settings: &Settings,
    request: &Request,
) -> Result<Observed, Error> {
    match &request.goal {
        Goal::Restore(wanted) => before_a_restore(clients, settings, wanted).await,
        Goal::List => what_there_is(clients, settings).await,
        Goal::Continue(id) => under_way(clients, settings, Some(id)).await,
        Goal::LookAfter => under_way(clients, settings, None).await,
        Goal::Report(_) | Goal::Stopped(_) => {
            let (_, restored) = clusters(clients, settings).await?;
            Ok(Observed { restored, ..Observed::default() })
        }
        Goal::SetPassword(id) => {
            let secret = secret::with_host(clients.secrets(), &settings.secret);
            let (observed, secret) = tokio::join!(with_login(clients, settings, id), secret);
            Ok(Observed { secret: secret?, ..observed? })
        }
        Goal::CutOver(id) => {
            let secret = secret::with_host(clients.secrets(), &settings.secret);
            let service = ecs::service(clients.ecs(), &settings.cluster, &settings.service);
            let (observed, secret, service) =
                tokio::join!(with_login(clients, settings, id), secret, service);
            Ok(Observed { secret: secret?, service: service?, ..observed? })
        }
        Goal::Undo(id) => {
            let secret = secret::describe(clients.secrets(), &settings.secret);
            let service = ecs::service(clients.ecs(), &settings.cluster, &settings.service);
            let (observed, secret, service) = tokio::join!(of_restore(clients, id), secret, service);
            Ok(Observed { secret: secret?, service: service?, ..observed? })
        }
        Goal::Discard(id) => {
            let secret = secret::with_host(clients.secrets(), &settings.secret);
            let (observed, secret) = tokio::join!(of_restore(clients, id), secret);
            Ok(Observed { secret: secret?, ..observed? })
        }
        Goal::LookAfterCutOver => after_a_cut_over(clients, settings).await,
    }
}

async fn source(clients: &Clients, settings: &Settings) -> Result<Option<Cluster>, Error> {
    let Some(cluster) = docdb::cluster(clients.docdb(), &settings.source).await? else {
        return Ok(None);
    };
    let mut found = [cluster];
    docdb::add_instances(clients.docdb(), &mut found).await?;
    let [cluster] = found;
    Ok(Some(cluster))
}

/// The source, of whose instances only the names are read, and the clusters that were restored from it.
async fn clusters(clients: &Clients, settings: &Settings) -> Result<(Option<Cluster>, Vec<Cluster>), Error> {
    let is_one = |name: &str| name == settings.source || name::is_of(&settings.source, name);
    let found = docdb::clusters(clients.docdb(), is_one).await?;
    let (mut source, mut restored): (Vec<Cluster>, Vec<Cluster>) =
        found.into_iter().partition(|cluster| cluster.name == settings.source);
    docdb::add_instances(clients.docdb(), &mut restored).await?;
    Ok((source.pop(), restored))
}

/// What is read beside the clusters is for the hand-over: before that, there is no need.
async fn under_way(clients: &Clients, settings: &Settings, named: Option<&str>) -> Result<Observed, Error> {
    let (source, restored) = clusters(clients, settings).await?;
    let reached = reached(settings, &restored).await;
    let is_asked_about = |cluster: &Cluster| match named {
        Some(named) => cluster.name == named,
        None => is_looked_after(settings, cluster),
    };
    let members = source.as_ref().map_or(0, |source| source.instances.len());
    let is_done = |cluster: &&Cluster| is_asked_about(cluster) && may_be_done(cluster, members);
    let done: Vec<&Cluster> = restored.iter().filter(is_done).collect();
    let (mut logins, mut its_tags) = (BTreeMap::new(), BTreeMap::new());
    for cluster in done.iter().copied() {
        let login = match docdb::tags(clients.docdb(), &cluster.arn).await {
            Ok(tags) => {
                let login = login(clients, settings, cluster, &tags).await;
                its_tags = tags;
                login
            }
            Err(error) => Login::unknown(chain(&error)),
        };
        logins.insert(cluster.name.clone(), login);
    }
    let tags = if named.is_some() { its_tags } else { BTreeMap::new() };
    let source = match source {
        Some(source) if !done.is_empty() => in_full(clients, source).await,
        _ => None,
    };
    Ok(Observed { source, restored, reached, tags, logins, ..Observed::default() })
}

/// Whether all its instances may be there: as many as its source has, or more than its writer.
fn may_be_done(cluster: &Cluster, members: usize) -> bool {
    cluster.is_up() && cluster.instances.len() >= members.min(2)
}

/// With its instances. A hand-over that cannot compare says so.
async fn in_full(clients: &Clients, source: Cluster) -> Option<Cluster> {
    let mut found = [source];
    if let Err(error) = docdb::add_instances(clients.docdb(), &mut found).await {
        tracing::warn!(error = chain(&error), "the source's instances are not known");
        return None;
    }
    let [source] = found;
    Some(source)
}

async fn login(
    clients: &Clients,
    settings: &Settings,
    cluster: &Cluster,
    tags: &BTreeMap<String, String>,
) -> Login {
    let whose = login::whose(&cluster.name, tags);
    let master = cluster.master_user.as_deref();
    secret::login(clients.secrets(), &settings.secret, whose.as_ref(), master).await
}

async fn with_login(clients: &Clients, settings: &Settings, id: &str) -> Result<Observed, Error> {
    let mut observed = of_restore(clients, id).await?;
    if let Some(cluster) = observed.cluster(id) {
        let login = login(clients, settings, cluster, &observed.tags).await;
        observed.logins.insert(id.to_owned(), login);
    }
    Ok(observed)
}

/// Whether the clusters that are still looked after can be connected to, once all their instances are up.
async fn reached(settings: &Settings, restored: &[Cluster]) -> BTreeMap<String, bool> {
    let mut reached = BTreeMap::new();
    for cluster in restored.iter().filter(|_| settings.in_network) {
        if cluster.is_up() && is_looked_after(settings, cluster) {
            reached.insert(cluster.name.clone(), docdb::answers(cluster).await);
        }
    }
    reached
}

fn is_looked_after(settings: &Settings, cluster: &Cluster) -> bool {
    let limit = SignedDuration::try_from(settings.limit).unwrap_or(SignedDuration::MAX);
    name::asked_at(&cluster.name).is_some_and(|at| clock::now().duration_since(at) < limit)
}

async fn before_a_restore(
    clients: &Clients,
    settings: &Settings,
    wanted: &Wanted,
) -> Result<Observed, Error> {
    let source = async {
        let source = source(clients, settings).await?;
        let tags = match &source {
            Some(source) => docdb::tags(clients.docdb(), &source.arn).await?,
            None => BTreeMap::new(),
        };
        Ok::<_, Error>((source, tags))
    };
    let named = async {
        match wanted {
            Wanted::Snapshot(id) => docdb::snapshot(clients.docdb(), id).await,
            _ => Ok(None),
        }
    };
    let snapshots = docdb::snapshots(clients.docdb(), &settings.source);
    let (source, named, snapshots) = tokio::join!(source, named, snapshots);
    let (source, source_tags) = source?;
    let mut observed =
        Observed { source, source_tags, named: named?, snapshots: snapshots?, ..Observed::default() };
    if let Some(there) = observed.there()
        && let Some(at) = data_of(clock::now(), &there, wanted)
    {
        let (whose, master) = (Whose::AtTime(at), there.source.master_user.as_deref());
        let login = secret::login(clients.secrets(), &settings.secret, Some(&whose), master).await;
        observed.logins.insert(settings.source.clone(), login);
    }
    Ok(observed)
}

async fn what_there_is(clients: &Clients, settings: &Settings) -> Result<Observed, Error> {
    let (clusters, snapshots) =
        tokio::join!(clusters(clients, settings), docdb::snapshots(clients.docdb(), &settings.source));
    let ((source, restored), snapshots) = (clusters?, snapshots?);
    let oldest = snapshots.iter().filter_map(|snapshot| snapshot.taken_at).min();
    // Only for a rough idea of the size: a list without it is better than none.
    let volume = match oldest {
        Some(oldest) => volume(clients, settings, oldest).await.unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "the volume's size is not known");
            Vec::new()
        }),
        None => Vec::new(),
    };
    Ok(Observed { source, snapshots, volume, restored, ..Observed::default() })
}

/// The size of the source's volume, by the day: AWS does not tell a snapshot's own.
async fn volume(
    clients: &Clients,
    settings: &Settings,
    since: Timestamp,
) -> Result<Vec<(Timestamp, f64)>, Error> {
    const DAY: i32 = 86_400;
    let at = |at: Timestamp| aws_sdk_cloudwatch::primitives::DateTime::from_secs(at.as_second());
    let cluster = aws_sdk_cloudwatch::types::Dimension::builder()
        .name("DBClusterIdentifier")
        .value(&settings.source)
        .build();
    let answer = clients
        .cloudwatch()
        .get_metric_statistics()
        .namespace("AWS/DocDB")
        .metric_name("VolumeBytesUsed")
        .dimensions(cluster)
        .start_time(at(since - SignedDuration::from_hours(24)))
        .end_time(at(clock::now()))
        .period(DAY)
        .statistics(aws_sdk_cloudwatch::types::Statistic::Average)
        .send()
        .await
        .map_err(|error| {
            aws::failed("read the volume's size of cluster", settings.source.as_str(), &error)
        })?;
    let mut sizes: Vec<(Timestamp, f64)> = answer
        .datapoints()
        .iter()
        .filter_map(|point| Some((timestamp(point.timestamp()?)?, point.average()?)))
        .collect();
    sizes.sort_by_key(|(at, _)| *at);
    Ok(sizes)
}

async fn of_restore(clients: &Clients, id: &str) -> Result<Observed, Error> {
    let Some(cluster) = docdb::cluster(clients.docdb(), id).await? else {
        return Ok(Observed::default());
    };
    let arn = cluster.arn.clone();
    let mut restored = vec![cluster];
    let (instances, tags) = tokio::join!(
        docdb::add_instances(clients.docdb(), &mut restored),
        docdb::tags(clients.docdb(), &arn)
    );
    instances?;
    Ok(Observed { restored, tags: tags?, ..Observed::default() })
}

/// Reads the service and asks the probe only when the secret has changed lately: mostly, there is nothing to look
/// after.
async fn after_a_cut_over(clients: &Clients, settings: &Settings) -> Result<Observed, Error> {
    let secret = secret::describe(clients.secrets(), &settings.secret).await?;
    let lately = SignedDuration::try_from(settings.settle * 2).unwrap_or(SignedDuration::MAX);
    let changed = secret.as_ref().and_then(|secret| secret.changed_at);
    if changed.is_none_or(|at| clock::now().duration_since(at) > lately) {
        return Ok(Observed { secret, ..Observed::default() });
    }
    let (observed, database) = tokio::join!(tasks_and_secret(clients, settings), database(clients, settings));
    Ok(Observed { database, ..observed? })
}

/// What tells which version of the secret the service's tasks have read.
pub(crate) async fn tasks_and_secret(clients: &Clients, settings: &Settings) -> Result<Observed, Error> {
    let (secret, service, tasks) = tokio::join!(
        secret::describe(clients.secrets(), &settings.secret),
        ecs::service(clients.ecs(), &settings.cluster, &settings.service),
        ecs::running_tasks(clients.ecs(), &settings.cluster, &settings.service)
    );
    Ok(Observed { secret: secret?, service: service?, tasks: tasks?, ..Observed::default() })
}

/// None where the probe does not answer: the log says why.
pub(crate) async fn database(clients: &Clients, settings: &Settings) -> Option<Database> {
    match shared::probe::ask(clients.lambda(), &settings.probe_function, &["health-db"]).await {
        Ok(report) => Some(Database { answers: report.passes("health-db"), summary: report.summary }),
        Err(error) => {
            tracing::warn!(error = chain(&error), "the database's health is not known");
            None
        }
    }
}
