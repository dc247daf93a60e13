//! Each function may do what it does, and nothing else. That each action is called, and each call allowed, `make test` finds
//! at its end: `iam --summary` sets the roles beside the calls that the tests have made.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use iam::{exempt, policy, reference::Reference, required::lacking, resolve::Resolver};
use serde_json::Value;

use crate::template::{
    document::{Template, statements, texts},
    functions::task,
};

/// What Lambda itself does in the name of every function: it writes logs, and hands over what failed.
const GRANTS_OF_ALL: [&str; 3] = ["logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"];
/// What it does for the one function that has a queue.
const GRANTS_OF_A_QUEUE: [&str; 3] = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];

/// The actions that AWS can limit to a resource and that are granted on all of them, each with the key that limits them
/// instead, and why.
const ON_EVERYTHING: [(&str, Option<&str>, &str); 10] = [
    ("cloudwatch:DescribeAlarmHistory", None, "composite alarms are shown only to who may read all"),
    ("cloudwatch:DescribeAlarms", None, "composite alarms are shown only to who may read all"),
    ("cloudwatch:GetMetricData", None, "metrics have no names in IAM"),
    ("cloudwatch:ListMetrics", None, "metrics have no names in IAM"),
    ("cloudwatch:PutMetricData", Some("cloudwatch:namespace"), "metrics have no names in IAM"),
    ("ec2:AssignPrivateIpAddresses", None, "Lambda asks for it, to attach a function to a network"),
    ("ec2:CreateNetworkInterface", None, "Lambda asks for it, to attach a function to a network"),
    ("ec2:DeleteNetworkInterface", None, "Lambda asks for it, to attach a function to a network"),
    ("ec2:UnassignPrivateIpAddresses", None, "Lambda asks for it, to attach a function to a network"),
    ("ecs:ListTasks", Some("ecs:cluster"), "it names container instances, which Fargate does not have"),
];

const ROLE: &str = "AWS::IAM::Role";

#[test]
fn every_function_has_a_role_of_its_own_that_grants_nothing_twice() -> Result<()> {
    let template = Template::read()?;
    let mut roles = BTreeSet::new();
    for function in template.functions() {
        let task = task(function);
        let role = template.named(&function["Role"], "Fn::GetAtt", ROLE)?;
        assert!(roles.insert(function["Role"].to_string()), "{task} shares its role");
        assert!(role["ManagedPolicyArns"].is_null() && function["Policies"].is_null(), "{task}");

        let mut granted = BTreeSet::new();
        for statement in statements(role) {
            for action in texts(&statement["Action"]) {
                let once = granted.insert((action, statement["Resource"].to_string()));
                assert!(once, "{task} is granted {action} twice on the same");
            }
        }
    }
    Ok(())
}

/// No call of a function can use these, so that `iam` cannot say who needs them.
#[test]
fn what_aws_does_in_a_functions_name_is_granted_to_those_that_need_it() -> Result<()> {
    let template = Template::read()?;
    let all: BTreeSet<&str> = exempt::EXEMPT.iter().map(|(action, _)| *action).collect();
    for function in template.functions() {
        let task = task(function);
        let actions = actions(template.named(&function["Role"], "Fn::GetAtt", ROLE)?);
        let granted: BTreeSet<&str> = actions.into_iter().filter(|action| all.contains(action)).collect();
        let of_queue = BTreeSet::from(GRANTS_OF_A_QUEUE);
        let expected = match task.as_str() {
            // It alone is in the database's network, and writes a secret.
            "snapshot-restore" => &all - &of_queue,
            "incident" => &BTreeSet::from(GRANTS_OF_ALL) | &of_queue,
            _ => GRANTS_OF_ALL.into(),
        };
        assert_eq!(granted, expected, "{task}");
    }
    Ok(())
}

/// Whatever a role grants.
fn actions(role: &Value) -> Vec<&str> {
    statements(role).into_iter().flat_map(|statement| texts(&statement["Action"])).collect()
}

#[test]
fn no_role_grants_more_than_named_actions_on_named_resources() -> Result<()> {
    let (template, reference) = (Template::read()?, Reference::read()?);
    let mut unused: BTreeSet<&str> = ON_EVERYTHING.iter().map(|(action, ..)| *action).collect();
    for role in template.of_type(ROLE) {
        for statement in statements(role) {
            assert!(statement["NotAction"].is_null() && statement["NotResource"].is_null(), "{statement}");
            let actions = texts(&statement["Action"]);
            assert!(!actions.is_empty(), "{statement}");
            assert!(actions.iter().all(|action| !action.contains('*')), "{statement}");
            if !texts(&statement["Resource"]).contains(&"*") {
                continue;
            }
            for action in actions {
                if reference.kinds(action)?.is_empty() {
                    continue;
                }
                let (_, limit, _) = ON_EVERYTHING
                    .iter()
                    .find(|(known, ..)| *known == action)
                    .with_context(|| format!("{action} is granted on every resource"))?;
                if let Some(key) = limit {
                    assert!(
                        statement["Condition"].to_string().contains(key),
                        "{action} is not limited by {key}"
                    );
                }
                unused.remove(action);
            }
        }
    }
    assert!(unused.is_empty(), "no role grants these on every resource: {unused:?}");
    Ok(())
}

