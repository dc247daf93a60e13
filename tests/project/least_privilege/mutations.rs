//! A role that is wrong in one thing is found, and told in words that say what to do.

use anyhow::{Context, Result};
use iam::check::{Rules, check};
use sandbox::calls::Recorded;
use sandbox::functions;
use serde_json::{Value, json};

use crate::least_privilege::{TARGET, call, calls, item, query};

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
    let actions =
        statement(&mut rules, "ReadAndScaleTheService")?["Action"].as_array_mut().context("no list")?;
    actions.retain(|action| action != "ecs:UpdateService");
    let found = violations(&rules, &calls())?;
    let [line] = found.as_slice() else { anyhow::bail!("{found:?}") };
    assert!(line.contains("ecs:UpdateService on arn:aws:ecs:"), "{line}");
    assert!(line.contains("let ScaleUpRole allow it, or do not call it"), "{line}");
    Ok(())
}

/// The statements of scale-up's role on the ledger, by their actions.
const LEDGER: [&str; 7] = [
    "dynamodb:Query",
    "dynamodb:ConditionCheckItem",
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
];

fn on_the_ledger<'a>(rules: &'a mut Rules, action: &str) -> Result<&'a mut Value> {
    let all = statements(rules)?;
    all.iter_mut().find(|statement| statement["Action"] == action).context("no such statement")
}

fn keys(statement: &mut Value) -> Result<&mut Vec<Value>> {
    let keys = &mut statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"];
    keys.as_array_mut().context("no partitions")
}

#[test]
fn a_statement_on_the_ledger_that_names_no_partition_is_found() -> Result<()> {
    let mut rules = Rules::read()?;
    let whole = rules.template.clone();
    for action in LEDGER {
        rules.template = whole.clone();
        let statement = on_the_ledger(&mut rules, action)?;
        statement.as_object_mut().context("no object")?.remove("Condition");
        let found = violations(&rules, &calls())?;
        let [line] = found.as_slice() else { anyhow::bail!("{action}: {found:?}") };
        assert!(line.contains(&format!("allows {action} on the items of every function")), "{line}");
        assert!(line.contains("name the partitions that it is for in dynamodb:LeadingKeys"), "{line}");
    }
    Ok(())
}

#[test]
fn a_partition_that_no_call_was_about_is_found_for_each_action() -> Result<()> {
    let mut rules = Rules::read()?;
    let whole = rules.template.clone();
    for action in LEDGER {
        for wide in ["audit#rollback", "release#service/lendpeak2-production/backend"] {
            rules.template = whole.clone();
            keys(on_the_ledger(&mut rules, action)?)?.push(json!(wide));
            let found = violations(&rules, &calls())?;
            let [line] = found.as_slice() else { anyhow::bail!("{action} {wide}: {found:?}") };
            let said = format!("allows {action} on items of {wide}, and no call was about one");
            assert!(line.contains(&said), "{line}");
        }
    }
    Ok(())
}

#[test]
fn a_partition_that_is_taken_out_is_missed_by_its_call() -> Result<()> {
    let mut taken_out = 0;
    let mut rules = Rules::read()?;
    let whole = rules.template.clone();
    for action in LEDGER {
        rules.template = whole.clone();
        let count = keys(on_the_ledger(&mut rules, action)?)?.len();
        for number in 0..count {
            rules.template = whole.clone();
            let keys = keys(on_the_ledger(&mut rules, action)?)?;
            keys.remove(number);
            // A condition on nothing is none that this check reads.
            if keys.is_empty() {
                keys.push(json!("nothing"));
            }
            let found = violations(&rules, &calls())?;
            let missed = |line: &String| line.contains(action) && line.contains("is not allowed");
            assert!(found.iter().any(missed), "{action} without its {number}: {found:?}");
            taken_out += 1;
        }
    }
    assert_eq!(taken_out, 18);
    Ok(())
}

#[test]
fn a_partition_with_a_wildcard_is_broader_unless_its_reason_is_beside_it() -> Result<()> {
    let mut rules = Rules::read()?;
    let whole = rules.template.clone();
    for wide in ["*", "audit#*", "target#service/*"] {
        rules.template = whole.clone();
        let statement = on_the_ledger(&mut rules, "dynamodb:DeleteItem")?;
        statement["Condition"] = json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys":
            [wide, "owed", TARGET] } });
        let found = violations(&rules, &calls())?;
        let said = format!("dynamodb:DeleteItem is allowed on {wide}, which is broader than its calls need");
        assert!(found.iter().any(|line| line.contains(&said)), "{wide}: {found:?}");
    }
    Ok(())
}

