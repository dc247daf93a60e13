//! `template.yaml` is what the project promises: complete functions, narrow roles, alarms that reach somebody.

#![expect(clippy::indexing_slicing, reason = "JSON answers null where there is nothing; it does not panic")]

mod addresses;
mod document;
mod functions;
mod incidents;
mod last_net;
mod ledger;
mod roles;
mod state_machines;

use std::{collections::BTreeSet, process::Command};

use anyhow::{Context, Result, ensure};
use document::{Template, installed, texts};
use tests::workspace;

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
    ];
    let last_net = crate::last_net::WIRED.iter().copied();
    assert_eq!(wired, expected.into_iter().chain(last_net).collect());

    for (function, topic) in [
        ("ScaleUp", "ScaleUpAlarms"),
        ("Rollback", "RollbackAlarms"),
        ("Restart", "RestartAlarms"),
        ("CacheInvalidation", "CacheInvalidationAlarms"),
        ("WriteFreeze", "WriteFreezeAlarms"),
        ("Diagnose", "DiagnoseAlarms"),
        ("Incident", "IncidentAlarms"),
    ] {
        let events = &template.0["Resources"][function]["Properties"]["Events"];
        assert_eq!(events["Alarm"]["Properties"]["Topic"]["Ref"], topic);
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
    let region = &template.0["Conditions"]["HasCloudFrontMetrics"]["Fn::Or"][0]["Fn::Equals"];
    assert_eq!((&region[0]["Ref"], &region[1]), (&"AWS::Region".into(), &"us-east-1".into()));
    let dimensions: Vec<&str> = alarm["Properties"]["Dimensions"]
        .as_array()
        .context("an alarm on everything")?
        .iter()
        .filter_map(|dimension| dimension["Name"].as_str())
        .collect();
    assert_eq!(dimensions, ["DistributionId", "Region"]);
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
    assert_eq!(ledger["DeletionPolicy"], "Retain");
    assert_eq!(ledger["UpdateReplacePolicy"], "Retain");
    let table = &ledger["Properties"];
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
    assert_eq!(table["TimeToLiveSpecification"]["AttributeName"], "expires_at");
    Ok(())
}

#[test]
fn nothing_is_changed_unless_somebody_sets_the_mode() -> Result<()> {
    let template = Template::read()?;
    assert_eq!(template.0["Parameters"]["Mode"]["Default"], "observe");
    for mode in [
        "ScaleUpMode",
        "RollbackMode",
        "RestartMode",
        "CacheInvalidationMode",
        "WriteFreezeMode",
        "SnapshotRestoreMode",
    ] {
        assert_eq!(template.0["Parameters"][mode]["Default"], "", "{mode}");
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
        assert!(!parameter["Default"].is_null(), "{name} has no default");
        let limits = ["AllowedValues", "AllowedPattern", "MinValue"];
        assert!(limits.iter().any(|limit| !parameter[limit].is_null()), "{name} takes any value");
    }
    Ok(())
}

#[test]
fn samconfig_sets_only_parameters_that_exist() -> Result<()> {
    let template = Template::read()?;
    let text = std::fs::read_to_string(workspace().join("samconfig.toml"))?;
    let overrides: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("    \"")?.split('=').next()).collect();
    assert!(!overrides.is_empty());
    for name in overrides {
        assert!(!template.0["Parameters"][name].is_null(), "samconfig.toml sets {name}");
    }
    Ok(())
}

#[test]
fn the_dashboard_shows_the_failures_of_every_function_and_state_machine() -> Result<()> {
    let template = Template::read()?;
    let dashboards = template.of_type("AWS::CloudWatch::Dashboard");
    let body = dashboards.first().and_then(|one| one["DashboardBody"]["Fn::Sub"].as_str());
    let body = body.context("there is no dashboard")?;
    let (_, failures) = body.split_once("Failures of the runbook itself").context("no failures")?;
    let resources = template.0["Resources"].as_object().context("no resources")?;
    for (name, resource) in resources {
        // Errors and throttles; executions that failed and, by the name before, that took too long.
        let times = match resource["Type"].as_str() {
            Some("AWS::Serverless::Function") => 2,
            Some("AWS::Serverless::StateMachine") => 1,
            _ => continue,
        };
        assert_eq!(failures.matches(&format!("${{{name}}}")).count(), times, "{name}");
    }
    Ok(())
}
