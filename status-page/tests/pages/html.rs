//! What holds for every page of every state.

use html5ever::{ParseOpts, parse_document, tendril::TendrilSink};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use status_page::{File, Page, files};

use crate::states;

/// Every element: its name, and its attributes.
type Element = (String, Vec<(String, String)>);

fn every_state() -> impl Iterator<Item = (&'static str, Page)> {
    states::all().into_iter().chain([("empty", states::empty())])
}

fn is_html(file: &File) -> bool {
    file.content_type.starts_with("text/html")
}

fn pages() -> impl Iterator<Item = (String, File)> {
    every_state().flat_map(|(name, page)| {
        let files = files(&page).into_iter().filter(is_html);
        files.map(|file| (format!("{name}/{}", file.path), file)).collect::<Vec<_>>()
    })
}

fn parsed(body: &str) -> RcDom {
    let opts = ParseOpts::default();
    parse_document(RcDom::default(), opts).one(body)
}

fn elements(node: &Handle, found: &mut Vec<Element>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attribute = |attr: &html5ever::Attribute| (attr.name.local.to_string(), attr.value.to_string());
        found.push((name.local.to_string(), attrs.borrow().iter().map(attribute).collect()));
    }
    for child in node.children.borrow().iter() {
        elements(child, found);
    }
}

fn elements_of(body: &str) -> Vec<Element> {
    let mut found = Vec::new();
    elements(&parsed(body).document, &mut found);
    found
}

fn value<'a>((_, attributes): &'a Element, name: &str) -> Option<&'a str> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_browser_has_nothing_to_mend() {
    for (name, page) in pages() {
        let errors = parsed(&page.body).errors.take();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
    // The parser does see what is wrong.
    assert!(!parsed("<!DOCTYPE html><p><b>x</p>").errors.borrow().is_empty());
}

#[test]
fn nothing_is_loaded_from_another_host() {
    let is_own = |address: &str| {
        (address.starts_with('/') && !address.starts_with("//")) || address.starts_with("data:image/svg+xml,")
    };
    for (name, page) in pages() {
        for element in elements_of(&page.body) {
            let (tag, _) = &element;
            for attribute in ["src", "srcset", "data", "poster", "action", "xlink:href", "background"] {
                assert!(value(&element, attribute).is_none_or(is_own), "{name}: {element:?}");
            }
            if tag == "link" {
                assert!(value(&element, "href").is_some_and(is_own), "{name}: {element:?}");
            }
            let known =
                ["base", "iframe", "object", "embed", "form", "img", "video", "audio", "use", "style"];
            assert!(!known.contains(&tag.as_str()), "{name}: {element:?}");
        }
    }
    for file in files(&states::empty()).iter().filter(|file| file.path.starts_with("assets/")) {
        for loading in ["url(", "@import", "fetch(", "import(", "http:", "https:", "//cdn"] {
            assert!(!file.body.contains(loading), "{}: {loading}", file.path);
        }
    }
}

#[test]
fn nothing_is_inline_that_the_policy_forbids_and_no_typed_text_becomes_an_element() {
    for (name, page) in pages() {
        for element in elements_of(&page.body) {
            let (tag, attributes) = &element;
            let forbidden = |(key, _): &&(String, String)| key == "style" || key.starts_with("on");
            assert_eq!(attributes.iter().find(forbidden), None, "{name}: {element:?}");
            if tag == "script" {
                assert!(
                    value(&element, "src").is_some_and(|src| src.starts_with("/assets/")),
                    "{name}: {element:?}"
                );
            }
            if tag == "a" {
                let href = value(&element, "href").unwrap();
                let is_typed = value(&element, "rel") == Some("nofollow noopener");
                let starts =
                    if is_typed { href.starts_with("https://") } else { href.starts_with(['/', '#']) };
                assert!(starts, "{name}: {element:?}");
            }
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    for (name, page) in every_state() {
        let files = files(&page);
        for file in files.iter().filter(|file| is_html(file)) {
            for element in elements_of(&file.body) {
                let Some(href) = value(&element, "href").filter(|href| href.starts_with(['/', '#'])) else {
                    continue;
                };
                let (path, anchor) = href.split_once('#').unwrap_or((href, ""));
                let path = match path {
                    "" => &file.path,
                    "/" => "index.html",
                    path => path.trim_start_matches('/'),
                };
                let target = files.iter().find(|file| file.path == path);
                let target = target.unwrap_or_else(|| panic!("{name}/{}: {href}", file.path));
                let is_there = anchor.is_empty()
                    || elements_of(&target.body).iter().any(|element| value(element, "id") == Some(anchor));
                assert!(is_there, "{name}/{}: {href}", file.path);
            }
        }
    }
}

#[test]
fn only_the_headline_is_a_live_region_and_only_the_first_page_renews_itself() {
    for (name, page) in pages() {
        let is_first = page.path == "index.html";
        let elements = elements_of(&page.body);
        let number = |key: &str, wanted: &str| {
            elements.iter().filter(|element| value(element, key) == Some(wanted)).count()
        };
        assert_eq!(
            (number("role", "status"), number("http-equiv", "refresh")),
            (usize::from(is_first), usize::from(is_first)),
            "{name}"
        );
        assert_eq!(elements.iter().filter(|(tag, _)| tag == "h1").count(), 1, "{name}");
    }
}

#[test]
fn every_component_has_ninety_days_each_with_its_words() {
    for (name, page) in every_state() {
        let index = files(&page).pop().unwrap().body;
        let rows: Vec<usize> = index
            .split("<ol class=\"days\"")
            .skip(1)
            .map(|rest| rest.split_once("</ol>").unwrap().0.matches("</span></li>").count())
            .collect();
        assert_eq!(rows, vec![90; page.components.len()], "{name}");
    }
}

#[test]
fn uptime_is_cut_and_not_rounded() {
    let mut page = states::all()[0].1.clone();
    let check = |page: &Page, words: &str| {
        let index = files(page).pop().unwrap().body;
        assert!(index.contains(words), "{words}");
    };
    // One minute of 43,200 is 99.9976 %.
    for day in &mut page.components[0].days {
        (day.up, day.down) = (1_440, 0);
    }
    (page.components[0].days[3].up, page.components[0].days[3].down) = (1_439, 1);
    check(&page, "99.99 % of the measured minutes since 2 November");
    // A partial one counts three tenths of it: 99.9993 %.
    (page.components[0].days[3].down, page.components[0].days[3].partial) = (0, 1);
    assert_eq!(page.components[0].uptime(), Some(9_999));
    (page.components[0].days[3].up, page.components[0].days[3].partial) = (1_440, 0);
    assert_eq!(page.components[0].uptime(), Some(10_000));
    check(&page, "100.00 % of the measured minutes since 2 November");
    // Neither maintenance nor what was not measured counts.
    for day in &mut page.components[0].days {
        (day.up, day.maintenance, day.unknown) = (0, 40, 1_400);
    }
    assert_eq!(page.components[0].uptime(), None);
    check(&page, "Nothing has been measured yet");
}
