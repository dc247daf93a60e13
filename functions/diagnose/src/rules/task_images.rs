//! Images that tasks cannot pull, or cannot run.

use jiff::Timestamp;
use shared::ecr::Image;

use super::{
    broken::release,
    failed_starts::{
        Failures, NO_ANSWER, impact, is_pull, is_unanswered, line, says, short_of_tasks, stopped,
    },
    steps::{after, back, ecr_image, image_in, new_revision},
    what_tasks_need::{basic_rights, is_elsewhere, let_into_endpoint, way_out},
};
use crate::{
    evidence::{Evidence, StoppedTask},
    finding::{Confidence::Certain, Finding, Level::DevOps},
};

/// "Repository does not exist or may require docker login" is none of these: it may as well be a permission.
const NOT_THERE: &[&str] = &["not found", "manifest unknown", "no such image"];

pub(super) fn image_missing(evidence: &Evidence) -> Option<Finding> {
    if let Some(image) = evidence.images.iter().flatten().find(|image| !image.exists) {
        let why = image.why.as_deref().unwrap_or("ECR does not have it");
        let finding = Finding::new(
            Certain,
            impact(evidence),
            format!("no task can start: the image {} does not exist ({why})", image.image),
        )
        .fact("ECR", image.image.clone(), why);
        let push = push_again(Image::parse(&image.image).as_ref(), why);
        let failed = Failures::of(evidence, is_pull);
        return Some(match &failed {
            // The way back only where the release brought the missing image: an older one that lost its image is to
            // be pushed again.
            Some(failed) => failed.next(evidence, failed.shown(evidence, finding), &push),
            None if short_of_tasks(evidence) && release(evidence).is_some() => back(evidence, finding, &push),
            None => finding.next(DevOps, format!("before any task is replaced, {push}")),
        });
    }
    let exists = |words: &str| {
        let mut images = evidence.images.iter().flatten();
        images.any(|image| image.exists && words.contains(&image.image))
    };
    let failed = Failures::of(evidence, |words| is_pull(words) && says(words, NOT_THERE) && !exists(words))?;
    let words = failed.words();
    let finding = failed.finding(evidence, "their image does not exist");
    Some(failed.next(evidence, finding, &push_again(image_in(evidence, &words).as_ref(), &words)))
}

fn push_again(image: Option<&Image>, why: &str) -> String {
    let Some(Image { name, registry, region, repository, .. }) = image else {
        return "push the image again with its build, or release a tag that its registry has".to_owned();
    };
    if says(why, &["no such repository"]) {
        return format!(
            "create the repository (aws ecr create-repository --repository-name {repository} --region \
             {region}) and push {name} again with its build"
        );
    }
    format!(
        "push {name} again with its build, or release one of the newest tags: aws ecr describe-images \
         --registry-id {registry} --repository-name {repository} --region {region} --query \
         'sort_by(imageDetails, &imagePushedAt)[-5:].imageTags'"
    )
}

pub(super) fn image_not_pullable(evidence: &Evidence) -> Option<Finding> {
    let failed = Failures::of(evidence, |words| {
        is_pull(words)
            && (!is_unanswered(words) || is_elsewhere(words))
            && (!says(words, NOT_THERE) || replaced_image(evidence, words).is_some())
    })?;
    let words = failed.words();
    if let Some(pushed_at) = replaced_image(evidence, &words) {
        let found = failed.finding(
            evidence,
            "the image that the service was deployed with is gone, and its tag names another one now",
        );
        return Some(
            found
                .fact("ECR", "the tag was pushed again", "after the deployment")
                .at(Some(pushed_at))
                .next(
                    DevOps,
                    "deploy again, knowing that it brings the image that the tag names now: aws ecs \
                     update-service --cluster <cluster> --service <service> --force-new-deployment",
                )
                .otherwise(
                    "where that image is not to be trusted, deploy the last good release: send rollback \
                     {\"to\": \"previous\"}",
                ),
        );
    }
    let image = ecr_image(evidence, &words);
    let (why, repair, otherwise) = if is_limited(&words) {
        (
            "the registry limits how often its images are pulled",
            "copy the image into ECR (docker pull, docker tag, docker push) and release it under that name; \
             meanwhile ECS tries again by itself, up to 27 minutes apart"
                .to_owned(),
            Some(LOGIN.to_owned()),
        )
    } else if is_refused_by_s3(&words) {
        let (policy, reset) = layers(&words, image.as_ref());
        ("S3, where ECR keeps the layers, refuses them", policy, Some(reset))
    } else if says(&words, &["no basic auth", "not authorized", "denied", "unauthorized", "403 forbidden"]) {
        (
            "the registry does not let them pull the image",
            let_pull(&words),
            Some(image.as_ref().map_or_else(|| LOGIN.to_owned(), policy_of)),
        )
    } else if says(&words, NO_ANSWER) {
        (
            "the registry cannot be reached from their subnets",
            way_out(evidence),
            Some(let_into_endpoint(evidence)),
        )
    } else if says(&words, &["descriptor matching platform", "no matching manifest"]) {
        ("the image is for another processor or system", OTHER_PLATFORM.to_owned(), None)
    } else if says(&words, &["no space left"]) {
        (
            "the image does not fit on the task's disk",
            new_revision("with more disk, as in \"ephemeralStorage\": {\"sizeInGiB\": 50}"),
            Some(
                "release a smaller image: a Fargate task has 20 GiB of disk without ephemeralStorage, and \
                 200 GiB at most with it"
                    .to_owned(),
            ),
        )
    } else {
        let read = format!("read the reason in full and correct what it names: {}", failed.in_full());
        ("the pull of the image fails", read, None)
    };
    let mut finding = failed.finding(evidence, why);
    if let Some(otherwise) = otherwise {
        finding = finding.otherwise(otherwise);
    }
    // Another release would be pulled by the same way.
    let is_of_release = !says(&words, NO_ANSWER) && !is_limited(&words) && !is_refused_by_s3(&words);
    Some(if is_of_release { failed.next(evidence, finding, &repair) } else { finding.next(DevOps, repair) })
}

