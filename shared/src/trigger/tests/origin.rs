//! Whose event it is.

use super::*;

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
