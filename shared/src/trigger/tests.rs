use std::collections::BTreeMap;

use aws_lambda_events::{
    cloudwatch_alarms::{CloudWatchCompositeAlarm, CloudWatchMetricAlarm},
    sns::CloudWatchAlarmPayload,
};
use serde::de::DeserializeOwned;
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

#[test]
fn a_record_of_sns_that_lacks_something_says_what() {
    let mut event = sns(&[sns_message(&cpu_trigger())]);
    event["Records"][0]["Sns"].as_object_mut().unwrap().remove("Message");
    refuses(&event.to_string(), "InvalidRequest", "this SNS record cannot be read: missing field `Message`");
}

/// EventBridge leaves nothing out; whoever sends one by hand is told.
#[test]
fn an_event_by_eventbridge_that_lacks_something_says_what() {
    let service = "arn:aws:ecs:us-east-1:123456789012:service/lendpeak2-production/backend";
    let event = json!({ "id": "event-1", "detail-type": "ECS Deployment State Change", "source": "aws.ecs",
        "time": "2026-11-23T10:00:00Z", "resources": [service], "detail": {} });
    let at: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    assert_eq!(one(&event).at, at);
    for field in ["id", "time", "detail"] {
        let mut event = event.clone();
        event.as_object_mut().unwrap().remove(field);
        refuses(&event.to_string(), "InvalidRequest", &format!("missing field `{field}`"));
    }
    let mut odd = event;
    odd["time"] = json!("yesterday");
    refuses(&odd.to_string(), "InvalidRequest", "this ECS event cannot be read");
}

#[test]
fn every_record_of_an_sns_batch_is_a_trigger() {
    assert_eq!(parsed(&sns(&[sns_message(&cpu_trigger()), sns_message(&Value::Null)])).unwrap().len(), 2);
}

#[test]
fn one_bad_record_fails_the_batch_before_anything_is_done() {
    assert_eq!(
        parsed(&sns(&[sns_message(&cpu_trigger()), json!({ "hello": 1 })])).unwrap_err().kind(),
        "UnknownEvent"
    );
}

#[test]
fn a_schedule_is_told_by_its_arn_and_time() {
    let schedule = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/follow-up";
    let event = json!({ "version": "0", "id": "e", "detail-type": "Scheduled Event", "source": "aws.scheduler",
        "time": "2026-11-23T10:00:00Z", "resources": [schedule], "detail": "{}" });
    let at: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    let kind = Kind::Schedule { schedule: schedule.to_owned() };
    assert_eq!(
        one(&event),
        Trigger { id: format!("{schedule}@{}", at.as_millisecond()), at, kind, origin: Origin::default() }
    );
}

#[test]
fn an_ecs_event_is_told_by_its_resource() {
    let service = "arn:aws:ecs:us-east-1:123456789012:service/lendpeak2-production/backend";
    let event = json!({ "version": "0", "id": "event-1", "detail-type": "ECS Deployment State Change", "source": "aws.ecs",
        "time": "2026-11-23T10:00:00Z", "resources": [service],
        "detail": { "eventType": "ERROR", "eventName": "SERVICE_DEPLOYMENT_FAILED", "deploymentId": "ecs-svc/1", "reason": "circuit breaker" } });
    let expected = EcsEvent {
        detail_type: "ECS Deployment State Change".to_owned(),
        event_name: Some("SERVICE_DEPLOYMENT_FAILED".to_owned()),
        deployment: Some("ecs-svc/1".to_owned()),
        resource: service.to_owned(),
        reason: Some("circuit breaker".to_owned()),
    };
    assert_eq!(one(&event).kind, Kind::Ecs(expected));
}

fn code_build(status: &str) -> Value {
    let build = "arn:aws:codebuild:us-east-1:123456789012:build/lendpeak2-frontend:6bdced96";
    json!({ "version": "0", "id": "event-1", "detail-type": "CodeBuild Build State Change", "source": "aws.codebuild",
        "time": "2026-11-23T10:00:00Z", "resources": [build],
        "detail": { "build-status": status, "project-name": "lendpeak2-frontend", "build-id": build,
            "current-phase": "COMPLETED", "additional-information": { "environment": { "environment-variables": [
                { "name": "API_TOKEN", "value": "secret", "type": "PLAINTEXT" }] } } } })
}

