//! Policies beside calls: what IAM would say.

use anyhow::Result;
use iam::{
    needs::Need,
    policy::{self, matches},
    resolve::Resolver,
    template::Template,
};
use serde_json::{Value, json};

const BACKEND: &str = "arn:aws:ecs:us-east-1:000000000000:service/lendpeak2-production/backend";

/// What a call says to conditions.
type Context<'a> = &'a [(&'a str, &'a [&'a str])];

fn allows(statement: &Value, action: &str, resource: &str, context: Context<'_>) -> Result<bool> {
    let template = Template(json!({ "Parameters": {
        "ClusterName": { "Type": "String", "Default": "lendpeak2-production" },
        "Roles": { "Type": "CommaDelimitedList", "Default": "arn:aws:iam::000000000000:role/one, arn:two" },
    } }));
    let statement = policy::parse(statement, &Resolver::new(&template)?)?;
    let context = context.iter().map(|(key, values)| {
        ((*key).to_owned(), values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
    });
    let need = Need { action: action.to_owned(), resource: resource.to_owned(), context: context.collect() };
    Ok(statement.allows(&need).is_some())
}

fn statement(action: &Value, resource: &Value, condition: &Value) -> Value {
    let mut statement = json!({ "Sid": "A", "Effect": "Allow", "Action": action, "Resource": resource });
    if !condition.is_null() {
        statement["Condition"] = condition.clone();
    }
    statement
}

#[test]
fn an_action_on_a_resource_is_allowed_when_both_match() -> Result<()> {
    let update = json!("ecs:UpdateService");
    let sub = json!({ "Fn::Sub":
        "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:service/${ClusterName}/backend" });
    let cases = [
        (update.clone(), sub.clone(), "ecs:UpdateService", BACKEND, true),
        // IAM's actions have no case.
        (json!("ecs:updateservice"), sub.clone(), "ecs:UpdateService", BACKEND, true),
        (update.clone(), sub.clone(), "ecs:DeleteService", BACKEND, false),
        (update.clone(), sub.clone(), "ecs:UpdateServiceX", BACKEND, false),
        (
            json!(["ecs:DescribeServices", "ecs:UpdateService"]),
            sub.clone(),
            "ecs:UpdateService",
            BACKEND,
            true,
        ),
        (json!("ecs:*"), sub.clone(), "ecs:DeleteService", BACKEND, true),
        (update.clone(), sub, "ecs:UpdateService", &BACKEND.replace("backend", "other"), false),
        (update.clone(), json!("*"), "ecs:UpdateService", BACKEND, true),
        (update.clone(), json!([BACKEND, "arn:x"]), "ecs:UpdateService", BACKEND, true),
        (update.clone(), json!("arn:aws:ecs:*:*:service/*/backend"), "ecs:UpdateService", BACKEND, true),
        (update, json!("arn:aws:ecs:eu-west-1:*:service/*"), "ecs:UpdateService", BACKEND, false),
    ];
    for (actions, resource, action, on, allowed) in cases {
        let statement = statement(&actions, &resource, &Value::Null);
        assert_eq!(allows(&statement, action, on, &[])?, allowed, "{statement}: {action} on {on}");
    }
    Ok(())
}

#[test]
fn a_list_of_a_parameter_is_each_of_its_members() -> Result<()> {
    let statement = statement(&json!("iam:PassRole"), &json!({ "Ref": "Roles" }), &Value::Null);
    for (role, allowed) in [
        ("arn:aws:iam::000000000000:role/one", true),
        ("arn:two", true),
        ("arn:aws:iam::000000000000:role/one, arn:two", false),
        ("arn:aws:iam::000000000000:role/three", false),
    ] {
        assert_eq!(allows(&statement, "iam:PassRole", role, &[])?, allowed, "{role}");
    }
    Ok(())
}

#[test]
fn a_star_is_any_text_a_question_mark_one_character_and_all_is_more_than_each() {
    for (pattern, text, expected) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("a*", "a", true),
        ("a*c", "abbc", true),
        ("a*c", "abb", false),
        ("*-restore-*", "x-restore-1", true),
        ("s-??????", "s-AbCdEf", true),
        ("s-??????", "s-AbCdE", false),
        ("s-??????", "s-AbCdEfG", false),
        // A call on everything of a kind needs a star that covers it.
        ("cluster:*", "cluster:*", true),
        ("cluster:one", "cluster:*", false),
        ("cluster:?", "cluster:*", false),
        ("alarm:lendpeak2-*", "alarm:*", false),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} and {text}");
    }
}

#[test]
fn a_condition_holds_by_the_calls_own_keys() -> Result<()> {
    let string = json!({ "StringEquals": { "cloudwatch:namespace": "LendPeak2" } });
    let arn = json!({ "ArnEquals": { "ecs:cluster": "arn:aws:ecs:*:*:cluster/one" } });
    let tag = "aws:ResourceTag/lendpeak2:restore-of";
    let tagged = json!({ "StringEquals": { tag: "one" } });
    let if_tagged = json!({ "StringEqualsIfExists": { tag: "one" } });
    let keys = json!({ "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["a", "b"] } });
    let like = json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["a", "incident#*"] } });
    let literal = json!({ "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["incident#*"] } });
    let both =
        json!({ "StringEquals": { "cloudwatch:namespace": "LendPeak2", "iam:PassedToService": "ecs" } });
    let cases: [(&Value, Context<'_>, bool); 22] = [
        (&string, &[("cloudwatch:namespace", &["LendPeak2"])], true),
        (&string, &[("cloudwatch:namespace", &["lendpeak2"])], false),
        (&string, &[], false),
        (&arn, &[("ecs:cluster", &["arn:aws:ecs:us-east-1:000000000000:cluster/one"])], true),
        (&arn, &[("ecs:cluster", &["arn:aws:ecs:us-east-1:000000000000:cluster/two"])], false),
        (&arn, &[], false),
        (&tagged, &[(tag, &["one"])], true),
        (&tagged, &[(tag, &["two"])], false),
        (&tagged, &[], false),
        (&if_tagged, &[(tag, &["two"])], false),
        (&if_tagged, &[], true),
        (&keys, &[("dynamodb:LeadingKeys", &["a"])], true),
        (&keys, &[("dynamodb:LeadingKeys", &["a", "b"])], true),
        (&keys, &[("dynamodb:LeadingKeys", &["a", "c"])], false),
        // All of no values: IAM allows it, but a record may only lack them.
        (&keys, &[], false),
        (&like, &[("dynamodb:LeadingKeys", &["incident#1", "a"])], true),
        (&like, &[("dynamodb:LeadingKeys", &["incident-open"])], false),
        (&like, &[("dynamodb:LeadingKeys", &["incident#1", "audit#a"])], false),
        (&like, &[], false),
        // Only `StringLike` knows a wildcard.
        (&literal, &[("dynamodb:LeadingKeys", &["incident#1"])], false),
        (&literal, &[("dynamodb:LeadingKeys", &["incident#*"])], true),
        (&both, &[("cloudwatch:namespace", &["LendPeak2"])], false),
    ];
    for (condition, context, allowed) in cases {
        let statement = statement(&json!("a:B"), &json!("*"), condition);
        assert_eq!(allows(&statement, "a:B", "x", context)?, allowed, "{condition} with {context:?}");
    }
    Ok(())
}

#[test]
fn what_the_check_cannot_read_is_an_error_and_never_a_pass() {
    let plain = || statement(&json!("a:B"), &json!("*"), &Value::Null);
    let with = |name: &str, value: Value| {
        let mut statement = plain();
        statement[name] = value;
        statement
    };
    for (wrong, words) in [
        (with("Condition", json!({ "StringLike": { "ecs:cluster": "*" } })), "StringLike"),
        (with("Condition", json!({ "StringEquals": { "aws:SourceIp": "127.0.0.1" } })), "aws:SourceIp"),
        (with("NotAction", json!("a:C")), "NotAction"),
        (with("NotResource", json!("x")), "NotResource"),
        (with("Effect", json!("Deny")), "only Allow"),
        (with("Resource", json!({ "Fn::ImportValue": "x" })), "Fn::ImportValue"),
        (with("Resource", json!({ "Fn::Sub": "${Unknown}" })), "Unknown"),
        // CloudFormation fills in no list there.
        (with("Resource", json!([{ "Ref": "Roles" }])), "Roles is a list"),
        (with("Resource", json!({ "Fn::Sub": "${Roles}" })), "Roles is a list"),
    ] {
        let error = allows(&wrong, "a:B", "x", &[]).expect_err(words);
        assert!(error.to_string().contains(words), "{error}");
    }
}
