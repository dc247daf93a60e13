//! Writes a status page of made minutes into a folder: `make status-page` shows it.
//!
//! A probe's two weeks and what is kept of those before: an outage that goes on, a partial one, a maintenance before, while and after, and an hour in which
//! the probe did not run.

use std::{collections::BTreeMap, env, error::Error, fs, path::Path};

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};
use status_page::{
    Component, Day, Id, Impact, Incident, Maintenance, MaintenancePhase, Page, Phase, Public, Status, Update,
    files,
    minutes::{self, Minute, Minutes},
};

/// The same every time, so that pictures of it do not change.
const NOW: &str = "2026-12-01T17:20:10Z";
/// Fewer than the 90 that are shown, and the newest 14 by the minute.
const DAYS: i32 = 80;
const BY_THE_MINUTE: i32 = 14;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("say where to write: preview <folder>")?;
    for file in files(&page(NOW.parse()?)?) {
        let path = Path::new(&folder).join(&file.path);
        fs::create_dir_all(path.parent().ok_or("a file has a folder")?)?;
        fs::write(path, file.body)?;
    }
    Ok(())
}

/// So long before now.
fn ago(now: Timestamp, hours: i64, minutes: i64) -> Timestamp {
    now - SignedDuration::from_mins(hours * 60 + minutes)
}

fn page(now: Timestamp) -> Result<Page, Box<dyn Error>> {
    let maintenances = maintenances(now);
    let minutes = made_minutes(now);
    let component = |id: &str, name: &str, group: Option<&str>, checks: &[&str]| {
        let checks: Vec<String> = checks.iter().copied().map(str::to_owned).collect();
        let id = Id::of(id)?;
        let is_its = |work: &&Maintenance| work.components.is_empty() || work.components.contains(&id);
        let works: Vec<&Maintenance> = maintenances.iter().filter(is_its).collect();
        let in_progress = works.iter().find(|work| work.phase(now) == MaintenancePhase::InProgress);
        let (status, since) = match in_progress {
            Some(work) => (Status::UnderMaintenance, Some(work.from)),
            None => minutes::status(&minutes, &checks, now),
        };
        Some(Component {
            id,
            name: Public::typed(name)?,
            group: group.and_then(Public::typed),
            status,
            since,
            message: None,
            days: days(&minutes, &checks, &works, now),
        })
    };
    let components = [
        component("web", "Web app", None, &["front-end"]),
        component("api", "API", Some("Programs"), &["api", "log-in"]),
        component("webhooks", "Webhooks", Some("Programs"), &["webhooks"]),
        component("reports", "Reports", None, &["reports"]),
    ];
    Ok(Page {
        name: Public::typed("LendPeak").ok_or("a name")?,
        url: String::new(),
        at: now,
        components: components.into_iter().flatten().collect(),
        incidents: incidents(now)?,
        response_times: minutes::response_times(&minutes, now),
        maintenances,
    })
}

/// What the probe found: the checks that failed, from so many hours ago for so many minutes.
const FAILED: &[(i64, i64, &[&str])] = &[
    (0, 38, &["log-in"]),
    (100, 14, &["api", "log-in", "front-end"]),
    (100, 40, &["webhooks"]),
    (190, 25, &["reports"]),
    (260, 1, &["api"]),
];

fn made_minutes(now: Timestamp) -> Minutes {
    let last = minutes::number(now);
    let first = last - i64::from(BY_THE_MINUTE) * 1_440;
    let mut minutes: Minutes = BTreeMap::new();
    for minute in first..=last {
        let before = last - minute;
        // The probe did not run.
        if (3_300..3_360).contains(&before) {
            continue;
        }
        let fails = |(hours, long, _): &&(i64, i64, _)| {
            let since = if *hours == 0 { *long } else { hours * 60 };
            (since - long..since).contains(&before)
        };
        let failed = FAILED.iter().filter(fails).flat_map(|(_, _, checks)| *checks);
        // A day's wave, a minute's noise, and slower while something fails.
        let hour = minute.div_euclid(60).rem_euclid(24);
        let wave = 12 - (hour - 14).abs();
        let noise = (minute * 7_919).rem_euclid(90);
        let slower = if before < 60 { 140 } else { 0 };
        let response_ms = u32::try_from(110 + 6 * wave + noise + slower).ok();
        minutes.insert(minute, Minute { failed: failed.copied().map(str::to_owned).collect(), response_ms });
    }
    minutes
}

