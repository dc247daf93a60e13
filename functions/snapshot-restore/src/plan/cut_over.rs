//! What becomes of a restored cluster: put to use, back again, or deleted.

use jiff::Timestamp;
use serde_json::json;
use shared::{
    ecs::{Deployment, Service},
    ledger::{FollowUp, FollowUpChange},
    outcome::{Stop, Verification},
    remedy::{Past, Plan, Weight},
};

use super::Action;
use crate::{
    docdb::{Cluster, Instance},
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
) -> Result<Plan<Action>, Stop> {
    let cluster = ours(observed, id, settings)?;
    let wanted = observed.tags.get(INSTANCES).and_then(|count| count.parse().ok()).unwrap_or(1);
    let ready = cluster.is_available()
        && cluster.instances.len() >= wanted
        && cluster.instances.iter().all(Instance::is_available);
    if !ready {
        return Err(skipped::restore_not_ready(id, &state(cluster)));
    }
    let secret = secret(observed, settings)?;
    let host = secret.host.as_ref().ok_or_else(|| skipped::secret_without_host(&secret.name))?;
    if *host == cluster.endpoint {
        return Err(skipped::already_cut_over(id, &secret.name));
    }
    let redeploy = redeploy(observed, settings)?;
    let version = secret::version_of(id, &secret.current);
    let note = Action::NoteCutOver {
        restore: id.to_owned(),
        arn: cluster.arn.clone(),
        before: secret.current.clone(),
    };
    let set = Action::SetSecretHost {
        secret: secret.name.clone(),
        before: secret.current.clone(),
        version: version.clone(),
        from: host.clone(),
        to: cluster.endpoint.clone(),
    };
    let mut reason = format!(
        "{} then works on {}: what was written to {host} since is not there. {{\"undo\": \"{id}\"}} points it back",
        settings.service,
        state(cluster)
    );
    if past.freeze.is_none() {
        reason = format!("{reason}. Writes are not frozen: what is written until the new tasks run is lost");
    }
    if !secret.also.is_empty() {
        let fields = secret.also.join(" and ");
        reason = format!("{reason}. The secret's {fields} also name {host}, and stay as they are");
    }
    Ok(Plan {
        follow_up: FollowUpChange::Set(settling(
            now,
            settings,
            &version,
            &format!("the cut-over to {id}"),
            Some(id),
        )),
        weight: Weight::Wished,
        ..Plan::act(vec![note, set, redeploy], reason)
    })
}

pub(super) fn undo(
    now: Timestamp,
    observed: &Observed,
    id: &str,
    settings: &Settings,
) -> Result<Plan<Action>, Stop> {
    ours(observed, id, settings)?;
    let before = observed.tags.get(CUT_OVER_FROM).ok_or_else(|| skipped::never_cut_over(id))?;
    let secret = secret(observed, settings)?;
    if secret.current == *before {
        return Err(skipped::already_undone(id, &secret.name));
    }
    if secret.current != secret::version_of(id, before) {
        return Err(skipped::secret_changed(&secret.name));
    }
    if !secret.versions.contains(before) {
        return Err(skipped::version_gone(&secret.name, before));
    }
    let back = Action::PointSecretBack {
        secret: secret.name.clone(),
        from: secret.current.clone(),
        to: before.clone(),
    };
    let redeploy = redeploy(observed, settings)?;
    let reason = format!("{} goes back to the database it had before the cut-over to {id}", settings.service);
    Ok(Plan {
        follow_up: FollowUpChange::Set(settling(
            now,
            settings,
            before,
            &format!("the way back from {id}"),
            None,
        )),
        weight: Weight::PutsBack,
        ..Plan::act(vec![back, redeploy], reason)
    })
}

pub(super) fn discard(observed: &Observed, id: &str, settings: &Settings) -> Result<Plan<Action>, Stop> {
    if observed.cluster(id).is_none_or(Cluster::is_going) {
        return Err(skipped::already_gone(id));
    }
    let cluster = ours(observed, id, settings)?;
    if observed.tags.contains_key(CUT_OVER_FROM) {
        return Err(skipped::was_cut_over(id));
    }
    // Whoever pointed the service at it by hand left no tag.
    let host = observed.secret.as_ref().and_then(|secret| secret.host.as_deref());
    if host.is_none_or(|host| host == cluster.endpoint || host == cluster.reader_endpoint) {
        return Err(skipped::in_use(id, host));
    }
    let mut actions = Vec::new();
    if cluster.deletion_protection {
        actions.push(Action::AllowDeletion { cluster: id.to_owned() });
    }
    actions.extend(
        cluster
            .instances
            .iter()
            .map(|instance| Action::DeleteInstance { instance: instance.settings.name.clone() }),
    );
    actions.push(Action::DeleteCluster { cluster: id.to_owned() });
    let reason =
        format!("{} was never put to use, and is not kept; what it was restored from stays", state(cluster));
    Ok(Plan { weight: Weight::Wished, ..Plan::act(actions, reason) })
}

