//! Each shape of event in a file of its own; what builds them is here.

mod alarm;
mod body;
mod event_bridge;
mod origin;
mod person;
mod pipeline;
mod sns;

use serde_json::json;

use super::*;

const ARN: &str = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:high-cpu";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:scale-up-alarms";

fn parsed(body: &Value) -> Result<Vec<Trigger>, Error> {
    parse(&Invocation {
        body: body.to_string(),
        request_id: "request-1".to_owned(),
        deadline: Timestamp::UNIX_EPOCH,
        function_arn: String::new(),
    })
}

#[track_caller]
fn one(body: &Value) -> Trigger {
    let mut triggers = parsed(body).unwrap();
    assert_eq!(triggers.len(), 1);
    triggers.remove(0)
}

#[track_caller]
fn refuses(body: &str, kind: &str, message: &str) {
    let error = parse(&Invocation {
        body: body.to_owned(),
        request_id: "request-1".to_owned(),
        deadline: Timestamp::UNIX_EPOCH,
        function_arn: String::new(),
    })
    .unwrap_err();
    assert_eq!(error.kind(), kind);
    let text = crate::error::chain(&error);
    assert!(text.contains(message), "{text}");
}

fn configuration(metrics: &Value) -> Value {
    json!({ "alarmName": "high-cpu", "state": { "value": "ALARM", "reason": "crossed", "timestamp": "2026-11-23T10:00:00.123+0000" }, "configuration": { "metrics": metrics } })
}

fn cpu_query(period: u32) -> Value {
    json!({ "id": "m1", "returnData": true, "metricStat": { "period": period, "stat": "Average", "metric": {
        "namespace": "AWS/ECS", "name": "CPUUtilization",
        "dimensions": { "ClusterName": "lendpeak2-production", "ServiceName": "backend" } } } })
}

fn direct(metrics: &Value) -> Value {
    json!({ "source": "aws.cloudwatch", "alarmArn": ARN, "accountId": "123456789012", "region": "us-east-1",
        "time": "2026-11-23T10:00:00.200+0000", "alarmData": configuration(metrics) })
}

fn event_bridge(metrics: &Value) -> Value {
    json!({ "version": "0", "id": "e", "detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch",
        "time": "2026-11-23T10:00:00Z", "resources": [ARN], "detail": configuration(metrics) })
}

fn sns_message(trigger: &Value) -> Value {
    let mut message = json!({ "AlarmName": "high-cpu", "AlarmArn": ARN, "NewStateValue": "ALARM", "OldStateValue": "OK",
        "NewStateReason": "crossed", "StateChangeTime": "2026-11-23T10:00:00.123+0000" });
    if !trigger.is_null() {
        message["Trigger"] = trigger.clone();
    }
    message
}

/// As SNS hands it to Lambda.
fn record(topic: &str, message: &str) -> Value {
    let subscription = format!("{topic}:6f1a3c5e-0d2b-4c8a-9e7f-1122334455aa");
    json!({ "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription,
        "Sns": { "Type": "Notification", "MessageId": "a1b2c3d4-0001-5000-8000-00000000000a", "TopicArn": topic,
            "Subject": null, "Message": message, "Timestamp": "2026-11-23T10:00:00.402Z", "SignatureVersion": "1",
            "Signature": "EXAMPLE", "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/certificate.pem",
            "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe", "MessageAttributes": {} } })
}

fn sns(messages: &[Value]) -> Value {
    let records: Vec<Value> = messages.iter().map(|message| record(TOPIC, &message.to_string())).collect();
    json!({ "Records": records })
}

/// The trigger of a message, whatever brought it.
#[track_caller]
fn by_sns(message: &Value) -> Trigger {
    Trigger { origin: Origin::default(), ..one(&sns(std::slice::from_ref(message))) }
}

fn cpu_trigger() -> Value {
    json!({ "MetricName": "CPUUtilization", "Namespace": "AWS/ECS", "Period": 86_400, "Dimensions": [
        { "name": "ClusterName", "value": "lendpeak2-production" }, { "name": "ServiceName", "value": "backend" }] })
}

fn cpu_alarm(metrics: Vec<Metric>) -> Trigger {
    let at: Timestamp = "2026-11-23T10:00:00.123Z".parse().unwrap();
    Trigger {
        id: format!("{ARN}@{}", at.as_millisecond()),
        at,
        kind: Kind::Alarm(Alarm {
            name: "high-cpu".to_owned(),
            arn: ARN.to_owned(),
            state: AlarmState::Alarm,
            reason: "crossed".to_owned(),
            from_no_data: false,
            metrics,
        }),
        origin: Origin::default(),
    }
}

fn cpu_metric() -> Metric {
    let dimensions = [("ClusterName", "lendpeak2-production"), ("ServiceName", "backend")];
    Metric {
        namespace: "AWS/ECS".to_owned(),
        name: "CPUUtilization".to_owned(),
        dimensions: dimensions.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}
