//! A role that is wrong in one thing is found, and told in words that say what to do.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::functions;
use tests::iam::{
    Recorded,
    check::{Rules, check},
};

use crate::{call, calls};

/// What is said of scale-up. Of the others there are no calls.
fn violations(rules: &Rules, calls: &[Recorded]) -> Result<Vec<String>> {
    let report = check(rules, calls)?;
    Ok(report.violations.into_iter().filter(|line| line.starts_with("scale-up:")).collect())
}

fn statements(rules: &mut Rules) -> Result<&mut Vec<Value>> {
    let role = &mut rules.template.0["Resources"]["ScaleUpRole"]["Properties"];
    role["Policies"][0]["PolicyDocument"]["Statement"].as_array_mut().context("no statements")
}

fn statement<'a>(rules: &'a mut Rules, sid: &str) -> Result<&'a mut Value> {
    statements(rules)?.iter_mut().find(|statement| statement["Sid"] == sid).context("no such statement")
}

#[test]
fn a_role_that_fits_its_calls_is_left_alone() -> Result<()> {
    let rules = Rules::read()?;
    assert_eq!(violations(&rules, &calls())?, [""; 0]);
    let report = check(&rules, &calls())?;
    let scale_up = report.functions.iter().find(|function| function.task == "scale-up").context("no part")?;
    let row = scale_up.rows.iter().find(|row| row.action == "ecs:DescribeTasks").context("no row")?;
    assert_eq!(row.sid, "ReadStoppedTasks");
    assert_eq!((row.times, row.by.len()), (1, 1));
    let called = row.resources.get("task/lendpeak2-production/*").context("not by its pattern")?;
    assert!(called.contains("task/lendpeak2-production/0f1e"), "{row:?}");
    let (patterns, reason) = row.broader.as_ref().context("any task is more than one")?;
    assert_eq!(patterns, &["task/lendpeak2-production/*"]);
    assert!(!reason.is_empty());
    Ok(())
}

#[test]
fn every_action_that_is_taken_out_is_missed_by_its_call() -> Result<()> {
    let mut taken_out = 0;
    let mut rules = Rules::read()?;
    let whole = rules.template.clone();
    let count = statements(&mut rules)?.len();
    for number in 0..count {
        rules.template = whole.clone();
        let statement = statements(&mut rules)?.remove(number);
        let sid = statement["Sid"].as_str().context("no Sid")?;
        if ["WriteLogs", "HandOverFailedRuns"].contains(&sid) {
            continue;
        }
        let found = violations(&rules, &calls())?;
        assert!(found.iter().any(|line| line.contains("is not allowed")), "without {sid}: {found:?}");
        taken_out += 1;
    }
    assert_eq!(taken_out, count - 2);

    rules.template = whole;
    let actions = statement(&mut rules, "KeepTheLedger")?["Action"].as_array_mut().context("no list")?;
    actions.retain(|action| action != "dynamodb:ConditionCheckItem");
    let found = violations(&rules, &calls())?;
    let [line] = found.as_slice() else { anyhow::bail!("{found:?}") };
    assert!(line.contains("dynamodb:ConditionCheckItem on arn:aws:dynamodb:"), "{line}");
    assert!(line.contains("let ScaleUpRole allow it, or do not call it"), "{line}");
    Ok(())
}

#[test]
fn a_resource_that_is_made_wider_is_told_as_broader_unless_its_reason_is_beside_it() -> Result<()> {
    let mut rules = Rules::read()?;
    statement(&mut rules, "ReadAndScaleTheService")?["Resource"] = json!("*");
    let found = violations(&rules, &calls())?;
    assert_eq!(found.len(), 2, "{found:?}");
    for (line, action) in found.iter().zip(["ecs:DescribeServices", "ecs:UpdateService"]) {
        assert!(line.contains(&format!("{action} is allowed on *, which is broader")), "{line}");
    }

    let before = "                Action: [ecs:DescribeServices, ecs:UpdateService]\n";
    let after =
        format!("{before}                # Every service of the account.\n                Resource: \"*\"\n");
    rules.text = rules.text.replacen(before, &after, 1);
    assert_eq!(violations(&rules, &calls())?, [""; 0]);
    Ok(())
}

