//! ECS events: deployment state change, service action, task state change. The first names its service only
//! in `resources`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Origin, Trigger, read, time};
use crate::{error::Error, text};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EcsEvent {
    /// As in `ECS Deployment State Change`.
    pub detail_type: String,
    /// As in `SERVICE_DEPLOYMENT_FAILED`; a task's event has none.
    pub event_name: Option<String>,
    /// As in `ecs-svc/1234`, when it is about a deployment.
    #[serde(default)]
    pub deployment: Option<String>,
    /// The service's or the task's ARN.
    pub resource: String,
    pub reason: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    time: String,
    resources: Vec<String>,
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    event_name: Option<String>,
    deployment_id: Option<String>,
    reason: Option<String>,
    stopped_reason: Option<String>,
}

pub(super) fn parse(event: &Value) -> Result<Trigger, Error> {
    let event: Event = read("ECS event", event)?;
    let resource = event
        .resources
        .into_iter()
        .next()
        .ok_or_else(|| Error::InvalidRequest("this ECS event names nothing in `resources`".to_owned()))?;
    Ok(Trigger {
        origin: Origin::default(),
        id: event.id,
        at: time("ECS event", &event.time)?,
        kind: Kind::Ecs(EcsEvent {
            detail_type: event.detail_type,
            event_name: event.detail.event_name,
            deployment: event.detail.deployment_id,
            resource,
            reason: event
                .detail
                .reason
                .or(event.detail.stopped_reason)
                .map(|reason| text::line(&reason, text::PERSON)),
        }),
    })
}
