//! Whether ECR has the images that the task definition names.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecr::{
    Client,
    config::{Builder, Region},
    operation::describe_images::DescribeImagesError,
    types::ImageIdentifier,
};
use shared::{
    aws,
    ecr::{self, Version},
    error::{Cause, Error},
};
use tokio::task::JoinSet;

use super::{Reader, Seen, Why, seen, timestamp, why};
use crate::evidence::{Image, NotSeen};

const OPERATION: &str = "describe image";

pub(super) async fn images(reader: &Reader) -> Result<Option<Seen>, Why> {
    if reader.service().await?.is_none() {
        return Ok(None);
    }
    let containers = &reader.definition().await?.definition.containers;
    let images: BTreeSet<&str> = containers.iter().map(|container| container.image.as_str()).collect();
    let mut clients = BTreeMap::new();
    let asked: JoinSet<_> = images
        .into_iter()
        .filter_map(ecr::Image::parse)
        .map(|image| {
            let region = image.region.clone();
            let client = clients.entry(region.clone()).or_insert_with(|| {
                let config = Builder::from(&reader.config).region(Region::new(region));
                Client::from_conf(config.build())
            });
            look_up(client.clone(), image)
        })
        .collect();
    put_together(asked.join_all().await)
}

/// The images that could be read; an error only if none could.
fn put_together(looked_up: Vec<(String, Result<Image, Error>)>) -> Result<Option<Seen>, Why> {
    let mut images = Vec::new();
    let mut not_seen = Vec::new();
    for (image, looked) in looked_up {
        match looked {
            Ok(image) => images.push(image),
            Err(error) => not_seen.push(NotSeen { source: format!("the image {image}"), why: why(&error) }),
        }
    }
    images.sort_by(|one: &Image, other| one.image.cmp(&other.image));
    not_seen.sort_by(|one, other| one.source.cmp(&other.source));
    if images.is_empty()
        && let Some(first) = not_seen.pop()
    {
        return Err(first.why);
    }
    Ok(seen(|evidence| {
        evidence.images = Some(images);
        evidence.not_seen.extend(not_seen);
    }))
}

async fn look_up(client: Client, wanted: ecr::Image) -> (String, Result<Image, Error>) {
    let id = match &wanted.version {
        Version::Tag(tag) => ImageIdentifier::builder().image_tag(tag),
        Version::Digest(digest) => ImageIdentifier::builder().image_digest(digest),
    };
    let answer = client
        .describe_images()
        .registry_id(&wanted.registry)
        .repository_name(&wanted.repository)
        .image_ids(id.build())
        .send()
        .await;
    let image = wanted.name;
    let missing = |what: &str| Image {
        image: image.clone(),
        exists: false,
        why: Some(format!("there is no such {what}")),
        pushed_at: None,
    };
    let version = match wanted.version {
        Version::Tag(_) => "tag",
        Version::Digest(_) => "digest",
    };
    let looked = match answer {
        Ok(answer) => {
            let found = answer.image_details.unwrap_or_default().into_iter().next();
            let empty = || Error::Aws {
                operation: OPERATION,
                resource: image.clone(),
                source: Cause::new("ECR's answer is empty"),
            };
            found.ok_or_else(empty).map(|found| Image {
                image: image.clone(),
                exists: true,
                why: None,
                pushed_at: found.image_pushed_at.as_ref().and_then(timestamp),
            })
        }
        Err(error) => match error.as_service_error() {
            Some(DescribeImagesError::ImageNotFoundException(_)) => Ok(missing(version)),
            Some(DescribeImagesError::RepositoryNotFoundException(_)) => Ok(missing("repository")),
            _ => Err(aws::failed(OPERATION, image.as_str(), &error)),
        },
    };
    (image, looked)
}

#[cfg(test)]
mod tests;