fn is_limited(words: &str) -> bool {
    says(words, &["toomanyrequests", "too many requests", "rate limit"])
}

fn is_refused_by_s3(words: &str) -> bool {
    says(words, &["layer-bucket", "s3."]) && says(words, &["403", "accessdenied", "access denied"])
}

/// When the tag of an image was pushed again, where the digest that the deployment asks for is refused: ECS keeps the
/// digest that the tag had when the deployment began, and ECR answers 403 for one that is gone.
fn replaced_image(evidence: &Evidence, words: &str) -> Option<Timestamp> {
    let began = evidence.service.as_ref()?.deployments.first()?.created_at?;
    let refused = says(words, &["@sha256:"]) && says(words, &["403 forbidden", "not found"]);
    let images = evidence.images.iter().flatten();
    let mut pushed = images.filter(|image| image.exists).filter_map(|image| image.pushed_at);
    pushed.find(|pushed| refused && *pushed > began)
}

/// What lets the layers through the VPC's endpoint of S3, and what lets everything through it.
fn layers(words: &str, image: Option<&Image>) -> (String, String) {
    let region = image.map_or("<region>", |image| image.region.as_str());
    let bucket = after(words, "https://").and_then(|url| url.split('.').next());
    let bucket = bucket
        .filter(|host| host.ends_with("-layer-bucket"))
        .map_or_else(|| format!("prod-{region}-starport-layer-bucket"), str::to_owned);
    let policy = format!(
        "allow s3:GetObject on arn:aws:s3:::{bucket}/* in the policy of the VPC's S3 endpoint: aws ec2 \
         modify-vpc-endpoint --vpc-endpoint-id <endpoint-id> --policy-document file://policy.json; its id: \
         aws ec2 describe-vpc-endpoints --filters Name=service-name,Values=com.amazonaws.{region}.s3"
    );
    let reset = "let everything through the endpoint until its policy is right: aws ec2 modify-vpc-endpoint \
                 --vpc-endpoint-id <endpoint-id> --reset-policy";
    (policy, reset.to_owned())
}

/// For a registry other than ECR.
const LOGIN: &str = "give the container a login of that registry in a new revision: repositoryCredentials, \
                     which names a secret with username and password";

fn let_pull(words: &str) -> String {
    format!("let the task's execution role pull: {}", basic_rights(words))
}

fn policy_of(image: &Image) -> String {
    let Image { registry, region, repository, .. } = image;
    format!(
        "see whether the repository's own policy denies the role: aws ecr get-repository-policy \
         --registry-id {registry} --repository-name {repository} --region {region}"
    )
}

const OTHER_PLATFORM: &str = "build the image for the platform of <task-definition> (linux/arm64 where its \
                              runtimePlatform has ARM64, else linux/amd64) and release it under a new tag: \
                              docker buildx build --platform linux/amd64 --tag <image>:<new-tag> --push \
                              <source>";

pub(super) fn exec_format_error(evidence: &Evidence) -> Option<Finding> {
    let is = |task: &StoppedTask| {
        says(&task.reasons(), &["exec format error"])
            || task.last_log.as_deref().is_some_and(|log| says(log, &["exec format error"]))
    };
    let tasks = stopped(evidence, is);
    let newest = *tasks.first()?;
    let failed = Failures { tasks, event: None };
    let finding =
        failed.finding(evidence, "the image's program is built for another processor (exec format error)");
    let finding = match &newest.last_log {
        Some(log) => finding.fact("CloudWatch Logs", "its last line", line(log)),
        None => finding,
    };
    Some(failed.next(evidence, finding, OTHER_PLATFORM))
}
