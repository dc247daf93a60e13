//! The only place that reads the time of day.

use jiff::Timestamp;

/// The time now. Read once at the start of a step and handed on, so that a step sees one time.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A time as people read it in a notice: UTC, to the second.
pub fn readable(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The calendar's month, UTC: `2026-11`.
pub fn month(at: Timestamp) -> String {
    at.strftime("%Y-%m").to_string()
}

/// A time in whole milliseconds, written so that text order is time order.
pub fn sortable(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
