//! Incidents and announced work, with their updates.

use jiff::Timestamp;

use crate::{
    api::{
        components,
        fields::{AffectedJson, ComponentJson, IncidentJson, UpdateJson},
        page_id, status,
    },
    feeds,
    history::Entry,
    model::{Component, Impact, Incident, Maintenance, MaintenancePhase, Page, Phase, Status, Update},
    public::Id,
    words,
};

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

pub(super) fn incident_json<'a>(incident: &'a Incident, page: &'a Page) -> IncidentJson<'a> {
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
        created_at: entry.told(),
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

pub(super) fn maintenance_json<'a>(work: &'a Maintenance, page: &'a Page) -> IncidentJson<'a> {
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
    // What became of it, the oldest first.
    let mut phases = vec![(MaintenancePhase::Scheduled, entry.told(), works, works)];
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
        created_at: entry.told(),
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
