//! What becomes of a restored cluster: put to use, back again, or deleted.

use jiff::Timestamp;
use shared::{
    clock::readable,
    ecs::ready,
    outcome::Stop,
    plan::{FollowUpChange, Limits},
};

use crate::{
    action::Action,
    docdb::{Cluster, Instance},
    follow_up::{Past, Plan, Settling},
    observe::Observed,
    restore::{CUT_OVER_FROM, INSTANCES, RESTORE_ID, RESTORE_OF, state},
    secret::{self, Secret},
    settings::Settings,
    skipped,
};

pub(super) fn cut_over(
    now: Timestamp,
    observed: &Observed,
    id: &str,
    settings: &Settings,
    past: &Past,
) -> Result<Plan, Stop> {
    let cluster = ours(observed, id, settings)?;
    let wanted = observed.tags.get(INSTANCES).and_then(|count| count.parse().ok()).unwrap_or(1);
    let ready = cluster.is_available()
        && cluster.instances.len() >= wanted
        && cluster.instances.iter().all(Instance::is_available);
    if !ready {
        return Err(skipped::restore_not_ready(cluster, "cut_over"));
    }
    let secret = secret(observed, settings)?;
    let host = secret.host.as_ref().ok_or_else(|| skipped::secret_without_host(&secret.name))?;
    if *host == cluster.endpoint {
        return Err(skipped::already_cut_over(id, &secret.name));
    }
    let redeploy = redeploy(observed, settings)?;
    let version = secret::version_of(id, &secret.current);
    let set = Action::SetSecretHost {
        secret: secret.name.clone(),
        before: secret.current.clone(),
        version: version.clone(),
        from: host.clone(),
        to: cluster.endpoint.clone(),
        also: secret.also.clone(),
    };
    let note = Action::NoteCutOver {
        restore: id.to_owned(),
        arn: cluster.arn.clone(),
        before: secret.current.clone(),
    };
    let mut reason = format!(
        "{} then works on {}: what was written to {host} since is not there. {{\"undo\": \"{id}\"}} points it back",
        settings.service,
        state(cluster)
    );
    let managed = cluster.managed_secret.as_deref();
    let login = observed.logins.get(id);
    // First of all: with this, the cut-over does not work.
    if let Some(warning) = login.and_then(|login| login.warning(id, &secret.name, managed)) {
        reason = format!("{warning}. {reason}");
    }
    if past.freeze.is_none() {
        reason = format!("{reason}. Writes are not frozen: what is written until the new tasks run is lost");
    }
    if !secret.also.is_empty() {
        let fields = secret.also.join(" and ");
        reason = format!(
            "{reason}. The secret's {fields} also name {host}, and stay as they are: if the service reads its database from there, it stays on {host}"
        );
    }
    let settling = Settling {
        version,
        what: format!("the cut-over to {id}"),
        undo: Some(id.to_owned()),
        also: secret.also.clone(),
    };
    Ok(Plan {
        follow_up: FollowUpChange::Set(settling.until(now + settings.settle)),
        limits: Limits::SkipCooldown,
        ..Plan::act(vec![set, redeploy, note], reason)
    })
}

pub(super) fn undo(now: Timestamp, observed: &Observed, id: &str, settings: &Settings) -> Result<Plan, Stop> {
    ours(observed, id, settings)?;
    let secret = secret(observed, settings)?;
    let before = cut_over_from(observed, id, secret).ok_or_else(|| skipped::never_cut_over(id))?;
    if secret.current == before {
        return Err(skipped::already_undone(id, &secret.name));
    }
    if secret.current != secret::version_of(id, &before) {
        return Err(skipped::secret_changed(&secret.name));
    }
    if !secret.versions.contains(&before) {
        return Err(skipped::version_gone(&secret.name, &before));
    }
    let back = Action::PointSecretBack {
        secret: secret.name.clone(),
        from: secret.current.clone(),
        to: before.clone(),
    };
    let redeploy = redeploy(observed, settings)?;
    let since = secret.changed_at.map(|at| format!(" at {}", readable(at))).unwrap_or_default();
    let reason = format!(
        "{} goes back to the database it had before the cut-over to {id}: what was written since that{since} stays in {id}, \
         and the service does not see it any more",
        settings.service
    );
    let settling =
        Settling { version: before, what: format!("the way back from {id}"), undo: None, also: Vec::new() };
    Ok(Plan {
        follow_up: FollowUpChange::Set(settling.until(now + settings.settle)),
        limits: Limits::SkipCooldown,
        ..Plan::act(vec![back, redeploy], reason)
    })
}

