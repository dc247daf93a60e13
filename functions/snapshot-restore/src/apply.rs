//! The only writes of `snapshot-restore`, and the second look. Each write can be repeated, and none is to the
//! source cluster.

pub(crate) mod database;

use std::time::Duration;

use shared::{
    clock, ecs,
    error::{Error, chain},
    guard::Approved,
    once::send_once,
    outcome::Verification,
};

use crate::{
    Clients,
    action::Action,
    docdb,
    follow_up::{redeployed, settled},
    observe, refusal,
    restore::{CUT_OVER_FROM, PASSWORD_OF},
    secret::{self, Set},
    settings::Settings,
};

pub(crate) async fn apply(clients: &Clients, approved: &Approved<Action>) -> Result<(), Error> {
    match approved.action() {
        Action::CreateCluster(restore) => database::create_cluster(clients.docdb(), restore).await,
        Action::CopySettings { cluster, settings } => {
            database::copy_settings(clients.docdb(), cluster, settings).await
        }
        Action::CreateInstance { cluster, instance, engine, tags } => {
            database::create_instance(clients.docdb(), cluster, instance, engine, tags).await
        }
        Action::SetPassword { cluster, secret, version } => {
            match secret::password(clients.secrets(), secret, version).await? {
                Some(password) => database::set_password(clients.docdb(), cluster, &password).await,
                None => Err(refusal::of_password(secret, cluster)),
            }
        }
        Action::NotePassword { arn, version, .. } => {
            database::add_tag(clients.docdb(), arn, PASSWORD_OF, version).await
        }
        Action::AllowDeletion { cluster } => database::protect(clients.docdb(), cluster, false).await,
        Action::DeleteInstance { instance, cluster } => {
            let deleted = database::delete_instance(clients.docdb(), instance).await;
            or_protected(clients, cluster, deleted).await
        }
        Action::DeleteCluster { cluster } => {
            let deleted = database::delete_cluster(clients.docdb(), cluster).await;
            or_protected(clients, cluster, deleted).await
        }
        Action::SetSecretHost { secret: name, before, version, to, .. } => {
            taken(name, secret::set_host(clients.secrets(), name, before, version, to).await?)
        }
        Action::PointSecretBack { secret: name, from, to } => {
            taken(name, secret::point_back(clients.secrets(), name, from, to).await?)
        }
        Action::Redeploy { cluster, service, running } => redeploy(clients, cluster, service, running).await,
        Action::NoteCutOver { arn, before, .. } => {
            database::add_tag(clients.docdb(), arn, CUT_OVER_FROM, before).await
        }
    }
}

/// What is not deleted after all has its protection back; whoever tries again takes it off again.
async fn or_protected(clients: &Clients, cluster: &str, deleted: Result<(), Error>) -> Result<(), Error> {
    if deleted.as_ref().is_err_and(|error| !error.may_have_happened())
        && !cluster.is_empty()
        && let Err(error) = database::protect(clients.docdb(), cluster, true).await
    {
        tracing::warn!(error = chain(&error), cluster, "the deletion protection is not put back");
    }
    deleted
}

fn taken(secret: &str, set: Set) -> Result<(), Error> {
    match set {
        Set::Done => Ok(()),
        Set::Overtaken => Err(refusal::of_secret(secret)),
    }
}

/// Starts new tasks, unless somebody has since it was decided.
async fn redeploy(clients: &Clients, cluster: &str, service: &str, running: &str) -> Result<(), Error> {
    let begun = async || {
        let now = ecs::service(clients.ecs(), cluster, service).await?;
        let primary = now.as_ref().and_then(ecs::Service::primary);
        Ok(primary.filter(|primary| primary.id != running).map(drop))
    };
    if begun().await?.is_some() {
        return Ok(());
    }
    let update = clients.ecs().update_service().cluster(cluster).service(service).force_new_deployment(true);
    let send = async || {
        let update = update.clone().customize().config_override(ecs::not_repeated());
        update.send().await.map(drop)
    };
    send_once("start new tasks of service", &format!("{service} in cluster {cluster}"), send, begun).await
}

/// Looks until what was done shows, or for as long as there is patience. What takes longer than a run is only seen
/// to have begun.
pub(crate) async fn verify(
    clients: &Clients,
    settings: &Settings,
    actions: &[&Action],
    patience: Duration,
) -> Verification {
    const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
    let pointed = actions.iter().find_map(|action| match action {
        Action::SetSecretHost { version, also, .. } => Some((version, also.as_slice())),
        Action::PointSecretBack { to, .. } => Some((to, &[][..])),
        _ => None,
    });
    let last = actions.last();
    Verification::wait(patience, BETWEEN_LOOKS, || async {
        match (pointed, last) {
            (Some((version, also)), _) => now_settled(clients, settings, version, also).await,
            (None, Some(action)) => begun(clients, action).await,
            (None, None) => Ok(Verification { verified: true, what: "there was nothing to do".to_owned() }),
        }
    })
    .await
}

async fn now_settled(
    clients: &Clients,
    settings: &Settings,
    version: &str,
    also: &[String],
) -> Result<Verification, Error> {
    let mut observed = observe::tasks_and_secret(clients, settings).await?;
    // Before all tasks are new ones, the probe's answer would be about the old tasks.
    if redeployed(&observed, version).0 {
        observed.database = observe::database(clients, settings).await;
    }
    Ok(settled(&observed, version, also))
}

async fn begun(clients: &Clients, action: &Action) -> Result<Verification, Error> {
    let seen = |verified, what: String| Ok(Verification { verified, what });
    let (cluster, instance, deletes) = match action {
        Action::CreateCluster(restore) => (&restore.id, None, false),
        Action::CreateInstance { cluster, instance, .. } => (cluster, Some(&instance.name), false),
        Action::CopySettings { cluster, .. }
        | Action::AllowDeletion { cluster }
        | Action::NotePassword { restore: cluster, .. } => (cluster, None, false),
        Action::DeleteCluster { cluster } => (cluster, None, true),
        _ => return seen(true, "done".to_owned()),
    };
    let Some(found) = docdb::cluster(clients.docdb(), cluster).await? else {
        return seen(deletes, format!("there is no cluster {cluster}"));
    };
    let now = clock::readable(clock::now());
    if matches!(action, Action::NotePassword { .. }) {
        // While it takes the password, it is `resetting-master-credentials`.
        let what = format!("AWS took the change, and cluster {cluster} is {} at {now}", found.status);
        return seen(found.is_available(), what);
    }
    match instance {
        None => seen(!deletes || found.is_going(), format!("cluster {cluster} is {} at {now}", found.status)),
        Some(name) => {
            let mut found = [found];
            docdb::add_instances(clients.docdb(), &mut found).await?;
            let [cluster] = &found;
            let made = cluster.instances.iter().find(|made| made.settings.name == *name);
            match made {
                Some(made) => seen(true, format!("instance {name} is {}", made.status)),
                None => seen(false, format!("instance {name} is not listed yet")),
            }
        }
    }
}
