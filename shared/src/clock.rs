//! The only place that reads the time of day.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The time now. Read once at the start of a step and handed on, so that a step sees one time.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A time as people read it in a notice: UTC, to the second.
pub fn readable(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The same where the day is plain: `20:26:45 UTC` on the day of `now`.
pub fn near(at: Timestamp, now: Timestamp) -> String {
    let day = |at: Timestamp| at.strftime("%F").to_string();
    if day(at) == day(now) { at.strftime("%H:%M:%S UTC").to_string() } else { readable(at) }
}

/// Leaves out the parts of seconds in the times of an answer. A request that is to be sent stays as it is.
pub fn to_the_second(answer: &mut Value) {
    const REQUESTS: [&str; 2] = ["send", "request"];
    match answer {
        Value::String(text) => {
            if let Some(whole) = whole_seconds(text) {
                *text = whole;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(to_the_second),
        Value::Object(fields) => fields
            .iter_mut()
            .filter(|(name, _)| !REQUESTS.contains(&name.as_str()))
            .for_each(|(_, value)| to_the_second(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `2026-11-24T14:00:00.123Z` without its parts of a second; nothing for any other text.
fn whole_seconds(text: &str) -> Option<String> {
    const TO_THE_SECOND: usize = "2026-11-24T14:00:00".len();
    let (whole, parts) = text.split_at_checked(TO_THE_SECOND)?;
    let digits = parts.strip_prefix('.')?.strip_suffix('Z')?;
    let is_time = digits.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<Timestamp>().is_ok();
    is_time.then(|| format!("{whole}Z"))
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_of_today_is_told_without_its_day() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-28T20:02:32.5Z");
        assert_eq!(near(at("2026-11-28T20:26:45.9Z"), now), "20:26:45 UTC");
        assert_eq!(near(at("2026-11-29T00:01:00Z"), now), "2026-11-29 00:01:00 UTC");
    }

    #[test]
    fn an_answer_has_its_times_to_the_second_and_nothing_else_is_changed() {
        let mut answer = json!({ "at": "2026-11-28T20:02:32.123456789Z", "since": ["2026-11-28T20:02:32.1Z"],
            "next": { "send": { "point_in_time": "2026-11-28T20:02:32.1Z" } }, "do": "remedy",
            "request": { "before": "2026-11-28T20:02:32.1Z" }, "whole": "2026-11-28T20:02:32Z",
            "text": "at 2026-11-28T20:02:32.1Z", "odd": "2026-13-28T20:02:32.1Z", "ä": "äöüäöüäöüäöüäöüäöüäöü.1Z" });
        let mut expected = answer.clone();
        expected["at"] = json!("2026-11-28T20:02:32Z");
        expected["since"] = json!(["2026-11-28T20:02:32Z"]);
        to_the_second(&mut answer);
        assert_eq!(answer, expected);
    }

    #[test]
    fn durations_are_spoken_as_people_do() {
        let said = [0, 119, 120, 7_199, 7_200, 11_100].map(|s| spoken(SignedDuration::from_secs(s)));
        assert_eq!(said, ["0 s", "119 s", "2 min", "119 min", "2 h 0 min", "3 h 5 min"]);
        assert_eq!(spoken(SignedDuration::from_secs(-5)), "0 s");
    }
}
