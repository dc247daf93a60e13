//! An EventBridge schedule, by Scheduler or by a rule.

use serde_json::Value;

use super::{Kind, Origin, Trigger, envelope::Envelope};
use crate::error::Error;

pub(super) fn parse(event: &Value) -> Result<Trigger, Error> {
    let mut event = Envelope::read("schedule's event", event)?;
    let schedule = event.resource().unwrap_or_default();
    let at = event.at()?;
    Ok(Trigger {
        id: format!("{schedule}@{}", at.as_millisecond()),
        at,
        kind: Kind::Schedule { schedule },
        origin: Origin::default(),
    })
}