/// AWS refuses a call of which it does not allow everything that the call is about.
#[test]
fn every_action_is_allowed_on_each_kind_of_resource_that_it_needs() -> Result<()> {
    let (template, reference) = (Template::read()?, Reference::read()?);
    let resolver = Resolver::new(&template)?;
    for role in template.of_type(ROLE) {
        let all = statements(role).into_iter().map(|one| policy::parse(one, &resolver));
        let all = all.collect::<Result<Vec<_>>>()?;
        for (action, resources) in policy::by_action(&all) {
            let lacking = lacking(&reference, action, &resources)?;
            assert_eq!(lacking, [""; 0], "{}: {action}", role["Description"]);
        }
    }
    Ok(())
}

/// A path is part of a role's ARN, and a service may name any number of roles.
#[test]
fn only_the_roles_of_the_tasks_are_passed_on_and_only_to_them() -> Result<()> {
    let template = Template::read()?;
    let mut passed = false;
    for role in template.of_type(ROLE) {
        let is_pass_role = |statement: &&Value| texts(&statement["Action"]).contains(&"iam:PassRole");
        for statement in statements(role).into_iter().filter(is_pass_role) {
            assert_eq!(statement["Resource"]["Ref"], "TaskRoleArns");
            assert_eq!(
                statement["Condition"]["StringEquals"]["iam:PassedToService"],
                "ecs-tasks.amazonaws.com"
            );
            passed = true;
        }
    }
    assert!(passed, "no role passes any on");
    Ok(())
}

/// Who tells people asks whether anybody hears it.
#[test]
fn every_function_that_publishes_may_ask_who_has_subscribed() -> Result<()> {
    let template = Template::read()?;
    for function in template.functions() {
        let mut publishes = false;
        let role = template.named(&function["Role"], "Fn::GetAtt", ROLE)?;
        for statement in statements(role) {
            let actions = texts(&statement["Action"]);
            if actions.contains(&"sns:Publish") {
                assert_eq!(actions, ["sns:GetTopicAttributes", "sns:Publish"], "{}", task(function));
                publishes = true;
            }
        }
        // The probe alone tells nobody: whoever asks it does.
        let task = task(function);
        assert_eq!(publishes, task != "health-probe", "{task}");
    }
    Ok(())
}

/// It looks, and tells people: nothing that it is granted changes a stack, or reads a secret's value.
#[test]
fn diagnose_may_only_look() -> Result<()> {
    let template = Template::read()?;
    let calls = actions(&template.0["Resources"]["DiagnoseRole"]["Properties"]);
    for call in calls.into_iter().filter(|call| !GRANTS_OF_ALL.contains(call)) {
        let (_, operation) = call.split_once(':').context("no operation")?;
        let looks =
            ["Describe", "Get", "List", "Filter", "BatchGet"].iter().any(|verb| operation.starts_with(verb));
        let asks_or_tells = ["lambda:InvokeFunction", "sns:Publish"].contains(&call);
        assert!(looks || asks_or_tells, "{call}");
        assert!(!call.contains("GetSecretValue"), "{call}");
    }
    Ok(())
}

/// It tells, remembers and starts the state machine: what is done to the stack, the remedies do.
#[test]
fn incident_may_change_nothing_but_its_records() -> Result<()> {
    const MAY: [&str; 5] = ["dynamodb", "logs", "sns", "sqs", "ssm"];
    let template = Template::read()?;
    let role = &template.0["Resources"]["IncidentRole"]["Properties"];
    for statement in statements(role) {
        for action in texts(&statement["Action"]) {
            let (service, _) = action.split_once(':').context("no operation")?;
            let machine =
                statement["Resource"].to_string().contains(":lendpeak2-${Environment}-service-down");
            let looks = action == "cloudwatch:DescribeAlarms";
            // With what people have decided, and with nothing else.
            let by_alias = resources(statement).iter().all(|arn| arn.ends_with(":approve"));
            let decided = action == "lambda:InvokeFunction" && by_alias;
            let page =
                action == "s3:PutObject" && statement["Resource"].to_string().contains("StatusPageFiles");
            let is_known =
                MAY.contains(&service) || looks || (service == "states" && machine) || decided || page;
            assert!(is_known, "{statement}");
        }
    }
    Ok(())
}

