use jiff::civil::date;

use super::*;
use crate::public::{Id, Public};

/// Ten in the morning of the first of December.
const TEN: i64 = 1_796_119_200 / 60;

fn checks() -> Vec<String> {
    ["front", "api"].map(str::to_owned).to_vec()
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60 + 30).unwrap()
}

fn start(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

/// From ten on, a letter each: `o` works, `p` one check of two fails, `d` both fail, a space is not measured.
fn minutes(letters: &str) -> Minutes {
    let failed = |letter| match letter {
        'o' => Some(&[][..]),
        'p' => Some(&["api"][..]),
        'd' => Some(&["api", "front"][..]),
        _ => None,
    };
    let minute = |(minute, letter)| {
        let failed = failed(letter)?.iter().copied().map(str::to_owned).collect();
        Some((minute, Minute { failed, response_ms: Some(100) }))
    };
    (TEN..).zip(letters.chars()).filter_map(minute).collect()
}

/// These minutes, looked at in the last of them or so many after it.
fn check(letters: &str, later: i64, status: Status, since: Option<i64>) {
    let now = at(TEN + i64::try_from(letters.len()).unwrap() - 1 + later);
    let since = since.map(|minute| start(TEN + minute));
    assert_eq!(super::status(&minutes(letters), &checks(), now), (status, since), "{letters:?}");
}

#[test]
fn ten_in_the_morning_is_that() {
    assert_eq!(start(TEN).to_string(), "2026-12-01T10:00:00Z");
}

#[test]
fn a_single_bad_minute_changes_nothing_and_two_running_do() {
    check("ooood", 0, Status::Operational, Some(0));
    check("oodoo", 0, Status::Operational, Some(0));
    check("oododod", 0, Status::Operational, Some(0));
    check("ooodd", 0, Status::MajorOutage, Some(3));
    check("oooppp", 0, Status::PartialOutage, Some(3));
}

#[test]
fn a_single_good_minute_ends_no_outage() {
    check("ooddodd", 0, Status::MajorOutage, Some(2));
    check("ooddo", 0, Status::MajorOutage, Some(2));
    check("ooddoo", 0, Status::Operational, Some(4));
}

#[test]
fn bad_minutes_that_differ_agree_that_it_is_bad() {
    check("oopd", 0, Status::PartialOutage, Some(2));
    check("oopdpdpd", 0, Status::PartialOutage, Some(2));
    check("ooddp", 0, Status::MajorOutage, Some(2));
    check("ooddpd", 0, Status::MajorOutage, Some(2));
    check("ooddpp", 0, Status::PartialOutage, Some(4));
    check("ooppdd", 0, Status::MajorOutage, Some(4));
}

#[test]
fn the_first_minute_is_what_is_known_until_two_others_agree() {
    check("d", 0, Status::MajorOutage, Some(0));
    check("o", 0, Status::Operational, Some(0));
    check("od", 0, Status::Operational, Some(0));
    check("dodo", 0, Status::MajorOutage, Some(0));
    check("dodd", 0, Status::MajorOutage, Some(0));
    check("doo", 0, Status::Operational, Some(1));
}

#[test]
fn after_three_minutes_without_one_it_is_not_known() {
    check("oo", 3, Status::Operational, Some(0));
    check("oo", 4, Status::Unknown, Some(2));
    check("", 0, Status::Unknown, None);
}

#[test]
fn what_was_before_a_gap_says_nothing_of_the_time_after_it() {
    check("oo    d", 0, Status::MajorOutage, Some(6));
    check("dd    oo", 0, Status::Operational, Some(6));
    check("oo    oo", 0, Status::Operational, Some(6));
    // Two minutes that were missed are no gap.
    check("oo  d", 0, Status::Operational, Some(0));
}

#[test]
fn of_a_component_without_a_check_nothing_is_known() {
    let now = at(TEN + 1);
    assert_eq!(status(&minutes("oo"), &[], now), (Status::Unknown, None));
    let expected = Day { unknown: 601, ..nothing() };
    assert_eq!(day(nothing().date, &minutes("oo"), &[], &[], now), Some(expected));
}

#[test]
fn a_clock_that_jumps_back_sees_nothing_of_the_time_to_come() {
    let minutes = minutes("ooooodddd");
    assert_eq!(status(&minutes, &checks(), at(TEN + 4)), (Status::Operational, Some(start(TEN))));
    assert_eq!(status(&minutes, &checks(), at(TEN - 1)), (Status::Unknown, None));
    assert_eq!(response_times(&minutes, at(TEN - 1)), []);
    let day = day(date(2026, 12, 1), &minutes, &checks(), &[], at(TEN + 4));
    assert_eq!(day, Some(Day { up: 4, unknown: 600, ..nothing() }));
}

fn nothing() -> Day {
    Day { unknown: 0, ..Day::unknown(date(2026, 12, 1)) }
}

fn maintenance(from: i64, until: i64, ended_at: Option<i64>) -> Maintenance {
    Maintenance {
        id: Id::of("work").unwrap(),
        title: Public::typed("Work").unwrap(),
        text: None,
        components: Vec::new(),
        announced_at: start(TEN + from - 60),
        from: start(TEN + from),
        until: start(TEN + until),
        ended_at: ended_at.map(|minute| start(TEN + minute)),
    }
}

/// These minutes as a day, under this maintenance.
fn check_day(letters: &str, maintenance: &[&Maintenance], expected: Day) {
    let now = at(TEN + i64::try_from(letters.len()).unwrap());
    let expected = Day { unknown: expected.unknown + 600, ..expected };
    assert_eq!(
        day(expected.date, &minutes(letters), &checks(), maintenance, now),
        Some(expected),
        "{letters:?}"
    );
}

#[test]
fn each_minute_of_a_day_counts_once_and_the_one_that_runs_not_yet() {
    check_day("oopd o", &[], Day { up: 3, partial: 1, down: 1, unknown: 1, ..nothing() });
    check_day("", &[], nothing());
}

#[test]
fn a_minute_under_maintenance_counts_as_that_alone() {
    let expected = Day { up: 2, maintenance: 3, down: 1, ..nothing() };
    check_day("odd od", &[&maintenance(2, 5, None)], Day { up: 1, maintenance: 3, down: 2, ..expected });
    // It ended before its time.
    check_day("oddoo", &[&maintenance(1, 9, Some(3))], Day { up: 3, maintenance: 2, ..nothing() });
    // It was called off.
    check_day("odo", &[&maintenance(1, 9, Some(0))], Day { up: 2, down: 1, ..nothing() });
    // Two at once count once.
    let (one, other) = (maintenance(0, 2, None), maintenance(1, 3, None));
    check_day("oooo", &[&one, &other], Day { up: 1, maintenance: 3, ..nothing() });
}

#[test]
fn a_day_has_its_own_minutes_and_no_others() {
    let midnight = TEN + 14 * 60;
    let minute = |failed: &[&str]| Minute {
        failed: failed.iter().copied().map(str::to_owned).collect(),
        response_ms: None,
    };
    let down = minute(&["front", "api"]);
    let minutes: Minutes =
        [(midnight - 1, minute(&[])), (midnight, down.clone()), (midnight + 1, down)].into();
    let of = |date| day(date, &minutes, &checks(), &[], at(midnight + 1)).unwrap();
    assert_eq!(of(date(2026, 12, 1)), Day { up: 1, unknown: 1_439, ..nothing() });
    assert_eq!(of(date(2026, 12, 2)), Day { date: date(2026, 12, 2), down: 1, ..nothing() });
    // A day to come has no minutes.
    assert_eq!(of(date(2026, 12, 3)), Day { date: date(2026, 12, 3), ..nothing() });
}

fn answered(times: impl IntoIterator<Item = (i64, Option<u32>)>) -> Minutes {
    let minute = |(minute, response_ms)| (TEN + minute, Minute { failed: Vec::new(), response_ms });
    times.into_iter().map(minute).collect()
}

#[test]
fn an_hours_times_are_its_median_and_what_95_of_100_keep() {
    let hundred = (0..50).map(|minute| (minute, Some(u32::try_from(minute).unwrap() + 1)));
    let minutes = answered(hundred.chain([(50, None), (60, Some(7))]));
    let expected = [
        Hour { at: start(TEN), median_ms: 25, p95_ms: 48 },
        Hour { at: start(TEN + 60), median_ms: 7, p95_ms: 7 },
    ];
    assert_eq!(response_times(&minutes, at(TEN + 61)), expected);
}

#[test]
fn response_times_are_of_the_hour_that_runs_and_the_23_before() {
    let minutes = answered((-30 * 60..=30).map(|minute| (minute, Some(10))));
    let hours: Vec<Timestamp> = response_times(&minutes, at(TEN + 30)).iter().map(|hour| hour.at).collect();
    let expected: Vec<Timestamp> = (-23..=0).map(|hour| start(TEN + hour * 60)).collect();
    assert_eq!(hours, expected);
    // With hours left out, none older comes in.
    let minutes = answered([(-24 * 60 + 40, Some(10)), (0, Some(20))]);
    let expected = [Hour { at: start(TEN), median_ms: 20, p95_ms: 20 }];
    assert_eq!(response_times(&minutes, at(TEN + 30)), expected);
}
