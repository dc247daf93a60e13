//! Where a call needs more than the action of its own name, or another.

use anyhow::Result;
use iam::{
    needs::{self, TaskRoles},
    reference::Reference,
    template::{Template, statements, texts},
};
use serde_json::{Value, json};

use crate::least_privilege::call;

/// `action on the end of the ARN`, in order.
fn needs_of(service: &str, operation: &str, names: Value, path: &str) -> Result<Vec<String>> {
    let mut call = call(service, operation, names);
    path.clone_into(&mut call.path);
    let roles = TaskRoles(vec!["arn:aws:iam::000000000000:role/task".to_owned()]);
    let needs = needs::of(&call, &roles)?;
    let reference = Reference::read()?;
    for need in &needs {
        reference.agrees(&need.action, &need.resource)?;
    }
    let last = |arn: &str| arn.splitn(6, ':').last().unwrap_or_default().to_owned();
    Ok(needs.iter().map(|need| format!("{} on {}", need.action, last(&need.resource))).collect())
}

#[test]
fn a_new_task_definition_is_tagged_and_passes_its_roles_on() -> Result<()> {
    let role = |name: &str| format!("arn:aws:iam::000000000000:role/{name}");
    let names = json!({ "family": "backend", "tags": [{ "key": "a" }], "taskRoleArn": role("one"),
        "executionRoleArn": role("two") });
    let expected = [
        "ecs:RegisterTaskDefinition on task-definition/backend:*",
        "ecs:TagResource on task-definition/backend:*",
        "iam:PassRole on role/one",
        "iam:PassRole on role/two",
    ];
    assert_eq!(needs_of("ecs", "RegisterTaskDefinition", names, "/")?, expected);
    let plain = needs_of("ecs", "RegisterTaskDefinition", json!({ "family": "backend" }), "/")?;
    assert_eq!(plain, expected[..1]);
    Ok(())
}

#[test]
fn a_service_that_is_told_a_task_definition_passes_its_roles_on() -> Result<()> {
    let names = json!({ "cluster": "c", "service": "s", "taskDefinition": "backend:1" });
    let expected = ["ecs:UpdateService on service/c/s", "iam:PassRole on role/task"];
    assert_eq!(needs_of("ecs", "UpdateService", names, "/")?, expected);
    let plain = json!({ "cluster": "c", "service": "s" });
    assert_eq!(needs_of("ecs", "UpdateService", plain, "/")?, expected[..1]);
    Ok(())
}

#[test]
fn each_part_of_a_transaction_needs_its_own_action() -> Result<()> {
    let item = |table: &str| json!({ "TableName": table, "Key": { "pk": { "S": "a" } } });
    let names = json!({ "TransactItems": [{ "ConditionCheck": item("t") }, { "Put": item("t") },
        { "Update": item("u") }, { "Delete": item("t") }] });
    let expected = [
        "dynamodb:ConditionCheckItem on table/t",
        "dynamodb:PutItem on table/t",
        "dynamodb:UpdateItem on table/u",
        "dynamodb:DeleteItem on table/t",
    ];
    assert_eq!(needs_of("dynamodb", "TransactWriteItems", names, "/")?, expected);
    Ok(())
}

#[test]
fn a_call_of_the_ledger_names_the_partitions_that_it_is_about() -> Result<()> {
    let item = |partition: &str| json!({ "TableName": "t", "Key": { "pk": { "S": partition } } });
    let put = json!({ "TableName": "t", "Item": { "pk": { "S": "a" } } });
    let batch = json!({ "RequestItems": { "t": { "Keys":
        [{ "pk": { "S": "b" } }, { "pk": { "S": "a" } }, { "pk": { "S": "b" } }] } } });
    let parts = json!({ "TransactItems": [{ "Put": put.clone() }, { "Delete": item("b") }] });
    let cases: [(&str, Value, &[&[&str]]); 8] = [
        ("GetItem", item("a"), &[&["a"]]),
        ("DeleteItem", item("a"), &[&["a"]]),
        ("UpdateItem", item("a"), &[&["a"]]),
        ("PutItem", put, &[&["a"]]),
        ("Query", json!({ "TableName": "t", "pk": { "S": "a" } }), &[&["a"]]),
        ("BatchGetItem", batch, &[&["a", "b"]]),
        // Each part of a transaction is looked at for itself.
        ("TransactWriteItems", parts, &[&["a"], &["b"]]),
        ("GetItem", json!({ "TableName": "t" }), &[&[]]),
    ];
    for (operation, names, expected) in cases {
        let needs = needs::of(&call("dynamodb", operation, names), &TaskRoles(Vec::new()))?;
        let partitions = needs.iter().map(|need| need.context["dynamodb:LeadingKeys"].clone());
        assert_eq!(partitions.collect::<Vec<_>>(), expected, "{operation}");
    }
    Ok(())
}

#[test]
fn a_restore_looks_at_all_that_it_names() -> Result<()> {
    let names = json!({ "DBClusterIdentifier": "new", "SnapshotIdentifier": "snap", "DBSubnetGroupName": "net",
        "DBClusterParameterGroupName": "group", "KmsKeyId": "arn:aws:kms:us-east-1:000000000000:key/k",
        "Tags.Tag.1.Key": "a", "Tags.Tag.1.Value": "b" });
    let expected = [
        "rds:RestoreDBClusterFromSnapshot on cluster:new",
        "rds:RestoreDBClusterFromSnapshot on cluster-snapshot:snap",
        "rds:RestoreDBClusterFromSnapshot on subgrp:net",
        "rds:RestoreDBClusterFromSnapshot on cluster-pg:group",
        "rds:RestoreDBClusterFromSnapshot on og:default",
        "rds:AddTagsToResource on cluster:new",
        "kms:CreateGrant on key/k",
        "kms:DescribeKey on key/k",
    ];
    assert_eq!(needs_of("rds", "RestoreDBClusterFromSnapshot", names, "/")?, expected);
    Ok(())
}

