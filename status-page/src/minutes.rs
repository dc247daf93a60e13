//! What the probe's minutes come to: a component's status now, its days, and the response times.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, Unit, civil::Date, tz::TimeZone};

use crate::model::{Day, Hour, Maintenance, Status};

/// Nothing measured for this long is no good news.
const UNKNOWN_AFTER: i64 = 3;
/// Of response times: the one that runs, and those before it.
const HOURS_BEFORE: i64 = 23;

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

/// What a component's checks were in a minute. Without a check, nothing was measured of it.
fn status_in(minute: &Minute, checks: &[String]) -> Status {
    let failed = checks.iter().filter(|check| minute.failed.contains(check)).count();
    match failed {
        _ if checks.is_empty() => Status::Unknown,
        0 => Status::Operational,
        all if all == checks.len() => Status::MajorOutage,
        _ => Status::PartialOutage,
    }
}

/// A component's status by the probe, and since when: what two minutes running agree about. One that differs from the one
/// before changes nothing. Without a minute for some time, it is not known.
pub fn status(minutes: &Minutes, checks: &[String], now: Timestamp) -> (Status, Option<Timestamp>) {
    let start = |minute: i64| Timestamp::from_second(minute.saturating_mul(60)).ok();
    if checks.is_empty() {
        return (Status::Unknown, None);
    }
    let until_now = minutes.range(..=number(now));
    let Some((&last, _)) = until_now.clone().next_back() else { return (Status::Unknown, None) };
    if is_gap(last, number(now)) {
        return (Status::Unknown, start(last.saturating_add(1)));
    }
    let mut settled: Option<Known> = None;
    let mut before: Option<Known> = None;
    for (&at, minute) in until_now {
        let status = status_in(minute, checks);
        let alone = Known { status, since: at, last: at };
        // The first minute is what is known; what was known before a gap says nothing of the time after it.
        let Some((known, earlier)) = settled.zip(before.filter(|before| !is_gap(before.last, at))) else {
            (settled, before) = (Some(alone), Some(alone));
            continue;
        };
        let both = agreed(earlier.status, status, known.status).filter(|both| *both != known.status);
        if let Some(status) = both {
            settled = Some(Known { status, ..earlier });
        }
        before = Some(if earlier.status == status { Known { last: at, ..earlier } } else { alone });
    }
    (settled.map_or(Status::Unknown, |known| known.status), settled.and_then(|known| start(known.since)))
}

/// A status, the first minute that had it, and the last.
#[derive(Clone, Copy)]
struct Known {
    status: Status,
    since: i64,
    last: i64,
}

/// Whether so long nothing was measured between two minutes that the status was not known.
fn is_gap(earlier: i64, later: i64) -> bool {
    later.saturating_sub(earlier) > UNKNOWN_AFTER
}

/// What two minutes running agree about. Two bad ones that differ agree that it is bad: how bad stays as it was, or is
/// the better of both.
fn agreed(before: Status, now: Status, settled: Status) -> Option<Status> {
    match (before, now) {
        (before, now) if before == now => Some(now),
        (Status::Operational, _) | (_, Status::Operational) => None,
        (before, now) => Some(if [before, now].contains(&settled) { settled } else { before.min(now) }),
    }
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
                Status::Unknown => &mut day.unknown,
                _ => &mut day.up,
            },
        };
        *field = field.saturating_add(1);
    }
    Some(day)
}

/// The response times of the hour that runs and of the 23 before it.
pub fn response_times(minutes: &Minutes, now: Timestamp) -> Vec<Hour> {
    let mut hours: BTreeMap<Timestamp, Vec<u32>> = BTreeMap::new();
    let before = SignedDuration::from_hours(HOURS_BEFORE);
    let since = hour_of(now).and_then(|hour| hour.checked_sub(before).ok()).unwrap_or(Timestamp::MIN);
    for (&minute, measured) in minutes.range(number(since)..=number(now)) {
        let hour = Timestamp::from_second(minute.saturating_mul(60)).ok().and_then(hour_of);
        if let Some((hour, ms)) = hour.zip(measured.response_ms) {
            hours.entry(hour).or_default().push(ms);
        }
    }
    let hour = |(at, mut times): (Timestamp, Vec<u32>)| {
        times.sort_unstable();
        // The smallest time that at least so many of a hundred are not above.
        let of_hundred = |part: usize| {
            let place = (times.len() * part).div_ceil(100).saturating_sub(1);
            times.get(place).copied().unwrap_or_default()
        };
        Hour { at, median_ms: of_hundred(50), p95_ms: of_hundred(95) }
    };
    hours.into_iter().map(hour).collect()
}

fn hour_of(at: Timestamp) -> Option<Timestamp> {
    at.round(jiff::TimestampRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Floor)).ok()
}

#[cfg(test)]
mod tests;
