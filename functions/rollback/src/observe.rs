//! What `rollback` reads before it decides: everything at once, then the task definitions that it found.

use aws_sdk_ecs::types::ServiceRevision;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde::Serialize;
use shared::{
    alarms::{AlarmNow, alarms_now},
    aws, clock,
    ecs::{self, Service, StoppedTask, TaskDefinition, timestamp},
    error::{Error, chain},
    releases::Release,
};
use tokio::task::JoinSet;

use crate::{
    Clients,
    choice::{self, Candidate, Image, PastDeployment},
    probe::{self, Health},
    request::{Because, Request, To},
    settings::Settings,
};

/// So many of the last successful deployments are looked up: two calls' worth.
const MAX_SUCCESSFUL: usize = 40;
/// `DescribeServiceRevisions` takes no more at once.
const REVISIONS_A_CALL: usize = 20;
/// So many of the best releases are looked up; the first that still exists is taken.
const MAX_CANDIDATES: usize = 5;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// Nothing when the cluster has no such service.
    pub service: Option<Service>,
    /// The service's task definition.
    pub current: Option<TaskDefinition>,
    /// AWS's history of deployments, as far as it bears on the choice.
    pub history: Vec<PastDeployment>,
    /// What the ledger knows of releases.
    pub releases: Vec<Release>,
    /// The best releases, in order, and whether their task definitions exist.
    pub candidates: Vec<(Candidate, Option<TaskDefinition>)>,
    /// What a person named, if it exists.
    pub named: Option<TaskDefinition>,
    /// Where there is no release to go back to: the revisions there are.
    pub existing: Vec<String>,
    pub stopped_tasks: Vec<StoppedTask>,
    /// The alarm that asks, as it is now.
    pub alarms: Vec<AlarmNow>,
    /// Nothing when the probe could not be asked.
    pub health: Option<Health>,
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
        ecs::service(clients.ecs(), &settings.cluster, &settings.service),
        deployments(clients, settings),
    );
    let service = service?;
    // No roll-back is looked after for longer than it takes to settle.
    let young = clock::now() - settings.settle.saturating_mul(2);
    let changed = service
        .as_ref()
        .and_then(Service::primary)
        .is_some_and(|primary| primary.created_at.is_none_or(|at| at >= young));
    let current = service.as_ref().map(|service| service.task_definition.clone()).filter(|_| changed);
    let (current, health) = tokio::join!(ecs::task_definition(clients.ecs(), current), async {
        if changed { probe::ask(clients, settings).await.map(Some) } else { Ok(None) }
    });
    Ok(Observed {
        service,
        current: current?,
        history: history?,
        health: health.unwrap_or_else(|error| unknown("the API's health", &error)),
        ..Observed::default()
    })
}

async fn observe_all(clients: &Clients, settings: &Settings, request: &Request) -> Result<Observed, Error> {
    let (service, history, releases, stopped_tasks, alarms, health) = tokio::join!(
        ecs::service(clients.ecs(), &settings.cluster, &settings.service),
        history(clients, settings),
        async { clients.releases(settings).of(&settings.target()).await },
        ecs::stopped_tasks(clients.ecs(), &settings.cluster, &settings.service),
        alarm(clients, request),
        probe::ask(clients, settings),
    );
    let (service, history, releases) = (service?, history?, releases?);
    let current = service.as_ref().map(|service| service.task_definition.clone()).unwrap_or_default();
    let mut candidates = choice::candidates(&history, &releases, &current);
    candidates.truncate(MAX_CANDIDATES);
    let named = match &request.to {
        To::Revision(revision) => Some(revision.clone()),
        To::Release(arn) => released_by(clients, &history, arn).await?,
        To::LastGood | To::LookAfter => None,
    };

    let (current, named, existing, described) = tokio::join!(
        ecs::task_definition(clients.ecs(), Some(current)),
        ecs::task_definition(clients.ecs(), named),
        async {
            // Said where there is nothing to go back to, or where a name may be wrong.
            if candidates.is_empty() || request.to != To::LastGood {
                existing(clients, service.as_ref()).await
            } else {
                Ok(Vec::new())
            }
        },
        describe(clients, &candidates),
    );
    Ok(Observed {
        service,
        current: current?,
        history,
        releases,
        candidates: candidates.into_iter().zip(described?).collect(),
        named: named?,
        existing: existing?,
        stopped_tasks: stopped_tasks?,
        alarms: alarms.unwrap_or_else(|error| unknown("the alarm's present state", &error)),
        health: health.map_or_else(|error| unknown("the API's health", &error), Some),
    })
}

/// Something that helps to decide well, but without which it can be decided.
pub(crate) fn unknown<T: Default>(what: &str, error: &Error) -> T {
    tracing::warn!(error = chain(error), "{what} is not known");
    T::default()
}

async fn alarm(clients: &Clients, request: &Request) -> Result<Vec<AlarmNow>, Error> {
    match &request.because {
        Because::Alarm(alarm) => alarms_now(clients.cloudwatch(), vec![alarm.name.clone()]).await,
        _ => Ok(Vec::new()),
    }
}

