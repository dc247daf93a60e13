//! Incidents and maintenance as Atom and as RSS. Both crates escape what they write.

use atom_syndication::{Content, Entry as AtomEntry, Feed, FixedDateTime, Link, Text};
use jiff::Timestamp;
use rss::{Channel, Guid, Item};

use crate::{
    history::{self, Entry},
    html,
    model::{MaintenancePhase, Page},
    times, words,
};

/// What is older is on the pages of the months.
const ENTRIES: usize = 50;

/// An entry as both feeds have it.
struct Told<'a> {
    title: String,
    link: String,
    content: String,
    entry: Entry<'a>,
}

pub(crate) fn address(entry: &Entry, page: &Page) -> String {
    match entry {
        Entry::Incident(incident) => format!("{}/incidents/{}.html", page.url, incident.id.as_str()),
        Entry::Maintenance(work, MaintenancePhase::Scheduled | MaintenancePhase::InProgress) => {
            format!("{}/#maintenance-{}", page.url, work.id.as_str())
        }
        Entry::Maintenance(work, _) => {
            let month = entry.began().strftime("%Y-%m");
            format!("{}/history/{month}.html#maintenance-{}", page.url, work.id.as_str())
        }
    }
}

/// The same one for ever, wherever the entry is shown.
fn id(entry: &Entry, page: &Page) -> String {
    match entry {
        Entry::Incident(_) => address(entry, page),
        Entry::Maintenance(work, _) => format!("{}/#maintenance-{}", page.url, work.id.as_str()),
    }
}

fn told(page: &Page) -> impl Iterator<Item = Told<'_>> {
    history::entries(page).into_iter().take(ENTRIES).map(|entry| {
        let title = match entry {
            Entry::Incident(incident) => {
                format!("{}: {}", words::phase(incident.phase()), words::title(incident, page))
            }
            Entry::Maintenance(work, phase) => {
                let title = work.title.as_str().replace('\n', " ");
                format!("{}: {title}", words::maintenance_phase(phase))
            }
        };
        Told { title, link: address(&entry, page), content: html::in_feed(&entry, page), entry }
    })
}

fn title(page: &Page) -> String {
    format!("{} status", page.name.as_str())
}

fn instant(at: Timestamp) -> FixedDateTime {
    at.to_string().parse().unwrap_or_default()
}

pub(crate) fn atom(page: &Page) -> String {
    let entries = told(page).map(|told| AtomEntry {
        title: Text::plain(told.title),
        id: id(&told.entry, page),
        updated: instant(told.entry.changed()),
        published: Some(instant(told.entry.told())),
        links: vec![Link { href: told.link, rel: "alternate".to_owned(), ..Link::default() }],
        content: Some(Content {
            value: Some(told.content),
            content_type: Some("html".to_owned()),
            ..Content::default()
        }),
        ..AtomEntry::default()
    });
    let feed = Feed {
        title: Text::plain(title(page)),
        id: format!("{}/history.atom", page.url),
        updated: instant(page.at),
        authors: vec![atom_syndication::Person { name: page.name.as_str().to_owned(), ..Default::default() }],
        links: vec![
            Link { href: format!("{}/", page.url), rel: "alternate".to_owned(), ..Link::default() },
            Link { href: format!("{}/history.atom", page.url), rel: "self".to_owned(), ..Link::default() },
        ],
        entries: entries.collect(),
        ..Feed::default()
    };
    feed.to_string()
}

pub(crate) fn rss(page: &Page) -> String {
    let items = told(page).map(|told| Item {
        title: Some(told.title),
        link: Some(told.link),
        description: Some(told.content),
        guid: Some(Guid { value: id(&told.entry, page), permalink: false }),
        pub_date: Some(times::mail(told.entry.changed())),
        ..Item::default()
    });
    let channel = Channel {
        title: title(page),
        link: format!("{}/", page.url),
        description: "Incidents and maintenance".to_owned(),
        language: Some("en".to_owned()),
        last_build_date: Some(times::mail(page.at)),
        items: items.collect(),
        ..Channel::default()
    };
    channel.to_string()
}
