//! Where what tells people fails itself, an alarm tells them: two levels, more than once, by no function.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::template::{
    ALARM,
    document::{Template, dashboard},
};

/// The alarms of the last net, and the topics that they go to.
pub(crate) const WIRED: [(&str, &str); 21] = [
    ("dead-letters", "Level2"),
    ("dead-letters", "Notices"),
    ("dead-letters-sent", "Level2"),
    ("dead-letters-sent", "Notices"),
    ("incident-errors", "Level2"),
    ("incident-errors", "Notices"),
    ("incident-throttles", "Level2"),
    ("incident-throttles", "Notices"),
    ("notices-undelivered", "Level2"),
    ("notices-undelivered", "Level3"),
    ("notices-unheard", "Level2"),
    ("notices-unheard", "Level3"),
    ("notices-unheard", "Notices"),
    ("service-down-failed", "Level2"),
    ("service-down-failed", "Notices"),
    ("service-down-timed-out", "Level2"),
    ("service-down-timed-out", "Notices"),
    ("snapshot-restore-failed", "Level2"),
    ("snapshot-restore-failed", "Notices"),
    ("snapshot-restore-timed-out", "Level2"),
    ("snapshot-restore-timed-out", "Notices"),
];

/// Every alarm with a metric of its own on this one, as its metric's name, its dimension and its properties.
fn on<'a>(template: &'a Template, metric: &str, dimension: &Value) -> Vec<&'a Value> {
    let alarms = template.of_type(ALARM).into_iter();
    let of = |it: &Value| it["MetricName"] == metric && it["Dimensions"] == json!([dimension]);
    let in_math = |alarm: &&Value| {
        let queries = alarm["Metrics"].as_array().into_iter().flatten();
        queries.filter(|query| of(&query["MetricStat"]["Metric"])).count() > 0
    };
    alarms.filter(|alarm| of(alarm) || in_math(alarm)).collect()
}

#[test]
fn every_failure_of_what_tells_people_rings_at_two_levels() -> Result<()> {
    let template = Template::read()?;
    let dimension = |name: &str, value: &Value| json!({ "Name": name, "Value": value });
    let queue = dimension("QueueName", &json!({ "Fn::GetAtt": ["DeadLetters", "QueueName"] }));
    let incident = dimension("FunctionName", &json!({ "Ref": "Incident" }));
    let mut metrics = vec![
        ("AWS/SQS", "NumberOfMessagesSent", queue.clone()),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue),
        ("AWS/Lambda", "Errors", incident.clone()),
        ("AWS/Lambda", "Throttles", incident),
        ("LendPeak2", "NoticesUnheard", dimension("Environment", &json!({ "Ref": "Environment" }))),
        (
            "AWS/SNS",
            "NumberOfNotificationsFailed",
            dimension("TopicName", &json!({ "Fn::GetAtt": ["Notices", "TopicName"] })),
        ),
    ];
    let resources = template.0["Resources"].as_object().context("no resources")?;
    let machines =
        resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::Serverless::StateMachine");
    for (name, _) in machines {
        let machine = dimension("StateMachineArn", &json!({ "Ref": name }));
        metrics.push(("AWS/States", "ExecutionsFailed", machine.clone()));
        metrics.push(("AWS/States", "ExecutionsTimedOut", machine));
    }
    assert_eq!(metrics.len(), 10);
    for (namespace, metric, dimension) in metrics {
        let alarms = on(&template, metric, &dimension);
        let [alarm] = alarms.as_slice() else { anyhow::bail!("{metric} of {dimension}: {alarms:?}") };
        let queries = alarm["Metrics"].as_array().into_iter().flatten();
        let metrics = queries.map(|query| &query["MetricStat"]["Metric"]).chain([*alarm]);
        assert!(
            metrics.filter(|it| it["MetricName"] == metric).all(|it| it["Namespace"] == namespace),
            "{metric}"
        );
        let topics: BTreeSet<String> =
            alarm["AlarmActions"].as_array().into_iter().flatten().map(Value::to_string).collect();
        assert!(topics.len() >= 2, "{metric} of {dimension} goes to {topics:?}");
        // What fails is more than none; nothing is not a failure.
        assert_eq!(
            (&alarm["Threshold"], &alarm["ComparisonOperator"]),
            (&json!(0), &json!("GreaterThanThreshold"))
        );
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "{metric}");
    }
    Ok(())
}

/// By the queue's depth alone, the second failure would be silent for as long as the first one's message lies there.
#[test]
fn each_new_dead_letter_rings_and_one_that_lies_there_rings_again() -> Result<()> {
    let template = Template::read()?;
    let alarm = |name: &str| template.0["Resources"][name]["Properties"].clone();
    let (sent, lies) = (alarm("DeadLettersSentAlarm"), alarm("DeadLettersAlarm"));
    assert_eq!((&sent["Statistic"], &sent["DatapointsToAlarm"]), (&json!("Sum"), &json!(1)));
    assert_eq!(lies["Statistic"], "Minimum");
    let minutes = |alarm: &Value| alarm["Period"].as_u64().zip(alarm["EvaluationPeriods"].as_u64());
    let minutes = |alarm: &Value| minutes(alarm).map(|(period, periods)| period * periods / 60);
    // SQS may be a quarter of an hour late.
    assert_eq!((minutes(&sent), minutes(&lies)), (Some(15), Some(60)));
    Ok(())
}

/// People would get the same twice, once as JSON.
#[test]
fn an_alarm_that_incident_handles_is_not_mailed_raw_as_well() -> Result<()> {
    let template = Template::read()?;
    let (mut handled, incident) = (0, json!({ "Ref": "IncidentAlarms" }));
    let composite = template.of_type("AWS::CloudWatch::CompositeAlarm");
    for alarm in template.of_type(ALARM).into_iter().chain(composite) {
        let actions = |kind: &str| alarm[kind].as_array().cloned().unwrap_or_default();
        let all = [actions("AlarmActions"), actions("OKActions")].concat();
        if all.contains(&incident) {
            handled += 1;
            for topic in ["Notices", "Level2", "Level3"] {
                assert!(!all.contains(&json!({ "Ref": topic })), "{}: {topic}", alarm["AlarmName"]);
            }
        }
    }
    assert_eq!(handled, 2);
    Ok(())
}

#[test]
fn the_dashboard_shows_what_nobody_heard() -> Result<()> {
    let template = Template::read()?;
    let body = dashboard(&template)?;
    assert!(body.contains(r#"["LendPeak2", "NoticesUnheard", "Environment", "${Environment}""#));
    for topic in ["Notices", "Level2", "Level3"] {
        assert!(body.contains(&format!("\"${{{topic}.TopicName}}\"")), "{topic}");
    }
    // Without what CloudFormation fills in, it is JSON.
    serde_json::from_str::<Value>(&body)?;
    Ok(())
}
