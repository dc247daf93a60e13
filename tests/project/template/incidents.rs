//! An incident is opened by what users feel, handled in time, and goes up by itself.

use anyhow::{Context, Result};
use sandbox::{deploy::SERVICE_DOWN_RULE, workspace};
use serde_json::{Value, json};

use crate::template::{
    document::{Template, texts},
    functions::variable,
    machine::chosen,
};

fn variables(template: &Template) -> &Value {
    &template.0["Resources"]["Incident"]["Properties"]["Environment"]["Variables"]
}

#[test]
fn the_service_is_down_when_the_probe_fails_and_the_load_balancer_sees_it_too() -> Result<()> {
    let template = Template::read()?;
    let alarm = &template.0["Resources"]["ServiceDownAlarm"];
    assert_eq!(alarm["Type"], "AWS::CloudWatch::CompositeAlarm");
    let rule = &alarm["Properties"]["AlarmRule"]["Fn::Sub"];
    let [base, more] = [&rule[0], &rule[1]["OrNoHealthyTarget"]["Fn::If"]];
    let base = base.as_str().context("no rule")?;
    assert_eq!(
        base,
        r#"ALARM("${ProbeFailingAlarm}") AND (ALARM("${Alb5xxRateAlarm}")${OrNoHealthyTarget})"#
    );
    // A stack that does not name its target group has no alarm on it.
    assert_eq!([&more[0], &more[2]], ["HasTargetGroup", ""]);
    assert_eq!(template.0["Resources"]["NoHealthyTargetAlarm"]["Condition"], "HasTargetGroup");
    // A rule on an alarm that does not exist is refused.
    assert_eq!(alarm["Condition"], template.0["Resources"]["Alb5xxRateAlarm"]["Condition"]);

    let more = more[1]["Fn::Sub"].as_str().context("no rule on the targets")?;
    let mut written_out = base.replace("${OrNoHealthyTarget}", more);
    for name in ["ProbeFailingAlarm", "Alb5xxRateAlarm", "NoHealthyTargetAlarm"] {
        let called = &template.0["Resources"][name]["Properties"]["AlarmName"]["Fn::Sub"];
        let called =
            called.as_str().context("an alarm without a name")?.replace("${Environment}", "production");
        written_out = written_out.replace(&format!("${{{name}}}"), &called);
    }
    assert_eq!(written_out, SERVICE_DOWN_RULE, "the sandbox has another rule");
    Ok(())
}

#[test]
fn incident_hears_when_an_alarm_begins_and_when_it_is_over() -> Result<()> {
    let template = Template::read()?;
    let topic = json!({ "Ref": "IncidentAlarms" });
    let mut names = Vec::new();
    for alarm in ["ServiceDownAlarm", "ProbeFailingAlarm"] {
        let alarm = &template.0["Resources"][alarm]["Properties"];
        for actions in ["AlarmActions", "OKActions"] {
            let actions = alarm[actions].as_array().context("no actions")?;
            assert!(actions.contains(&topic), "{}", alarm["AlarmName"]);
        }
        names.push(alarm["AlarmName"]["Fn::Sub"].as_str().context("an alarm without a name")?);
    }
    let variables = variables(&template);
    assert_eq!(variables["SERVICE_DOWN_ALARMS"]["Fn::Sub"], names.join(","));
    assert_eq!(variables["CRITICAL_ALARM"]["Fn::Sub"], names[0]);
    Ok(())
}

#[test]
fn a_level_is_told_by_incident_or_by_the_last_net() -> Result<()> {
    let template = Template::read()?;
    let incident = &template.0["Resources"]["Incident"]["Properties"];
    for (name, topic) in
        [("NOTICE_TOPIC_ARN", "Notices"), ("LEVEL_2_TOPIC_ARN", "Level2"), ("LEVEL_3_TOPIC_ARN", "Level3")]
    {
        assert_eq!(variable(&template, incident, name)["Ref"], topic);
    }
    for level in ["Level2", "Level3"] {
        let policy = &template.0["Resources"][format!("{level}Policy")]["Properties"];
        assert_eq!(policy["Topics"], json!([{ "Ref": level }]));
        let statements = policy["PolicyDocument"]["Statement"].as_array().context("no statement")?;
        assert_eq!(statements.len(), 2, "{level}");
        assert_eq!(statements[0]["Principal"], json!({ "AWS": { "Fn::GetAtt": ["IncidentRole", "Arn"] } }));
        assert_eq!(statements[1]["Principal"]["Service"], "cloudwatch.amazonaws.com");
        for statement in statements {
            assert_eq!(statement["Resource"]["Ref"], level);
        }
    }
    Ok(())
}

