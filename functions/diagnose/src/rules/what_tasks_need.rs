//! What a task needs of AWS before it starts: a way to its services, a log group, its roles.

use super::{
    failed_starts::{Failures, LOGS, NO_ANSWER, NOT_ALLOWED, SECRETS, is_pull, is_unanswered, says},
    steps::{groups, role},
};
use crate::{
    evidence::Evidence,
    finding::{Finding, Level::DevOps},
};

/// A task fetches what it needs before it starts from its own subnets.
pub(super) fn aws_not_reachable(evidence: &Evidence) -> Option<Finding> {
    let failed = Failures::of(evidence, |words| is_unanswered(words) && !is_elsewhere(words))?;
    let words = failed.words();
    let service = if says(&words, LOGS) {
        "CloudWatch Logs"
    } else if says(&words, &["ssm"]) {
        "Parameter Store"
    } else if says(&words, &["asm", "secretsmanager", "secrets manager"]) {
        "Secrets Manager"
    } else if says(&words, &["kms"]) {
        "KMS"
    } else if says(&words, ECR) {
        "ECR"
    } else {
        "S3"
    };
    let finding = failed.finding(evidence, &format!("{service} cannot be reached from their subnets"));
    Some(finding.next(DevOps, way_out(evidence)).otherwise(let_into_endpoint(evidence)))
}

/// The registry, and where it keeps the layers of images.
const ECR: &[&str] = &["ecr", "starport"];

/// Whether it is the pull of an image from a registry other than ECR.
pub(super) fn is_elsewhere(words: &str) -> bool {
    is_pull(words) && !says(words, ECR)
}

pub(super) fn way_out(evidence: &Evidence) -> String {
    format!(
        "look at the egress of {} to port 443, then at the routes of the tasks' subnets: aws ec2 \
         describe-route-tables --filters Name=association.subnet-id,Values=<subnet-id>; put back what is \
         missing: aws ec2 create-route --route-table-id <route-table-id> --destination-cidr-block 0.0.0.0/0 \
         --nat-gateway-id <nat-gateway-id>",
        groups(evidence)
    )
}

pub(super) fn let_into_endpoint(evidence: &Evidence) -> String {
    let group = evidence.service.as_ref().and_then(|service| service.security_groups.first());
    let group = group.map_or("<security-group-of-the-tasks>", String::as_str);
    format!(
        "if the subnets reach AWS through VPC endpoints, let the tasks into their security group: aws ec2 \
         authorize-security-group-ingress --group-id <security-group-of-the-endpoints> --protocol tcp --port \
         443 --source-group {group}"
    )
}

pub(super) fn log_group_missing(evidence: &Evidence) -> Option<Finding> {
    let failed = Failures::of(evidence, |words| {
        says(words, LOGS) && !says(words, NO_ANSWER) && !says(words, SECRETS)
    })?;
    let words = failed.words();
    let mut containers = evidence.definition.iter().flat_map(|definition| &definition.containers);
    let group = containers.find_map(|container| container.log_group.as_deref());
    let named = group.map_or_else(|| "their log group".to_owned(), |group| format!("the log group {group}"));
    let (why, repair, otherwise) = if says(&words, NOT_ALLOWED) {
        (
            format!("their execution role may not write to {named}"),
            format!("let the execution role write logs: {}", basic_rights(&words)),
            Some(
                "where the role has that right, see what denies it: aws iam simulate-principal-policy \
                 --policy-source-arn <arn-of-the-execution-role> --action-names logs:CreateLogStream \
                 logs:PutLogEvents",
            ),
        )
    } else if says(&words, &["does not exist", "resourcenotfound"]) {
        (
            format!("{named} does not exist"),
            format!(
                "create it: aws logs create-log-group --log-group-name {}",
                group.unwrap_or("<awslogs-group-of-the-task-definition>")
            ),
            None,
        )
    } else {
        (
            "their log cannot be set up as the task definition has it".to_owned(),
            "correct the log options that the reason names, in a new revision; as they are now: aws ecs \
             describe-task-definition --task-definition <task-definition> --query \
             'taskDefinition.containerDefinitions[].logConfiguration'"
                .to_owned(),
            Some("deploy the last good release: send rollback {\"to\": \"previous\"}"),
        )
    };
    let mut finding = failed.finding(evidence, &why);
    if let Some(otherwise) = otherwise {
        finding = finding.otherwise(otherwise);
    }
    Some(failed.next(evidence, finding, &repair))
}

/// AWS's policy for execution roles: to pull from ECR, and to write logs.
pub(super) fn basic_rights(words: &str) -> String {
    let attach = |role: &str| {
        format!(
            "aws iam attach-role-policy --role-name {role} --policy-arn \
             arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
        )
    };
    match role(words) {
        Some(role) => attach(role),
        None => format!(
            "{}; its name is in the executionRoleArn of <task-definition>",
            attach("<execution-role>")
        ),
    }
}

pub(super) fn role_not_assumable(evidence: &Evidence) -> Option<Finding> {
    let failed =
        Failures::of(evidence, |words| says(words, &["unable to assume the role", "unable to assume role"]))?;
    let words = failed.words();
    let role = role(&words).unwrap_or("<role-that-the-reason-names>");
    let finding = failed.finding(evidence, "ECS may not assume their role").otherwise(format!(
        "where aws iam get-role --role-name {role} finds no such role, create it again from the stack's \
         template, or name another one in a new revision"
    ));
    let trust = format!(
        "let ECS assume it: aws iam get-role --role-name {role} --query Role.AssumeRolePolicyDocument > trust.json; add {{\"Effect\": \"Allow\", \"Principal\": {{\"Service\": \"ecs-tasks.amazonaws.com\"}}, \"Action\": \"sts:AssumeRole\"}} to its statements; then aws iam update-assume-role-policy --role-name {role} --policy-document file://trust.json"
    );
    Some(failed.next(evidence, finding, &trust))
}
