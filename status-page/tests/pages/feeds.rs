//! The feeds, read back.

use atom_syndication::Feed;
use rss::Channel;
use status_page::{Page, files};

use crate::states;

fn body(page: &Page, path: &str) -> String {
    files(page).into_iter().find(|file| file.path == path).unwrap().body
}

/// Of each entry: its title, its id, its link, when there was the last word.
type Told = (String, String, String, Option<String>);

fn check(state: &str, atom: &[Told]) {
    let page = states::all().into_iter().find(|(name, _)| *name == state).unwrap().1;
    let feed: Feed = body(&page, "history.atom").parse().unwrap();
    let told = feed.entries.iter().map(|entry| {
        let updated = entry.updated.to_rfc3339();
        (entry.title.value.clone(), entry.id.clone(), entry.links[0].href.clone(), Some(updated))
    });
    assert_eq!(told.collect::<Vec<_>>(), atom, "{state}");
}

fn told(title: &str, id: &str, link: &str, updated: &str) -> Told {
    let address = |path: &str| format!("https://status.example.com{path}");
    (title.to_owned(), address(id), address(link), Some(updated.to_owned()))
}

#[test]
fn a_feed_has_incidents_and_maintenance_the_newest_first() {
    check(
        "all-well",
        &[told(
            "Resolved: Web app is slow",
            "/incidents/late.html",
            "/incidents/late.html",
            "2026-11-28T17:50:00+00:00",
        )],
    );
    check(
        "maintenance-after",
        &[
            told(
                "Maintenance called off: The database gets a new version",
                "/#maintenance-never",
                "/history/2026-12.html#maintenance-never",
                "2026-12-01T16:20:00+00:00",
            ),
            told(
                "Maintenance completed: The database gets a new version",
                "/#maintenance-database",
                "/history/2026-12.html#maintenance-database",
                "2026-12-01T14:10:00+00:00",
            ),
            told(
                "Maintenance completed: The database gets a new version",
                "/#maintenance-early",
                "/history/2026-11.html#maintenance-early",
                "2026-11-30T14:30:00+00:00",
            ),
        ],
    );
}

#[test]
fn both_feeds_say_the_same() {
    for (name, page) in states::all().into_iter().chain([("empty", states::empty())]) {
        let feed: Feed = body(&page, "history.atom").parse().unwrap();
        let channel: Channel = body(&page, "history.rss").parse().unwrap();
        let atom: Vec<_> = feed
            .entries
            .iter()
            .map(|entry| {
                let content = entry.content.as_ref().unwrap().value.clone();
                (
                    Some(entry.title.value.clone()),
                    entry.id.clone(),
                    Some(entry.links[0].href.clone()),
                    content,
                )
            })
            .collect();
        let rss: Vec<_> = channel
            .items
            .iter()
            .map(|item| {
                let id = item.guid.as_ref().unwrap().value.clone();
                (item.title.clone(), id, item.link.clone(), item.description.clone())
            })
            .collect();
        assert_eq!(atom, rss, "{name}");
    }
}

#[test]
fn a_feed_is_xml_whatever_was_typed() {
    let page = states::all().into_iter().find(|(name, _)| *name == "hostile").unwrap().1;
    for path in ["history.atom", "history.rss"] {
        let body = body(&page, path);
        let document = roxmltree::Document::parse(&body).unwrap();
        let script = document.descendants().find(|node| node.has_tag_name("script"));
        assert_eq!(script, None, "{path}");
        let title = document.descendants().filter(|node| node.tag_name().name() == "title").nth(1).unwrap();
        let expected = "Maintenance scheduled: ".to_owned() + &"Donaudampfschiff".repeat(30);
        assert_eq!(title.text(), Some(expected.as_str()), "{path}");
    }
}

#[test]
fn announced_work_has_the_date_of_its_announcement() {
    let page = states::all().into_iter().find(|(name, _)| *name == "maintenance-before").unwrap().1;
    let channel: Channel = body(&page, "history.rss").parse().unwrap();
    assert_eq!(
        channel.items.iter().map(|item| &item.pub_date).collect::<Vec<_>>(),
        [&Some("Tue, 01 Dec 2026 16:10:00 +0000".to_owned())]
    );
}
