//! What new tasks need that ECS does not look at before it stops old ones: images in ECR, and secrets. What cannot be
//! looked at, in another registry, account or region, is no reason against a restart.

use std::{collections::BTreeSet, fmt};

use aws_sdk_ecr::{operation::describe_images::DescribeImagesError, types::ImageIdentifier};
use aws_sdk_ecs::types::{ContainerDefinition, LogConfiguration, Secret};
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretError;
use serde::Serialize;
use shared::{
    aws,
    ecr::{Image, Version},
    error::{Error, chain},
};
use tokio::task::JoinSet;

use crate::Clients;

/// Something that new tasks need and is not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Missing {
    pub kind: Kind,
    pub name: String,
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Image,
    Secret,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind == Kind::Image { "image" } else { "secret" };
        write!(f, "the {kind} {}: {}", self.name, self.why)
    }
}

/// What these containers name but does not exist, in order.
pub(crate) async fn missing(clients: &Clients, containers: &[ContainerDefinition]) -> Vec<Missing> {
    let region = clients.config.region().map_or("", AsRef::as_ref);
    let images: BTreeSet<&str> = containers.iter().filter_map(ContainerDefinition::image).collect();
    let secrets: BTreeSet<String> =
        containers.iter().flat_map(secrets).filter_map(|value_from| secret_id(value_from, region)).collect();
    let mut asked = JoinSet::new();
    for image in images.into_iter().filter_map(|name| image(name, region)) {
        asked.spawn(look_up_image(clients.ecr().clone(), image));
    }
    for secret in secrets {
        asked.spawn(look_up_secret(clients.secrets().clone(), secret));
    }
    let mut missing = Vec::new();
    for looked_up in asked.join_all().await {
        match looked_up {
            Ok(found) => missing.extend(found),
            Err(error) => tracing::warn!(error = chain(&error), "what new tasks need is not known"),
        }
    }
    missing.sort();
    missing
}

/// One in ECR in this region.
fn image(name: &str, here: &str) -> Option<Image> {
    Image::parse(name).filter(|image| image.region == here)
}

async fn look_up_image(client: aws_sdk_ecr::Client, wanted: Image) -> Result<Option<Missing>, Error> {
    let (id, version) = match &wanted.version {
        Version::Tag(tag) => (ImageIdentifier::builder().image_tag(tag), "tag"),
        Version::Digest(digest) => (ImageIdentifier::builder().image_digest(digest), "digest"),
    };
    let asked = client
        .describe_images()
        .registry_id(&wanted.registry)
        .repository_name(&wanted.repository)
        .image_ids(id.build())
        .send()
        .await;
    let missing = |what: &str| Missing {
        kind: Kind::Image,
        name: wanted.name.clone(),
        why: format!("there is no such {what}"),
    };
    match asked {
        Ok(_) => Ok(None),
        Err(error) => match error.as_service_error() {
            Some(DescribeImagesError::ImageNotFoundException(_)) => Ok(Some(missing(version))),
            Some(DescribeImagesError::RepositoryNotFoundException(_)) => Ok(Some(missing("repository"))),
            _ => Err(aws::failed("describe image", wanted.name.as_str(), &error)),
        },
    }
}

/// All that a container takes from secrets: variables, its log's options, and the registry's credentials.
fn secrets(container: &ContainerDefinition) -> impl Iterator<Item = &str> {
    let of_log = container.log_configuration().into_iter().flat_map(LogConfiguration::secret_options);
    let of_registry = container
        .repository_credentials()
        .map(aws_sdk_ecs::types::RepositoryCredentials::credentials_parameter);
    container.secrets().iter().chain(of_log).map(Secret::value_from).chain(of_registry)
}

/// The ARN of a secret of Secrets Manager in this region. ECS may add a JSON key, a stage and a version to it:
/// `arn:aws:secretsmanager:region:account:secret:name-AbCdEf:json-key:stage:version`.
fn secret_id(value_from: &str, here: &str) -> Option<String> {
    const PARTS_OF_AN_ARN: usize = 7;
    let parts: Vec<&str> = value_from.split(':').take(PARTS_OF_AN_ARN).collect();
    match parts.as_slice() {
        ["arn", _, "secretsmanager", region, _, "secret", _] if *region == here => Some(parts.join(":")),
        _ => None,
    }
}

async fn look_up_secret(
    client: aws_sdk_secretsmanager::Client,
    id: String,
) -> Result<Option<Missing>, Error> {
    let name = id.rsplit_once(":secret:").map_or(id.as_str(), |(_, name)| name);
    let missing = |why: &str| Missing { kind: Kind::Secret, name: name.to_owned(), why: why.to_owned() };
    match client.describe_secret().secret_id(&id).send().await {
        Ok(found) => Ok(found.deleted_date.map(|_| missing("it is being deleted"))),
        Err(error)
            if error.as_service_error().is_some_and(DescribeSecretError::is_resource_not_found_exception) =>
        {
            Ok(Some(missing("there is none")))
        }
        Err(error) => Err(aws::failed("describe secret", name, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "us-east-1";

    #[test]
    fn what_is_elsewhere_is_not_looked_for() {
        let backend = "123456789012.dkr.ecr.us-east-1.amazonaws.com/backend:1";
        assert!(image(backend, HERE).is_some());
        assert_eq!(image(backend, "eu-west-1"), None);
        for value_from in [
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",
            "arn:aws:ssm:us-east-1:123456789012:parameter/db",
            "/production/db",
        ] {
            assert_eq!(secret_id(value_from, HERE), None, "{value_from}");
        }
    }

    #[test]
    fn a_secret_is_known_by_its_arn_without_what_ecs_adds() {
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf";
        for added in ["", ":password::", ":password:AWSCURRENT:"] {
            assert_eq!(secret_id(&format!("{arn}{added}"), HERE).as_deref(), Some(arn));
        }
    }
}
