//! The samples of `events/`, as if they happened at a time.

use jiff::{SignedDuration, Timestamp};

/// A sample with its times in it. For people, `make event` does the same, and gives it an id of its own.
pub fn filled(sample: &str, at: Timestamp) -> String {
    const ID: &str = "5b6c7d8e-0001-4a2b-8c3d-4e5f60718293";
    let text = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let hour_ago = at - SignedDuration::from_hours(1);
    sample.replace("<now-1h>", &text(hour_ago)).replace("<now>", &text(at)).replace("<id>", ID)
}
