//! Times as people type and read them. All are UTC, and say so.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// More is a mistake: CloudWatch and the ledger keep less.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 400);

/// The time of day. Nothing else reads it.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A span, as in `10m` or `90s`.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let read = text.parse::<Span>().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    let read = read.map_err(|_| format!("`{text}` is not a span: write it as in 90s, 10m or 2h"))?;
    if read > LONGEST {
        return Err(format!("`{text}` is longer than 400 days"));
    }
    Duration::try_from(read).map_err(|_| format!("`{text}` is negative"))
}

/// Since when: a span ago, or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    Ago(Duration),
    At(Timestamp),
}

impl Since {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        span(text).map(Self::Ago).map_err(|_| {
            format!("`{text}` is neither a span, as in 30m or 2h, nor a time, as in 2026-11-28T22:00:00Z")
        })
    }

    pub(crate) fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }
}

/// As in `20:02:34`.
pub(crate) fn of_day(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// As in `2026-11-28 20:02:34`.
pub(crate) fn full(at: Timestamp) -> String {
    at.strftime("%F %H:%M:%S").to_string()
}

/// Before every key of the ledger that begins with this second or a later one.
pub(crate) fn key(at: Timestamp) -> String {
    at.strftime("%FT%H:%M:%S").to_string()
}

/// As a function has written it, without the parts of a second; as it is where it is no time.
pub(crate) fn readable(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), full)
}

/// As in `12 min`; a time that is over is `0 s`.
pub(crate) fn spoken(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// From the milliseconds that AWS counts.
pub(crate) fn of_millis(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_times_are_read() {
        let now: Timestamp = "2026-12-01T10:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("1h", "2026-12-01T09:00:00Z"),
            ("90s", "2026-12-01T09:58:30Z"),
            ("2d", "2026-11-29T10:00:00Z"),
            ("2026-11-28T22:00:00Z", "2026-11-28T22:00:00Z"),
        ] {
            assert_eq!(Since::read(text).unwrap().from(now).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_answered_with_an_example() {
        for text in ["", "yesterday", "-1h", "10", "500 days"] {
            assert!(Since::read(text).is_err_and(|why| why.contains("as in 30m or 2h")), "{text}");
        }
        assert!(span("soon").is_err_and(|why| why.contains("10m")));
    }

    #[test]
    fn spans_are_spoken_in_one_unit() {
        let spoken = |seconds| spoken(SignedDuration::from_secs(seconds));
        assert_eq!(
            [spoken(-5), spoken(59), spoken(119), spoken(120), spoken(7_200), spoken(172_800)],
            ["0 s", "59 s", "119 s", "2 min", "2 h", "2 days"]
        );
    }
}
