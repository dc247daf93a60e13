//! An EventBridge schedule, by Scheduler or by a rule.

use serde::Deserialize;
use serde_json::Value;

use super::{Kind, Origin, Trigger, read, time};
use crate::error::Error;

#[derive(Deserialize)]
struct Event {
    time: String,
    #[serde(default)]
    resources: Vec<String>,
}

pub(super) fn parse(event: &Value) -> Result<Trigger, Error> {
    let event: Event = read("schedule's event", event)?;
    let schedule = event.resources.into_iter().next().unwrap_or_default();
    let at = time("schedule's event", &event.time)?;
    Ok(Trigger {
        id: format!("{schedule}@{}", at.as_millisecond()),
        at,
        kind: Kind::Schedule { schedule },
        origin: Origin::default(),
    })
}
