//! What EventBridge and its schedules bring.

use super::*;

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
