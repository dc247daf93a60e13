//! `template.yaml` is what the project promises: complete functions, narrow roles, alarms that reach somebody.

#![expect(clippy::indexing_slicing, reason = "JSON answers null where there is nothing; it does not panic")]

mod addresses;
mod arithmetic;
mod conditions;
mod document;
mod environments;
mod functions;
mod incidents;
mod last_net;
mod ledger;
mod limits;
mod machine;
mod play;
mod roles;
mod shape;
mod state_machines;

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use anyhow::{Context, Result, ensure};
pub(crate) use document::Template;
use document::{dashboard, if_it_holds, installed, statements, texts};
pub(crate) use play::told;
use sandbox::workspace;
use serde_json::{Map, Value, json};

const ALARM: &str = "AWS::CloudWatch::Alarm";

#[test]
fn sam_accepts_the_template() -> Result<()> {
    let run = Command::new(installed("sam")?)
        .args(["validate", "--lint", "--template-file", "template.yaml"])
        .current_dir(workspace())
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("SAM_CLI_TELEMETRY", "0")
        .output()?;
    ensure!(
        run.status.success(),
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
    Ok(())
}

/// The two that are deployed by themselves are plain CloudFormation.
#[test]
fn cfn_lint_accepts_the_small_templates() -> Result<()> {
    let run = Command::new(installed("cfn-lint")?)
        .args(["--regions", "us-east-1", "--", "import-ledger.yaml", "cloudfront-alarm.yaml"])
        .current_dir(workspace())
        .output()?;
    ensure!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
    Ok(())
}

#[test]
fn every_alarm_wakes_the_remedy_that_cures_it_or_tells_people() -> Result<()> {
    let template = Template::read()?;
    let mut wired = BTreeSet::new();
    for alarm in template.of_type(ALARM) {
        let name = alarm["AlarmName"]["Fn::Sub"].as_str().context("an alarm without a name")?;
        let actions = alarm["AlarmActions"].as_array().context("an alarm without actions")?;
        for action in actions.iter().chain(alarm["OKActions"].as_array().into_iter().flatten()) {
            template.named(action, "Ref", "AWS::SNS::Topic")?;
        }
        for action in actions {
            let topic = action["Ref"].as_str().unwrap_or_default();
            wired.insert((name.trim_start_matches("lendpeak2-${Environment}-"), topic));
        }
    }
    let expected = [
        ("alb-5xx-rate", "Notices"),
        ("alb-5xx-rate", "RollbackAlarms"),
        ("alb-response-time", "ScaleUpAlarms"),
        ("cloudfront-4xx-rate", "CacheInvalidationAlarms"),
        ("ecs-cpu", "ScaleUpAlarms"),
        ("ecs-memory", "ScaleUpAlarms"),
        ("no-healthy-target", "Notices"),
        ("probe-failing", "IncidentAlarms"),
        ("status-page-stale", "Notices"),
    ];
    let last_net = crate::template::last_net::WIRED.iter().copied();
    assert_eq!(wired, expected.into_iter().chain(last_net).collect());

    for subject in subject::ALL {
        let function = subject.camel();
        let alarm = &template.0["Resources"][&function]["Properties"]["Events"]["Alarm"];
        let topic = subject.hears_alarms.then(|| format!("{function}Alarms"));
        assert_eq!(alarm["Properties"]["Topic"]["Ref"].as_str(), topic.as_deref(), "{function}");
    }
    Ok(())
}

#[test]
fn ecs_alarms_name_the_cluster_and_the_service() -> Result<()> {
    for alarm in Template::read()?.of_type(ALARM) {
        if alarm["Namespace"] != "AWS/ECS" {
            continue;
        }
        let dimensions = alarm["Dimensions"].as_array().context("an alarm on everything")?;
        let names: BTreeSet<_> =
            dimensions.iter().filter_map(|dimension| dimension["Name"].as_str()).collect();
        assert_eq!(names, ["ClusterName", "ServiceName"].into());
    }
    Ok(())
}

#[test]
fn the_alarm_on_cloudfront_is_made_only_where_its_metrics_are() -> Result<()> {
    let template = Template::read()?;
    let alarm = &template.0["Resources"]["CloudFront4xxRateAlarm"];
    assert_eq!(alarm["Condition"], "HasCloudFrontMetrics");
    let made = &template.0["Conditions"]["HasCloudFrontMetrics"]["Fn::And"];
    let region = &made[1]["Fn::Or"][0]["Fn::Equals"];
    assert_eq!((&region[0]["Ref"], &region[1]), (&"AWS::Region".into(), &"us-east-1".into()));
    assert_eq!(made[0]["Condition"], "HasDistribution");
    let dimensions: Vec<&str> = alarm["Properties"]["Dimensions"]
        .as_array()
        .context("an alarm on everything")?
        .iter()
        .filter_map(|dimension| dimension["Name"].as_str())
        .collect();
    assert_eq!(dimensions, ["DistributionId", "Region"]);
    Ok(())
}

/// In another region, the stack's rule hears what the same alarm in us-east-1 says, by the bus of its own region.
#[test]
fn the_alarm_that_is_made_in_us_east_1_is_the_same_and_reaches_the_stack() -> Result<()> {
    let (template, there) = (Template::read()?, Template::of("cloudfront-alarm.yaml")?);
    let alarm = |template: &Template| -> Result<Map<String, Value>> {
        let alarm = template.0["Resources"]["CloudFront4xxRateAlarm"]["Properties"].clone();
        Ok(alarm.as_object().context("no alarm")?.clone())
    };
    let (mut ours, mut theirs) = (alarm(&template)?, alarm(&there)?);
    // It calls nobody there, looks at whole minutes as CloudFront does, and is refused in any other region.
    assert_eq!(ours.remove("AlarmActions"), Some(json!([{ "Ref": "CacheInvalidationAlarms" }])));
    assert_eq!(ours.insert("Period".to_owned(), json!(60)), Some(json!({ "Ref": "AlarmPeriodSeconds" })));
    theirs.insert(
        "Namespace".to_owned(),
        there.0["Mappings"]["DeployThisToUsEast1"]["us-east-1"]["Namespace"].clone(),
    );
    assert_eq!(theirs, ours);

    let events = &template.0["Resources"]["CacheInvalidation"]["Properties"]["Events"];
    let hears = &events["AlarmInUsEast1"]["Properties"];
    let sends = &there.0["Resources"]["ToTheStacksRegion"]["Properties"];
    assert_eq!(hears["Pattern"], sends["EventPattern"]);
    assert_eq!(hears["State"], json!({ "Fn::If": ["HasCloudFrontMetrics", "DISABLED", "ENABLED"] }));
    let named = hears["Pattern"]["resources"][0]["Fn::Sub"].as_str().context("no alarm")?;
    let called = ours["AlarmName"]["Fn::Sub"].as_str().context("an alarm without a name")?;
    assert!(named.ends_with(&format!(":us-east-1:${{AWS::AccountId}}:alarm:{called}")), "{named}");
    let bus = &sends["Targets"][0]["Arn"];
    assert_eq!(
        bus["Fn::Sub"],
        "arn:${AWS::Partition}:events:${StackRegion}:${AWS::AccountId}:event-bus/default"
    );
    let roles = there.of_type("AWS::IAM::Role");
    let granted = roles.iter().flat_map(|role| statements(role)).collect::<Vec<_>>();
    let [statement] = granted.as_slice() else { anyhow::bail!("{granted:?}") };
    assert_eq!((&statement["Action"], &statement["Resource"]), (&json!("events:PutEvents"), bus));
    Ok(())
}

#[test]
fn a_probe_that_says_nothing_counts_as_failing() -> Result<()> {
    let template = Template::read()?;
    let alarm = &template.0["Resources"]["ProbeFailingAlarm"]["Properties"];
    assert_eq!(alarm["TreatMissingData"], "breaching");
    Ok(())
}

#[test]
fn only_alarms_of_this_account_publish_to_the_topics() -> Result<()> {
    let template = Template::read()?;
    let policies = template.of_type("AWS::SNS::TopicPolicy");
    assert_eq!(policies.len(), template.of_type("AWS::SNS::Topic").len());
    for policy in policies {
        for statement in policy["PolicyDocument"]["Statement"].as_array().context("no statement")? {
            // What goes up a level comes from `incident` too.
            if statement["Sid"] == "IncidentMayPublish" {
                continue;
            }
            assert_eq!(statement["Principal"]["Service"], "cloudwatch.amazonaws.com");
            assert_eq!(statement["Condition"]["StringEquals"]["aws:SourceAccount"]["Ref"], "AWS::AccountId");
        }
    }
    Ok(())
}

#[test]
fn the_ledger_outlives_the_stack_and_forgets_by_itself() -> Result<()> {
    let template = Template::read()?;
    let ledger = &template.0["Resources"]["Ledger"];
    // With `Retain`, a stack that was never finished would leave an empty one in the next one's way.
    assert_eq!(ledger["DeletionPolicy"], "RetainExceptOnCreate");
    assert_eq!(ledger["UpdateReplacePolicy"], "Retain");
    let table = &ledger["Properties"];
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
    assert_eq!(table["TimeToLiveSpecification"]["AttributeName"], "expires_at");
    Ok(())
}

/// To import the ledger changes nothing of it.
#[test]
fn an_old_ledger_is_brought_in_as_the_template_has_it() -> Result<()> {
    let (template, import) = (Template::read()?, Template::of("import-ledger.yaml")?);
    let resources = import.0["Resources"].as_object().context("no resources")?;
    // CloudFormation imports into a new stack only what is there already.
    assert_eq!(resources.keys().collect::<Vec<_>>(), ["Ledger"]);
    assert_eq!(resources["Ledger"], template.0["Resources"]["Ledger"]);
    let parameter = |template: &Template| template.0["Parameters"]["Environment"]["AllowedPattern"].clone();
    assert_eq!(parameter(&import), parameter(&template));
    let deploy = document::deploy()?;
    for words in ["file://import-ledger.yaml", "LogicalResourceId=Ledger", "TableName=lendpeak2-"] {
        assert!(deploy.contains(words), "docs/deploy.md does not say {words}");
    }
    Ok(())
}

/// An alarm calls only once: what it calls has to hear it by then.
#[test]
fn every_alarm_is_made_after_the_function_that_it_wakes_can_hear_it() -> Result<()> {
    let template = Template::read()?;
    let resources = template.0["Resources"].as_object().context("no resources")?;
    let waking: BTreeMap<&str, &str> = resources
        .iter()
        .filter_map(|(name, one)| {
            let event = &one["Properties"]["Events"]["Alarm"]["Properties"];
            Some((event["Topic"]["Ref"].as_str()?, name.as_str()))
        })
        .collect();
    let mut checked = 0;
    for (name, alarm) in resources {
        for topic in alarm["Properties"]["AlarmActions"].as_array().into_iter().flatten() {
            let Some(function) = topic["Ref"].as_str().and_then(|topic| waking.get(topic)) else { continue };
            let after = texts(&alarm["DependsOn"]);
            // As SAM names what it makes of the function's event.
            for made in [format!("{function}Alarm"), format!("{function}AlarmPermission")] {
                assert!(after.contains(&made.as_str()), "{name} is made before {made}");
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 7);
    Ok(())
}

/// The probe's alarm has no value yet, counts that as failing, and rings at once.
#[test]
fn the_probes_alarm_is_made_after_the_probe_and_who_waits_for_it() -> Result<()> {
    let template = Template::read()?;
    let after = texts(&template.0["Resources"]["ProbeFailingAlarm"]["DependsOn"]);
    for function in ["HealthProbe", "Incident"] {
        let schedule = &template.0["Resources"][function]["Properties"]["Events"]["EveryMinute"];
        assert_eq!(schedule["Type"], "ScheduleV2", "{function}");
        let made = format!("{function}EveryMinute");
        assert!(after.contains(&made.as_str()), "it is made before {made}");
    }
    Ok(())
}

/// A name that SAM does not make would stop the deployment.
#[test]
fn whatever_a_resource_waits_for_is_made() -> Result<()> {
    let template = Template::read()?;
    for environment in environments::environments()? {
        let expanded = environments::expanded(&environment.values(&template)?)?;
        let resources = expanded["Resources"].as_object().context("no resources")?;
        for (name, resource) in resources {
            for awaited in texts(&resource["DependsOn"]) {
                assert!(resources.contains_key(awaited), "{name} waits for {awaited}");
            }
        }
    }
    Ok(())
}

#[test]
fn nothing_is_changed_unless_somebody_sets_the_mode() -> Result<()> {
    let template = Template::read()?;
    assert_eq!(template.0["Parameters"]["Mode"]["Default"], "observe");
    for remedy in subject::remedies() {
        let mode = format!("{}Mode", remedy.camel());
        assert_eq!(template.0["Parameters"][&mode]["Default"], "", "{mode}");
    }
    Ok(())
}

#[test]
fn every_parameter_is_described_limited_and_shown_in_a_group() -> Result<()> {
    let template = Template::read()?;
    let groups = &template.0["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let shown: BTreeSet<&str> = groups
        .as_array()
        .context("no groups")?
        .iter()
        .flat_map(|group| texts(&group["Parameters"]))
        .collect();
    let parameters = template.0["Parameters"].as_object().context("no parameters")?;
    assert_eq!(shown, parameters.keys().map(String::as_str).collect());
    for (name, parameter) in parameters {
        assert!(parameter["Description"].is_string(), "{name} is not described");
        let is_required = environments::REQUIRED.contains(&name.as_str());
        assert_eq!(parameter["Default"].is_null(), is_required, "{name}");
        let limits = ["AllowedValues", "AllowedPattern", "MinValue"];
        assert!(limits.iter().any(|limit| !parameter[limit].is_null()), "{name} takes any value");
    }
    Ok(())
}

#[test]
fn samconfig_sets_only_parameters_that_exist() -> Result<()> {
    let template = Template::read()?;
    for environment in environments::environments()? {
        for name in environment.parameters.keys() {
            assert!(!template.0["Parameters"][name].is_null(), "samconfig.toml sets {name}");
        }
    }
    Ok(())
}

#[test]
fn the_dashboard_shows_every_alarm_that_the_template_makes() -> Result<()> {
    let template = Template::read()?;
    let resources = template.0["Resources"].as_object().context("no resources")?;
    let alarms = resources.iter().filter(|(_, resource)| {
        [ALARM, "AWS::CloudWatch::CompositeAlarm"].iter().any(|kind| resource["Type"] == *kind)
    });
    let body: Value = serde_json::from_str(&dashboard(&template)?)?;
    let widgets = body["widgets"].as_array().context("no widgets")?;
    let shown = widgets.iter().filter(|widget| widget["type"] == "alarm");
    let mut shown: Vec<&str> = shown.flat_map(|widget| texts(&widget["properties"]["alarms"])).collect();
    let parts = &template.0["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][1];
    let parts = parts.as_object().context("no part depends on a condition")?;
    for (name, alarm) in alarms {
        let called =
            alarm["Properties"]["AlarmName"]["Fn::Sub"].as_str().context("an alarm without a name")?;
        let by_reference = format!("${{{name}.Arn}}");
        let is_it = |one: &&str| *one == by_reference || one.ends_with(&format!(":alarm:{called}"));
        let times = shown.iter().filter(|one| is_it(one)).count();
        assert_eq!(times, 1, "{name}");
        // What is not made cannot be referred to: such an alarm is named, or is there under its own condition.
        if !alarm["Condition"].is_null() && shown.contains(&by_reference.as_str()) {
            let its = |part: &&Value| if_it_holds(part).to_string().contains(&by_reference);
            let part = parts.values().find(its).with_context(|| format!("{name} may not be made"))?;
            assert_eq!(part["Fn::If"][0], alarm["Condition"], "{name}");
        }
        shown.retain(|one| !is_it(one));
    }
    assert_eq!(shown, [""; 0], "no such alarm is made");
    Ok(())
}

#[test]
fn the_dashboard_shows_the_failures_of_every_function_and_state_machine() -> Result<()> {
    let template = Template::read()?;
    let body = dashboard(&template)?;
    let (_, failures) = body.split_once("Failures of the runbook itself").context("no failures")?;
    let resources = template.0["Resources"].as_object().context("no resources")?;
    for (name, resource) in resources {
        // Errors and throttles; executions that failed and, by the name before, that took too long. What may not be made
        // is shown by its name.
        let called = resource["Properties"]["FunctionName"]["Fn::Sub"].as_str().unwrap_or_default();
        let (shown, times) = match resource["Type"].as_str() {
            Some("AWS::Serverless::Function") if !resource["Condition"].is_null() => (called.to_owned(), 2),
            Some("AWS::Serverless::Function") => (format!("${{{name}}}"), 2),
            Some("AWS::Serverless::StateMachine") => (format!("${{{name}}}"), 1),
            _ => continue,
        };
        assert_eq!(failures.matches(&shown).count(), times, "{name}");
    }
    Ok(())
}
