//! Times as a page words them. All are in UTC: the script makes them local.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

pub(crate) fn date_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// As in `1 Dec 2026, 17:20 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

/// As in `17:00`.
pub(crate) fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M").to_string()
}

/// As in `2026-12-01T17:20Z`, which programs read too. Nobody promises seconds.
pub(crate) fn machine(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

/// As mail has it, in RSS.
pub(crate) fn mail(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// As in `28 Nov`.
pub(crate) fn short_day(date: Date) -> String {
    date.strftime("%-d %b").to_string()
}

/// As in `3 September`.
pub(crate) fn long_day(date: Date) -> String {
    date.strftime("%-d %B").to_string()
}

/// As in `September 2026`.
pub(crate) fn month(date: Date) -> String {
    date.strftime("%B %Y").to_string()
}

/// As in `1 h 5 min`.
pub(crate) fn minutes(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// How long it was, begun minutes included.
pub(crate) fn between(from: Timestamp, until: Timestamp) -> String {
    let seconds = until.duration_since(from).max(SignedDuration::ZERO).as_secs();
    minutes(seconds.saturating_add(59) / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_worded_in_utc() {
        let at: Timestamp = "2026-12-01T07:05:59+01:00".parse().unwrap();
        let worded =
            [moment(at), clock(at), machine(at), mail(at), short_day(date_of(at)), month(date_of(at))];
        let expected = [
            "1 Dec 2026, 06:05 UTC",
            "06:05",
            "2026-12-01T06:05Z",
            "Tue, 01 Dec 2026 06:05:59 +0000",
            "1 Dec",
            "December 2026",
        ];
        assert_eq!(worded, expected);
    }

    #[test]
    fn a_begun_minute_counts_and_none_is_negative() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let worded = |from, until| between(at(from), at(until));
        assert_eq!(
            [worded(0, 1), worded(0, 60), worded(0, 3_600), worded(0, 3_661), worded(60, 0)],
            ["1 min", "1 min", "1 h", "1 h 2 min", "0 min"]
        );
    }
}
