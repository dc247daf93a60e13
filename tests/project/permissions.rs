//! The policies in `docs/permissions/`, for whoever deploys, with a chat or without, whoever operates, whoever holds a drill,
//! and the looks of `lendpeak2 init` and `lendpeak2 doctor`: AWS knows what is in them, they are no
//! longer than AWS takes, and what the template makes and README tells a person to do is allowed.

use std::fs;

use anyhow::{Context, Result, ensure};
use iam::{policy::matches, reference::Reference};
use sandbox::{
    clients::{ACCOUNT, REGION},
    workspace,
};
use serde_json::Value;

const POLICIES: [&str; 6] = ["chat", "deploy", "doctor", "drill", "init", "operate"];
/// Of a managed policy, without blanks
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
const MAX_CHARACTERS: usize = 6_144;

/// A policy for one environment, with its statements as they would be attached.
fn policy(name: &str) -> Result<Value> {
    let text = fs::read_to_string(workspace().join(format!("docs/permissions/{name}.json")))?;
    let text =
        text.replace("<region>", REGION).replace("<account>", ACCOUNT).replace("<environment>", "production");
    serde_json::from_str(&text).context(name.to_owned())
}

fn statements(policy: &Value) -> &[Value] {
    policy["Statement"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// One text, or a list of them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn allows(policy: &Value, action: &str, resource: &str) -> bool {
    statements(policy).iter().any(|statement| {
        texts(&statement["Action"]).iter().any(|allowed| matches(allowed, action))
            && texts(&statement["Resource"]).iter().any(|allowed| matches(allowed, resource))
    })
}

#[test]
fn every_action_exists_and_takes_the_resources_that_it_is_allowed_on() -> Result<()> {
    let reference = Reference::read()?;
    for name in POLICIES {
        let policy = policy(name)?;
        for statement in statements(&policy) {
            for action in texts(&statement["Action"]).into_iter().filter(|action| !action.contains('*')) {
                let service = format!(":{}:", action.split(':').next().unwrap_or_default());
                let resources = texts(&statement["Resource"]);
                let its = |arn: &&&str| **arn == "*" || arn.contains(&service);
                // Of a CloudFormation transform, AWS's reference has no kind.
                let fits = |arn: &&str| arn.contains(":transform/") || reference.agrees(action, arn).is_ok();
                let is_taken = resources.iter().filter(its).any(fits);
                ensure!(is_taken, "{name}: {action} takes none of {resources:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn each_is_short_enough_for_a_managed_policy() -> Result<()> {
    for name in POLICIES {
        let length = policy(name)?.to_string().len();
        ensure!(length <= MAX_CHARACTERS, "{name} has {length} characters");
    }
    Ok(())
}

#[test]
fn whoever_deploys_may_make_whatever_the_template_names() -> Result<()> {
    let policy = policy("deploy")?;
    let template = fs::read_to_string(workspace().join("template.yaml"))?;
    let place = format!("{REGION}:{ACCOUNT}");
    let mut named = 0;
    for (property, action, arn) in [
        ("FunctionName", "lambda:CreateFunction", format!("arn:aws:lambda:{place}:function:")),
        ("LogGroupName", "logs:CreateLogGroup", format!("arn:aws:logs:{place}:log-group:")),
        ("TableName", "dynamodb:CreateTable", format!("arn:aws:dynamodb:{place}:table/")),
        ("QueueName", "sqs:CreateQueue", format!("arn:aws:sqs:{place}:")),
        ("TopicName", "sns:CreateTopic", format!("arn:aws:sns:{place}:")),
        ("AlarmName", "cloudwatch:PutMetricAlarm", format!("arn:aws:cloudwatch:{place}:alarm:")),
        ("DashboardName", "cloudwatch:PutDashboard", format!("arn:aws:cloudwatch::{ACCOUNT}:dashboard/")),
        ("RuleName", "events:PutRule", format!("arn:aws:events:{place}:rule/")),
    ] {
        let given = format!("{property}: !Sub ");
        for name in template.lines().filter_map(|line| line.trim_start().strip_prefix(given.as_str())) {
            let resource = arn.clone() + &name.replace("${Environment}", "production");
            ensure!(allows(&policy, action, &resource), "{action} on {resource} is not allowed");
            named += 1;
        }
    }
    ensure!(named > 40, "only {named} names were found");
    Ok(())
}

#[test]
fn whoever_operates_may_do_what_readme_says() -> Result<()> {
    let policy = policy("operate")?;
    let place = format!("{REGION}:{ACCOUNT}");
    let ledger = format!("arn:aws:dynamodb:{place}:table/lendpeak2-production-ledger");
    for (action, resource) in [
        ("lambda:InvokeFunction", format!("arn:aws:lambda:{place}:function:lendpeak2-production-scale-up")),
        // `lendpeak2 incident list` and its like.
        (
            "lambda:InvokeFunction",
            format!("arn:aws:lambda:{place}:function:lendpeak2-production-incident:look"),
        ),
        (
            "states:StartExecution",
            format!("arn:aws:states:{place}:stateMachine:lendpeak2-production-service-down"),
        ),
        ("sqs:SendMessage", format!("arn:aws:sqs:{place}:lendpeak2-production-approvals")),
        ("dynamodb:GetItem", ledger.clone()),
        ("dynamodb:Query", ledger.clone()),
        ("dynamodb:PutItem", ledger.clone()),
        ("dynamodb:DeleteItem", ledger),
        ("sns:ListSubscriptionsByTopic", format!("arn:aws:sns:{place}:lendpeak2-production-notices")),
        // `make verify-deployment`.
        (
            "cloudformation:ListStackResources",
            format!("arn:aws:cloudformation:{place}:stack/lendpeak2-runbook-production/1"),
        ),
        (
            "logs:FilterLogEvents",
            format!("arn:aws:logs:{place}:log-group:/aws/lambda/lendpeak2-production-scale-up:*"),
        ),
    ] {
        ensure!(allows(&policy, action, &resource), "{action} on {resource} is not allowed");
    }
    let alias = format!("arn:aws:lambda:{place}:function:lendpeak2-production-scale-up:approve");
    ensure!(!allows(&policy, "lambda:InvokeFunction", &alias), "only incident calls by the alias");
    for write in ["ecs:UpdateService", "iam:PassRole", "lambda:UpdateFunctionCode", "dynamodb:Scan"] {
        ensure!(!allows(&policy, write, "*"), "{write} is allowed");
    }
    Ok(())
}

/// To find the names of a stack, nothing has to be changed, and no secret read.
#[test]
fn whoever_looks_for_names_may_only_look() -> Result<()> {
    let policy = policy("init")?;
    for action in statements(&policy).iter().flat_map(|statement| texts(&statement["Action"])) {
        let (service, name) = action.split_once(':').context("no action")?;
        let looks = ["BatchGet", "Describe", "Get", "List"].iter().any(|verb| name.starts_with(verb));
        ensure!(looks && !["secretsmanager", "ssm"].contains(&service), "{action} is allowed");
    }
    Ok(())
}

/// Whoever only looks whether all is well changes nothing, but for the test that `--ring` sends.
#[test]
fn whoever_looks_whether_all_is_well_may_only_look() -> Result<()> {
    let policy = policy("doctor")?;
    for action in statements(&policy).iter().flat_map(|statement| texts(&statement["Action"])) {
        let name = action.split(':').nth(1).unwrap_or_default();
        let looks = ["Describe", "Get", "List", "Query"].iter().any(|verb| name.starts_with(verb));
        let allowed = ["lambda:InvokeFunction", "sns:Publish"].contains(&action);
        ensure!(looks || allowed, "{action} is allowed");
    }
    Ok(())
}

/// Whoever holds a drill may break the service of this environment, and set it back; no other service, and nothing else.
#[test]
fn whoever_holds_a_drill_may_change_the_service_and_nothing_else() -> Result<()> {
    let policy = policy("drill")?;
    let ecs = |rest: &str| format!("arn:aws:ecs:{REGION}:{ACCOUNT}:{rest}");
    for (action, resource) in [
        ("ecs:UpdateService", ecs("service/lendpeak2-production/backend")),
        ("ecs:RegisterTaskDefinition", ecs("task-definition/lendpeak2-backend-production:2")),
        ("ecs:TagResource", ecs("task-definition/lendpeak2-backend-production:2")),
        ("ecs:DeregisterTaskDefinition", ecs("task-definition/lendpeak2-backend-production:2")),
        ("iam:PassRole", format!("arn:aws:iam::{ACCOUNT}:role/lendpeak2-production-task")),
    ] {
        ensure!(allows(&policy, action, &resource), "{action} on {resource} is not allowed");
    }
    for (action, resource) in [
        ("ecs:UpdateService", ecs("service/lendpeak2-staging/backend")),
        ("ecs:RegisterTaskDefinition", ecs("task-definition/lendpeak2-backend-staging:2")),
        ("iam:PassRole", format!("arn:aws:iam::{ACCOUNT}:role/lendpeak2-staging-task")),
    ] {
        ensure!(!allows(&policy, action, &resource), "{action} on {resource} is allowed");
    }
    for statement in statements(&policy) {
        for action in texts(&statement["Action"]) {
            let is_its = action.starts_with("ecs:") && !action.contains("Delete") || action == "iam:PassRole";
            ensure!(is_its, "{action} is allowed");
        }
        let is_tied = texts(&statement["Action"])
            .iter()
            .all(|action| !["iam:PassRole", "ecs:TagResource"].contains(action))
            || statement["Condition"].is_object();
        ensure!(is_tied, "{statement} has no condition");
    }
    Ok(())
}