#[test]
fn a_database_is_made_in_groups_and_deleted_with_a_snapshot_though_the_call_names_none() -> Result<()> {
    let names = json!({ "DBClusterIdentifier": "new", "SourceDBClusterIdentifier": "old" });
    let expected = ["cluster:new", "cluster:old", "subgrp:default", "cluster-pg:default", "og:default"];
    let expected = expected.map(|resource| format!("rds:RestoreDBClusterToPointInTime on {resource}"));
    assert_eq!(needs_of("rds", "RestoreDBClusterToPointInTime", names, "/")?, expected);

    let names = json!({ "DBClusterIdentifier": "new", "DBInstanceIdentifier": "new-1" });
    let expected = ["cluster:new", "db:new-1", "og:default", "pg:default", "subgrp:default"];
    let expected = expected.map(|resource| format!("rds:CreateDBInstance on {resource}"));
    assert_eq!(needs_of("rds", "CreateDBInstance", names, "/")?, expected);

    let expected = ["rds:DeleteDBCluster on cluster:new", "rds:DeleteDBCluster on cluster-snapshot:*"];
    let names = json!({ "DBClusterIdentifier": "new" });
    assert_eq!(needs_of("rds", "DeleteDBCluster", names, "/")?, expected);
    Ok(())
}

#[test]
fn what_a_service_has_made_is_looked_at_with_the_service() -> Result<()> {
    let arn = |kind: &str| format!("arn:aws:ecs:us-east-1:000000000000:{kind}/c/s/1");
    for (operation, field, kind) in [
        ("DescribeServiceDeployments", "serviceDeploymentArns", "service-deployment"),
        ("DescribeServiceRevisions", "serviceRevisionArns", "service-revision"),
        ("StopServiceDeployment", "serviceDeploymentArn", "service-deployment"),
    ] {
        let names = json!({ field: arn(kind) });
        let expected =
            [format!("ecs:{operation} on service/c/s"), format!("ecs:{operation} on {kind}/c/s/1")];
        assert_eq!(needs_of("ecs", operation, names, "/")?, expected);
    }
    Ok(())
}

#[test]
fn what_names_nothing_needs_all_of_its_kind() -> Result<()> {
    for (service, operation, names, expected) in [
        ("rds", "DescribeDBClusters", json!({}), "rds:DescribeDBClusters on cluster:*"),
        ("rds", "DescribeDBInstances", json!({}), "rds:DescribeDBInstances on db:*"),
        (
            "cloudwatch",
            "DescribeAlarms",
            json!({ "AlarmNamePrefix": "a" }),
            "cloudwatch:DescribeAlarms on alarm:*",
        ),
        // A composite alarm is shown only to who may read everything.
        (
            "cloudwatch",
            "DescribeAlarms",
            json!({ "AlarmNames": ["a"], "AlarmTypes": ["CompositeAlarm", "MetricAlarm"] }),
            "cloudwatch:DescribeAlarms on *",
        ),
        (
            "cloudwatch",
            "DescribeAlarms",
            json!({ "AlarmNames": ["a"] }),
            "cloudwatch:DescribeAlarms on alarm:a",
        ),
    ] {
        assert_eq!(needs_of(service, operation, names, "/")?, [expected]);
    }
    Ok(())
}

#[test]
fn what_a_path_or_an_id_names_is_found() -> Result<()> {
    let none = || Value::Null;
    for (service, operation, names, path, expected) in [
        (
            "lambda",
            "Invoke",
            none(),
            "/2015-03-31/functions/f/invocations",
            "lambda:InvokeFunction on function:f",
        ),
        (
            "cloudfront",
            "GetInvalidation",
            none(),
            "/2020-05-31/distribution/E1/invalidation/I1",
            "cloudfront:GetInvalidation on distribution/E1",
        ),
        (
            "codebuild",
            "BatchGetBuilds",
            json!({ "ids": ["p:1"] }),
            "/",
            "codebuild:BatchGetBuilds on project/p",
        ),
        (
            "logs",
            "FilterLogEvents",
            json!({ "logGroupName": "/g" }),
            "/",
            "logs:FilterLogEvents on log-group:/g:log-stream:",
        ),
        ("ssm", "UpdateOpsItem", json!({ "OpsItemId": "oi-1" }), "/", "ssm:UpdateOpsItem on opsitem/oi-1"),
    ] {
        assert_eq!(needs_of(service, operation, names, path)?, [expected]);
    }
    Ok(())
}

#[test]
fn aws_knows_every_action_that_a_role_allows() -> Result<()> {
    let (template, reference) = (Template::read()?, Reference::read()?);
    let mut actions = 0;
    for role in template.of_type("AWS::IAM::Role") {
        for action in statements(role).into_iter().flat_map(|statement| texts(&statement["Action"])) {
            reference.kinds(action)?;
            actions += 1;
        }
    }
    assert!(actions > 0);
    assert!(reference.kinds("ecs:RestartService").is_err());
    let topic = "arn:aws:sns:us-east-1:000000000000:a";
    assert!(reference.agrees("ecs:UpdateService", topic).is_err(), "a topic is no service");
    assert!(reference.agrees("cloudwatch:GetMetricStatistics", topic).is_err(), "it takes no resource");
    Ok(())
}
