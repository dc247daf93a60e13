//! Whatever a person types, a page is whole and so are the feeds.

use atom_syndication::Feed;
use html5ever::{ParseOpts, parse_document, tendril::TendrilSink};
use markup5ever_rcdom::RcDom;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use rss::Channel;
use status_page::{Component, Impact, Incident, Page, Phase, Public, Update, files};

use crate::made::{component, maintenance, minutes_ago, open_incident, page, update};

/// The same text wherever a person can type one.
fn typed_everywhere(text: &Public) -> Page {
    let incident = Incident {
        title: Some(text.clone()),
        updates: vec![Update { text: Some(text.clone()), ..update(minutes_ago(5), Phase::Investigating) }],
        ..open_incident("incident", Impact::Major, &["API"], 8)
    };
    let mut work = maintenance(60);
    (work.title, work.text) = (text.clone(), Some(text.clone()));
    let component = Component {
        name: text.clone(),
        group: Some(text.clone()),
        message: Some(text.clone()),
        days: Vec::new(),
        ..component("API", None)
    };
    Page {
        name: text.clone(),
        components: vec![component],
        incidents: vec![incident],
        maintenances: vec![work],
        ..page()
    }
}

/// What means something in HTML, XML and addresses comes more often than by chance.
const TELLING: &[&str] = &[
    "<",
    ">",
    "&",
    "\"",
    "'",
    "]]>",
    "<![CDATA[",
    "<script>",
    "&amp;",
    "&#0;",
    "https://a.b/",
    "#",
    "\n",
    " ",
];

fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![any::<String>(), proptest::sample::select(TELLING).prop_map(str::to_owned)];
    proptest::collection::vec(part, 1..8).prop_map(|parts| parts.concat())
}

#[test]
fn whatever_is_typed_pages_and_feeds_are_whole_and_say_just_that() {
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let whole = TestRunner::new(config).run(&texts(), |text| {
        let Some(public) = Public::typed(&text) else { return Ok(()) };
        let page = typed_everywhere(&public);
        let title = public.as_str().replace('\n', " ");
        for file in files(&page) {
            if file.content_type.starts_with("text/html") {
                let dom = parse_document(RcDom::default(), ParseOpts::default()).one(file.body.as_str());
                let errors = dom.errors.take();
                prop_assert!(errors.is_empty(), "{}: {errors:?}", file.path);
                prop_assert_eq!(file.body.matches("<script").count(), 1);
            } else if file.path == "history.atom" {
                let feed: Feed = file.body.parse().unwrap();
                prop_assert_eq!(
                    feed.entries[0].title.value.as_str(),
                    format!("Maintenance scheduled: {title}")
                );
            } else if file.path == "history.rss" {
                let channel: Channel = file.body.parse().unwrap();
                prop_assert_eq!(channel.items[1].title.clone(), Some(format!("Investigating: {title}")));
            }
        }
        Ok(())
    });
    whole.unwrap();
}
