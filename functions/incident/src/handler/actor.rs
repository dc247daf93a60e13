//! Who does something to an incident, and when.

use jiff::Timestamp;
use shared::{
    text::{PERSON, line},
    trigger::Message,
};

use super::limits::MAX_TEXT;
use crate::store::TimelineEntry;

pub(super) struct Actor<'a> {
    /// The event's id: the same for every delivery.
    pub(super) id: &'a str,
    /// As in `alarm`, `person`, `service-down`, or a person's name.
    pub(super) by: &'a str,
    /// When it happened.
    pub(super) at: Timestamp,
    pub(super) now: Timestamp,
    pub(super) dry_run: bool,
    /// The state machine's execution, if that is the actor.
    pub(super) execution: Option<&'a str>,
    /// The message of the queue of approvals, if that is what asks.
    pub(super) message: Option<&'a Message>,
}

impl Actor<'_> {
    pub(super) fn entry(&self, what: &str) -> TimelineEntry {
        TimelineEntry { at: self.at.min(self.now), by: line(self.by, MAX_TEXT), what: line(what, PERSON) }
    }
}
