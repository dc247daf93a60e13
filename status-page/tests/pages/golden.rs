//! Every state's files are those in `tests/golden/`. `RENEW=yes cargo test --package status-page golden` writes them anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use status_page::{File, Page, files};

use crate::states;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// A file as people read a change of it: a tag a line, and the assets by no hash. Assets are in `src/` themselves.
fn shown(files: &[File]) -> BTreeMap<String, String> {
    let (assets, others): (Vec<&File>, Vec<&File>) =
        files.iter().partition(|file| file.path.starts_with("assets/"));
    let show = |file: &File| {
        let mut body = file.body.clone();
        for asset in &assets {
            let ending = Path::new(&asset.path).extension().unwrap().to_str().unwrap();
            body = body.replace(&asset.path, &format!("assets/page.{ending}"));
        }
        if file.content_type.starts_with("application/json") {
            let value: serde_json::Value = serde_json::from_str(&body).unwrap();
            format!("{value:#}\n")
        } else {
            body.replace("><", ">\n<") + "\n"
        }
    };
    others.into_iter().map(|file| (file.path.clone(), show(file))).collect()
}

fn kept(folder: &Path) -> BTreeMap<String, String> {
    fn walk(folder: &Path, root: &Path, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

fn check(name: &str, page: &Page) {
    let folder = folder().join(name);
    let shown = shown(&files(page));
    if std::env::var_os("RENEW").is_some() {
        let _ = fs::remove_dir_all(&folder);
        for (path, body) in &shown {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, body).unwrap();
        }
    }
    let kept = kept(&folder);
    let names: BTreeSet<&String> = shown.keys().chain(kept.keys()).collect();
    let outdated: Vec<&String> =
        names.into_iter().filter(|name| shown.get(*name) != kept.get(*name)).collect();
    assert!(outdated.is_empty(), "in tests/golden/{name}, {outdated:?} differ: RENEW=yes writes them anew");
}

#[test]
fn every_state_has_its_golden_files() {
    for (name, page) in states::all() {
        check(name, &page);
    }
    check("empty", &states::empty());
}

#[test]
fn assets_come_first_and_the_first_page_last() {
    for (name, page) in states::all() {
        let files = files(&page);
        let rank = |file: &File| match file.path.split(['/', '.']).next() {
            Some("assets") => 0,
            Some("incidents") => 1,
            Some("history") if file.path.starts_with("history/") => 2,
            Some("api") => 3,
            Some("history") => 4,
            Some("404") => 5,
            _ => 6,
        };
        assert!(files.is_sorted_by_key(rank), "{name}");
        assert_eq!(files.last().unwrap().path, "index.html", "{name}");
        let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths.len(), files.len(), "{name}: a path is there twice");
    }
}

#[test]
fn each_kind_of_file_says_how_long_it_may_be_kept() {
    let page = states::all().into_iter().find(|(name, _)| *name == "all-well").unwrap().1;
    let files = files(&page);
    let kept = |path: &str| {
        let file = files.iter().find(|file| file.path == path || file.path.ends_with(path)).unwrap();
        (file.content_type, file.cache_control)
    };
    let expected = [
        (".css", "text/css; charset=utf-8", "max-age=31536000, immutable"),
        (".js", "text/javascript; charset=utf-8", "max-age=31536000, immutable"),
        ("incidents/late.html", "text/html; charset=utf-8", "max-age=60"),
        ("history/2026-11.html", "text/html; charset=utf-8", "max-age=60"),
        ("api/v2/summary.json", "application/json; charset=utf-8", "max-age=15, stale-if-error=86400"),
        ("history.atom", "application/atom+xml; charset=utf-8", "max-age=15, stale-if-error=86400"),
        ("history.rss", "application/rss+xml; charset=utf-8", "max-age=15, stale-if-error=86400"),
        ("404.html", "text/html; charset=utf-8", "max-age=60"),
        (
            "index.html",
            "text/html; charset=utf-8",
            "max-age=15, stale-while-revalidate=60, stale-if-error=86400",
        ),
    ];
    for (path, content_type, cache_control) in expected {
        assert_eq!(kept(path), (content_type, cache_control), "{path}");
    }
}

/// What may differ with the time alone is taken out.
fn without_time(file: &File, at: Timestamp) -> String {
    let seconds = at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let atom = at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
    [at.to_string(), seconds, atom].iter().fold(file.body.clone(), |body, time| body.replace(time, "now"))
}

#[test]
fn what_says_nothing_new_has_the_same_bytes_a_minute_later() {
    for (name, page) in states::all() {
        let later = Page { at: page.at + SignedDuration::from_secs(61), ..page.clone() };
        for (file, other) in files(&page).iter().zip(&files(&later)) {
            let (body, of_other) = match file.path.as_str() {
                "index.html" => continue,
                path if path.starts_with("api/") || path.starts_with("history.") => {
                    (without_time(file, page.at), without_time(other, later.at))
                }
                _ => (file.body.clone(), other.body.clone()),
            };
            assert_eq!((&file.path, body), (&other.path, of_other), "{name}");
        }
    }
}

#[test]
fn the_first_page_is_small() {
    for (name, page) in states::all().into_iter().filter(|(name, _)| *name != "hostile") {
        let index = files(&page).pop().unwrap().body;
        assert!(index.len() <= 60_000, "{name}: {} bytes", index.len());
        let days: usize = index
            .split("<ol class=\"days\"")
            .skip(1)
            .map(|rest| rest.split_once("</ol>").unwrap().0.len())
            .sum();
        assert!(index.len() - days <= 30_000, "{name}: {} bytes without the days", index.len() - days);
    }
}
