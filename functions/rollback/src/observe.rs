//! What `rollback` reads before it decides: everything at once, then the task definitions that it found.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use futures_util::future::try_join_all;
use serde::{Serialize, Serializer};
use shared::{
    alarms::{self, AlarmNow, Asking, NotAReason, Reason},
    clock,
    ecs::{self, Service, StoppedTask, TaskDefinition},
    error::{Error, chain},
    ledger::Release,
};
use tokio::time::timeout;

use crate::{
    Clients,
    choice::{Candidate, Known, PastDeployment, Why},
    history::{deployments, history, released_by},
    probe::{self, Health},
    request::{Because, Request, To},
    settings::Settings,
};

/// So many of the best releases are looked up; the first that can be used is taken.
const MAX_CANDIDATES: usize = 10;
/// Whoever rolls back is in a hurry, and the API may hang: that is what it is for.
const PROBE_TIME: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// Nothing when the cluster has no such service.
    pub service: Option<Service>,
    /// The service's task definition.
    pub current: Option<TaskDefinition>,
    /// AWS's history of deployments, the newest first.
    #[serde(serialize_with = "few_deployments")]
    pub history: Vec<PastDeployment>,
    /// What the ledger knows of releases.
    #[serde(serialize_with = "few_releases")]
    pub releases: Vec<Release>,
    /// The best releases, in order, or the one that a person named, and whether their task definitions exist.
    pub candidates: Vec<(Candidate, Option<TaskDefinition>)>,
    /// Where there is no release to go back to: the revisions there are.
    pub existing: Vec<String>,
    #[serde(serialize_with = "ecs::few_stopped_tasks")]
    pub stopped_tasks: Vec<StoppedTask>,
    /// The alarm that asks, as it is now.
    pub alarms: Vec<AlarmNow>,
    /// Why the alarm that asks is no reason to go back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<NotAReason>,
    /// Nothing when the probe could not be asked.
    pub health: Option<Health>,
}

impl Observed {
    pub(crate) fn known(&self) -> Known<'_> {
        Known { history: &self.history, releases: &self.releases }
    }
}

/// As many as tell how the newest came about.
const FEW: usize = 10;

/// For an answer: how many there are, and the newest.
fn few_deployments<S: Serializer>(history: &[PastDeployment], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Few<'a> {
        count: usize,
        by_status: BTreeMap<&'a str, usize>,
        newest: &'a [PastDeployment],
    }
    let mut by_status = BTreeMap::new();
    for deployment in history {
        *by_status.entry(deployment.status.as_str()).or_default() += 1;
    }
    let newest = history.get(..FEW).unwrap_or(history);
    Few { count: history.len(), by_status, newest }.serialize(serializer)
}

/// For an answer: how many there are, and those that something was noted of last.
fn few_releases<S: Serializer>(releases: &[Release], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Few<'a> {
        count: usize,
        newest: Vec<&'a Release>,
    }
    let mut newest: Vec<&Release> = releases.iter().collect();
    newest.sort_by_key(|release| Reverse(release.good_at.max(release.rolled_back_at)));
    newest.truncate(FEW);
    Few { count: releases.len(), newest }.serialize(serializer)
}

pub(crate) async fn observe(
    clients: &Clients,
    settings: &Settings,
    request: &Request,
) -> Result<Observed, Error> {
    match request.to {
        To::LookAfter => look_after(clients, settings).await,
        _ => observe_all(clients, settings, request).await,
    }
}

/// Only what tells how a roll-back went: this runs every few minutes.
async fn look_after(clients: &Clients, settings: &Settings) -> Result<Observed, Error> {
    let (service, history) = tokio::join!(
        ecs::staged_service(clients.ecs(), &settings.cluster, &settings.service),
        deployments(clients, settings),
    );
    let service = service?;
    // No roll-back is looked after for longer than it takes to settle.
    let young = clock::now() - settings.settle.saturating_mul(2);
    let changed = service
        .as_ref()
        .and_then(Service::primary)
        .is_some_and(|primary| primary.created_at.is_none_or(|at| at >= young));
    let current = service.as_ref().map(|service| service.task_definition.as_str()).filter(|_| changed);
    let (current, health) = tokio::join!(definition(clients, settings, current.unwrap_or_default()), async {
        if changed { probe::ask(clients, settings).await.map(Some) } else { Ok(None) }
    });
    Ok(Observed {
        current: current?,
        history: needed(history, service.as_ref())?,
        health: health.unwrap_or_else(|error| unknown("the API's health", &error)),
        service,
        ..Observed::default()
    })
}

