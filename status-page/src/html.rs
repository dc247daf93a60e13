//! The pages. Whatever a person typed is escaped by maud.

mod components;
mod events;
mod icons;
mod index;
mod parts;
mod response_times;

use maud::{DOCTYPE, Markup, html};

pub(crate) use events::in_feed;

use crate::{
    history::Month,
    html::parts::{Described, frame},
    model::{Incident, Page},
    times, words,
};

/// A page, and where its style and its script are.
pub(crate) struct Site<'a> {
    pub(crate) page: &'a Page,
    pub(crate) css: String,
    pub(crate) js: String,
}

pub(crate) fn index(site: &Site) -> String {
    let title = format!("{}: {}", site.page.name.as_str(), words::headline(site.page));
    let described = Described { title, is_renewed: true, status: Some(site.page.status()) };
    document(site, &described, &index::body(site.page))
}

pub(crate) fn incident(site: &Site, incident: &Incident) -> String {
    let described = Described::of(words::title(incident, site.page));
    document(site, &described, &events::whole(incident, site.page))
}

/// The month at this place of all, the newest first.
pub(crate) fn month(site: &Site, months: &[Month], place: usize, month: &Month) -> String {
    let name = times::month(month.first);
    let newer = place.checked_sub(1).and_then(|place| months.get(place));
    let older = months.get(place.saturating_add(1));
    let link = |month: &Month, rel: &str| {
        html! { a href=(month.path()) rel=(rel) { (times::month(month.first)) } }
    };
    let body = html! {
        h1 { (name) }
        div.card { @for entry in &month.entries { (events::short(entry, site.page, 2)) } }
        nav.months aria-label="Other months" {
            @if let Some(older) = older { (link(older, "prev")) }
            @if let Some(newer) = newer { (link(newer, "next")) }
            a href="/" { "Current status" }
        }
    };
    document(site, &Described::of(name), &body)
}

pub(crate) fn not_found(site: &Site) -> String {
    let body = html! {
        h1 { "Page not found" }
        p { "The address may be mistyped, or the page is no longer kept." }
        p { a href="/" { "Current status of " (site.page.name.as_str()) } }
    };
    document(site, &Described::of("Page not found".to_owned()), &body)
}

fn document(site: &Site, described: &Described, body: &Markup) -> String {
    let document = html! { (DOCTYPE) (frame(site, described, body)) };
    document.into_string()
}