#[test]
fn a_build_is_told_by_its_id_and_state_and_keeps_no_environment() {
    let trigger = one(&code_build("SUCCEEDED"));
    let build = "arn:aws:codebuild:us-east-1:123456789012:build/lendpeak2-frontend:6bdced96";
    assert_eq!(trigger.id, format!("{build}@SUCCEEDED"));
    assert!(!serde_json::to_string(&trigger).unwrap().contains("secret"));
    let expected = PipelineEvent {
        service: PipelineService::CodeBuild,
        name: "lendpeak2-frontend".to_owned(),
        state: "SUCCEEDED".to_owned(),
        execution: build.to_owned(),
    };
    assert_eq!(trigger.kind, Kind::Pipeline(expected));
}

#[test]
fn a_pipelines_run_is_told_by_its_id_attempt_and_state() {
    let mut event = json!({ "version": "0", "id": "event-1", "source": "aws.codepipeline",
        "detail-type": "CodePipeline Pipeline Execution State Change", "time": "2026-11-23T10:00:00Z",
        "resources": ["arn:aws:codepipeline:us-east-1:123456789012:frontend"],
        "detail": { "pipeline": "frontend", "execution-id": "01234567", "state": "SUCCEEDED", "version": 3.0 } });
    let expected = PipelineEvent {
        service: PipelineService::CodePipeline,
        name: "frontend".to_owned(),
        state: "SUCCEEDED".to_owned(),
        execution: "01234567".to_owned(),
    };
    assert_eq!((one(&event).id.as_str(), one(&event).kind), ("01234567@SUCCEEDED", Kind::Pipeline(expected)));
    event["detail"]["pipeline-execution-attempt"] = json!(2.0);
    assert_eq!(one(&event).id, "01234567#2.0@SUCCEEDED");
    event["detail-type"] = json!("CodePipeline Stage Execution State Change");
    assert_eq!(parsed(&event).unwrap_err().kind(), "UnknownEvent");
}

#[test]
fn a_step_functions_task_is_told_by_execution_and_state() {
    let event = json!({ "step_functions": { "execution": "arn:aws:states:x", "state": "ScaleUp" }, "request": { "by": 1, "dry_run": true } });
    let trigger = one(&event);
    assert_eq!(trigger.id, "arn:aws:states:x/ScaleUp");
    let asked = trigger.asked().unwrap();
    assert!(asked.dry_run);
    assert_eq!(Value::Object(asked.request.clone()), json!({ "by": 1 }));
}

#[test]
fn a_persons_request_keeps_its_own_fields_apart() {
    let trigger = one(&json!({ "desired_count": 6, "reason": "sale", "dry_run": true }));
    assert_eq!(trigger.id, "request-1");
    let expected = Asked {
        dry_run: true,
        approve: None,
        reason: Some("sale".to_owned()),
        request: [("desired_count".to_owned(), json!(6))].into_iter().collect(),
        ..Asked::default()
    };
    assert_eq!(trigger.kind, Kind::Person(expected));
}

#[test]
fn times_are_read_as_aws_writes_them() {
    let at: Timestamp = "2026-11-23T10:00:00.123Z".parse().unwrap();
    for text in [
        "2026-11-23T10:00:00.123+0000",
        "2026-11-23T10:00:00.123Z",
        "2026-11-23T10:00:00.123",
        "2026-11-23T12:00:00.123+02:00",
    ] {
        assert_eq!(time("alarm", text).unwrap(), at, "{text}");
    }
}

#[test]
fn what_is_too_long_is_not_read() {
    let request = |length: usize| format!("{{\"paths\": \"{}\"}}", "x".repeat(length - 13));
    refuses(
        &request(MAX_BODY_BYTES + 1),
        "InvalidRequest",
        "the request has 262145 bytes, but may have 262144",
    );
    let longest = Invocation {
        body: request(MAX_BODY_BYTES),
        request_id: "request-1".to_owned(),
        deadline: Timestamp::UNIX_EPOCH,
        function_arn: String::new(),
    };
    assert_eq!(parse(&longest).unwrap().len(), 1);
}