pub(super) fn discard(observed: &Observed, id: &str, settings: &Settings) -> Result<Plan, Stop> {
    if observed.cluster(id).is_none_or(Cluster::is_going) {
        return Err(skipped::already_gone(id));
    }
    let cluster = ours(observed, id, settings)?;
    let secret = observed.secret.as_ref();
    if observed.tags.contains_key(CUT_OVER_FROM)
        || secret.is_some_and(|secret| cut_over_from(observed, id, secret).is_some())
    {
        return Err(skipped::was_cut_over(id));
    }
    // Whoever pointed the service at it by hand left no tag.
    let host = secret.and_then(|secret| secret.host.as_deref());
    if host.is_none_or(|host| host == cluster.endpoint || host == cluster.reader_endpoint) {
        return Err(skipped::in_use(id, host));
    }
    let mut actions = Vec::new();
    if cluster.deletion_protection {
        actions.push(Action::AllowDeletion { cluster: id.to_owned() });
    }
    actions.extend(cluster.instances.iter().map(|instance| Action::DeleteInstance {
        instance: instance.settings.name.clone(),
        cluster: id.to_owned(),
    }));
    actions.push(Action::DeleteCluster { cluster: id.to_owned() });
    let reason =
        format!("{} was never put to use, and is not kept; what it was restored from stays", state(cluster));
    Ok(Plan { limits: Limits::SkipCooldown, ..Plan::act(actions, reason) })
}

/// The cluster of this restore, if it is one that this function has made of this source.
pub(super) fn ours<'a>(observed: &'a Observed, id: &str, settings: &Settings) -> Result<&'a Cluster, Stop> {
    let cluster = observed.cluster(id).ok_or_else(|| skipped::restore_unknown(id))?;
    let is = |key: &str, value: &str| observed.tags.get(key).is_some_and(|tag| tag == value);
    if cluster.name == settings.source || !is(RESTORE_OF, &settings.source) || !is(RESTORE_ID, id) {
        return Err(skipped::not_ours(id));
    }
    Ok(cluster)
}

pub(super) fn secret<'a>(observed: &'a Observed, settings: &Settings) -> Result<&'a Secret, Stop> {
    observed.secret.as_ref().ok_or_else(|| skipped::secret_missing(&settings.secret))
}

fn redeploy(observed: &Observed, settings: &Settings) -> Result<Action, Stop> {
    let name = &settings.service;
    let service = ready::usable(observed.service.as_ref(), name)?;
    ready::deployed_by_ecs(service, name, "set the secret's host by hand, and deploy there")?;
    ready::still(service, name)?;
    let running = service.primary().map(|primary| primary.id.clone()).unwrap_or_default();
    Ok(Action::Redeploy { cluster: settings.cluster.clone(), service: name.clone(), running })
}

/// The version of the secret that was current before the cut-over, as its tag says; until that is set, the secret itself
/// shows it.
fn cut_over_from(observed: &Observed, id: &str, secret: &Secret) -> Option<String> {
    let made = |before: &String| secret::version_of(id, before);
    let current = secret.versions.iter().find(|before| made(before) == secret.current);
    let any = || secret.versions.iter().find(|before| secret.versions.contains(&made(before)));
    current.or_else(|| observed.tags.get(CUT_OVER_FROM)).or_else(any).cloned()
}
