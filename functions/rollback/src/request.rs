//! What is asked of `rollback`.

use serde::{Deserialize, Serialize};
use shared::{
    code,
    error::Error,
    outcome::{Next, Stop},
    trigger::{Alarm, EcsEvent, Here, Kind, Trigger},
};

use crate::{codes, settings::Settings};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    pub to: To,
    pub because: Because,
}

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum To {
    /// The newest release that is known to be good.
    LastGood,
    /// The release of this task definition: `family:revision`.
    Revision(String),
    /// The release of this service revision or service deployment: its ARN.
    Release(String),
    /// Nowhere: see how the last roll-back went.
    LookAfter,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    Alarm(Alarm),
    Deployment(EcsEvent),
    Person,
    Schedule,
}

/// A person's JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    to: Option<String>,
}

pub(crate) fn from_trigger(trigger: &Trigger) -> Result<Request, Error> {
    let here = trigger.origin.here.as_ref();
    let (to, because) = match &trigger.kind {
        Kind::Alarm(alarm) => (To::LastGood, Because::Alarm(alarm.clone())),
        Kind::Ecs(event) => (To::LastGood, Because::Deployment(event.clone())),
        Kind::Schedule { .. } => (To::LookAfter, Because::Schedule),
        Kind::Pipeline(_) => {
            return Err(Error::InvalidRequest(
                "rollback is not woken by builds and pipelines: send it alarms, failed deployments, a schedule or \
                 a request by hand"
                    .to_owned(),
            ));
        }
        Kind::Person(asked) | Kind::StepFunctions { asked, .. } => {
            let ByHand { to } = asked.request()?;
            // A stored plan has its own request.
            let to = if asked.decides() { To::LastGood } else { parse_to(to.as_deref(), here)? };
            (to, Because::Person)
        }
    };
    Ok(Request { to, because })
}

fn parse_to(to: Option<&str>, here: Option<&Here>) -> Result<To, Error> {
    let invalid = |problem: String| {
        Error::InvalidRequest(format!(
            "{problem}: send {{\"to\": \"previous\"}} for the last good release, or name one by its task definition \
             (`family:revision`) or by the ARN of a service revision or service deployment"
        ))
    };
    let to = to.ok_or_else(|| invalid("`to` is missing".to_owned()))?;
    if to == "previous" {
        return Ok(To::LastGood);
    }
    if let Some((here, elsewhere)) = here.and_then(|here| Some((here, here.elsewhere(to)?))) {
        return Err(Error::InvalidRequest(format!("`to` is of {elsewhere}, and this service is of {here}")));
    }
    if to.starts_with("arn:") && (to.contains(":service-revision/") || to.contains(":service-deployment/")) {
        return Ok(To::Release(to.to_owned()));
    }
    let named = to.rsplit_once(":task-definition/").map_or(to, |(_, named)| named);
    named
        .rsplit_once(':')
        .filter(|(family, revision)| {
            let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            !family.is_empty() && family.chars().all(letters) && revision.parse::<u32>().is_ok_and(|n| n > 0)
        })
        .map(|_| To::Revision(named.to_owned()))
        .ok_or_else(|| invalid(format!("`to` is `{to}`")))
}

/// The service, if the request may concern it.
pub(crate) fn target(request: &Request, settings: &Settings) -> Result<String, Stop> {
    let target = settings.target();
    let wire_to = || Next::devops("correct what wakes rollback, in template.yaml");
    match &request.because {
        Because::Alarm(alarm) => {
            let watched: Vec<&str> = alarm.metrics.iter().map(|metric| metric.name.as_str()).collect();
            // A composite alarm has no metrics of its own: whoever wired it here knew why.
            if !watched.is_empty() && !watched.iter().any(|name| name.contains("5XX")) {
                let reason = format!(
                    "alarm {} watches {}, which tells nothing about a release: rollback is for the 5xx rate",
                    alarm.name,
                    watched.join(" and ")
                );
                return Err(Stop::refused(&codes::NOT_AN_ERROR_ALARM, reason).next(wire_to()));
            }
        }
        Because::Deployment(event) => {
            if event.event_name.as_deref() != Some("SERVICE_DEPLOYMENT_FAILED") {
                let name = event.event_name.as_deref().unwrap_or(&event.detail_type);
                let reason = format!("{name} is no failed deployment");
                return Err(Stop::nothing_to_do(&codes::DEPLOYMENT_NOT_FAILED, reason));
            }
            if event.resource.ends_with(&format!(":service/{}", settings.service)) {
                return Err(short_arn(&event.resource));
            }
            if !event.resource.ends_with(&format!(":{target}")) {
                let reason = format!("the deployment is of {}, not of {target}", event.resource);
                return Err(Stop::refused(&code::NOT_ALLOWED, reason).next(wire_to()));
            }
        }
        Because::Person => {
            if let To::Release(arn) = &request.to
                && !arn.contains(&format!("/{}/{}/", settings.cluster, settings.service))
            {
                if arn.matches('/').count() == 2 && arn.contains(&format!("/{}/", settings.service)) {
                    return Err(short_arn(arn));
                }
                let reason = format!("{arn} is not a release of {target}");
                return Err(Stop::refused(&code::NOT_ALLOWED, reason));
            }
        }
        Because::Schedule => {}
    }
    Ok(target)
}

