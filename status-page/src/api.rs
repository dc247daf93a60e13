//! The JSON that tools for status pages read, in the form that the widespread ones have given it.

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::{
    feeds,
    history::Entry,
    model::{Component, Impact, Incident, Maintenance, MaintenancePhase, Page, Phase, Status, Update},
    public::{Id, Public},
    words,
};

/// As many as others list.
const INCIDENTS: usize = 50;

#[derive(Serialize)]
struct PageJson<'a> {
    id: String,
    name: &'a str,
    url: &'a str,
    time_zone: &'static str,
    updated_at: Timestamp,
}

#[derive(Serialize)]
struct StatusJson {
    indicator: &'static str,
    description: String,
}

#[derive(Clone, Serialize)]
struct ComponentJson<'a> {
    id: String,
    name: &'a str,
    status: &'static str,
    description: Option<&'a str>,
    position: usize,
    group: bool,
    group_id: Option<String>,
    page_id: String,
    showcase: bool,
    start_date: Option<jiff::civil::Date>,
    only_show_if_degraded: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// An incident, or announced work, which has two fields more.
#[derive(Serialize)]
struct IncidentJson<'a> {
    id: &'a str,
    name: String,
    status: &'static str,
    impact: &'static str,
    shortlink: String,
    page_id: String,
    created_at: Timestamp,
    started_at: Timestamp,
    updated_at: Timestamp,
    monitoring_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_for: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_until: Option<Timestamp>,
    components: Vec<ComponentJson<'a>>,
    incident_updates: Vec<UpdateJson<'a>>,
}

#[derive(Serialize)]
struct UpdateJson<'a> {
    id: String,
    incident_id: &'a str,
    status: &'static str,
    body: String,
    created_at: Timestamp,
    display_at: Timestamp,
    updated_at: Timestamp,
    affected_components: Vec<AffectedJson<'a>>,
}

#[derive(Serialize)]
struct AffectedJson<'a> {
    code: &'a str,
    name: &'a str,
    old_status: &'static str,
    new_status: &'static str,
}

#[derive(Serialize, Default)]
struct Document<'a> {
    page: Option<PageJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<Vec<ComponentJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incidents: Option<Vec<IncidentJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_maintenances: Option<Vec<IncidentJson<'a>>>,
}

/// By name, each document's text.
pub(crate) fn documents(page: &Page) -> Vec<(&'static str, String)> {
    let status =
        || Some(StatusJson { indicator: indicator(page.status()), description: words::headline(page) });
    let incidents = |is_asked: fn(&Incident) -> bool| {
        let asked = page.incidents.iter().filter(|incident| is_asked(incident)).take(INCIDENTS);
        Some(asked.map(|incident| incident_json(incident, page)).collect())
    };
    let works = |is_asked: fn(MaintenancePhase) -> bool| {
        let asked = page.maintenances.iter().filter(|work| is_asked(work.phase(page.at)));
        Some(asked.map(|work| maintenance_json(work, page)).collect())
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

/// Those that are concerned; of work without a list, all.
fn concerned<'a>(ids: &[Id], is_all: bool, page: &'a Page) -> Vec<&'a Component> {
    page.components.iter().filter(|component| is_all || ids.contains(&component.id)).collect()
}

fn as_json<'a>(concerned: &[&'a Component], page: &'a Page) -> Vec<ComponentJson<'a>> {
    let all = components(page);
    let of = |component: &&Component| {
        all.iter().find(|json| !json.group && json.id == component.id.as_str()).cloned()
    };
    concerned.iter().filter_map(of).collect()
}

fn affected<'a>(
    components: &[&'a Component],
    old_status: &'static str,
    new_status: &'static str,
) -> Vec<AffectedJson<'a>> {
    let of = |component: &&'a Component| AffectedJson {
        code: component.id.as_str(),
        name: component.name.as_str(),
        old_status,
        new_status,
    };
    components.iter().map(of).collect()
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Investigating => "investigating",
        Phase::Identified => "identified",
        Phase::Monitoring => "monitoring",
        Phase::Resolved => "resolved",
    }
}

/// What an incident of this impact makes of a component.
fn status_under(impact: Impact) -> &'static str {
    status(match impact {
        Impact::None => Status::Operational,
        Impact::Minor => Status::DegradedPerformance,
        Impact::Major => Status::PartialOutage,
        Impact::Critical => Status::MajorOutage,
    })
}

