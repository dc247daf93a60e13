//! Every function is complete: limited, logged, woken, and with a place for what fails.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use sandbox::workspace;
use serde_json::{Value, json};

use crate::template::document::Template;

#[test]
fn every_folder_in_functions_is_a_function_of_the_template() -> Result<()> {
    let mut folders = BTreeSet::new();
    for entry in std::fs::read_dir(workspace().join("functions"))? {
        folders.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    let template = Template::read()?;
    let functions: BTreeSet<String> = template.functions().iter().map(|function| task(function)).collect();
    assert_eq!(functions, folders);
    for function in template.functions() {
        let task = task(function);
        assert_eq!(function["FunctionName"]["Fn::Sub"], format!("lendpeak2-${{Environment}}-{task}"));
    }
    Ok(())
}

#[test]
fn every_function_has_limits_and_a_place_for_what_fails() -> Result<()> {
    let template = Template::read()?;
    for key in ["Runtime", "Architectures", "MemorySize", "Timeout"] {
        assert!(!template.0["Globals"]["Function"][key].is_null(), "{key} is not set for all");
    }
    for function in template.functions() {
        let task = task(function);
        let asynchronous = &function["EventInvokeConfig"];
        assert!(asynchronous["MaximumRetryAttempts"].is_u64(), "{task} does not say how often to retry");
        let age = asynchronous["MaximumEventAgeInSeconds"].as_u64();
        assert!(age.is_some_and(|age| (60..=900).contains(&age)), "{task} takes events of any age");
        assert_eq!(asynchronous["DestinationConfig"]["OnFailure"]["Destination"], dead_letters(), "{task}");
    }
    Ok(())
}

/// What a function reserves is taken from the whole account, and keeps no two runs apart: the ledger does that.
#[test]
fn no_function_reserves_concurrency_unless_the_stack_is_told_to() -> Result<()> {
    let template = Template::read()?;
    let of_all = &template.0["Globals"]["Function"]["ReservedConcurrentExecutions"];
    let asked = json!({ "Fn::If":
        ["ReservesConcurrency", { "Ref": "ReservedConcurrency" }, { "Ref": "AWS::NoValue" }] });
    assert_eq!(*of_all, asked);
    assert_eq!(template.0["Parameters"]["ReservedConcurrency"]["Default"], 0);
    for function in template.functions() {
        assert!(function["ReservedConcurrentExecutions"].is_null(), "{}", task(function));
    }
    Ok(())
}

/// What stands twice is corrected once. The names by which a function knows an alarm for the stack's are its own: one more
/// of them, and it believes more alarms.
#[test]
fn what_all_functions_read_stands_once_and_what_they_believe_with_each() -> Result<()> {
    let template = Template::read()?;
    let of_all = template.0["Globals"]["Function"]["Environment"]["Variables"].as_object();
    let of_all = of_all.context("no variables")?;
    for function in template.functions() {
        let own = function["Environment"]["Variables"].as_object().context("no variables")?;
        let twice: Vec<&String> = own.keys().filter(|name| of_all.contains_key(*name)).collect();
        assert!(twice.is_empty(), "{} has {twice:?} again", task(function));
    }
    for name in ["DATABASE_CLUSTER", "DISTRIBUTION_ID", "LOAD_BALANCER", "TARGET_GROUP"] {
        assert!(!of_all.contains_key(name), "{name}");
    }
    Ok(())
}

#[test]
fn each_remedy_has_a_cooldown_and_a_number_a_day_of_its_own() -> Result<()> {
    let template = Template::read()?;
    let mut parameters = BTreeSet::new();
    for subject in subject::ALL {
        let function = &template.0["Resources"][subject.camel()]["Properties"];
        let variables = &function["Environment"]["Variables"];
        let remedy = subject.remedy();
        for (setting, ending, default) in [
            ("COOLDOWN_SECONDS", "CooldownSeconds", remedy.map(|remedy| remedy.cooldown_seconds)),
            ("ATTEMPTS_PER_DAY", "sPerDay", remedy.map(|remedy| remedy.times_a_day)),
        ] {
            let Some(default) = default else {
                assert!(variables[setting].is_null(), "{}: {setting}", subject.name);
                continue;
            };
            let parameter = variables[setting]["Ref"].as_str().context("no parameter")?;
            assert!(parameter.ends_with(ending), "{}: {parameter}", subject.name);
            assert_eq!(template.0["Parameters"][parameter]["Default"], default, "{parameter}");
            assert!(parameters.insert(parameter.to_owned()), "{parameter} is another remedy's too");
        }
    }
    Ok(())
}

/// A kill switch of any other name stops all of them.
#[test]
fn every_function_knows_the_names_of_all() -> Result<()> {
    let mut folders = BTreeSet::new();
    for entry in std::fs::read_dir(workspace().join("functions"))? {
        folders.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    let template = Template::read()?;
    let variables = &template.0["Globals"]["Function"]["Environment"]["Variables"];
    let names = variables["RUNBOOK_FUNCTIONS"].as_str().context("no names")?;
    assert_eq!(names.split(',').map(str::to_owned).collect::<BTreeSet<_>>(), folders);
    for function in template.functions() {
        let own = &function["Environment"]["Variables"]["RUNBOOK_FUNCTIONS"];
        assert!(own.is_null(), "{} knows others", task(function));
    }
    Ok(())
}

/// A remedy answers with an error where it could neither read nor write the ledger, and has done nothing. An alarm calls
/// only once: Lambda has to call again, and the event must not be too old for it then.
#[test]
fn a_remedy_that_could_do_nothing_is_called_again_by_lambda() -> Result<()> {
    /// Lambda waits one minute, then two.
    const RETRIES_TAKE_SECONDS: u64 = 180;
    let template = Template::read()?;
    let mut remedies = 0;
    for function in template.functions() {
        let task = task(function);
        if variable(&template, function, "MODE").is_null() && task != "incident" {
            continue;
        }
        remedies += 1;
        let asynchronous = &function["EventInvokeConfig"];
        assert_eq!(asynchronous["MaximumRetryAttempts"], 2, "{task}");
        let limit = variable(&template, function, "MAX_EVENT_AGE_SECONDS");
        for limit in [&asynchronous["MaximumEventAgeInSeconds"], limit] {
            let seconds = limit.as_u64().or(limit.as_str().and_then(|text| text.parse().ok()));
            assert!(seconds.is_some_and(|seconds| seconds > RETRIES_TAKE_SECONDS), "{task}: {limit}");
        }
    }
    // Those that have a mode, and `incident`.
    assert_eq!(remedies, subject::remedies().count() + 1);
    Ok(())
}

#[test]
fn every_function_has_logs_of_its_own_with_an_end() -> Result<()> {
    let template = Template::read()?;
    for function in template.functions() {
        let task = task(function);
        let group = template.named(&function["LoggingConfig"]["LogGroup"], "Ref", "AWS::Logs::LogGroup")?;
        assert_eq!(
            group["LogGroupName"]["Fn::Sub"],
            format!("/aws/lambda/lendpeak2-${{Environment}}-{task}")
        );
        assert!(!group["RetentionInDays"].is_null(), "the logs of {task} are kept for ever");
        assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON", "{task}");
    }
    Ok(())
}

#[test]
fn every_function_is_woken_by_an_event_that_is_not_lost() -> Result<()> {
    let template = Template::read()?;
    for function in template.functions() {
        let task = task(function);
        let events = function["Events"].as_object().with_context(|| format!("{task} has no event"))?;
        assert!(!events.is_empty(), "{task} has no event");
        for (name, event) in events {
            let event_properties = &event["Properties"];
            match event["Type"].as_str() {
                Some("ScheduleV2" | "EventBridgeRule") => {
                    let retry = &event_properties["RetryPolicy"];
                    assert!(retry["MaximumRetryAttempts"].is_u64(), "{task}: {name}");
                    assert!(
                        retry["MaximumEventAgeInSeconds"]
                            .as_u64()
                            .is_some_and(|age| (60..=900).contains(&age)),
                        "{task}: {name}"
                    );
                    assert_eq!(event_properties["DeadLetterConfig"]["Arn"], dead_letters(), "{task}: {name}");
                }
                Some("SNS") => {
                    assert_eq!(
                        event_properties["RedrivePolicy"]["deadLetterTargetArn"],
                        dead_letters(),
                        "{task}: {name}"
                    );
                }
                // A queue hands over itself what nobody takes.
                Some("SQS") => {
                    assert_eq!(event_properties["Queue"]["Fn::GetAtt"], json!(["ApprovalsQueue", "Arn"]));
                    let queue = &template.0["Resources"]["ApprovalsQueue"]["Properties"];
                    assert_eq!(queue["RedrivePolicy"]["deadLetterTargetArn"], dead_letters());
                    // Lambda asks for six times the function's time.
                    let (patience, timeout) =
                        (queue["VisibilityTimeout"].as_u64(), function["Timeout"].as_u64());
                    assert!(patience >= timeout.map(|timeout| 6 * timeout), "{task}: {name}");
                }
                other => {
                    panic!("{task}: {name} is of the type {other:?}, of which these checks know nothing")
                }
            }
        }
    }
    Ok(())
}

/// What else publishes to a topic is not what people wired to this function.
#[test]
fn a_function_that_knows_its_alarms_topic_knows_the_one_that_wakes_it() -> Result<()> {
    for function in Template::read()?.functions() {
        let topic = &function["Environment"]["Variables"]["ALARM_TOPIC_ARN"];
        if !topic.is_null() {
            assert_eq!(*topic, function["Events"]["Alarm"]["Properties"]["Topic"], "{}", task(function));
        }
    }
    Ok(())
}

/// What an alarm watches is compared with the stack's own names: the same for every function.
#[test]
fn a_name_of_the_stack_is_the_same_parameter_for_every_function() -> Result<()> {
    let template = Template::read()?;
    let mut compared = 0;
    for (name, parameter) in [
        ("CLUSTER", "ClusterName"),
        ("DATABASE_CLUSTER", "DatabaseCluster"),
        ("DISTRIBUTION_ID", "DistributionId"),
        ("LOAD_BALANCER", "LoadBalancerFullName"),
        ("SERVICE", "ServiceName"),
        ("TARGET_GROUP", "TargetGroupFullName"),
    ] {
        for function in template.functions() {
            let value = variable(&template, function, name);
            if !value.is_null() {
                assert_eq!(value["Ref"], parameter, "{}: {name}", task(function));
                compared += 1;
            }
        }
    }
    assert!(compared >= 30, "only {compared} variables were found");
    Ok(())
}

/// A rule that matches nothing, or whose failures go nowhere, would be noticed by nobody.
#[test]
fn the_front_ends_rules_let_its_deployments_through_and_may_use_the_dead_letter_queue() -> Result<()> {
    let template = Template::read()?;
    let queue_policy = template.0["Resources"]["DeadLettersPolicy"].to_string();
    let events = &template.0["Resources"]["CacheInvalidation"]["Properties"]["Events"];
    for (rule, sample, state, name, parameter) in [
        ("Built", "codebuild-succeeded", "build-status", "project-name", "FrontEndBuildProject"),
        ("Released", "codepipeline-succeeded", "state", "pipeline", "FrontEndPipeline"),
    ] {
        let path = workspace().join(format!("events/cache-invalidation/{sample}.json"));
        let event: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
        let properties = &events[rule]["Properties"];
        let pattern = &properties["Pattern"];
        assert_eq!(pattern["source"][0], event["source"]);
        assert_eq!(pattern["detail-type"][0], event["detail-type"]);
        assert_eq!(pattern["detail"][state][0], event["detail"][state]);
        assert_eq!(pattern["detail"][name][0]["Ref"], parameter);
        assert!(event["detail"][name].is_string(), "{sample}");
        let rule_name = properties["RuleName"]["Fn::Sub"].as_str().context("a rule without a name")?;
        assert!(queue_policy.contains(&format!(":rule/{rule_name}")), "{rule_name} may not use the queue");
    }
    Ok(())
}

/// The alarm on CloudFront of a stack that is not in us-east-1.
#[test]
fn the_rule_for_the_alarm_in_us_east_1_lets_it_through_and_may_use_the_dead_letter_queue() -> Result<()> {
    let template = Template::read()?;
    let events = &template.0["Resources"]["CacheInvalidation"]["Properties"]["Events"];
    let rule = &events["AlarmInUsEast1"]["Properties"];
    let path = workspace().join("events/cache-invalidation/alarm-eventbridge.json");
    let event: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let pattern = &rule["Pattern"];
    assert_eq!(pattern["source"][0], event["source"]);
    assert_eq!(pattern["detail-type"][0], event["detail-type"]);
    assert_eq!(pattern["detail"]["state"]["value"][0], event["detail"]["state"]["value"]);
    let arn = pattern["resources"][0]["Fn::Sub"].as_str().context("no alarm")?;
    let written = [("Partition", "aws"), ("AccountId", "123456789012")];
    let arn = written
        .iter()
        .fold(arn.to_owned(), |arn, (name, value)| arn.replace(&format!("${{AWS::{name}}}"), value));
    assert_eq!(event["resources"][0], arn.replace("${Environment}", "production"));
    let rule_name = rule["RuleName"]["Fn::Sub"].as_str().context("a rule without a name")?;
    let queue_policy = template.0["Resources"]["DeadLettersPolicy"].to_string();
    assert!(queue_policy.contains(&format!(":rule/{rule_name}")), "{rule_name} may not use the queue");
    Ok(())
}

/// A function's folder, from `target/lambda/<task>/bootstrap.zip`.
pub(crate) fn task(function: &Value) -> String {
    function["CodeUri"].as_str().and_then(|path| path.split('/').nth(2)).unwrap_or_default().to_owned()
}

/// A variable of a function: its own, or the one that all have.
pub(crate) fn variable<'a>(template: &'a Template, function: &'a Value, name: &str) -> &'a Value {
    let own = &function["Environment"]["Variables"][name];
    let of_all = &template.0["Globals"]["Function"]["Environment"]["Variables"][name];
    if own.is_null() { of_all } else { own }
}

fn dead_letters() -> Value {
    json!({ "Fn::GetAtt": ["DeadLetters", "Arn"] })
}
