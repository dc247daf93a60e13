//! ECS events: deployment state change, service action, task state change. The first names its service only
//! in `resources`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Origin, Trigger, envelope::Envelope};
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
#[serde(rename_all = "camelCase")]
struct Detail {
    event_name: Option<String>,
    deployment_id: Option<String>,
    reason: Option<String>,
    stopped_reason: Option<String>,
}

pub(super) fn parse(event: &Value) -> Result<Trigger, Error> {
    let mut event = Envelope::read("ECS event", event)?;
    let resource = event
        .resource()
        .ok_or_else(|| Error::InvalidRequest("this ECS event names nothing in `resources`".to_owned()))?;
    let Detail { event_name, deployment_id, reason, stopped_reason } = event.detail()?;
    Ok(Trigger {
        origin: Origin::default(),
        id: event.id()?,
        at: event.at()?,
        kind: Kind::Ecs(EcsEvent {
            detail_type: event.detail_type(),
            event_name,
            deployment: deployment_id,
            resource,
            reason: reason.or(stopped_reason).map(|reason| text::line(&reason, text::PERSON)),
        }),
    })
}