/// The service, and what it is set to.
pub(crate) async fn current(
    clients: &Clients,
    settings: &Settings,
) -> Result<(Option<Service>, Option<TaskDefinition>), Error> {
    let service = ecs::staged_service(clients.ecs(), &settings.cluster, &settings.service).await?;
    let set_to = service.as_ref().map(|service| service.task_definition.as_str());
    let current = definition(clients, settings, set_to.unwrap_or_default()).await?;
    Ok((service, current))
}

/// A task definition and what the ledger knows of it; nothing if none is wanted or there is none.
async fn definition(
    clients: &Clients,
    settings: &Settings,
    wanted: &str,
) -> Result<Option<TaskDefinition>, Error> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let releases = clients.releases(settings);
    let target = settings.target();
    let (found, known) =
        tokio::join!(ecs::registered(clients.ecs(), wanted), releases.one(&target, ecs::revision(wanted)));
    match found? {
        Some(found) => ecs::believed(clients.ecs(), &found, known?.as_ref(), &|_, _, _| false).await,
        None => Ok(None),
    }
}

/// The same, where all that is known was read.
async fn known_definition(
    clients: &Clients,
    known: Known<'_>,
    wanted: &str,
) -> Result<Option<TaskDefinition>, Error> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let Some(found) = ecs::registered(clients.ecs(), wanted).await? else {
        return Ok(None);
    };
    let name = ecs::revision(wanted);
    let noted = known.releases.iter().find(|release| release.revision == name);
    ecs::believed(clients.ecs(), &found, noted, &|of, container, image| known.ran(of, container, image)).await
}

/// The history matters only to a service whose deployments are ECS's: of others, ECS may not answer it.
fn needed(
    history: Result<Vec<PastDeployment>, Error>,
    service: Option<&Service>,
) -> Result<Vec<PastDeployment>, Error> {
    match history {
        Err(error) if service.is_some_and(|service| service.deployment_controller != "ECS") => {
            Ok(unknown("the history of deployments", &error))
        }
        history => history,
    }
}

async fn observe_all(clients: &Clients, settings: &Settings, request: &Request) -> Result<Observed, Error> {
    let is_named = matches!(request.to, To::Revision(_) | To::Release(_));
    let (service, history, releases, stopped_tasks, alarms, health) = tokio::join!(
        ecs::staged_service(clients.ecs(), &settings.cluster, &settings.service),
        history(clients, settings),
        async { clients.releases(settings).of(&settings.target()).await },
        ecs::stopped_tasks(clients.ecs(), &settings.cluster, &settings.service),
        alarm(clients, settings, request),
        async { if is_named { None } else { health(clients, settings).await } },
    );
    let (service, mut releases) = (service?, releases?);
    let history = needed(history, service.as_ref())?;
    let Asking { now, refused } = alarms?;
    let set_to = service.as_ref().map(|service| service.task_definition.clone()).unwrap_or_default();
    let known = Known { history: &history, releases: &releases };
    let mut candidates = chosen(clients, known, &request.to, &set_to).await?;
    let (current, existing, mut described) = tokio::join!(
        known_definition(clients, known, &set_to),
        async {
            // Said where there is nothing to go back to, or where a name may be wrong.
            if candidates.is_empty() || request.to != To::LastGood {
                existing(clients, service.as_ref()).await
            } else {
                Ok(Vec::new())
            }
        },
        describe(clients, known, &candidates),
    );
    let current = current?;
    // A copy that the ledger does not know, and that is one: what it is a copy of is no choice.
    if let Some(copy) = current.as_ref().filter(|current| current.release() != current.revision())
        && known.stands_for(&copy.arn) == copy.revision()
    {
        let revision = copy.revision().to_owned();
        let (copy_of, frozen_from) = (copy.copy_of.clone(), copy.frozen_from.clone());
        releases.retain(|release| release.revision != revision);
        releases.push(Release { revision, copy_of, frozen_from, ..Release::default() });
        let known = Known { history: &history, releases: &releases };
        candidates = chosen(clients, known, &request.to, &set_to).await?;
        described = describe(clients, known, &candidates).await;
    }
    Ok(Observed {
        service,
        current,
        candidates: candidates.into_iter().zip(described?).collect(),
        history,
        releases,
        existing: existing?,
        stopped_tasks: stopped_tasks?,
        alarms: now,
        refused,
        health,
    })
}

/// Nothing where the probe cannot be asked, or is not quick.
async fn health(clients: &Clients, settings: &Settings) -> Option<Health> {
    let asked = timeout(PROBE_TIME, probe::ask(clients, settings)).await;
    asked.map_or_else(
        |_| {
            tracing::warn!("the health probe did not answer in {} s", PROBE_TIME.as_secs());
            None
        },
        |health| health.map_or_else(|error| unknown("the API's health", &error), Some),
    )
}