#[test]
fn a_pager_has_a_topic_of_its_own_that_incident_alone_publishes_to() -> Result<()> {
    let template = Template::read()?;
    let topic = json!({ "Fn::If": ["HasPager", { "Ref": "Pager" }, { "Ref": "AWS::NoValue" }] });
    assert_eq!(variables(&template)["PAGER_TOPIC_ARN"], topic);
    let policy = &template.0["Resources"]["PagerPolicy"]["Properties"]["PolicyDocument"]["Statement"];
    assert_eq!(policy.as_array().map(Vec::len), Some(1));
    assert_eq!(policy[0]["Principal"], json!({ "AWS": { "Fn::GetAtt": ["IncidentRole", "Arn"] } }));
    let of_topic = |kind: &str| {
        let subscriptions = template.of_type("AWS::SNS::Subscription");
        let its = subscriptions.into_iter().filter(|one| one["TopicArn"]["Ref"] == kind);
        its.map(|one| one["Protocol"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of_topic("Pager"), ["https"]);
    assert_eq!(of_topic("Notices"), ["email"], "SNS has one body for HTTPS: a chat's");
    Ok(())
}

/// Without a guardrail of its own, a channel would have `AdministratorAccess` as its bounds.
#[test]
fn a_chat_may_press_its_buttons_and_look_at_alarms_and_no_more() -> Result<()> {
    let template = Template::read()?;
    let resources = &template.0["Resources"];
    let own = json!([{ "Ref": "ChatMayDo" }]);
    let buttons = ["ApproveButton", "RejectButton", "AcknowledgeButton", "ShowButton"];
    for channel in ["NoticesInSlack", "NoticesInTeams"] {
        let channel = &resources[channel]["Properties"];
        assert_eq!(channel["GuardrailPolicies"], own);
        assert_eq!(channel["IamRoleArn"], json!({ "Fn::GetAtt": ["ChatRole", "Arn"] }));
        assert_eq!(channel["SnsTopicArns"], json!([{ "Ref": "Notices" }]));
        assert_eq!(channel["UserRoleRequired"], json!({ "Ref": "ChatUserRoleRequired" }));
        assert_eq!(channel["CustomizationResourceArns"], json!(buttons.map(|name| json!({ "Ref": name }))));
    }
    let role = &resources["ChatRole"]["Properties"];
    assert_eq!((&role["ManagedPolicyArns"], &role["Policies"]), (&own, &Value::Null));
    let document = &resources["ChatMayDo"]["Properties"]["PolicyDocument"];
    let statements = document["Statement"].as_array().context("no statement")?;
    let granted: Vec<_> = statements.iter().map(|one| (&one["Action"], &one["Resource"])).collect();
    let looks = &statements[0]["Action"];
    for action in texts(looks) {
        let looks =
            ["Describe", "Get", "List"].iter().any(|verb| action.starts_with(&format!("cloudwatch:{verb}")));
        assert!(looks, "{action}");
    }
    let expected = [
        (looks, &json!("*")),
        (&json!("sqs:SendMessage"), &json!({ "Fn::GetAtt": ["ApprovalsQueue", "Arn"] })),
        (&json!("lambda:InvokeFunction"), &json!({ "Ref": "IncidentLook" })),
    ];
    assert_eq!(granted, expected);
    Ok(())
}

#[test]
fn a_level_that_does_not_answer_is_passed_over_after_a_quarter_and_half_an_hour() -> Result<()> {
    let template = Template::read()?;
    let variables = variables(&template);
    for (variable, parameter, seconds) in [
        ("LEVEL_1_ACKNOWLEDGE_SECONDS", "Level1AcknowledgeSeconds", 900),
        ("LEVEL_2_ACKNOWLEDGE_SECONDS", "Level2AcknowledgeSeconds", 1_800),
    ] {
        assert_eq!(variables[variable]["Ref"], parameter);
        assert_eq!(template.0["Parameters"][parameter]["Default"], seconds);
    }
    // Somebody has to look at the time for that.
    assert_eq!(template.0["Parameters"]["IncidentSchedule"]["Default"], "rate(1 minute)");
    Ok(())
}

#[test]
fn incident_knows_its_state_machine_by_name_and_how_long_it_may_run() -> Result<()> {
    let template = Template::read()?;
    let machine = &template.0["Resources"]["ServiceDown"]["Properties"];
    let name = machine["Name"]["Fn::Sub"].as_str().context("a state machine without a name")?;
    let variables = variables(&template);
    let arn = variables["STATE_MACHINE_ARN"]["Fn::Sub"].as_str().context("no state machine")?;
    assert!(arn.ends_with(&format!(":stateMachine:{name}")), "{arn}");

    let path = machine["DefinitionUri"].as_str().context("no definition")?;
    let definition: Value = serde_json::from_str(&std::fs::read_to_string(workspace().join(path))?)?;
    assert_eq!(variables["HANDLING_SECONDS"], definition["TimeoutSeconds"].to_string());
    Ok(())
}

/// What a mode of its own does not set, the mode of all does: incident must not offer what is then refused.
#[test]
fn incident_knows_each_remedys_mode_by_the_name_of_its_function() -> Result<()> {
    let template = Template::read()?;
    let modes = &variables(&template)["REMEDIES"]["Fn::Sub"][1];
    for (task, name) in chosen(&template)? {
        let resource = &template.0["Resources"][&name];
        let function = &resource["Properties"];
        assert_eq!(function["FunctionName"]["Fn::Sub"], format!("lendpeak2-${{Environment}}-{task}"));
        let mode = &function["Environment"]["Variables"]["MODE"];
        assert!(!mode.is_null(), "{task} is no remedy");
        // A function that is not made is off.
        match resource["Condition"].as_str() {
            None => assert_eq!(modes[&name], *mode, "{task}"),
            Some(if_made) => {
                assert_eq!(modes[&name], json!({ "Fn::If": [if_made, mode, "off"] }), "{task}");
            }
        }
    }
    Ok(())
}

/// What was decided before is in the records that these leave.
#[test]
fn incident_reads_the_records_of_all_functions_that_leave_some() -> Result<()> {
    let template = Template::read()?;
    let mut expected: Vec<String> = template
        .functions()
        .into_iter()
        .filter(|function| !function["Environment"]["Variables"]["MODE"].is_null())
        .map(crate::template::functions::task)
        .collect();
    let listed = variables(&template)["FUNCTIONS"].as_str().context("no functions")?;
    let mut listed: Vec<&str> = listed.split(',').collect();
    expected.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, expected);
    Ok(())
}
