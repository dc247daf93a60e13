//! The components by group, each with its days.

use jiff::{ToSpan, civil::Date};
use maud::{Markup, html};

use crate::{
    html::parts::{moment, status, typed},
    model::{Component, Day, Page, Status},
    times, words,
};

const DAYS: i32 = 90;

pub(super) fn section(page: &Page) -> Markup {
    let today = times::date_of(page.at);
    html! {
        section aria-labelledby="components" {
            h2 #components { "Components" }
            @for group in page.components.chunk_by(|one, other| one.group == other.group) {
                @let name = group.first().and_then(|component| component.group.as_ref());
                @if let Some(name) = name {
                    div.group {
                        h3 dir="auto" { (name.as_str()) }
                        @if let [_, _, ..] = group {
                            (status(group.iter().map(|component| component.status).max().unwrap_or(Status::Unknown)))
                        }
                    }
                }
                ul.card.components {
                    @for component in group { (row(component, name.is_some(), today)) }
                }
            }
            (legend())
        }
    }
}

fn row(component: &Component, is_in_group: bool, today: Date) -> Markup {
    let name = component.name.as_str();
    html! {
        li id={ "component-" (component.id.as_str()) } {
            div.row {
                @if is_in_group { h4 dir="auto" { (name) } } @else { h3 dir="auto" { (name) } }
                (status(component.status))
            }
            @if let Some(since) = component.since.filter(|_| component.status != Status::Operational) {
                p.facts { "Since " (moment(since)) "." }
            }
            @if let Some(message) = &component.message { (typed(message.as_str())) }
            ol.days aria-label={ (name) ", the last 90 days" } {
                @for day in days(component, today) { li class=[class(&day)] { span { (words::day(&day)) } } }
            }
            div.scale { span { "90 days ago" } span.uptime { (words::uptime(component)) } span { "Today" } }
        }
    }
}

/// Each of the last days, today the last; one that is not there has no data.
fn days(component: &Component, today: Date) -> impl Iterator<Item = Day> {
    (0..DAYS).rev().filter_map(move |ago| {
        let date = today.checked_sub(ago.days()).ok()?;
        let known = component.days.iter().find(|day| day.date == date);
        Some(known.copied().unwrap_or_else(|| Day::unknown(date)))
    })
}

/// The worst of a day. Most are good: those need no class, which keeps the page small.
fn class(day: &Day) -> Option<&'static str> {
    match day {
        Day { down: 1.., .. } => Some("down"),
        Day { partial: 1.., .. } => Some("part"),
        Day { degraded: 1.., .. } => Some("slow"),
        Day { maintenance: 1.., .. } => Some("work"),
        Day { up: 0, .. } => Some("none"),
        _ => None,
    }
}

fn legend() -> Markup {
    let kinds = [
        ("", "Up"),
        ("slow", "Slow"),
        ("part", "Partly down"),
        ("down", "Down"),
        ("work", "Maintenance"),
        ("none", "No data"),
    ];
    html! {
        div.legend {
            p { "Each bar is a day, and shows the worst of that day." }
            ul.kinds {
                @for (class, word) in kinds {
                    li { span class={ "bar " (class) } {} (word) }
                }
            }
            p { "What is counted: " (words::COUNTED) }
        }
    }
}
