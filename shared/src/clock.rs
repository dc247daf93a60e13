//! The only place that reads the time of day.

use jiff::{SignedDuration, Timestamp};

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

/// As in `45 s`, `12 min`, `3 h 5 min`.
pub fn spoken(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spoken_as_people_do() {
        let said = [0, 119, 120, 7_199, 7_200, 11_100].map(|s| spoken(SignedDuration::from_secs(s)));
        assert_eq!(said, ["0 s", "119 s", "2 min", "119 min", "2 h 0 min", "3 h 5 min"]);
        assert_eq!(spoken(SignedDuration::from_secs(-5)), "0 s");
    }
}
