//! What is asked of `restart`.

use serde::{Deserialize, Serialize};
use shared::{
    code,
    error::Error,
    outcome::{Next, Stop},
    trigger::{Alarm, Kind, Trigger},
};

use crate::settings::Settings;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    pub goal: Goal,
    /// The alarm that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Alarm>,
    /// The topic that brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Fresh tasks in place of those that run.
    FreshTasks,
    /// Only see how the last restart went.
    LookAfter,
}

/// A person's JSON: there is one service, and nothing to choose.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {}

pub(crate) fn from_trigger(trigger: &Trigger) -> Result<Request, Error> {
    let not_woken_by = |what: String| {
        Err(Error::InvalidRequest(format!(
            "restart is not woken by {what}: send it an alarm, a schedule or a request by hand"
        )))
    };
    match &trigger.kind {
        Kind::Alarm(alarm) => Ok(Request {
            goal: Goal::FreshTasks,
            alarm: Some(alarm.clone()),
            topic: trigger.origin.topic.clone(),
        }),
        Kind::Schedule { .. } => Ok(Request { goal: Goal::LookAfter, alarm: None, topic: None }),
        Kind::Ecs(event) => not_woken_by(format!("`{}`", event.detail_type)),
        Kind::Pipeline(event) => not_woken_by(format!("the end of `{}`", event.name)),
        Kind::Person(asked) | Kind::StepFunctions { asked, .. } => {
            let ByHand {} = asked.request()?;
            Ok(Request { goal: Goal::FreshTasks, alarm: None, topic: None })
        }
    }
}

/// The service, or a refusal if the alarm watches another one.
pub(crate) fn target(request: &Request, settings: &Settings) -> Result<String, Stop> {
    if let Some(alarm) = &request.alarm {
        settings.stack.is_wired(alarm, request.topic.as_deref()).map_err(|why| why.stop(crate::FUNCTION))?;
        for (dimension, ours) in [("ClusterName", &settings.cluster), ("ServiceName", &settings.service)] {
            if let Some(other) = alarm.dimension(dimension).filter(|name| name != ours) {
                let reason = format!("alarm {} is about {dimension} {other}, not {ours}", alarm.name);
                return Err(Stop::refused(&code::NOT_ALLOWED, reason)
                    .next(Next::devops("correct which alarms call restart, in template.yaml")));
            }
        }
    }
    Ok(settings.target())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shared::{
        lambda::Invocation,
        trigger::{self, AlarmState, Metric},
    };

    use super::*;
    use crate::plan::tests::settings;

    fn read(body: &Value) -> Result<Request, Error> {
        let invocation = Invocation {
            body: body.to_string(),
            request_id: "r".to_owned(),
            deadline: jiff::Timestamp::MAX,
            function_arn: String::new(),
        };
        from_trigger(&trigger::parse(&invocation)?[0])
    }

    fn asks(body: &Value, goal: Goal) {
        assert_eq!(read(body).unwrap(), Request { goal, alarm: None, topic: None }, "{body}");
    }

    fn refuses(body: &Value, message: &str) {
        let error = read(body).unwrap_err();
        assert_eq!(error.kind(), "InvalidRequest");
        assert!(error.to_string().starts_with(message), "{error}");
    }

    #[test]
    fn a_person_and_a_state_machine_ask_for_fresh_tasks_and_a_schedule_for_a_look() {
        asks(&json!({}), Goal::FreshTasks);
        asks(&json!({ "reason": "memory grows", "dry_run": true }), Goal::FreshTasks);
        asks(&json!({ "approve": "0123456789ab" }), Goal::FreshTasks);
        let state = json!({ "execution": "arn", "state": "Restart" });
        asks(&json!({ "step_functions": state, "request": { "reason": "leak" } }), Goal::FreshTasks);
        let tick = json!({ "source": "aws.scheduler", "detail-type": "Scheduled Event",
            "time": "2026-11-23T10:00:00Z", "resources": [] });
        asks(&tick, Goal::LookAfter);
    }

    #[test]
    fn bad_requests_say_what_to_change() {
        refuses(&json!({ "service": "backend" }), "unknown field `service`: this function takes `reason`");
        refuses(&json!({ "dry_run": "yes" }), "`dry_run` must be true or false, not the text");
        let placement = json!({ "source": "aws.ecs", "detail-type": "ECS Service Action", "id": "1",
            "time": "2026-11-23T10:00:00Z", "resources": ["arn"], "detail": { "eventName": "SERVICE_STEADY_STATE" } });
        refuses(&placement, "restart is not woken by `ECS Service Action`: send it an alarm");
    }

    fn code(metric: &str, dimensions: &[(&str, &str)]) -> Result<String, &'static str> {
        let dimensions =
            dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let metric = Metric { namespace: "AWS/ECS".to_owned(), name: metric.to_owned(), dimensions };
        let alarm = Alarm {
            name: "leak".to_owned(),
            arn: String::new(),
            state: AlarmState::Alarm,
            reason: String::new(),
            from_no_data: false,
            metrics: vec![metric],
        };
        target(
            &Request { goal: Goal::FreshTasks, alarm: Some(alarm), topic: settings().stack.topic },
            &settings(),
        )
        .map_err(|stop| stop.code.name())
    }

    #[test]
    fn an_alarm_restarts_only_the_service_it_is_about() {
        let service = Ok("service/lendpeak2-production/backend".to_owned());
        let cluster = ("ClusterName", "lendpeak2-production");
        assert_eq!(code("MemoryUtilization", &[cluster, ("ServiceName", "backend")]), service);
        assert_eq!(code("DatabaseConnections", &[("DBClusterIdentifier", "lendpeak2-production")]), service);
        assert_eq!(code("MemoryUtilization", &[cluster, ("ServiceName", "worker")]), Err("not_allowed"));
        assert_eq!(code("MemoryUtilization", &[("ClusterName", "other")]), Err("not_allowed"));
    }
}
