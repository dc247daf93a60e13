//! Incidents and maintenance, at length and in short.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::{
    history::Entry,
    html::parts::{moment, typed},
    model::{Impact, Incident, Maintenance, MaintenancePhase, Page, Phase, Update},
    times, words,
    words::Subject,
};

/// The updates of an open incident that the first page has.
const SHOWN: usize = 3;

pub(super) fn address(incident: &Incident) -> String {
    format!("/incidents/{}.html", incident.id.as_str())
}

/// A heading of this rank.
fn heading(rank: u8, content: &Markup) -> Markup {
    html! {
        @if rank == 2 { h2 dir="auto" { (content) } } @else { h3 dir="auto" { (content) } }
    }
}

fn updates<'a>(incident: &Incident, page: &Page, shown: impl Iterator<Item = &'a Update>) -> Markup {
    html! {
        ol.updates {
            @for update in shown {
                li {
                    p.phase { strong { (words::phase(update.phase)) } " " (moment(update.at)) }
                    (typed(&words::update(update, incident, page)))
                }
            }
        }
    }
}

/// What is affected, since when, and until when.
fn facts(incident: &Incident, page: &Page) -> Markup {
    let subject = Subject::of(&incident.components, page);
    html! {
        "Affects " bdi { (subject.names) } ". "
        @match incident.resolved_at {
            Some(resolved) => {
                "From " (moment(incident.began_at)) " to " (moment(resolved))
                " (" (times::between(incident.began_at, resolved)) ")."
            }
            None => { "Since " (moment(incident.began_at)) "." }
        }
    }
}

fn next_word(incident: &Incident, now: Option<Timestamp>) -> Markup {
    let by = incident.next_update_by.filter(|_| incident.resolved_at.is_none());
    html! {
        @if let Some(by) = by {
            @if now.is_some_and(|now| now > by) {
                p.next { "The next update is late: it was due by " (moment(by)) "." }
            } @else {
                p.next { "Next update by " (moment(by)) "." }
            }
        }
    }
}

fn class(impact: Impact) -> &'static str {
    match impact {
        Impact::None => "none",
        Impact::Minor => "slow",
        Impact::Major => "part",
        Impact::Critical => "down",
    }
}

/// An open incident on the first page, with its last updates.
pub(super) fn open(incident: &Incident, page: &Page) -> Markup {
    let earlier = incident.updates.len().saturating_sub(SHOWN);
    html! {
        article class={ "event open " (class(incident.impact)) } {
            h3 dir="auto" { a href=(address(incident)) { (words::title(incident, page)) } }
            p.facts { (facts(incident, page)) }
            (next_word(incident, Some(page.at)))
            (updates(incident, page, incident.updates.iter().rev().take(SHOWN)))
            @if earlier > 0 {
                p { a href=(address(incident)) { "All " (incident.updates.len()) " updates" } }
            }
        }
    }
}

/// The page of an incident. It says nothing of the time at which it is made, so that it stays as it is.
pub(super) fn whole(incident: &Incident, page: &Page) -> Markup {
    html! {
        h1 dir="auto" { (words::title(incident, page)) }
        div.card {
            p.facts { (facts(incident, page)) }
            (next_word(incident, None))
            (updates(incident, page, incident.updates.iter().rev()))
        }
        p { a href="/" { "Current status of " (page.name.as_str()) } }
    }
}

/// Work that is announced or goes on.
pub(super) fn maintenance(work: &Maintenance, phase: MaintenancePhase, page: &Page) -> Markup {
    html! {
        article.event id={ "maintenance-" (work.id.as_str()) } { (of_maintenance(work, phase, page, 3)) }
    }
}

fn of_maintenance(work: &Maintenance, phase: MaintenancePhase, page: &Page, rank: u8) -> Markup {
    let subject = Subject::of(&work.components, page);
    html! {
        (heading(rank, &html! { (work.title.as_str().replace('\n', " ")) }))
        p.facts {
            strong { (words::maintenance_phase(phase)) } ". Affects " bdi { (subject.names) } ". "
            @if phase == MaintenancePhase::CalledOff {
                "It was planned from " (moment(work.from)) " to " (moment(work.until)) "."
            } @else {
                "From " (moment(work.from)) " to " (moment(work.end())) "."
            }
        }
        @if let Some(text) = &work.text { (typed(text.as_str())) }
        p { (words::maintenance(work, phase, page)) }
    }
}

/// Of an incident its last word and the way to the rest; of maintenance all that there is.
pub(super) fn short(entry: &Entry, page: &Page, rank: u8) -> Markup {
    match entry {
        Entry::Maintenance(work, phase) => html! {
            article.event.work id={ "maintenance-" (work.id.as_str()) } { (of_maintenance(work, *phase, page, rank)) }
        },
        Entry::Incident(incident) => html! {
            article.event {
                (heading(rank, &html! { a href=(address(incident)) { (words::title(incident, page)) } }))
                p.facts { strong { (words::phase(incident.phase())) } ". " (facts(incident, page)) }
                @if let Some(update) = incident.updates.last() { (typed(&words::update(update, incident, page))) }
            }
        },
    }
}

/// As a feed has it, without the page around: what happened, the newest first.
pub(crate) fn in_feed(entry: &Entry, page: &Page) -> String {
    let content = match entry {
        Entry::Incident(incident) => {
            let is_open = incident.phase() != Phase::Resolved;
            html! {
                p { (facts(incident, page)) }
                @if is_open { (next_word(incident, None)) }
                @for update in incident.updates.iter().rev() {
                    p { strong { (words::phase(update.phase)) } ", " (moment(update.at)) }
                    (typed(&words::update(update, incident, page)))
                }
            }
        }
        Entry::Maintenance(work, phase) => html! {
            p {
                strong { (words::maintenance_phase(*phase)) } ": " (moment(work.from)) " to " (moment(work.end())) "."
            }
            @if let Some(text) = &work.text { (typed(text.as_str())) }
            p { (words::maintenance(work, *phase, page)) }
        },
    };
    content.into_string()
}
