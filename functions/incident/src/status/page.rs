//! The status page, from what is in the ledger.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::json;
use status_page::{
    self as shown, Day, Id, MaintenancePhase, Page, Public, Status,
    minutes::{self, Minutes},
};

use super::{
    components::{Component, Components},
    maintenance::Window,
    publication::{Affected, Publication},
    said::ComponentState,
};
use crate::{
    incident::{Incident, SERVICE_DOWN},
    request::ComponentStatus,
};

/// As many days as a page shows.
pub const DAYS: usize = 90;

/// The days that are over, each component's by its id.
pub type Days = BTreeMap<Date, BTreeMap<Id, Day>>;

/// What is in the ledger.
#[derive(Debug, Default)]
pub struct Gathered {
    pub minutes: Minutes,
    pub by_hand: Vec<ComponentState>,
    /// The ids of the incidents that are open.
    pub open: BTreeSet<String>,
    pub windows: Vec<Window>,
    pub publications: Vec<Publication>,
    pub days: Days,
}

/// What an incident does to customers: the components that do not work, by the probe. Announced work is no news, and
/// what the probe sees is about whether the service is down, and no other cause.
pub fn affected(
    components: &Components,
    minutes: &Minutes,
    windows: &[Window],
    incident: &Incident,
    now: Timestamp,
) -> Affected {
    if incident.cause != SERVICE_DOWN {
        return Affected::new();
    }
    let is_measured = |component: &&Component| {
        let id = &component.id;
        !component.checks.is_empty()
            && !windows.iter().any(|window| window.is_on(now) && window.covers(&[id]))
    };
    let status = |component: &Component| {
        let (status, _) = minutes::status(minutes, &component.checks, now);
        (status > Status::UnderMaintenance).then(|| (component.id.clone(), status))
    };
    components.all().iter().filter(is_measured).filter_map(status).collect()
}

/// The days of one date, whose minutes are all in.
pub fn day(components: &Components, gathered: &Gathered, date: Date, now: Timestamp) -> BTreeMap<Id, Day> {
    let windows: Vec<shown::Maintenance> = gathered.windows.iter().map(Window::shown).collect();
    let measured = components.all().iter().filter(|component| !component.checks.is_empty());
    measured
        .filter_map(|component| {
            Some((component.id.clone(), of_component(component, gathered, &windows, date, now)?))
        })
        .collect()
}

fn of_component(
    component: &Component,
    gathered: &Gathered,
    windows: &[shown::Maintenance],
    date: Date,
    now: Timestamp,
) -> Option<Day> {
    let windows: Vec<&shown::Maintenance> = windows
        .iter()
        .filter(|window| window.components.is_empty() || window.components.contains(&component.id))
        .collect();
    minutes::day(date, &gathered.minutes, &component.checks, &windows, now)
}

/// Everything that the page shows.
pub fn page(name: &Public, url: &str, components: &Components, gathered: &Gathered, now: Timestamp) -> Page {
    let today = TimeZone::UTC.to_datetime(now).date();
    let todays = day(components, gathered, today, now);
    let component = |component: &Component| {
        let (status, since, message) = status(component, gathered, now);
        let mut days: Vec<Day> =
            gathered.days.values().filter_map(|day| day.get(&component.id).copied()).collect();
        days.extend(todays.get(&component.id).copied());
        let skipped = days.len().saturating_sub(DAYS);
        shown::Component {
            id: component.id.clone(),
            name: component.name.clone(),
            group: component.group.clone(),
            status,
            since,
            message,
            days: days.split_off(skipped),
        }
    };
    let mut incidents: Vec<shown::Incident> = gathered.publications.iter().map(Publication::shown).collect();
    incidents.sort_by_key(|incident| Reverse(incident.began_at));
    let mut maintenances: Vec<shown::Maintenance> = gathered.windows.iter().map(Window::shown).collect();
    maintenances.retain(|window| window.phase(now) != MaintenancePhase::CalledOff);
    maintenances.sort_by_key(|window| Reverse(window.from));
    Page {
        name: name.clone(),
        url: url.to_owned(),
        at: now,
        components: components.all().iter().map(component).collect(),
        incidents,
        maintenances,
        response_times: minutes::response_times(&gathered.minutes, now),
    }
}

/// What a page says, without the numbers that grow each minute: the page is written at once when this changes.
pub fn content(page: &Page) -> String {
    let component = |component: &shown::Component| {
        json!([component.id, component.name, component.group, component.status, component.message])
    };
    let work = |work: &shown::Maintenance| json!([work, work.phase(page.at)]);
    json!([
        page.components.iter().map(component).collect::<Vec<_>>(),
        page.incidents,
        page.maintenances.iter().map(work).collect::<Vec<_>>(),
    ])
    .to_string()
}

/// A component's status: as a person says it, while that holds; else announced maintenance; else by the probe.
fn status(
    component: &Component,
    gathered: &Gathered,
    now: Timestamp,
) -> (Status, Option<Timestamp>, Option<Public>) {
    let said = gathered.by_hand.iter().find(|state| {
        Id::of(&state.component.component).as_ref() == Some(&component.id) && state.holds(&gathered.open, now)
    });
    if let Some(state) = said {
        let status = match state.component.status {
            ComponentStatus::Operational => Status::Operational,
            ComponentStatus::Degraded => Status::DegradedPerformance,
            ComponentStatus::Down => Status::MajorOutage,
            ComponentStatus::Maintenance => Status::UnderMaintenance,
        };
        return (status, Some(state.at), Public::typed(&state.component.message));
    }
    if let Some(window) =
        gathered.windows.iter().find(|window| window.is_on(now) && window.covers(&[&component.id]))
    {
        return (Status::UnderMaintenance, Some(window.from), None);
    }
    if component.checks.is_empty() {
        // Nobody has said anything else.
        return (Status::Operational, None, None);
    }
    let (status, since) = minutes::status(&gathered.minutes, &component.checks, now);
    (status, since, None)
}
