//! Parts of a page, of which a state says what is different.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::date};
use status_page::{
    Component, Day, Hour, Id, Impact, Incident, Maintenance, Page, Phase, Public, Status, Update,
};

pub(crate) fn public(text: &str) -> Public {
    Public::typed(text).unwrap()
}

pub(crate) fn id(text: &str) -> Id {
    Id::of(text).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Ten past five in the afternoon of the first of December, and some seconds.
pub(crate) fn now() -> Timestamp {
    at("2026-12-01T17:10:20Z")
}

pub(crate) fn minutes_ago(minutes: i64) -> Timestamp {
    at("2026-12-01T17:10:00Z") - SignedDuration::from_mins(minutes)
}

pub(crate) fn days_ago(days: i64) -> Timestamp {
    minutes_ago(days * 1_440)
}

/// Good days, today the last of them.
pub(crate) fn good_days(number: i32) -> Vec<Day> {
    let day = |ago: i32| {
        let date = date(2026, 12, 1) - ago.days();
        let up = if ago == 0 { 1_030 } else { 1_440 };
        Day { up, unknown: 0, ..Day::unknown(date) }
    };
    (0..number).rev().map(day).collect()
}

pub(crate) fn component(name: &str, group: Option<&str>) -> Component {
    Component {
        id: id(name),
        name: public(name),
        group: group.map(public),
        status: Status::Operational,
        since: Some(days_ago(12)),
        message: None,
        days: good_days(30),
    }
}

pub(crate) fn hours() -> Vec<Hour> {
    let hour = |ago: i64| Hour {
        at: at("2026-12-01T17:00:00Z") - SignedDuration::from_hours(ago),
        median_ms: u32::try_from(120 + ago % 7 * 5).unwrap(),
        p95_ms: u32::try_from(240 + ago % 5 * 30).unwrap(),
    };
    // One hour was not measured.
    (0..24).rev().filter(|ago| *ago != 9).map(hour).collect()
}

/// All is well, and nothing ever was not.
pub(crate) fn page() -> Page {
    Page {
        name: public("LendPeak"),
        url: "https://status.example.com".to_owned(),
        at: now(),
        components: vec![component("API", None), component("Web app", None)],
        incidents: Vec::new(),
        maintenances: Vec::new(),
        response_times: hours(),
    }
}

pub(crate) fn update(at: Timestamp, phase: Phase) -> Update {
    Update { at, phase, text: None }
}

/// It began so many minutes ago, and nobody has typed a word.
pub(crate) fn open_incident(name: &str, impact: Impact, components: &[&str], minutes: i64) -> Incident {
    Incident {
        id: id(name),
        title: None,
        impact,
        components: components.iter().copied().map(id).collect(),
        began_at: minutes_ago(minutes),
        resolved_at: None,
        next_update_by: Some(minutes_ago(minutes - 33)),
        updates: vec![update(minutes_ago(minutes - 3), Phase::Investigating)],
    }
}

/// It took forty minutes.
pub(crate) fn past_incident(name: &str, impact: Impact, components: &[&str], days: i64) -> Incident {
    let minutes = days * 1_440;
    let updates =
        [(3, Phase::Investigating), (12, Phase::Identified), (25, Phase::Monitoring), (40, Phase::Resolved)];
    Incident {
        resolved_at: Some(minutes_ago(minutes - 40)),
        next_update_by: None,
        updates: updates.map(|(later, phase)| update(minutes_ago(minutes - later), phase)).to_vec(),
        ..open_incident(name, impact, components, minutes)
    }
}

/// Two hours of work, which begin in so many minutes.
pub(crate) fn maintenance(minutes: i64) -> Maintenance {
    Maintenance {
        id: id("database"),
        title: public("The database gets a new version"),
        text: Some(public("For some minutes nothing can be saved.")),
        components: vec![id("API")],
        announced_at: minutes_ago(60 - minutes.min(0)),
        from: minutes_ago(-minutes),
        until: minutes_ago(-minutes - 120),
        ended_at: None,
    }
}