/// The ARNs of a statement that are written out.
fn resources(statement: &Value) -> Vec<&str> {
    let resources = match &statement["Resource"] {
        Value::Array(resources) => resources.as_slice(),
        resource => std::slice::from_ref(resource),
    };
    resources.iter().filter_map(|resource| resource["Fn::Sub"].as_str()).collect()
}

/// A remedy takes it for certain that what comes by its alias was decided over the queue.
#[test]
fn nobody_but_incident_may_call_a_remedy_by_its_alias() -> Result<()> {
    let template = Template::read()?;
    let remedies: BTreeSet<&str> = texts_of_alias(&template)?;
    assert_eq!(remedies.len(), 6);
    let mut callers = Vec::new();
    for kind in [ROLE, "AWS::IAM::ManagedPolicy"] {
        for (name, resource) in template.0["Resources"].as_object().context("no resources")? {
            if resource["Type"] != kind {
                continue;
            }
            let policies = resource["Properties"].to_string();
            let calls = policies.contains("lambda:InvokeFunction") && policies.contains(":approve\"");
            // An asterisk at the end would be the alias too.
            assert!(!policies.contains(":function:lendpeak2-${Environment}-*"), "{name}");
            if calls {
                callers.push(name.as_str());
            }
        }
    }
    assert_eq!(callers, ["IncidentRole"]);
    Ok(())
}

/// The functions that have an alias for decisions: each has what Lambda does with a call that fails, too.
fn texts_of_alias(template: &Template) -> Result<BTreeSet<&str>> {
    let mut functions = BTreeSet::new();
    for alias in template.of_type("AWS::Lambda::Alias") {
        assert_eq!(alias["FunctionVersion"], "$LATEST");
        if alias["Name"] != "approve" {
            continue;
        }
        functions.insert(alias["FunctionName"]["Ref"].as_str().context("an alias of no function")?);
    }
    let mut handed_over = BTreeSet::new();
    for config in template.of_type("AWS::Lambda::EventInvokeConfig") {
        assert_eq!(config["Qualifier"], "approve");
        handed_over.insert(config["FunctionName"]["Ref"].as_str().context("of no function")?);
    }
    assert_eq!(functions, handed_over);
    Ok(functions)
}

/// The source cluster is read, never written: what a restore may write is named otherwise, and what it may change or
/// delete is tagged as restored from this source.
#[test]
fn snapshot_restore_may_write_only_to_what_was_restored() -> Result<()> {
    const WRITES: [&str; 5] = [
        "rds:AddTagsToResource",
        "rds:CreateDBInstance",
        "rds:DeleteDBCluster",
        "rds:DeleteDBInstance",
        "rds:ModifyDBCluster",
    ];
    let template = Template::read()?;
    let role = &template.0["Resources"]["SnapshotRestoreRole"]["Properties"];
    let mut seen = BTreeSet::new();
    for statement in statements(role) {
        let actions = texts(&statement["Action"]);
        let writes: Vec<&str> = actions.into_iter().filter(|action| WRITES.contains(action)).collect();
        seen.extend(writes.iter().copied());
        let resources = match &statement["Resource"] {
            Value::Array(resources) => resources.clone(),
            resource => vec![resource.clone()],
        };
        // What AWS asks for beside what is written to, and which these calls do not change.
        let beside: &[&str] = match writes.as_slice() {
            ["rds:CreateDBInstance"] => &[":og:*", ":pg:*", ":subgrp:*"],
            ["rds:DeleteDBCluster"] => &[":cluster-snapshot:*"],
            ["rds:ModifyDBCluster"] => &[":cluster-pg:*"],
            _ => &[],
        };
        for resource in resources.iter().filter(|_| !writes.is_empty()) {
            let arn = resource["Fn::Sub"].as_str().context("a resource without an ARN")?;
            let is_beside = beside.iter().any(|end| arn.ends_with(*end));
            assert!(arn.ends_with("-restore-*") || is_beside, "{arn}");
            let of_one = ["Delete", "Modify"].iter().any(|verb| writes[0].contains(verb));
            if of_one && !is_beside {
                let condition = statement["Condition"].to_string();
                assert!(condition.contains("aws:ResourceTag/lendpeak2:restore-of"), "{condition}");
            }
        }
    }
    assert_eq!(seen, BTreeSet::from(WRITES));
    Ok(())
}
