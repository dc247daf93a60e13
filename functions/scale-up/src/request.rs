//! What is asked of `scale-up`.

use serde::{Deserialize, Serialize};
use shared::{
    code,
    error::Error,
    outcome::{Next, Stop},
    trigger::{Alarm, Kind, Trigger},
};

use crate::{
    codes,
    settings::{ECS_MAX_TASKS, Settings},
};

/// The metrics that more tasks bring down.
const LOAD_METRICS: [&str; 3] = ["CPUUtilization", "MemoryUtilization", "TargetResponseTime"];

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// The one that a person names, or the stack's.
    pub service: String,
    pub goal: Goal,
    /// The alarm that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Alarm>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Half as many tasks again.
    Step,
    /// This many tasks.
    DesiredCount(u32),
    /// This many more tasks.
    By(u32),
    /// Another step while a load alarm lasts, since an alarm calls only once; when it is over, the minimum
    /// that was raised back to what it was.
    LookAfter,
}

/// A person's JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    service: Option<String>,
    desired_count: Option<i64>,
    by: Option<i64>,
}

pub(crate) fn from_trigger(trigger: &Trigger, settings: &Settings) -> Result<Request, Error> {
    let service = settings.service.clone();
    match &trigger.kind {
        Kind::Alarm(alarm) => Ok(Request { service, goal: Goal::Step, alarm: Some(alarm.clone()) }),
        Kind::Schedule { .. } => Ok(Request { service, goal: Goal::LookAfter, alarm: None }),
        Kind::Ecs(event) => Err(Error::InvalidRequest(format!(
            "scale-up is not woken by `{}`: send it alarms, a schedule or a request by hand",
            event.detail_type
        ))),
        Kind::Pipeline(event) => Err(Error::InvalidRequest(format!(
            "scale-up is not woken by the end of `{}`: send it alarms, a schedule or a request by hand",
            event.name
        ))),
        Kind::Person(asked) | Kind::StepFunctions { asked, .. } => {
            let ByHand { service: named, desired_count, by } = asked.request()?;
            let goal = match (desired_count, by) {
                (Some(_), Some(_)) => {
                    return Err(Error::InvalidRequest(
                        "send either `desired_count` or `by`, not both".to_owned(),
                    ));
                }
                (Some(count), None) => Goal::DesiredCount(tasks("desired_count", count)?),
                (None, Some(count)) => Goal::By(tasks("by", count)?),
                (None, None) => Goal::Step,
            };
            Ok(Request { service: named.unwrap_or(service), goal, alarm: None })
        }
    }
}

fn tasks(field: &str, count: i64) -> Result<u32, Error> {
    u32::try_from(count).ok().filter(|count| (1..=ECS_MAX_TASKS).contains(count)).ok_or_else(|| {
        Error::InvalidRequest(format!(
            "`{field}` is {count}, but must be a whole number from 1 to {ECS_MAX_TASKS}"
        ))
    })
}

