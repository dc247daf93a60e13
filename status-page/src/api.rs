//! The JSON that tools for status pages read, in the form that the widespread ones have given it.

mod events;
mod fields;

use jiff::tz::TimeZone;

use crate::{
    api::fields::{ComponentJson, Document, PageJson, StatusJson},
    model::{Component, Incident, MaintenancePhase, Page, Status},
    public::{Id, Public},
    words,
};

/// As many as others list.
const INCIDENTS: usize = 50;

/// By name, each document's text.
pub(crate) fn documents(page: &Page) -> Vec<(&'static str, String)> {
    let status =
        || Some(StatusJson { indicator: indicator(page.status()), description: words::headline(page) });
    let incidents = |is_asked: fn(&Incident) -> bool| {
        let asked = page.incidents.iter().filter(|incident| is_asked(incident)).take(INCIDENTS);
        Some(asked.map(|incident| events::incident_json(incident, page)).collect())
    };
    let works = |is_asked: fn(MaintenancePhase) -> bool| {
        let asked = page.maintenances.iter().filter(|work| is_asked(work.phase(page.at)));
        Some(asked.map(|work| events::maintenance_json(work, page)).collect())
    };
    let is_ahead = |phase| matches!(phase, MaintenancePhase::Scheduled | MaintenancePhase::InProgress);
    let named = || Document { page: Some(page_json(page)), ..Document::default() };
    let documents = [
        (
            "summary",
            Document {
                status: status(),
                components: Some(components(page)),
                incidents: incidents(|incident| incident.resolved_at.is_none()),
                scheduled_maintenances: works(is_ahead),
                ..named()
            },
        ),
        ("status", Document { status: status(), ..named() }),
        ("components", Document { components: Some(components(page)), ..named() }),
        ("incidents", Document { incidents: incidents(|_| true), ..named() }),
        ("scheduled-maintenances", Document { scheduled_maintenances: works(|_| true), ..named() }),
    ];
    // Nothing in them can fail to be written: their keys are texts.
    documents.map(|(name, document)| (name, serde_json::json!(document).to_string())).to_vec()
}

/// The product's, in the form of an id.
fn page_id(page: &Page) -> String {
    Id::of(page.name.as_str()).map_or_else(|| "page".to_owned(), |id| id.as_str().to_owned())
}

fn page_json(page: &Page) -> PageJson<'_> {
    PageJson {
        id: page_id(page),
        name: page.name.as_str(),
        url: &page.url,
        time_zone: "Etc/UTC",
        updated_at: page.at,
    }
}

fn indicator(status: Status) -> &'static str {
    match status {
        Status::Operational => "none",
        Status::UnderMaintenance => "maintenance",
        Status::Unknown | Status::DegradedPerformance => "minor",
        Status::PartialOutage => "major",
        Status::MajorOutage => "critical",
    }
}

/// Readers know five words. That nothing is known is no good news, so it is the mildest of the bad ones, and
/// the description says what it is.
fn status(status: Status) -> &'static str {
    match status {
        Status::Operational => "operational",
        Status::Unknown | Status::DegradedPerformance => "degraded_performance",
        Status::UnderMaintenance => "under_maintenance",
        Status::PartialOutage => "partial_outage",
        Status::MajorOutage => "major_outage",
    }
}

const UNKNOWN: &str = "Nothing was measured for some minutes: the status is not known.";

fn group_id(name: &str) -> String {
    let id = Id::of(name);
    format!("group-{}", id.as_ref().map_or("other", Id::as_str))
}

fn component_json<'a>(component: &'a Component, position: usize, page: &Page) -> ComponentJson<'a> {
    let start = component.days.first().map(|day| day.date);
    let midnight = start.and_then(|date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok());
    let unknown = (component.status == Status::Unknown).then_some(UNKNOWN);
    ComponentJson {
        id: component.id.as_str().to_owned(),
        name: component.name.as_str(),
        status: status(component.status),
        description: component.message.as_ref().map(Public::as_str).or(unknown),
        position,
        group: false,
        group_id: component.group.as_ref().map(|group| group_id(group.as_str())),
        page_id: page_id(page),
        showcase: true,
        start_date: start,
        only_show_if_degraded: false,
        created_at: midnight.or(component.since).unwrap_or(page.at),
        updated_at: component.since.or(midnight).unwrap_or(page.at),
    }
}

/// Each group is a component too, before those that are in it; its status is their worst.
fn components(page: &Page) -> Vec<ComponentJson<'_>> {
    let mut all: Vec<ComponentJson> = Vec::new();
    for group in page.components.chunk_by(|one, other| one.group == other.group) {
        let worst = group.iter().max_by_key(|component| component.status);
        if let Some((name, worst)) = group.first().and_then(|first| first.group.as_ref()).zip(worst) {
            let description = (worst.status == Status::Unknown).then_some(UNKNOWN);
            all.push(ComponentJson {
                id: group_id(name.as_str()),
                name: name.as_str(),
                description,
                group: true,
                group_id: None,
                ..component_json(worst, all.len() + 1, page)
            });
        }
        for component in group {
            all.push(component_json(component, all.len() + 1, page));
        }
    }
    all
}