/// The spine is one: what one function's run does with its own items, every function's run may do with its own.
#[test]
fn a_partition_that_another_function_used_in_the_same_way_needs_no_call_of_its_own() -> Result<()> {
    let rules = Rules::read()?;
    let updates_target = |call: &Recorded| {
        let parts = call.names["TransactItems"].as_array();
        parts.is_some_and(|parts| parts.iter().any(|part| part["Update"]["Key"]["pk"]["S"] == TARGET))
    };
    let mut fewer = calls();
    for call in fewer.iter_mut().filter(|call| updates_target(call)) {
        let parts = call.names["TransactItems"].as_array_mut().context("no transaction")?;
        parts.retain(|part| part["Update"]["Key"]["pk"]["S"] != TARGET);
    }
    let unused = |calls: &[Recorded]| -> Result<Vec<String>> {
        let about = |line: &String| line.contains("dynamodb:UpdateItem on items of target#");
        Ok(violations(&rules, calls)?.into_iter().filter(about).collect())
    };
    assert_eq!(unused(&fewer)?.len(), 1);

    let by = |caller: &str, partition: &str| {
        let update = call("dynamodb", "UpdateItem", item(partition));
        Recorded { caller: caller.to_owned(), ..update }
    };
    // Another way, or a call that is not allowed, shows nothing.
    fewer.push(by("health-probe", TARGET));
    fewer.push(by("restart", "owed"));
    assert_eq!(unused(&fewer)?.len(), 1);
    fewer.push(by("cache-invalidation", "target#distribution/E1234567890ABC"));
    assert_eq!(unused(&fewer)?, [""; 0]);
    Ok(())
}

#[test]
fn a_call_about_another_functions_items_is_not_allowed() -> Result<()> {
    let rules = Rules::read()?;
    for (operation, names, action) in [
        ("DeleteItem", item("audit#scale-up"), "DeleteItem"),
        ("UpdateItem", item("audit#scale-up"), "UpdateItem"),
        ("DeleteItem", item("kill-switch"), "DeleteItem"),
        ("PutItem", item("kill-switch"), "PutItem"),
        ("GetItem", item("approval#rollback"), "GetItem"),
        ("Query", query("audit#scale-up"), "Query"),
        // Whose partition is not known is nobody's.
        ("Query", json!({ "TableName": "lendpeak2-production-ledger" }), "Query"),
        ("TransactWriteItems", json!({ "TransactItems": [{ "Put": item("target#cluster/a") }] }), "PutItem"),
        (
            "BatchGetItem",
            json!({ "RequestItems": { "lendpeak2-production-ledger": { "Keys":
                [{ "pk": { "S": TARGET } }, { "pk": { "S": "event#rollback" } }] } } }),
            "BatchGetItem",
        ),
    ] {
        let mut other = calls();
        other.push(call("dynamodb", operation, names.clone()));
        let found = violations(&rules, &other)?;
        let [line] = found.as_slice() else { anyhow::bail!("{names}: {found:?}") };
        assert!(
            line.contains(&format!("dynamodb:{action} on ")) && line.contains("is not allowed"),
            "{line}"
        );
    }
    Ok(())
}

#[test]
fn a_resource_that_is_made_wider_is_told_as_broader_unless_its_reason_is_beside_it() -> Result<()> {
    let mut rules = Rules::read()?;
    statement(&mut rules, "ReadAndScaleTheService")?["Resource"] = json!("*");
    let found = violations(&rules, &calls())?;
    let actions = ["ecs:DescribeServices", "ecs:ListServiceDeployments", "ecs:UpdateService"];
    assert_eq!(found.len(), actions.len(), "{found:?}");
    for (line, action) in found.iter().zip(actions) {
        assert!(line.contains(&format!("{action} is allowed on *, which is broader")), "{line}");
    }

    let before = format!("                Action: [{}]\n", actions.join(", "));
    let after =
        format!("{before}                # Every service of the account.\n                Resource: \"*\"\n");
    rules.text = rules.text.replacen(&before, &after, 1);
    assert_eq!(violations(&rules, &calls())?, [""; 0]);
    Ok(())
}

#[test]
fn one_of_two_kinds_of_resource_that_an_action_needs_is_not_enough() -> Result<()> {
    let mut rules = Rules::read()?;
    let whole = rules.template.clone();
    for (taken_out, missed) in [(0, "service-deployment"), (1, "service")] {
        rules.template = whole.clone();
        let resources = &mut statement(&mut rules, "ReadItsDeployments")?["Resource"];
        resources.as_array_mut().context("no list")?.remove(taken_out);
        let found = violations(&rules, &calls())?;
        let said = format!("ScaleUpRole allows ecs:DescribeServiceDeployments on no {missed}, and AWS asks");
        assert!(found.iter().any(|line| line.contains(&said)), "{missed}: {found:?}");
        let call = format!(":{missed}/lendpeak2-production/backend");
        let is_denied = |line: &String| line.contains(&call) && line.contains("is not allowed");
        assert!(found.iter().any(is_denied), "{missed}: {found:?}");
    }
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
    let fewer: Vec<Recorded> = calls().into_iter().filter(|call| call.operation != "Publish").collect();
    let found = violations(&rules, &fewer)?;
    let [line] = found.as_slice() else { anyhow::bail!("{found:?}") };
    assert!(line.contains(published) && line.contains("no call used it: take it out, or test it"), "{line}");

    let topics = json!([{ "Ref": "Notices" }, { "Ref": "Level2" }, { "Ref": "Level3" }]);
    statement(&mut rules, "TellPeople")?["Resource"] = topics;
    let found = violations(&rules, &calls())?;
    let [line] = found.as_slice() else { anyhow::bail!("{found:?}") };
    assert!(line.contains("names lendpeak2-production-level-3, and no call was about it"), "{line}");
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
