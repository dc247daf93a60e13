//! The alias by which a chat's button shows an incident, and whoever may only look sees the report. Lambda does not say who calls, so nothing is changed by it.

use shared::{
    error::Error,
    lambda::Invocation,
    notice::LOOK,
    trigger::{self, Kind},
};

use crate::request::Request;

/// Whether the function may do what it is asked, by the name that it was called by. This comes before all else: an event
/// says itself who it is from, and anybody in the chat may write one.
pub(super) fn permit(invocation: &Invocation) -> Result<(), Error> {
    if invocation.alias() != Some(LOOK) {
        return Ok(());
    }
    for trigger in trigger::parse(invocation)? {
        let looks = match &trigger.kind {
            Kind::Person(asked) => Request::new(&trigger, asked)?.only_looks(),
            _ => false,
        };
        if !looks {
            let ways = r#"send {"list": true}, {"show": "<id>"} or {"report": {"days": 7}}"#;
            let only = format!("by its alias `{LOOK}`, incident only shows: {ways}");
            return Err(Error::InvalidRequest(only));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use serde_json::{Value, json};

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:lendpeak2-production-incident";

    #[track_caller]
    fn permits(arn: &str, request: &Value, expected: bool) {
        let (body, request_id) = (request.to_string(), "one".to_owned());
        let invocation =
            Invocation { body, request_id, deadline: Timestamp::MAX, function_arn: arn.to_owned() };
        assert_eq!(permit(&invocation).is_ok(), expected, "{arn}: {request}");
    }

    #[test]
    fn by_the_alias_of_a_button_it_shows_and_changes_nothing() {
        let id = "20261124-140000-service-down";
        let changes = [
            json!({ "open": { "title": "down" } }),
            json!({ "note": id, "text": "seen" }),
            json!({ "acknowledge": id, "by": "Ana" }),
            json!({ "escalate": id }),
            json!({ "resolve": id }),
            json!({ "update_status": { "component": "api", "status": "down", "message": "down" } }),
            json!({ "stop": "all" }),
            json!({ "go": "all" }),
            json!({ "step_functions": { "execution": "one", "state": "Take" }, "request": { "step": { "take": {} } } }),
            json!({ "Records": [{ "eventSource": "aws:sqs", "messageId": "one", "body": format!("acknowledge:{id}"),
                "attributes": { "SenderId": "AROAEXAMPLE:ana@example.com", "SentTimestamp": "1764000000000" } }] }),
            json!({ "source": "aws.scheduler", "detail-type": "Scheduled Event", "id": "one",
                "time": "2026-11-24T14:00:00Z", "detail": {} }),
        ];
        for (alias, may) in [("", true), (":live", true), (":look", false)] {
            let arn = format!("{ARN}{alias}");
            for request in &changes {
                permits(&arn, request, may);
            }
            for request in [
                json!({}),
                json!({ "list": true }),
                json!({ "show": id }),
                json!({ "report": { "days": 7 } }),
            ] {
                permits(&arn, &request, true);
            }
        }
    }
}