/// The days that are kept, and behind them those of which the minutes still are.
fn days(minutes: &Minutes, checks: &[String], works: &[&Maintenance], now: Timestamp) -> Vec<Day> {
    let today = TimeZone::UTC.to_datetime(now).date();
    let day = |ago: i32| {
        let date: Date = today.checked_sub(ago.days()).ok()?;
        let kept = Day { unknown: 0, up: 1_440, ..Day::unknown(date) };
        match ago {
            0..BY_THE_MINUTE => minutes::day(date, minutes, checks, works, now),
            37 => Some(Day { up: 1_380, maintenance: 60, ..kept }),
            52 if checks.len() > 1 => Some(Day { up: 1_409, down: 31, ..kept }),
            61 => Some(Day { up: 1_300, degraded: 140, ..kept }),
            _ => Some(kept),
        }
    };
    (0..DAYS).rev().filter_map(day).collect()
}

fn ids(names: &[&str]) -> Vec<Id> {
    names.iter().filter_map(|name| Id::of(name)).collect()
}

fn update(at: Timestamp, phase: Phase, text: &str) -> Update {
    Update { at, phase, text: Public::typed(text) }
}

fn incidents(now: Timestamp) -> Result<Vec<Incident>, Box<dyn Error>> {
    let id = |text: &str| Id::of(text).ok_or("an id");
    let ago = |hours, minutes| ago(now, hours, minutes);
    let open = Incident {
        id: id("20261201-1642-log-in")?,
        title: None,
        impact: Impact::Major,
        components: ids(&["api"]),
        began_at: ago(0, 38),
        resolved_at: None,
        next_update_by: Some(ago(0, -17)),
        updates: vec![
            update(ago(0, 35), Phase::Investigating, ""),
            update(
                ago(0, 13),
                Phase::Identified,
                "Logging in fails for some of you.\nThose who are logged in are not affected.",
            ),
        ],
    };
    let over = Incident {
        id: id("20261127-1320-api")?,
        title: Public::typed("API and web app were not available"),
        impact: Impact::Critical,
        components: ids(&["web", "api", "webhooks"]),
        began_at: ago(100, 0),
        resolved_at: Some(ago(99, 20)),
        next_update_by: None,
        updates: vec![
            update(ago(99, 58), Phase::Investigating, ""),
            update(ago(99, 50), Phase::Identified, ""),
            update(ago(99, 44), Phase::Monitoring, "API and web app work again. Webhooks are sent late."),
            update(ago(99, 20), Phase::Resolved, "All webhooks are sent. We are sorry for this."),
        ],
    };
    let older = Incident {
        id: id("20261010-0702-api")?,
        title: None,
        impact: Impact::Critical,
        components: ids(&["api"]),
        began_at: ago(52 * 24, 0),
        resolved_at: Some(ago(52 * 24 - 1, 29)),
        next_update_by: None,
        updates: vec![
            update(ago(52 * 24, -2), Phase::Investigating, ""),
            update(ago(52 * 24 - 1, 29), Phase::Resolved, ""),
        ],
    };
    Ok(vec![open, over, older])
}

fn maintenances(now: Timestamp) -> Vec<Maintenance> {
    let work = |id: &str, title: &str, text: &str, components: &[&str], from: i64, until: i64| {
        Some(Maintenance {
            id: Id::of(id)?,
            title: Public::typed(title)?,
            text: Public::typed(text),
            components: ids(components),
            announced_at: ago(now, 120 - from.min(0), 0),
            from: ago(now, -from, 20),
            until: ago(now, -until, 20),
            ended_at: None,
        })
    };
    let works = [
        work(
            "database",
            "The database gets a new version",
            "Pages may load slowly, and for some minutes nothing can be saved.",
            &[],
            77,
            79,
        ),
        work("reports", "Reports move to a larger server", "", &["reports"], 0, 2),
        work("webhooks", "New addresses for webhooks", "", &["webhooks"], -150, -148),
    ];
    works.into_iter().flatten().collect()
}
