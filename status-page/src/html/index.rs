//! The first page: all that one wants to know now.

use maud::{Markup, html};

use crate::{
    history,
    html::{
        components, events, icons,
        parts::{class, moment},
        response_times,
    },
    model::{Incident, Maintenance, MaintenancePhase, Page, Status},
    times, words,
};

pub(super) fn body(page: &Page) -> Markup {
    let open: Vec<&Incident> =
        page.incidents.iter().filter(|incident| incident.resolved_at.is_none()).collect();
    // The next first.
    let works = |phase| {
        page.maintenances.iter().rev().filter(move |work| work.phase(page.at) == phase).collect::<Vec<_>>()
    };
    html! {
        (headline(page, open.len()))
        @if !open.is_empty() {
            section aria-labelledby="open" {
                h2 #open { "Open incidents" }
                @for incident in open { (events::open(incident, page)) }
            }
        }
        (maintenance("now", "Maintenance in progress", &works(MaintenancePhase::InProgress), page))
        @if !page.components.is_empty() { (components::section(page)) }
        (maintenance("scheduled", "Scheduled maintenance", &works(MaintenancePhase::Scheduled), page))
        (response_times::section(page))
        (past(page))
    }
}

fn headline(page: &Page, open: usize) -> Markup {
    let worst = page.status();
    let since = page.components.iter().filter(|component| component.status == worst);
    let since = since.filter_map(|component| component.since).min().filter(|_| worst != Status::Operational);
    html! {
        div class={ "headline " (class(worst)) } {
            div.words role="status" { (icons::of(worst)) h1 dir="auto" { (words::headline(page)) } }
            @if let Some(since) = since { p { "Since " (moment(since)) "." } }
            @if open > 0 && worst == Status::Operational {
                p { "We are still watching " a href="#open" { @if open == 1 { "one incident" } @else { (open) " incidents" } } "." }
            }
        }
        p.made { "As of " (moment(page.at)) ". This page refreshes every minute." }
        p.age #age hidden data-made=(page.at.as_second()) {}
    }
}

fn maintenance(id: &str, title: &str, works: &[&Maintenance], page: &Page) -> Markup {
    html! {
        @if !works.is_empty() {
            section aria-labelledby=(id) {
                h2 id=(id) { (title) }
                @for work in works { (events::maintenance(work, work.phase(page.at), page)) }
            }
        }
    }
}

fn past(page: &Page) -> Markup {
    let recent = history::recent(page);
    let months = history::months(page);
    html! {
        section aria-labelledby="past" {
            h2 #past { "Past incidents" }
            div.card {
                @if recent.is_empty() { p { "No incidents in the last 14 days." } }
                @for entry in &recent { (events::short(entry, page, 3)) }
            }
            @if !months.is_empty() {
                nav.months aria-label="By month" {
                    @for month in &months { a href=(month.path()) { (times::month(month.first)) } }
                }
            }
        }
    }
}