/// The service to be scaled, if the settings allow it and the alarm is one that more tasks can help.
pub(crate) fn target(request: &Request, settings: &Settings) -> Result<String, Stop> {
    let wire_to = || Next::devops("correct which alarms call scale-up, in template.yaml");
    if let Some(alarm) = &request.alarm {
        let watched: Vec<&str> = alarm.metrics.iter().map(|metric| metric.name.as_str()).collect();
        // A composite alarm has no metrics: trust its wiring.
        if !watched.is_empty() && !watched.iter().any(|name| LOAD_METRICS.contains(name)) {
            let reason = format!(
                "alarm {} watches {}, which more tasks do not help",
                alarm.name,
                watched.join(" and ")
            );
            return Err(Stop::refused(&codes::NOT_A_LOAD_ALARM, reason).next(wire_to()));
        }
        for (dimension, ours) in [("ClusterName", &settings.cluster), ("ServiceName", &settings.service)] {
            if let Some(other) = alarm.dimension(dimension).filter(|name| name != ours) {
                let reason = format!("alarm {} is about {dimension} {other}, not {ours}", alarm.name);
                return Err(Stop::refused(&code::NOT_ALLOWED, reason).next(wire_to()));
            }
        }
    }
    if request.service != settings.service {
        return Err(Stop::refused(
            &code::NOT_ALLOWED,
            format!("service {} is not this stack's, which is {}", request.service, settings.service),
        ));
    }
    Ok(settings.target())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use shared::{lambda::Invocation, trigger};

    use super::*;

    fn settings() -> Settings {
        Settings {
            cluster: "lendpeak2-production".to_owned(),
            service: "backend".to_owned(),
            max_tasks: 10,
            raised_minimum: Duration::from_hours(1),
            load_alarms: vec!["lendpeak2-production-ecs-cpu".to_owned()],
            stack: shared::alarms::Stack::default(),
        }
    }

    fn read(body: &Value) -> Result<Request, Error> {
        let invocation = Invocation {
            body: body.to_string(),
            request_id: "r".to_owned(),
            deadline: jiff::Timestamp::MAX,
            function_arn: String::new(),
        };
        let triggers = trigger::parse(&invocation)?;
        from_trigger(&triggers[0], &settings())
    }

    fn asks(body: &Value, service: &str, goal: Goal) {
        assert_eq!(read(body).unwrap(), Request { service: service.to_owned(), goal, alarm: None });
    }

    fn refuses(body: &Value, message: &str) {
        let error = read(body).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), ("InvalidRequest", message));
    }

    #[test]
    fn a_person_names_a_count_or_a_difference_or_nothing() {
        asks(&json!({}), "backend", Goal::Step);
        asks(&json!({"service": "worker", "by": 2}), "worker", Goal::By(2));
        asks(&json!({"desired_count": 6, "reason": "sale"}), "backend", Goal::DesiredCount(6));
    }

    #[test]
    fn bad_requests_say_what_to_change() {
        refuses(&json!({"by": 1, "desired_count": 3}), "send either `desired_count` or `by`, not both");
        refuses(
            &json!({"desired_count": -3}),
            "`desired_count` is -3, but must be a whole number from 1 to 5000",
        );
        refuses(
            &json!({"by": 99_999_999_999_i64}),
            "`by` is 99999999999, but must be a whole number from 1 to 5000",
        );
        refuses(
            &json!({"desird_count": 3}),
            "unknown field `desird_count`: this function takes `service`, `desired_count`, `by`, `reason`, `dry_run`, `verbose`, `approve`, `reject`, `override`, `ask` and `asked_by`",
        );
        refuses(
            &json!({"desired_count": "six"}),
            "`desired_count` must be a whole number, not the text \"six\"",
        );
    }

    #[test]
    fn a_schedule_looks_after_the_service() {
        let event = json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "time": "2026-11-23T10:00:00Z", "resources": []});
        asks(&event, "backend", Goal::LookAfter);
    }

    fn alarm(metric: &str, dimensions: &[(&str, &str)]) -> Request {
        let dimensions =
            dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let metric = trigger::Metric { namespace: "AWS/ECS".to_owned(), name: metric.to_owned(), dimensions };
        let alarm = Alarm {
            name: "high".to_owned(),
            arn: "arn".to_owned(),
            state: trigger::AlarmState::Alarm,
            reason: String::new(),
            from_no_data: false,
            metrics: vec![metric],
        };
        Request { service: settings().service, goal: Goal::Step, alarm: Some(alarm) }
    }

    #[test]
    fn an_alarm_scales_only_the_stack_it_is_set_up_for() {
        let here = [("ClusterName", "lendpeak2-production"), ("ServiceName", "backend")];
        let code = |request: &Request| target(request, &settings()).map_err(|stop| stop.code.name());
        assert_eq!(
            code(&alarm("CPUUtilization", &here)),
            Ok("service/lendpeak2-production/backend".to_owned())
        );
        assert_eq!(code(&alarm("CPUUtilization", &[("ClusterName", "other")])), Err("not_allowed"));
        assert_eq!(code(&alarm("CPUUtilization", &[("ServiceName", "other")])), Err("not_allowed"));
        assert_eq!(code(&alarm("HTTPCode_Target_5XX_Count", &[])), Err("not_a_load_alarm"));
    }

    #[test]
    fn a_person_scales_only_the_stacks_service() {
        let by_hand = |service: &str| read(&json!({ "service": service })).unwrap();
        let code = |service: &str| target(&by_hand(service), &settings()).map_err(|stop| stop.code.name());
        assert_eq!(code("backend"), Ok("service/lendpeak2-production/backend".to_owned()));
        assert_eq!(code("worker"), Err("not_allowed"));
    }
}
