//! The backend's image: whether a task definition names the same one for ever.

use aws_sdk_ecr::{
    Client, operation::get_lifecycle_policy::GetLifecyclePolicyError, types::ImageTagMutability,
};
use aws_sdk_ecs::types::TaskDefinition;

use super::lifecycle;
use crate::{
    doctor::{
        site::Site,
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
};

/// A tag in a repository of ECR.
#[derive(Debug, PartialEq, Eq)]
struct InEcr<'a> {
    account: &'a str,
    region: &'a str,
    repository: &'a str,
}

pub(super) async fn fixed(site: &Site) -> Result<Verdict, Unseen> {
    let container = site.parameter("BackendContainer")?;
    let image = image_of(site.definition().await?, container)
        .ok_or_else(|| Unseen::new(format!("the task definition has no container {container}")))?;
    if let Some(verdict) = by_its_name(image) {
        return Ok(verdict);
    }
    let Some(InEcr { account, region, repository }) = in_ecr(image) else { return Ok(by_tag(image, None)) };
    let mutability = mutability(&client(site, region), account, repository).await?;
    Ok(by_tag(image, mutability.as_ref()))
}

/// The repository may be in another region than the stack.
fn client(site: &Site, region: &str) -> Client {
    let region = aws_sdk_ecr::config::Region::new(region.to_owned());
    Client::from_conf(aws_sdk_ecr::config::Builder::from(&site.config).region(region).build())
}

async fn mutability(
    client: &Client,
    account: &str,
    repository: &str,
) -> Result<Option<ImageTagMutability>, Unseen> {
    let answer =
        client.describe_repositories().registry_id(account).repository_names(repository).send().await;
    let answer = answer.map_err(|error| {
        Failure::aws(format!("read the repository {repository}"), "ecr:DescribeRepositories", &error)
    })?;
    let found = answer.repositories().first();
    Ok(found.and_then(|repository| repository.image_tag_mutability()).cloned())
}

pub(super) async fn kept(site: &Site) -> Result<Verdict, Unseen> {
    let container = site.parameter("BackendContainer")?;
    let image = image_of(site.definition().await?, container)
        .ok_or_else(|| Unseen::new(format!("the task definition has no container {container}")))?;
    let Some(InEcr { account, region, repository }) = in_ecr(image) else {
        return Ok(Verdict::ok(format!("{image} is not in ECR, whose lifecycle policies could delete it")));
    };
    let client = client(site, region);
    let get = client.get_lifecycle_policy().registry_id(account).repository_name(repository);
    let policy = match get.send().await {
        Ok(answer) => answer.lifecycle_policy_text,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(GetLifecyclePolicyError::is_lifecycle_policy_not_found_exception) =>
        {
            None
        }
        Err(error) => {
            let doing = format!("read the lifecycle policy of {repository}");
            return Err(Failure::aws(doing, "ecr:GetLifecyclePolicy", &error).into());
        }
    };
    let Some(policy) = policy else {
        return Ok(Verdict::ok(format!("no lifecycle policy deletes images of {repository}")));
    };
    let may_move = mutability(&client, account, repository).await? != Some(ImageTagMutability::Immutable);
    let tag = image.rsplit_once(':').map(|(_, tag)| tag).filter(|_| !image.contains('@'));
    lifecycle::judged(&policy, repository, tag, may_move)
}

fn image_of<'a>(definition: &'a TaskDefinition, container: &str) -> Option<&'a str> {
    let found = definition.container_definitions().iter().find(|one| one.name() == Some(container));
    found?.image()
}

fn by_its_name(image: &str) -> Option<Verdict> {
    image.contains("@sha256:").then(|| Verdict::ok("the task definition names its image by digest"))
}

/// As in `123456789012.dkr.ecr.us-east-1.amazonaws.com/lendpeak2/backend:1`.
fn in_ecr(image: &str) -> Option<InEcr<'_>> {
    let (host, rest) = image.split_once('/')?;
    let mut parts = host.split('.');
    let (account, "dkr", "ecr", region) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?) else {
        return None;
    };
    Some(InEcr { account, region, repository: rest.split([':', '@']).next()? })
}

fn by_tag(image: &str, mutability: Option<&ImageTagMutability>) -> Verdict {
    let costs = "a tag that is pushed again changes what every release of it runs: rollback would go back to the \
                 same fault";
    let repository = in_ecr(image).map(|it| it.repository).unwrap_or_default();
    match mutability {
        Some(ImageTagMutability::Immutable) => {
            Verdict::ok(format!("a tag of {repository} is never pushed again"))
        }
        Some(ImageTagMutability::ImmutableWithExclusion) => Verdict::ok(format!(
            "a tag of {repository} is never pushed again, but for those that it excludes"
        )),
        Some(_) => Verdict::warn(
            format!("a tag of {repository} may be pushed again"),
            costs,
            format!(
                "aws ecr put-image-tag-mutability --repository-name {repository} --image-tag-mutability IMMUTABLE"
            ),
        ),
        None => Verdict::warn(
            format!("the task definition names {image} by its tag, and the registry may move that"),
            costs,
            format!("docker buildx imagetools inspect {image}   # and deploy by the digest that it shows"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::ContainerDefinition;

    use super::*;
    use crate::doctor::verdict::Word;

    const OURS: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/lendpeak2/backend:1";

    #[test]
    fn an_image_of_ecr_is_known_by_its_name() {
        assert_eq!(
            in_ecr(OURS),
            Some(InEcr { account: "123456789012", region: "eu-west-1", repository: "lendpeak2/backend" })
        );
        let by_digest = OURS.replace(":1", "@sha256:0a1b");
        assert_eq!(in_ecr(&by_digest), in_ecr(OURS));
        assert_eq!([in_ecr("nginx:1"), in_ecr("ghcr.io/lendpeak/backend:1"), in_ecr("")], [None, None, None]);
    }

    #[test]
    fn a_tag_that_can_move_is_a_warning() {
        assert!(by_its_name("x/backend@sha256:0a1b").is_some_and(|verdict| verdict.word == Word::Ok));
        assert_eq!(by_its_name(OURS), None);
        assert_eq!(by_tag(OURS, Some(&ImageTagMutability::Immutable)).word, Word::Ok);
        let mutable = by_tag(OURS, Some(&ImageTagMutability::Mutable));
        assert_eq!(
            mutable.mend,
            "aws ecr put-image-tag-mutability --repository-name lendpeak2/backend --image-tag-mutability IMMUTABLE"
        );
        assert_eq!(by_tag("nginx:1", None).word, Word::Warn);
    }

    #[test]
    fn the_image_is_that_of_the_backends_container() {
        let container =
            |name: &str, image: &str| ContainerDefinition::builder().name(name).image(image).build();
        let definition = TaskDefinition::builder()
            .container_definitions(container("sidecar", "s:1"))
            .container_definitions(container("backend", OURS))
            .build();
        assert_eq!(image_of(&definition, "backend"), Some(OURS));
        assert_eq!(image_of(&definition, "other"), None);
    }
}