/// It may be of any cluster.
fn short_arn(arn: &str) -> Stop {
    Stop::refused(&codes::SHORT_ARN, format!("{arn} does not say of which cluster the service is")).next(Next::devops(
        "have ECS name the service by its long ARN: \
         https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html#ecs-resource-ids; to \
         roll back now, send {\"to\": \"previous\"} by hand",
    ))
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

    fn asks(to: &str, expected: To) {
        let request = read(&json!({ "to": to, "reason": "the new one answers 500" })).unwrap();
        assert_eq!(request, Request { to: expected, because: Because::Person });
    }

    fn refuses(body: &Value, message: &str) {
        let error = read(body).unwrap_err();
        assert_eq!(error.kind(), "InvalidRequest");
        assert!(error.to_string().starts_with(message), "{error}");
    }

    #[test]
    fn a_person_names_a_release_or_leaves_the_choice() {
        let revision = "arn:aws:ecs:us-east-1:123456789012:service-revision/lendpeak2-production/backend/42";
        asks("previous", To::LastGood);
        asks("lendpeak2-backend-production:123", To::Revision("lendpeak2-backend-production:123".to_owned()));
        asks("arn:aws:ecs:us-east-1:123456789012:task-definition/a_b:7", To::Revision("a_b:7".to_owned()));
        asks(revision, To::Release(revision.to_owned()));
    }

    #[test]
    fn a_stored_plan_is_approved_and_rejected_without_a_release() {
        for decision in ["approve", "reject"] {
            assert_eq!(read(&json!({ decision: "0123456789ab" })).unwrap().to, To::LastGood);
        }
    }

    #[test]
    fn bad_requests_say_what_to_send() {
        refuses(&json!({}), "`to` is missing: send {\"to\": \"previous\"}");
        for to in
            ["", "latest", "backend", "backend:", "backend:0", "backend:-1", ":7", "a b:7", "arn:aws:s3:::x"]
        {
            refuses(&json!({ "to": to }), &format!("`to` is `{to}`: send"));
        }
        refuses(&json!({ "to": 7 }), "`to` must be text, not the number 7");
        refuses(&json!({ "too": "previous" }), "unknown field `too`: this function takes `to`, `reason`");
    }

    fn code(because: Because) -> Result<String, &'static str> {
        let request = Request { to: To::LastGood, because };
        target(&request, &settings()).map_err(|stop| stop.code.name())
    }

    fn alarm(metric: &str) -> Because {
        let metric = Metric {
            namespace: "AWS/ApplicationELB".to_owned(),
            name: metric.to_owned(),
            dimensions: [].into(),
        };
        Because::Alarm(Alarm {
            name: "a".to_owned(),
            arn: String::new(),
            state: AlarmState::Alarm,
            reason: String::new(),
            from_no_data: false,
            metrics: vec![metric],
        })
    }

    fn deployment(name: &str, service: &str) -> Because {
        Because::Deployment(EcsEvent {
            detail_type: "ECS Deployment State Change".to_owned(),
            event_name: Some(name.to_owned()),
            deployment: Some("ecs-svc/1".to_owned()),
            resource: format!("arn:aws:ecs:us-east-1:123456789012:service/lendpeak2-production/{service}"),
            reason: None,
        })
    }

    #[test]
    fn only_error_alarms_and_failed_deployments_of_this_service_count() {
        let service = Ok("service/lendpeak2-production/backend".to_owned());
        assert_eq!(code(alarm("HTTPCode_Target_5XX_Count")), service);
        assert_eq!(code(alarm("CPUUtilization")), Err("not_an_error_alarm"));
        assert_eq!(code(deployment("SERVICE_DEPLOYMENT_FAILED", "backend")), service);
        assert_eq!(code(deployment("SERVICE_DEPLOYMENT_FAILED", "worker")), Err("not_allowed"));
        assert_eq!(code(deployment("SERVICE_DEPLOYMENT_COMPLETED", "backend")), Err("deployment_not_failed"));
    }
}
