//! Parts of next steps: names taken from AWS's messages, and commands that several rules use.

use shared::ecr::Image;

use super::broken::release;
use crate::{
    ask::Ask,
    evidence::Evidence,
    finding::{Finding, Level::DevOps},
};

/// Roll back to what ran before a release; then the repair.
pub(super) fn back(evidence: &Evidence, finding: Finding, repair: &str) -> Finding {
    let deploy = |revision: &str| {
        format!("aws ecs update-service --cluster <cluster> --service <service> --task-definition {revision}")
    };
    let by_hand = match ran_before(evidence) {
        Some(revision) => format!("deploy by hand what ran before: {}", deploy(revision)),
        None => format!(
            "find what ran before (aws ecs list-task-definitions --family-prefix <family> --sort DESC), and \
             deploy it by hand: {}",
            deploy("<earlier-revision>")
        ),
    };
    finding
        .next(DevOps, format!("go back to the last release that ran; then {repair}"))
        .otherwise(format!("where rollback refuses, {by_hand}"))
        .send(Ask::RollBack)
}

/// The revision that ran before the release, where some of its tasks still run.
fn ran_before(evidence: &Evidence) -> Option<&str> {
    let new = &release(evidence)?.task_definition;
    let deployments = evidence.service.iter().flat_map(|service| &service.deployments);
    let deployed = deployments.filter(|one| one.running > 0).map(|one| &one.task_definition);
    let running = evidence.tasks.iter().flat_map(|tasks| &tasks.running).map(|task| &task.task_definition);
    deployed.chain(running).find(|revision| !revision.is_empty() && *revision != new).map(String::as_str)
}

/// A task definition cannot be changed: a new revision takes its place.
pub(super) fn new_revision(change: &str) -> String {
    format!(
        "register a new revision of <task-definition> (in the console: Create new revision) {change}, and \
         deploy it: aws ecs update-service --cluster <cluster> --service <service> --task-definition \
         <family>"
    )
}

/// The service with one more subnet.
pub(super) fn more_subnets(evidence: &Evidence) -> String {
    let subnets = evidence.service.as_ref().map(|service| service.subnets.join(", "));
    let subnets = subnets.filter(|subnets| !subnets.is_empty());
    network_of(evidence, &format!("[{}, <one-more>]", subnets.as_deref().unwrap_or("<its-subnet-ids>")))
}

/// The service with these subnets. The command names all of its network settings: what it leaves out is lost.
pub(super) fn network_of(evidence: &Evidence, subnets: &str) -> String {
    let public = evidence.service.as_ref().map(|service| service.public_ip.as_str());
    let public = public.filter(|public| !public.is_empty()).unwrap_or("<as-it-is>");
    format!(
        "aws ecs update-service --cluster <cluster> --service <service> --network-configuration \
         \"awsvpcConfiguration={{subnets={subnets}, securityGroups=[{}], \
         assignPublicIp={public}}}\" (what it has now: --query 'services[0].networkConfiguration' of aws ecs describe-services --cluster <cluster> --services <service>); this starts a deployment",
        groups(evidence)
    )
}

/// The tasks' own security groups.
pub(super) fn groups(evidence: &Evidence) -> String {
    let groups = evidence.service.as_ref().map(|service| service.security_groups.join(", "));
    groups.filter(|groups| !groups.is_empty()).unwrap_or_else(|| "<security-groups-of-the-tasks>".to_owned())
}

/// The image of ECR that AWS's words name.
pub(super) fn image_in(evidence: &Evidence, words: &str) -> Option<Image> {
    let containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    let mut images = containers.map(|container| container.image.as_str());
    images.find(|image| words.contains(image)).or_else(|| after(words, "resolve ref ")).and_then(Image::parse)
}

/// The image of ECR that AWS's words name, else the first one of the task definition.
pub(super) fn ecr_image(evidence: &Evidence, words: &str) -> Option<Image> {
    let mut containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    image_in(evidence, words).or_else(|| containers.find_map(|container| Image::parse(&container.image)))
}

/// The name in AWS's message that has this prefix, as in `subnet-0a1b2c3d`.
pub(super) fn named<'a>(words: &'a str, start: &str) -> Option<&'a str> {
    let name = name(words.get(words.find(start)?..)?);
    (name.len() > start.len()).then_some(name)
}

/// The name in AWS's words that follows these.
pub(super) fn after<'a>(words: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = words.split_once(before)?;
    Some(name(rest)).filter(|name| !name.is_empty())
}

/// The start of a text, up to the first character that would need quotes in a command.
fn name(text: &str) -> &str {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_/.:+=@".contains(letter);
    let (name, _) = text.split_at(text.find(|letter| !is_part(letter)).unwrap_or(text.len()));
    name.trim_end_matches(['.', ':'])
}

/// The role that AWS's words name: the one that was denied something, or the one that could not be assumed.
pub(super) fn role(words: &str) -> Option<&str> {
    if let Some(session) = after(words, "assumed-role/") {
        return session.split('/').next();
    }
    let (_, name) = named(words, "arn:aws:iam::")?.split_once(":role/")?;
    name.rsplit('/').next()
}

/// The ARN of the secret that AWS's words name.
pub(super) fn secret(words: &str) -> Option<&str> {
    named(words, "arn:aws:secretsmanager:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_the_words_of_aws() {
        let full = "There are not enough free addresses in subnet 'subnet-0a1b'.";
        assert_eq!(named(full, "subnet-"), Some("subnet-0a1b"));
        assert_eq!(named("in subnet 'subnet-'", "subnet-"), None);
        assert_eq!(after("invalid ssm parameters: /lendpeak2/db", "parameters: "), Some("/lendpeak2/db"));
        assert_eq!(after("invalid ssm parameters: <…>", "parameters: "), None);
        let denied = "User: arn:aws:sts::1:assumed-role/lendpeak2-execution/ab12 is not authorized";
        assert_eq!(role(denied), Some("lendpeak2-execution"));
        let refused = "unable to assume the role 'arn:aws:iam::1:role/service/lendpeak2-task' that";
        assert_eq!(role(refused), Some("lendpeak2-task"));
        assert_eq!(role("AccessDeniedException"), None);
        let gone = "fetch secret arn:aws:secretsmanager:us-east-1:1:secret:db-AbCdEf from secrets manager: x";
        assert_eq!(secret(gone), Some("arn:aws:secretsmanager:us-east-1:1:secret:db-AbCdEf"));
    }
}