/// The service's deployments, with what was deployed by those under way and by the last successful ones.
async fn history(clients: &Clients, settings: &Settings) -> Result<Vec<PastDeployment>, Error> {
    let mut history = deployments(clients, settings).await?;
    let mut successful = 0;
    let wanted: Vec<String> = history
        .iter()
        .enumerate()
        .filter(|(place, deployment)| {
            let counts = deployment.has_succeeded();
            successful += usize::from(counts);
            *place == 0 || deployment.is_under_way() || counts && successful <= MAX_SUCCESSFUL
        })
        .map(|(_, deployment)| deployment.service_revision.clone())
        .filter(|arn| !arn.is_empty())
        .collect();
    for revision in service_revisions(clients, wanted).await? {
        let arn = revision.service_revision_arn().unwrap_or_default();
        for deployment in history.iter_mut().filter(|deployment| deployment.service_revision == arn) {
            deployment.task_definition = revision.task_definition().map(str::to_owned);
            deployment.images = images(&revision);
        }
    }
    Ok(history)
}

/// The newest first.
async fn deployments(clients: &Clients, settings: &Settings) -> Result<Vec<PastDeployment>, Error> {
    const PAGE: i32 = 100;
    /// ECS keeps 90 days; more than five deployments a day would go past this.
    const MAX_PAGES: usize = 5;
    let Settings { cluster, service, .. } = settings;
    let mut deployments = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = clients
            .ecs()
            .list_service_deployments()
            .cluster(cluster)
            .service(service)
            .max_results(PAGE)
            .set_next_token(from)
            .send()
            .await;
        let page = match page {
            Ok(page) => page,
            // DescribeServices answers that the service is missing.
            Err(error) if error.code() == Some("ServiceNotFoundException") => return Ok(Vec::new()),
            Err(error) => {
                let whose = format!("{service} in cluster {cluster}");
                return Err(aws::failed("list the deployments of", whose, &error));
            }
        };
        deployments.extend(page.service_deployments.unwrap_or_default().into_iter().map(|deployment| {
            PastDeployment {
                created_at: deployment.created_at.as_ref().and_then(timestamp),
                arn: deployment.service_deployment_arn.unwrap_or_default(),
                service_revision: deployment.target_service_revision_arn.unwrap_or_default(),
                status: deployment.status.map_or_else(String::new, |status| status.as_str().to_owned()),
                task_definition: None,
                images: Vec::new(),
            }
        }));
        from = page.next_token;
        if from.is_none() {
            break;
        }
    }
    deployments.sort_by_key(|deployment| std::cmp::Reverse(deployment.created_at));
    Ok(deployments)
}

async fn service_revisions(clients: &Clients, mut arns: Vec<String>) -> Result<Vec<ServiceRevision>, Error> {
    arns.sort();
    arns.dedup();
    let mut asked = JoinSet::new();
    for some in arns.chunks(REVISIONS_A_CALL) {
        asked.spawn(
            clients.ecs().describe_service_revisions().set_service_revision_arns(Some(some.to_vec())).send(),
        );
    }
    let mut revisions = Vec::new();
    for answer in asked.join_all().await {
        let answer = answer.map_err(|error| aws::failed("describe", "the service's revisions", &error))?;
        revisions.extend(answer.service_revisions.unwrap_or_default());
    }
    Ok(revisions)
}

fn images(revision: &ServiceRevision) -> Vec<Image> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    revision
        .container_images()
        .iter()
        .map(|image| Image {
            container: text(image.container_name()),
            name: text(image.image()),
            digest: text(image.image_digest()),
        })
        .collect()
}

/// The task definition of a service revision, or of the one that a service deployment brought.
async fn released_by(
    clients: &Clients,
    history: &[PastDeployment],
    arn: &str,
) -> Result<Option<String>, Error> {
    let by_deployment = history.iter().find(|deployment| deployment.arn == arn);
    let revision = match by_deployment {
        Some(deployment) if deployment.task_definition.is_some() => {
            return Ok(deployment.task_definition.clone());
        }
        Some(deployment) => deployment.service_revision.clone(),
        None if arn.contains(":service-revision/") => arn.to_owned(),
        None => return Ok(None),
    };
    let found = service_revisions(clients, vec![revision]).await?;
    Ok(found.into_iter().next().and_then(|revision| revision.task_definition))
}

async fn describe(clients: &Clients, candidates: &[Candidate]) -> Result<Vec<Option<TaskDefinition>>, Error> {
    let mut described = Vec::new();
    // One after the other: nearly always the first exists, and the others are not asked for.
    for candidate in candidates {
        let found = described.iter().any(Option::is_some);
        let wanted = (!found).then(|| candidate.task_definition.clone());
        described.push(ecs::task_definition(clients.ecs(), wanted).await?);
    }
    Ok(described)
}

/// The newest revisions of the service's family.
async fn existing(clients: &Clients, service: Option<&Service>) -> Result<Vec<String>, Error> {
    let Some(service) = service else {
        return Ok(Vec::new());
    };
    ecs::newest_revisions(clients.ecs(), ecs::family(ecs::revision(&service.task_definition))).await
}