#[test]
fn what_is_nested_too_deeply_is_not_read() {
    let request =
        |levels: usize| format!("{{\"by\": {}1{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    refuses(&request(MAX_DEPTH + 1), "InvalidRequest", "nested more than 64 levels deep");
    refuses(&request(200), "InvalidJson", "recursion limit exceeded");
    let deepest = Invocation {
        body: request(MAX_DEPTH),
        request_id: "request-1".to_owned(),
        deadline: Timestamp::UNIX_EPOCH,
        function_arn: String::new(),
    };
    assert_eq!(parse(&deepest).unwrap().len(), 1);
}

#[test]
fn bad_input_is_named() {
    refuses("", "EmptyRequest", "the request is empty");
    refuses(" \n", "EmptyRequest", "the request is empty");
    refuses("{\"by\": ", "InvalidJson", "EOF while parsing");
    refuses("[1]", "InvalidRequest", "must be a JSON object, and is a list");
    refuses("5", "InvalidRequest", "must be a JSON object, and is a number");
    refuses("\"x\"", "InvalidRequest", "must be a JSON object, and is text");
    refuses("null", "InvalidRequest", "must be a JSON object, and is null");
    // A script without an id sends this, and asks for no restart.
    for field in ["approve", "reject", "desired_count", "by", "paths", "dry_run", "reason"] {
        let says = format!("`{field}` is null: give it a value, or leave it out");
        refuses(&format!("{{\"{field}\": null}}"), "InvalidRequest", &says);
    }
    refuses("true", "InvalidRequest", "must be a JSON object, and is true or false");
    refuses(
        "{\"dry_run\": \"yes\"}",
        "InvalidRequest",
        "`dry_run` must be true or false, not the text \"yes\"",
    );
    refuses("{\"approve\": \"\"}", "InvalidRequest", "`approve` is empty");
    refuses("{\"approve\": \"x\", \"by\": 2}", "InvalidRequest", "`by` beside an approval is the name");
    refuses("{\"approve\": \"x\", \"to\": 2}", "InvalidRequest", "send `approve` without to");
    refuses(
        "{\"approve\": \"x\", \"reject\": \"x\"}",
        "InvalidRequest",
        "send one of `approve` and `reject`",
    );
    refuses("{\"approve\": \"x\", \"ask\": true}", "InvalidRequest", "leave out `ask` and `asked_by`");
    refuses("{\"ask\": \"yes\"}", "InvalidRequest", "`ask` must be true or false");
    refuses("{\"reject\": \" \"}", "InvalidRequest", "`reject` is empty");
    refuses("{\"override\": true, \"reason\": \" \"}", "InvalidRequest", "`override` needs a `reason`");
    refuses("{\"Records\": []}", "UnknownEvent", "top-level keys are: Records");
    refuses("{\"Records\": [{\"s3\": {}}]}", "UnknownEvent", "top-level keys are: Records");
    refuses(
        "{\"detail-type\": \"EC2 Instance\", \"source\": \"aws.ec2\"}",
        "UnknownEvent",
        "`EC2 Instance` from `aws.ec2`",
    );
    refuses("{\"AlarmName\": \"x\"}", "InvalidRequest", "missing field `NewStateValue`");
    refuses("{\"alarmData\": 5, \"alarmArn\": \"x\"}", "InvalidRequest", "this alarm cannot be read");
    let mut bad_time = sns_message(&Value::Null);
    bad_time["StateChangeTime"] = json!("yesterday");
    refuses(&bad_time.to_string(), "InvalidRequest", "`yesterday`");
    let map: BTreeMap<String, u8> = ["source", "detail"].map(|key| (key.to_owned(), 1)).into();
    refuses(&json!(map).to_string(), "UnknownEvent", "top-level keys are: detail, source");
}

proptest::proptest! {
    #[test]
    fn no_body_makes_the_parser_panic(body in ".*", text in "[{}\\[\\]\",:a-zA-Z0-9 .-]{0,60}") {
        let message = json!({ "Records": [record(TOPIC, &text)] }).to_string();
        for body in [body, format!("{{\"AlarmName\":{text}}}"), message] {
            let _ = parse(&Invocation { body, request_id: String::new(), deadline: Timestamp::UNIX_EPOCH, function_arn: String::new() });
        }
    }
}

#[test]
fn a_field_that_is_there_twice_is_refused_at_any_depth() {
    refuses(
        r#"{"dry_run":true,"by":1,"dry_run":false}"#,
        "InvalidRequest",
        "the field `dry_run` is there twice",
    );
    refuses(r#"{"a":[{"b":{"c":1,"c":2}}]}"#, "InvalidRequest", "the field `c` is there twice");
    let message = r#"{"AlarmName":"a","NewStateValue":"OK","NewStateValue":"ALARM"}"#;
    let event = json!({ "Records": [record(TOPIC, message)] });
    refuses(&event.to_string(), "InvalidRequest", "the field `NewStateValue` is there twice");
}

/// `by` is a number of `scale-up`'s own, or a name.
#[test]
fn who_asks_is_kept_with_the_request_and_is_no_field_of_a_remedys_own() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Own {
        by: Option<i64>,
    }
    let read = |body: Value| {
        let trigger = one(&body);
        let asked = trigger.asked().unwrap().clone();
        let own = asked.request::<Own>().map(|own| own.by).map_err(|error| error.to_string());
        (asked.asker(), own, trigger.words())
    };
    let some = |by: &str| Some(by.to_owned());
    let asked = |words: &str| words.to_owned();
    assert_eq!(
        read(json!({ "by": "claude-code for alice", "reason": "memory grows" })),
        (some("claude-code for alice"), Ok(None), asked("asked by claude-code for alice: memory grows"))
    );
    assert_eq!(read(json!({ "by": 2 })), (None, Ok(Some(2)), asked("asked by hand")));
    let both = json!({ "by": 2, "asked_by": "alice" });
    assert_eq!(read(both), (some("alice"), Ok(Some(2)), asked("asked by alice")));
    // A number in quotes was meant to be one.
    let (by, own, _) = read(json!({ "by": "2" }));
    assert_eq!((by, own.is_err_and(|error| error.contains("`by` must be a whole number"))), (None, true));
    // It is there when the plan is carried out.
    let trigger = one(&json!({ "by": "alice", "ask": true }));
    let kept: Trigger = serde_json::from_value(serde_json::to_value(&trigger).unwrap()).unwrap();
    let kept = kept.asked().unwrap();
    assert_eq!((kept.ask, kept.asker()), (true, some("alice")));
}

#[test]
fn what_makes_no_plans_has_nothing_to_ask_about() {
    let asked = one(&json!({ "ask": true })).asked().unwrap().clone();
    let refused = asked.request_without_plan::<serde_json::Map<String, Value>>().unwrap_err();
    assert!(refused.to_string().contains("makes no plans"), "{refused}");
}

#[test]
fn a_person_writes_no_more_than_2000_characters() {
    let longest = "ä".repeat(2_000);
    assert!(parsed(&json!({ "reason": longest })).is_ok());
    for body in
        [json!({ "reason": format!("{longest}x") }), json!({ "approve": "1", "by": format!("{longest}x") })]
    {
        refuses(&body.to_string(), "InvalidRequest", "has 2001 characters, but may have 2000 at most");
    }
}

fn foreign(body: &Value) -> Option<String> {
    foreign_in("us-east-1", body)
}

fn foreign_in(region: &str, body: &Value) -> Option<String> {
    let triggers = parse(&Invocation {
        body: body.to_string(),
        request_id: "request-1".to_owned(),
        deadline: Timestamp::UNIX_EPOCH,
        function_arn: format!("arn:aws:lambda:{region}:123456789012:function:f"),
    });
    triggers.unwrap().remove(0).origin.foreign
}

/// EventBridge brings it from bus to bus, as it is; me-south-1 has to be opted into.
#[test]
fn an_alarm_of_cloudfronts_region_is_ours_in_every_region() {
    let mut event = event_bridge(&json!([]));
    event["account"] = json!("123456789012");
    event["region"] = json!("us-east-1");
    for region in ["us-east-1", "eu-central-1", "me-south-1"] {
        assert_eq!(foreign_in(region, &event), None, "{region}");
        let other = event.to_string().replace("us-east-1", "us-west-2").parse().unwrap();
        assert!(foreign_in(region, &other).is_some(), "{region}");
    }
}

#[test]
fn an_event_of_another_account_or_region_is_foreign_by_every_route() {
    let ours = [direct(&json!([])), event_bridge(&json!([])), sns(&[sns_message(&Value::Null)]), json!({})];
    for body in &ours {
        assert_eq!(foreign(body), None, "{body}");
    }
    for body in &ours[..3] {
        let other = body.to_string().replace("123456789012", "999999999999").parse().unwrap();
        assert!(foreign(&other).unwrap().contains("account 999999999999"), "{other}");
        let other = body.to_string().replace("us-east-1", "eu-west-1").parse().unwrap();
        assert!(foreign(&other).unwrap().contains("eu-west-1"), "{other}");
        let other = body.to_string().replace("arn:aws:", "arn:aws-cn:").parse().unwrap();
        assert!(foreign(&other).is_some(), "{other}");
    }
    let pipeline = json!({ "detail-type": "CodePipeline Pipeline Execution State Change", "source": "aws.codepipeline",
        "account": "999999999999", "region": "us-east-1", "time": "2026-11-23T10:00:00Z", "resources": [],
        "detail": { "pipeline": "p", "state": "SUCCEEDED", "execution-id": "1" } });
    assert_eq!(foreign(&pipeline), Some("account 999999999999".to_owned()));
}

#[test]
fn a_message_says_which_topic_brought_it() {
    let topic = "arn:aws:sns:us-east-1:123456789012:restart-alarms";
    let event = json!({ "Records": [record(topic, &sns_message(&Value::Null).to_string())] });
    assert_eq!(one(&event).origin.topic.as_deref(), Some(topic));
}
