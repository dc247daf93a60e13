//! A role that names only one of the kinds of resource that an action needs is found.

use std::collections::BTreeSet;

use anyhow::Result;
use iam::{
    policy,
    reference::Reference,
    required::{NOT_NEEDED, ONE_OF_THEM, lacking},
    resolve::Resolver,
    template::{Template, statements},
};

/// What a role that names these things lacks, each as the end of an ARN.
fn check(reference: &Reference, action: &str, names: &[&str], expected: &[&str]) -> Result<()> {
    let service = action.split(':').next().unwrap_or_default();
    let arn = |name: &&str| match *name {
        "*" => "*".to_owned(),
        name => format!("arn:aws:{service}:us-east-1:000000000000:{name}"),
    };
    let arns: Vec<String> = names.iter().map(arn).collect();
    let resources: Vec<&str> = arns.iter().map(String::as_str).collect();
    assert_eq!(lacking(reference, action, &resources)?, expected, "{action} on {names:?}");
    Ok(())
}

#[test]
fn each_kind_has_to_be_named() -> Result<()> {
    let aws = &Reference::read()?;
    for action in ["ecs:DescribeServiceDeployments", "ecs:StopServiceDeployment"] {
        check(aws, action, &["service/c/s", "service-deployment/c/s/*"], &[])?;
        check(aws, action, &["service-deployment/c/s/*"], &["service"])?;
        check(aws, action, &["service/c/s"], &["service-deployment"])?;
        check(aws, action, &["*"], &[])?;
    }
    check(aws, "ecs:DescribeServiceRevisions", &["service-revision/c/s/*"], &["service"])?;
    check(aws, "rds:DeleteDBCluster", &["cluster:*-restore-*"], &["cluster-snapshot"])?;
    check(aws, "rds:CreateDBInstance", &["cluster:a", "db:a"], &["og", "pg", "subgrp"])
}

#[test]
fn a_kind_that_no_call_is_about_need_not_be_named() -> Result<()> {
    let aws = &Reference::read()?;
    let groups = ["cluster:a", "cluster-pg:*", "cluster-snapshot:*", "og:*", "subgrp:*"];
    check(aws, "rds:RestoreDBClusterFromSnapshot", &groups, &[])?;
    check(aws, "states:DescribeExecution", &["execution:a:*"], &[])?;
    check(aws, "states:DescribeExecution", &["stateMachine:a"], &["execution"])?;
    // What is tagged is one thing.
    check(aws, "ecs:TagResource", &["task-definition/a:*"], &[])
}

/// What is not needed any more is taken off the list: it would hide that a role lacks it.
#[test]
fn every_exception_is_of_an_action_that_a_role_allows_and_that_has_the_kind() -> Result<()> {
    let (template, reference) = (Template::read()?, Reference::read()?);
    let resolver = Resolver::new(&template)?;
    let mut without = BTreeSet::new();
    for role in template.of_type("AWS::IAM::Role") {
        let all = statements(role).into_iter().map(|one| policy::parse(one, &resolver));
        let all = all.collect::<Result<Vec<_>>>()?;
        for (action, resources) in policy::by_action(&all) {
            for kind in reference.kinds(action)? {
                if !resources.iter().any(|resource| reference.is_of(action, kind, resource)) {
                    without.insert((action.to_owned(), kind.to_owned()));
                }
            }
        }
    }
    for (action, kind, reason) in NOT_NEEDED {
        assert!(without.contains(&(action.to_owned(), kind.to_owned())), "{action} on {kind}");
        assert!(reason.contains(' '), "{action} on {kind}");
    }
    for (action, reason) in ONE_OF_THEM {
        assert!(without.iter().any(|(known, _)| known == action), "{action}");
        assert!(reason.contains(' '), "{action}");
    }
    Ok(())
}
