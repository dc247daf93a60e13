//! What EventBridge wraps an event in: `EventBridgeEvent` of `aws_lambda_events`.
//!
//! The time, the id and the `resources` may be missing in it: whoever needs one of them asks for it here. `CloudWatchEvent`
//! of the same crate wants `resources` of every event, and does not want a `detail-type`.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{missing, read};
use crate::error::Error;

/// An event by EventBridge.
pub(super) struct Envelope {
    /// The kind of event, for errors.
    what: &'static str,
    event: EventBridgeEvent<Option<Value>>,
}

impl Envelope {
    pub(super) fn read(what: &'static str, event: &Value) -> Result<Self, Error> {
        Ok(Self { what, event: read(what, event)? })
    }

    pub(super) fn id(&mut self) -> Result<String, Error> {
        self.event.id.take().ok_or_else(|| missing(self.what, "id"))
    }

    pub(super) fn detail_type(&mut self) -> String {
        std::mem::take(&mut self.event.detail_type)
    }

    /// When it happened.
    pub(super) fn at(&self) -> Result<Timestamp, Error> {
        let at = self.event.time.ok_or_else(|| missing(self.what, "time"))?;
        moment(self.what, at.timestamp(), at.timestamp_subsec_nanos())
    }

    /// The first resource that it names, if any.
    pub(super) fn resource(&mut self) -> Option<String> {
        self.event.resources.take().unwrap_or_default().into_iter().next()
    }

    /// What its kind of event says.
    pub(super) fn detail<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        read(self.what, &self.detail_as_it_is()?)
    }

    pub(super) fn detail_as_it_is(&mut self) -> Result<Value, Error> {
        self.event.detail.take().ok_or_else(|| missing(self.what, "detail"))
    }
}

/// A time of the crate's. A leap second is the end of the one before.
pub(super) fn moment(what: &str, second: i64, nanosecond: u32) -> Result<Timestamp, Error> {
    const LAST: u32 = 999_999_999;
    let nanosecond = i32::try_from(nanosecond.min(LAST)).unwrap_or_default();
    Timestamp::new(second, nanosecond)
        .map_err(|_| Error::InvalidRequest(format!("this {what} has a time that cannot be read: {second} s")))
}