#[test]
fn a_condition_that_is_not_met_is_a_call_that_is_not_allowed() -> Result<()> {
    let mut other = calls();
    other.push(call("ecs", "ListTasks", json!({ "cluster": "another" })));
    let found = violations(&Rules::read()?, &other)?;
    let [line] = found.as_slice() else { anyhow::bail!("{found:?}") };
    assert!(line.contains("ecs:ListTasks on *") && line.contains("cluster/another"), "{line}");
    Ok(())
}

#[test]
fn a_call_about_another_resource_is_not_allowed() -> Result<()> {
    let mut other = calls();
    let service = json!({ "cluster": "lendpeak2-production", "service": "frontend" });
    other.push(call("ecs", "UpdateService", service));
    let found = violations(&Rules::read()?, &other)?;
    let [line] = found.as_slice() else { anyhow::bail!("{found:?}") };
    assert!(line.contains("ecs:UpdateService on arn:aws:ecs:us-east-1:000000000000:service/"), "{line}");
    Ok(())
}

#[test]
fn what_nobody_used_is_to_be_taken_out() -> Result<()> {
    let mut rules = Rules::read()?;
    let published = "sns:Publish";
    let fewer: Vec<Recorded> = calls().into_iter().filter(|call| call.service != "sns").collect();
    let found = violations(&rules, &fewer)?;
    let [line] = found.as_slice() else { anyhow::bail!("{found:?}") };
    assert!(line.contains(published) && line.contains("no call used it: take it out, or test it"), "{line}");

    let topics = json!([{ "Ref": "Notices" }, { "Ref": "Level2" }]);
    statement(&mut rules, "TellPeople")?["Resource"] = topics;
    let found = violations(&rules, &calls())?;
    let [line] = found.as_slice() else { anyhow::bail!("{found:?}") };
    assert!(line.contains("names lendpeak2-production-level-2, and no call was about it"), "{line}");
    Ok(())
}

#[test]
fn a_missing_record_is_noticed_for_each_function() -> Result<()> {
    let report = check(&Rules::read()?, &[])?;
    for task in functions()? {
        let line = format!("{task}: no test has called anything as this function: is its record missing?");
        assert!(report.violations.contains(&line), "{task}");
    }
    Ok(())
}

#[test]
fn what_only_a_service_uses_may_not_be_called() -> Result<()> {
    let mut rules = Rules::read()?;
    let logs = statement(&mut rules, "WriteLogs")?;
    logs["Action"] = json!(["logs:CreateLogStream", "logs:PutLogEvents", "logs:FilterLogEvents"]);
    let mut other = calls();
    let group = json!({ "logGroupName": "/aws/lambda/lendpeak2-production-scale-up", "logStreamName": "a" });
    other.push(call("logs", "FilterLogEvents", group.clone()));
    assert_eq!(violations(&rules, &other)?, [""; 0]);
    other.push(call("logs", "PutLogEvents", group));
    let found = violations(&rules, &other)?;
    let [line] = found.as_slice() else { anyhow::bail!("{found:?}") };
    assert!(line.contains("logs:PutLogEvents is exempt, and was called"), "{line}");
    Ok(())
}

#[test]
fn a_call_that_the_check_does_not_know_is_told() -> Result<()> {
    let mut other = calls();
    other.push(call("ecs", "DeleteCluster", json!({ "cluster": "lendpeak2-production" })));
    other.push(call("organizations", "LeaveOrganization", Value::Null));
    let found = violations(&Rules::read()?, &other)?;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|line| line.contains("this check does not know what")), "{found:?}");
    Ok(())
}