/// The cluster of this restore, if it is one that this function has made of this source.
fn ours<'a>(observed: &'a Observed, id: &str, settings: &Settings) -> Result<&'a Cluster, Stop> {
    let cluster = observed.cluster(id).ok_or_else(|| skipped::restore_unknown(id))?;
    let is = |key: &str, value: &str| observed.tags.get(key).is_some_and(|tag| tag == value);
    if cluster.name == settings.source || !is(RESTORE_OF, &settings.source) || !is(RESTORE_ID, id) {
        return Err(skipped::not_ours(id));
    }
    Ok(cluster)
}

fn secret<'a>(observed: &'a Observed, settings: &Settings) -> Result<&'a Secret, Stop> {
    observed.secret.as_ref().ok_or_else(|| skipped::secret_missing(&settings.secret))
}

fn redeploy(observed: &Observed, settings: &Settings) -> Result<Action, Stop> {
    let name = &settings.service;
    let service = observed.service.as_ref().ok_or_else(|| skipped::service_missing(name))?;
    if service.status != "ACTIVE" {
        return Err(skipped::service_inactive(name, &service.status));
    }
    if service.deployment_controller != "ECS" {
        return Err(skipped::not_deployed_by_ecs(name, &service.deployment_controller));
    }
    if service.is_deploying() {
        return Err(skipped::deployment_in_progress(name));
    }
    let running = service.primary().map(|primary| primary.id.clone()).unwrap_or_default();
    Ok(Action::Redeploy { cluster: settings.cluster.clone(), service: name.clone(), running })
}

fn settling(now: Timestamp, settings: &Settings, version: &str, what: &str, undo: Option<&str>) -> FollowUp {
    FollowUp {
        due: now + settings.settle,
        what: json!({ "version": version, "what": what, "undo": undo }),
        until_verified: true,
    }
}

pub(super) fn look_after(
    now: Timestamp,
    observed: &Observed,
    follow_up: Option<&FollowUp>,
) -> Result<Plan<Action>, Stop> {
    let follow_up = follow_up.ok_or_else(skipped::nothing_under_way)?;
    let text = |name: &str| follow_up.what.get(name).and_then(serde_json::Value::as_str);
    let what = text("what").unwrap_or("the change");
    let version = text("version").unwrap_or_default();
    if observed.secret.as_ref().is_some_and(|secret| secret.current != version) && now >= follow_up.due {
        return Ok(Plan::settle(skipped::superseded(what)));
    }
    let seen = settled(observed, version);
    if seen.verified {
        return Ok(Plan::settle(skipped::verified(what, &seen.what)));
    }
    if now < follow_up.due {
        return Err(skipped::still_settling(what, follow_up.due, &seen.what));
    }
    Ok(Plan::settle(skipped::not_verified(what, &seen.what, text("undo"))))
}

/// Whether the service's tasks have read this version of the secret, all of them, and its database answers.
pub(crate) fn settled(observed: &Observed, version: &str) -> Verification {
    let (runs, what) = redeployed(observed, version);
    match &observed.database {
        _ if !runs => Verification { verified: false, what },
        Some(database) if database.answers => {
            Verification { verified: true, what: format!("{what}, and /health/db passes") }
        }
        Some(database) => Verification {
            verified: false,
            what: format!("{what}, but /health/db fails: {}", database.summary),
        },
        None => Verification { verified: false, what: format!("{what}, but the probe did not answer") },
    }
}

/// Whether the tasks have read this version, as far as AWS can tell, and what it tells.
pub(crate) fn redeployed(observed: &Observed, version: &str) -> (bool, String) {
    let Some(secret) = observed.secret.as_ref().filter(|secret| secret.current == version) else {
        return (false, "another version of the secret is current".to_owned());
    };
    let Some(service) = &observed.service else {
        return (false, "the service is gone".to_owned());
    };
    let Service { running_count, desired_count, .. } = service;
    let Some(primary) = service.primary() else {
        return (false, "the service has no deployment".to_owned());
    };
    if !began_after(primary, secret.changed_at) {
        return (false, "the service's tasks began before the secret was changed".to_owned());
    }
    let what = format!(
        "{running_count} of {desired_count} tasks run, their deployment is {}",
        primary.rollout.to_lowercase()
    );
    let steady = service.deployments.len() == 1 && primary.is_completed() && running_count >= desired_count;
    (steady, what)
}

/// The secret's time may be without its fraction of a second.
pub(crate) fn began_after(deployment: &Deployment, changed: Option<Timestamp>) -> bool {
    match (deployment.created_at, changed) {
        (Some(created), Some(changed)) => created.as_second() >= changed.as_second(),
        _ => false,
    }
}
