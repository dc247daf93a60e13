//! What the probe's minutes come to: a component's status now, its days, and the response times.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, Unit, civil::Date, tz::TimeZone};

use crate::model::{Day, Hour, Maintenance, Status};

/// Nothing measured for this long is no good news.
const UNKNOWN_AFTER: i64 = 3;
const HOURS: usize = 24;

/// What the probe found in one minute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Minute {
    /// The checks that failed.
    pub failed: Vec<String>,
    /// How long the API took, if it was answered.
    pub response_ms: Option<u32>,
}

/// By the minute's number since 1970.
pub type Minutes = BTreeMap<i64, Minute>;

/// The number of the minute of a time.
pub fn number(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

/// What a component's checks were in a minute.
fn status_in(minute: &Minute, checks: &[String]) -> Status {
    let failed = checks.iter().filter(|check| minute.failed.contains(check)).count();
    match failed {
        0 => Status::Operational,
        all if all == checks.len() => Status::MajorOutage,
        _ => Status::PartialOutage,
    }
}

/// A component's status by the probe, and since when: what two minutes running agree about. One that differs from the one
/// before changes nothing. Without a minute for some time, it is not known.
pub fn status(minutes: &Minutes, checks: &[String], now: Timestamp) -> (Status, Option<Timestamp>) {
    let start = |minute: i64| Timestamp::from_second(minute.saturating_mul(60)).ok();
    let is_late = |last: i64| number(now).saturating_sub(last) > UNKNOWN_AFTER;
    let Some((&last, _)) = minutes.range(..=number(now)).next_back().filter(|(last, _)| !is_late(**last))
    else {
        let last = minutes.range(..=number(now)).next_back();
        return (Status::Unknown, last.and_then(|(last, _)| start(last.saturating_add(1))));
    };
    let mut settled: Option<(Status, i64)> = None;
    let mut before: Option<(Status, i64)> = None;
    for (&at, minute) in minutes.range(..=last) {
        let now = status_in(minute, checks);
        match before {
            Some((same, since)) if same == now => {
                if settled.is_none_or(|(settled, _)| settled != now) {
                    settled = Some((now, since));
                }
            }
            _ => before = Some((now, at)),
        }
    }
    // Of a single minute, that one is what is known.
    let (status, since) = settled.or(before).unwrap_or((Status::Unknown, last));
    (status, start(since))
}

/// The minutes of a day, until `now` if that is in it. A minute under maintenance counts as that alone.
pub fn day(
    date: Date,
    minutes: &Minutes,
    checks: &[String],
    maintenances: &[&Maintenance],
    now: Timestamp,
) -> Option<Day> {
    let midnight = |date: Date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok();
    let from = midnight(date)?;
    let until = midnight(date.tomorrow().ok()?)?.min(now);
    let mut day = Day { unknown: 0, ..Day::unknown(date) };
    for number in number(from)..number(until) {
        let at = Timestamp::from_second(number.saturating_mul(60)).ok()?;
        let is_announced = maintenances.iter().any(|window| window.from <= at && at < window.end());
        let field = match minutes.get(&number) {
            _ if is_announced => &mut day.maintenance,
            None => &mut day.unknown,
            Some(minute) => match status_in(minute, checks) {
                Status::MajorOutage => &mut day.down,
                Status::PartialOutage => &mut day.partial,
                _ => &mut day.up,
            },
        };
        *field = field.saturating_add(1);
    }
    Some(day)
}

/// The response times of the last 24 hours.
pub fn response_times(minutes: &Minutes, now: Timestamp) -> Vec<Hour> {
    let mut hours: BTreeMap<Timestamp, Vec<u32>> = BTreeMap::new();
    let span = SignedDuration::from_hours(24);
    let since = now.checked_sub(span).unwrap_or(Timestamp::MIN);
    for (&minute, measured) in minutes.range(number(since)..=number(now)) {
        let hour = Timestamp::from_second(minute.saturating_mul(60)).ok().and_then(hour_of);
        if let Some((hour, ms)) = hour.zip(measured.response_ms) {
            hours.entry(hour).or_default().push(ms);
        }
    }
    let skipped = hours.len().saturating_sub(HOURS);
    let hour = |(at, mut times): (Timestamp, Vec<u32>)| {
        times.sort_unstable();
        // The smallest time that at least so many of a hundred are not above.
        let of_hundred = |part: usize| {
            let place = (times.len() * part).div_ceil(100).saturating_sub(1);
            times.get(place).copied().unwrap_or_default()
        };
        Hour { at, median_ms: of_hundred(50), p95_ms: of_hundred(95) }
    };
    hours.into_iter().skip(skipped).map(hour).collect()
}

fn hour_of(at: Timestamp) -> Option<Timestamp> {
    at.round(jiff::TimestampRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Floor)).ok()
}
