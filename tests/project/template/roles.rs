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

/// The actions for which AWS knows no narrower resource than `*`, and the key that limits them instead. Those of EC2
/// Lambda asks for, to attach a function to a network, and those of logs Step Functions. Alarms have names, but composite ones are shown only to who may
/// read all.
const WITHOUT_RESOURCE: [(&str, Option<&str>); 36] = [
    ("logs:CreateLogDelivery", None),
    ("logs:DeleteLogDelivery", None),
    ("logs:DescribeLogGroups", None),
    ("logs:DescribeResourcePolicies", None),
    ("logs:GetLogDelivery", None),
    ("logs:ListLogDeliveries", None),
    ("logs:PutResourcePolicy", None),
    ("logs:UpdateLogDelivery", None),
    ("cloudwatch:DescribeAlarmHistory", None),
    ("cloudwatch:DescribeAlarms", None),
    ("application-autoscaling:DescribeScalingActivities", None),
    ("application-autoscaling:DescribeScalingPolicies", None),
    ("cloudwatch:GetMetricData", None),
    ("cloudwatch:ListMetrics", None),
    ("ec2:DescribeSecurityGroups", None),
    ("elasticloadbalancing:DescribeListeners", None),
    ("elasticloadbalancing:DescribeLoadBalancerAttributes", None),
    ("elasticloadbalancing:DescribeLoadBalancers", None),
    ("elasticloadbalancing:DescribeTargetGroups", None),
    ("elasticloadbalancing:DescribeTargetHealth", None),
    ("health:DescribeEvents", None),
    ("rds:DescribeEvents", None),
    ("ec2:AssignPrivateIpAddresses", None),
    ("ec2:CreateNetworkInterface", None),
    ("ec2:DeleteNetworkInterface", None),
    ("ec2:DescribeNetworkInterfaces", None),
    ("ec2:DescribeSubnets", None),
    ("ec2:UnassignPrivateIpAddresses", None),
    ("rds:DescribeOrderableDBInstanceOptions", None),
    ("cloudwatch:GetMetricStatistics", None),
    ("ecs:DescribeTaskDefinition", None),
    ("ecs:ListTaskDefinitions", None),
    ("application-autoscaling:DescribeScalableTargets", None),
    ("cloudwatch:PutMetricData", Some("cloudwatch:namespace")),
    ("ecs:ListTasks", Some("ecs:cluster")),
    ("ssm:CreateOpsItem", None),
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
        // It alone is in the database's network, and writes a secret.
        let expected = if task == "snapshot-restore" { all.clone() } else { GRANTS_OF_ALL.into() };
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
    let template = Template::read()?;
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
                let (_, limit) = WITHOUT_RESOURCE
                    .iter()
                    .find(|(known, _)| *known == action)
                    .with_context(|| format!("{action} is granted on every resource"))?;
                if let Some(key) = limit {
                    assert!(
                        statement["Condition"].to_string().contains(key),
                        "{action} is not limited by {key}"
                    );
                }
            }
        }
    }
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
    let mut passed = 0;
    for role in template.of_type(ROLE) {
        let is_pass_role = |statement: &&Value| texts(&statement["Action"]).contains(&"iam:PassRole");
        for statement in statements(role).into_iter().filter(is_pass_role) {
            assert_eq!(statement["Resource"]["Ref"], "TaskRoleArns");
            assert_eq!(
                statement["Condition"]["StringEquals"]["iam:PassedToService"],
                "ecs-tasks.amazonaws.com"
            );
            passed += 1;
        }
    }
    assert_eq!(passed, 3);
    Ok(())
}

/// Who tells people asks whether anybody hears it.
#[test]
fn every_function_that_publishes_may_ask_who_has_subscribed() -> Result<()> {
    let template = Template::read()?;
    let mut publish = 0;
    for function in template.functions() {
        let role = template.named(&function["Role"], "Fn::GetAtt", ROLE)?;
        for statement in statements(role) {
            let actions = texts(&statement["Action"]);
            if actions.contains(&"sns:Publish") {
                assert_eq!(actions, ["sns:GetTopicAttributes", "sns:Publish"], "{}", task(function));
                publish += 1;
            }
        }
    }
    assert_eq!(publish, 8);
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
            assert!(MAY.contains(&service) || looks || (service == "states" && machine), "{statement}");
        }
    }
    Ok(())
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