/// What could be gone back to, the best first.
async fn chosen(
    clients: &Clients,
    known: Known<'_>,
    to: &To,
    current: &str,
) -> Result<Vec<Candidate>, Error> {
    Ok(match to {
        To::Revision(revision) => vec![Candidate::named(revision, Why::Named)],
        To::Release(arn) => vec![released_by(clients, known, arn).await?],
        To::LastGood => {
            let mut candidates = known.candidates(current);
            candidates.truncate(MAX_CANDIDATES);
            candidates
        }
        To::LookAfter => Vec::new(),
    })
}

/// Something that helps to decide well, but without which it can be decided.
pub(crate) fn unknown<T: Default>(what: &str, error: &Error) -> T {
    tracing::warn!(error = chain(error), "{what} is not known");
    T::default()
}

/// What an older release helps against.
const REASONS: [Reason; 1] = [Reason {
    namespace: "AWS/ApplicationELB",
    is_metric: |name| name.contains("5XX"),
    dimensions: &["LoadBalancer"],
}];

async fn alarm(clients: &Clients, settings: &Settings, request: &Request) -> Result<Asking, Error> {
    match &request.because {
        Because::Alarm(alarm) => {
            let about = settings.stack.about(&settings.cluster, &settings.service, &REASONS);
            alarms::ask(clients.cloudwatch(), alarm, &about).await
        }
        _ => Ok(Asking::default()),
    }
}

async fn describe(
    clients: &Clients,
    known: Known<'_>,
    candidates: &[Candidate],
) -> Result<Vec<Option<TaskDefinition>>, Error> {
    let describe = |candidate: &Candidate| {
        let is_definition = !candidate.task_definition.contains(":service-");
        let wanted = if is_definition { candidate.task_definition.clone() } else { String::new() };
        async move { known_definition(clients, known, &wanted).await }
    };
    try_join_all(candidates.iter().map(describe)).await
}

/// The newest revisions of the service's family.
async fn existing(clients: &Clients, service: Option<&Service>) -> Result<Vec<String>, Error> {
    let Some(service) = service else {
        return Ok(Vec::new());
    };
    ecs::newest_revisions(clients.ecs(), ecs::family(ecs::revision(&service.task_definition))).await
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::choice::Image;

    /// Of 262,144 bytes that a state machine takes, and 400 KB that the ledger does.
    #[test]
    fn what_is_told_stays_small_whatever_the_history_is() {
        let text = |kind: &str, number: usize| {
            format!("arn:aws:ecs:us-east-1:123456789012:{kind}/lendpeak2/{number:032}")
        };
        let image = |number: usize| Image {
            container: "backend".to_owned(),
            name: text("image", number),
            digest: format!("sha256:{number:064}"),
        };
        let past = |number: usize| PastDeployment {
            arn: text("service-deployment", number),
            service_revision: text("service-revision", number),
            status: if number.is_multiple_of(3) { "STOPPED" } else { "SUCCESSFUL" }.to_owned(),
            created_at: Some(Timestamp::UNIX_EPOCH),
            task_definition: Some(text("task-definition", number)),
            images: (0..10).map(image).collect(),
        };
        let release = |number: usize| Release {
            revision: format!("lendpeak2-backend-production:{number}"),
            good_at: Timestamp::from_second(i64::try_from(number).unwrap()).ok(),
            ..Release::default()
        };
        let task = |number: usize| StoppedTask {
            task: text("task", number),
            task_definition: text("task-definition", 1),
            stopped_at: None,
            started_at: None,
            failed: true,
            reason: "x".repeat(300),
        };
        let observed = Observed {
            history: (0..500).map(past).collect(),
            releases: (0..2_000).map(release).collect(),
            stopped_tasks: (0..1_000).map(task).collect(),
            ..Observed::default()
        };
        let told = serde_json::to_value(&observed).unwrap();
        assert!(told.to_string().len() < 50_000, "{}", told.to_string().len());
        assert_eq!(told["history"]["by_status"], serde_json::json!({ "STOPPED": 167, "SUCCESSFUL": 333 }));
        assert_eq!((&told["history"]["count"], &told["releases"]["count"]), (&500.into(), &2_000.into()));
        assert_eq!(told["releases"]["newest"][0]["revision"], "lendpeak2-backend-production:1999");
        assert_eq!(told["history"]["newest"][0]["arn"], text("service-deployment", 0));
    }
}
