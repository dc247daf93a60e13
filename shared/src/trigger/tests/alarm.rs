//! Alarms, by each of their routes.

use aws_lambda_events::{
    cloudwatch_alarms::{CloudWatchCompositeAlarm, CloudWatchMetricAlarm},
    sns::CloudWatchAlarmPayload,
};
use serde::de::DeserializeOwned;

use super::*;

#[test]
fn an_alarm_is_the_same_trigger_by_each_of_its_routes() {
    let expected = cpu_alarm(vec![cpu_metric()]);
    assert_eq!(one(&direct(&json!([cpu_query(60)]))), expected);
    assert_eq!(one(&event_bridge(&json!([cpu_query(60)]))), expected);
    assert_eq!(by_sns(&sns_message(&cpu_trigger())), expected);
    assert_eq!(one(&sns_message(&cpu_trigger())), expected);
}

/// CloudWatch evaluates an alarm as soon as it is made.
#[test]
fn an_alarm_that_never_had_a_value_is_known_by_each_of_its_routes() {
    const REASON: &str = "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were \
                          treated as [Breaching].";
    let is_newborn = |body: &Value| match one(body).kind {
        Kind::Alarm(alarm) => alarm.is_newborn(),
        other => panic!("{other:?}"),
    };
    for (before, reason, expected) in [
        ("INSUFFICIENT_DATA", REASON, true),
        ("INSUFFICIENT_DATA", "3 out of the last 3 datapoints [0.0, 0.0, 0.0] were less than 1.0", false),
        // The probe has stopped: people hear of that at once.
        ("OK", REASON, false),
    ] {
        let mut bodies = [direct(&json!([cpu_query(60)])), event_bridge(&json!([cpu_query(60)]))];
        for (body, data) in bodies.iter_mut().zip(["alarmData", "detail"]) {
            body[data]["state"]["reason"] = json!(reason);
            body[data]["previousState"] = json!({ "value": before });
            assert_eq!(is_newborn(body), expected, "{body}");
        }
        let mut message = sns_message(&cpu_trigger());
        message["OldStateValue"] = json!(before);
        message["NewStateReason"] = json!(reason);
        assert_eq!(is_newborn(&sns(&[message.clone()])), expected, "{message}");
    }
    // What is not as AWS writes it is no reason to miss an alarm.
    let mut odd = direct(&json!([cpu_query(60)]));
    odd["alarmData"]["previousState"] = json!(["INSUFFICIENT_DATA"]);
    assert!(!is_newborn(&odd));
}

#[test]
fn a_period_of_a_day_parses() {
    assert_eq!(one(&direct(&json!([cpu_query(86_400)]))), cpu_alarm(vec![cpu_metric()]));
}

#[test]
fn a_metric_math_alarm_parses_and_names_its_metrics() {
    let math = json!([{ "id": "rate", "expression": "100*m1", "returnData": true }, cpu_query(60)]);
    assert_eq!(one(&direct(&math)), cpu_alarm(vec![cpu_metric()]));
    let sns_math = json!({ "Metrics": [
        { "Id": "rate", "Expression": "100*m1", "ReturnData": true },
        { "Id": "m1", "MetricStat": { "Metric": { "MetricName": "CPUUtilization", "Namespace": "AWS/ECS", "Dimensions": [
            { "name": "ClusterName", "value": "lendpeak2-production" }, { "name": "ServiceName", "value": "backend" }] } } }] });
    assert_eq!(by_sns(&sns_message(&sns_math)), cpu_alarm(vec![cpu_metric()]));
}

#[test]
fn a_composite_alarm_parses_without_metrics() {
    let mut composite = event_bridge(&json!([]));
    composite["detail"]["configuration"] = json!({ "alarmRule": "ALARM(\"high-cpu\")" });
    assert_eq!(one(&composite), cpu_alarm(vec![]));
    assert_eq!(by_sns(&sns_message(&Value::Null)), cpu_alarm(vec![]));
}

/// Each is as CloudWatch sends it. A type of our own can go once the crate reads it.
#[test]
fn what_the_crates_own_types_refuse_of_cloudwatch_is_read() {
    #[track_caller]
    fn refused<T: DeserializeOwned>(event: &Value, why: &str) {
        let error = serde_json::from_value::<T>(event.clone()).err().unwrap().to_string();
        assert!(error.contains(why), "{error}");
        assert!(matches!(one(event).kind, Kind::Alarm(_)), "{event}");
    }
    let math =
        json!([{ "id": "rate", "expression": "100*m1", "label": "CPU", "returnData": true }, cpu_query(60)]);
    refused::<CloudWatchMetricAlarm>(&direct(&math), "missing field `metricStat`");
    refused::<CloudWatchMetricAlarm>(&direct(&json!([cpu_query(86_400)])), "expected u16");
    let mut composite = direct(&json!([]));
    composite["alarmData"]["configuration"] = json!({ "alarmRule": "ALARM(\"high-cpu\")" });
    refused::<CloudWatchCompositeAlarm>(&composite, "missing field `actionsSuppressor`");

    let mut message = sns_message(&Value::Null);
    message["AlarmDescription"] = json!("The tasks are busy.");
    message["AWSAccountId"] = json!("123456789012");
    message["Region"] = json!("US East (N. Virginia)");
    message["AlarmRule"] = json!("ALARM(\"high-cpu\")");
    refused::<CloudWatchAlarmPayload>(&message, "missing field `Trigger`");
    message["AlarmDescription"] = Value::Null;
    refused::<CloudWatchAlarmPayload>(&message, "invalid type: null, expected a string");
    // The zone without a colon is read.
    let plain = direct(&json!([cpu_query(60)]));
    assert!(plain["time"].as_str().unwrap().ends_with("+0000"));
    assert!(serde_json::from_value::<CloudWatchMetricAlarm>(plain).is_ok());
}

/// The crate would take it for OK, and the alarm would be passed over.
#[test]
fn a_state_without_its_value_is_refused() {
    let mut bodies = [direct(&json!([cpu_query(60)])), event_bridge(&json!([cpu_query(60)]))];
    for (body, data) in bodies.iter_mut().zip(["alarmData", "detail"]) {
        let state = body[data]["state"].as_object_mut().unwrap();
        state.remove("reason");
        assert_eq!(one(body).id, cpu_alarm(vec![]).id, "an alarm is heard without its reason");
        body[data]["state"].as_object_mut().unwrap().remove("value");
        refuses(&body.to_string(), "InvalidRequest", "missing field `value`");
        body[data].as_object_mut().unwrap().remove("state");
        refuses(&body.to_string(), "InvalidRequest", "missing field `state`");
    }
}