fn incident_json<'a>(incident: &'a Incident, page: &'a Page) -> IncidentJson<'a> {
    let entry = Entry::Incident(incident);
    let concerned = concerned(&incident.components, false, page);
    let under = status_under(incident.impact);
    let works = status(Status::Operational);
    let update = |(place, update): (usize, &Update)| {
        let old = if place == 0 { works } else { under };
        let new = if update.phase == Phase::Resolved { works } else { under };
        UpdateJson {
            id: format!("{}-{}", incident.id.as_str(), place + 1),
            incident_id: incident.id.as_str(),
            status: phase(update.phase),
            body: words::update(update, incident, page),
            created_at: update.at,
            display_at: update.at,
            updated_at: update.at,
            affected_components: affected(&concerned, old, new),
        }
    };
    let mut updates: Vec<UpdateJson> = incident.updates.iter().enumerate().map(update).collect();
    updates.reverse();
    let monitoring = incident.updates.iter().find(|update| update.phase == Phase::Monitoring);
    IncidentJson {
        id: incident.id.as_str(),
        name: words::title(incident, page),
        status: phase(incident.phase()),
        impact: match incident.impact {
            Impact::None => "none",
            Impact::Minor => "minor",
            Impact::Major => "major",
            Impact::Critical => "critical",
        },
        shortlink: feeds::address(&entry, page),
        page_id: page_id(page),
        created_at: incident.updates.first().map_or(incident.began_at, |update| update.at),
        started_at: incident.began_at,
        updated_at: entry.changed(),
        monitoring_at: monitoring.map(|update| update.at),
        resolved_at: incident.resolved_at,
        scheduled_for: None,
        scheduled_until: None,
        components: as_json(&concerned, page),
        incident_updates: updates,
    }
}

fn maintenance_json<'a>(work: &'a Maintenance, page: &'a Page) -> IncidentJson<'a> {
    let now = work.phase(page.at);
    let entry = Entry::Maintenance(work, now);
    let concerned = concerned(&work.components, work.components.is_empty(), page);
    let (works, under) = (status(Status::Operational), status(Status::UnderMaintenance));
    let named = |phase| match phase {
        MaintenancePhase::Scheduled => "scheduled",
        MaintenancePhase::InProgress => "in_progress",
        // Readers know no other word for it; the text says that it did not take place.
        MaintenancePhase::Completed | MaintenancePhase::CalledOff => "completed",
    };
    // What became of it, the oldest first. When it was announced is not kept: its beginning stands for that.
    let mut phases = vec![(MaintenancePhase::Scheduled, entry.began(), works, works)];
    if matches!(now, MaintenancePhase::InProgress | MaintenancePhase::Completed) {
        phases.push((MaintenancePhase::InProgress, work.from, works, under));
    }
    if now == MaintenancePhase::Completed {
        phases.push((now, work.end(), under, works));
    } else if now == MaintenancePhase::CalledOff {
        phases.push((now, work.end(), works, works));
    }
    let update = |(place, (phase, at, old, new)): (usize, (MaintenancePhase, Timestamp, _, _))| {
        let typed = work.text.as_ref().filter(|_| phase == MaintenancePhase::Scheduled);
        UpdateJson {
            id: format!("{}-{}", work.id.as_str(), place + 1),
            incident_id: work.id.as_str(),
            status: named(phase),
            body: typed
                .map_or_else(|| words::maintenance(work, phase, page), |text| text.as_str().to_owned()),
            created_at: at,
            display_at: at,
            updated_at: at,
            affected_components: affected(&concerned, old, new),
        }
    };
    let mut updates: Vec<UpdateJson> = phases.into_iter().enumerate().map(update).collect();
    updates.reverse();
    IncidentJson {
        id: work.id.as_str(),
        name: work.title.as_str().replace('\n', " "),
        status: named(now),
        impact: "maintenance",
        shortlink: feeds::address(&entry, page),
        page_id: page_id(page),
        created_at: entry.began(),
        started_at: entry.began(),
        updated_at: entry.changed(),
        monitoring_at: None,
        resolved_at: matches!(now, MaintenancePhase::Completed | MaintenancePhase::CalledOff)
            .then(|| work.end()),
        scheduled_for: Some(work.from),
        scheduled_until: Some(work.until),
        components: as_json(&concerned, page),
        incident_updates: updates,
    }
}
