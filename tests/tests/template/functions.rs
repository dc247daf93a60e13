//! Every function is complete: limited, logged, woken, and with a place for what fails.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;
use tests::workspace;

use crate::document::Template;

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
        assert!(function["ReservedConcurrentExecutions"].is_u64(), "{task} has no reserved concurrency");
        let asynchronous = &function["EventInvokeConfig"];
        assert!(asynchronous["MaximumRetryAttempts"].is_u64(), "{task} does not say how often to retry");
        let age = asynchronous["MaximumEventAgeInSeconds"].as_u64();
        assert!(age.is_some_and(|age| (60..=900).contains(&age)), "{task} takes events of any age");
        assert_eq!(asynchronous["DestinationConfig"]["OnFailure"]["Destination"], dead_letters(), "{task}");
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
        let variables = &function["Environment"]["Variables"];
        let task = task(function);
        if variables["MODE"].is_null() && task != "incident" {
            continue;
        }
        remedies += 1;
        let asynchronous = &function["EventInvokeConfig"];
        assert_eq!(asynchronous["MaximumRetryAttempts"], 2, "{task}");
        let limits = [&asynchronous["MaximumEventAgeInSeconds"], &variables["MAX_EVENT_AGE_SECONDS"]];
        let limits = limits.into_iter().filter(|limit| !limit.is_null());
        for limit in limits {
            let seconds = limit.as_u64().or(limit.as_str().and_then(|text| text.parse().ok()));
            assert!(seconds.is_some_and(|seconds| seconds > RETRIES_TAKE_SECONDS), "{task}: {limit}");
        }
    }
    assert_eq!(remedies, 7);
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
    for function in Template::read()?.functions() {
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
    for (variable, parameter) in [
        ("CLUSTER", "ClusterName"),
        ("DATABASE_CLUSTER", "DatabaseCluster"),
        ("DISTRIBUTION_ID", "DistributionId"),
        ("LOAD_BALANCER", "LoadBalancerFullName"),
        ("SERVICE", "ServiceName"),
        ("TARGET_GROUP", "TargetGroupFullName"),
    ] {
        for function in template.functions() {
            let value = &function["Environment"]["Variables"][variable];
            if !value.is_null() {
                assert_eq!(value["Ref"], parameter, "{}: {variable}", task(function));
                compared += 1;
            }
        }
    }
    assert!(compared >= 15, "only {compared} variables were found");
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

/// A function's folder, from `target/lambda/<task>/bootstrap.zip`.
pub(crate) fn task(function: &Value) -> String {
    function["CodeUri"].as_str().and_then(|path| path.split('/').nth(2)).unwrap_or_default().to_owned()
}

fn dead_letters() -> Value {
    serde_json::json!({ "Fn::GetAtt": ["DeadLetters", "Arn"] })
}
