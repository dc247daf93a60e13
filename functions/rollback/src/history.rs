//! ECS's history of the service's deployments, and what each of them deployed.

use std::cmp::Reverse;

use aws_sdk_ecs::types::ServiceRevision;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use shared::{aws, ecs::timestamp, error::Error};
use tokio::task::JoinSet;

use crate::{
    Clients,
    choice::{Candidate, Image, Known, PastDeployment, Why},
    settings::Settings,
};

/// How many of the last deployments are looked up, and of the last successful ones: two calls each.
const MAX_LOOKED_UP: usize = 40;
/// `DescribeServiceRevisions` takes no more at once.
const REVISIONS_A_CALL: usize = 20;

/// The service's deployments, with what was deployed by those under way, by the last ones and by the last successful ones.
pub(crate) async fn history(clients: &Clients, settings: &Settings) -> Result<Vec<PastDeployment>, Error> {
    let mut history = deployments(clients, settings).await?;
    let mut successful = 0;
    let wanted: Vec<String> = history
        .iter()
        .enumerate()
        .filter(|(place, deployment)| {
            let counts = deployment.has_succeeded();
            successful += usize::from(counts);
            *place < MAX_LOOKED_UP || deployment.is_under_way() || counts && successful <= MAX_LOOKED_UP
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
pub(crate) async fn deployments(
    clients: &Clients,
    settings: &Settings,
) -> Result<Vec<PastDeployment>, Error> {
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
    deployments.sort_by_key(|deployment| Reverse(deployment.created_at));
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

/// What a service revision is, or the one that a service deployment brought, with just its images.
pub(crate) async fn released_by(clients: &Clients, known: Known<'_>, arn: &str) -> Result<Candidate, Error> {
    let is_it = |past: &&PastDeployment| past.arn == arn || past.service_revision == arn;
    let deployed = known.history.iter().find(is_it);
    if let Some(candidate) = deployed.and_then(|past| known.candidate(past, Why::Named)) {
        return Ok(candidate);
    }
    let unknown = Candidate::named(arn, Why::Named);
    let revision = match deployed {
        Some(past) => past.service_revision.clone(),
        None if arn.contains(":service-revision/") => arn.to_owned(),
        None => return Ok(unknown),
    };
    let found = service_revisions(clients, vec![revision]).await?;
    let past = found.into_iter().next().map(|revision| PastDeployment {
        arn: String::new(),
        service_revision: arn.to_owned(),
        status: String::new(),
        created_at: deployed
            .and_then(|past| past.created_at)
            .or_else(|| revision.created_at().and_then(timestamp)),
        images: images(&revision),
        task_definition: revision.task_definition,
    });
    Ok(past.and_then(|past| known.candidate(&past, Why::Named)).unwrap_or(unknown))
}
