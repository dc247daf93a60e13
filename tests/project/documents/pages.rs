//! What each page has to have, and where it leads.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result, ensure};
use sandbox::{functions, workspace};

use super::markdown::{Document, documents, is_elsewhere};

/// What stands at the root of the repository and is a page of the site too: `scripts/book.py` adds it.
const AT_THE_ROOT: [&str; 5] =
    ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"];
/// A first page is read to its end.
const LINES_OF_README: usize = 120;
/// Between these, a page has the codes that its function answers with.
const CODES: [&str; 2] = ["<!-- codes -->", "<!-- end of codes -->"];

#[test]
fn every_make_target_that_a_document_names_exists() -> Result<()> {
    let makefile = fs::read_to_string(workspace().join("Makefile"))?;
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter_map(|line| line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, ""))))
        .map(|(target, _)| target)
        .collect();
    for path in documents()? {
        for target in commands(&fs::read_to_string(&path)?) {
            assert!(targets.contains(target.as_str()), "{}: there is no `make {target}`", path.display());
        }
    }
    Ok(())
}

/// The targets of all `make <target>` that stand in backticks or at the start of a line of code.
fn commands(markdown: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_block = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            continue;
        }
        let spans: Vec<&str> =
            if in_block { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
        for span in spans {
            let words = span.trim_start().trim_start_matches("$ ").strip_prefix("make ");
            let target = words.into_iter().flat_map(str::split_whitespace).find(|word| !word.contains('='));
            if let Some(target) = target.filter(|word| word.bytes().all(|b| b.is_ascii_lowercase())) {
                found.insert(target.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_link_in_a_document_leads_somewhere() -> Result<()> {
    let root = workspace().canonicalize()?;
    let docs = root.join("docs");
    let mut links = 0;
    for path in documents()? {
        let path = path.canonicalize()?;
        let document = Document::read(&path)?;
        for link in document.links().into_iter().filter(|link| !is_elsewhere(link)) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let folder = path.parent().context("a document in no folder")?;
            let to = if file.is_empty() { path.clone() } else { folder.join(file) };
            let to = to.canonicalize().with_context(|| format!("{}: there is no {link}", path.display()))?;
            if !anchor.is_empty() {
                let anchors = Document::read(&to)?.anchors();
                ensure!(anchors.contains(anchor), "{}: there is no heading {link}", path.display());
            }
            // The site has the pages below `docs/` and those at the root, and nothing else.
            let is_in_the_site =
                to.starts_with(&docs) || AT_THE_ROOT.iter().any(|name| to == root.join(name));
            let leaves = path.starts_with(&docs) && !is_in_the_site;
            ensure!(!leaves, "{}: {link} is not in the site", path.display());
            links += 1;
        }
    }
    ensure!(links > 100, "only {links} links were found");
    Ok(())
}

#[test]
fn the_summary_names_every_page_once() -> Result<()> {
    let docs = workspace().join("docs");
    let mut named = Document::read(&docs.join("SUMMARY.md"))?.links();
    named.sort();
    let mut pages: Vec<String> = documents()?
        .iter()
        .filter_map(|path| path.strip_prefix(&docs).ok())
        .map(|path| path.to_string_lossy().into_owned())
        .filter(|page| page != "SUMMARY.md")
        .collect();
    pages.sort();
    assert_eq!(named, pages);
    Ok(())
}

#[test]
fn every_function_has_a_page_that_has_room_for_its_codes_and_is_named_on_the_first_page() -> Result<()> {
    let readme = Document::read(&workspace().join("README.md"))?.links();
    let functions = functions()?;
    for function in &functions {
        let page = format!("docs/functions/{function}.md");
        ensure!(readme.contains(&page), "README does not lead to {page}");
    }
    for page in functions.iter().map(String::as_str).chain(["README"]) {
        let text = fs::read_to_string(workspace().join(format!("docs/functions/{page}.md")))?;
        let marks: Vec<&str> = text.lines().filter(|line| CODES.contains(line)).collect();
        assert_eq!(marks, CODES, "{page}");
    }
    Ok(())
}

/// By its code, under the guide's heading for it.
#[test]
fn the_guide_names_every_cause_that_diagnose_finds() -> Result<()> {
    let causes = Document::read(&workspace().join("docs/causes.md"))?;
    let guide = Document::read(&workspace().join("docs/guide.md"))?.prose.join("\n");
    let codes: Vec<&str> = causes.prose.iter().filter_map(|line| line.strip_prefix("### ")).collect();
    ensure!(codes.len() > 100, "only {} causes were found", codes.len());
    for code in codes {
        ensure!(guide.contains(code), "docs/guide.md does not name {code}");
    }
    Ok(())
}

#[test]
fn the_guide_has_a_heading_for_each_by_which_diagnose_may_be_asked() -> Result<()> {
    let guide = Document::read(&workspace().join("docs/guide.md"))?.prose;
    let headings: BTreeSet<&str> =
        guide.iter().filter_map(|line| line.strip_prefix("## ").or(line.strip_prefix("### "))).collect();
    for (heading, _) in diagnose::chapter::HEADINGS {
        ensure!(headings.contains(heading), "docs/guide.md has no heading {heading}");
    }
    Ok(())
}

#[test]
fn the_first_page_is_short() -> Result<()> {
    let lines = fs::read_to_string(workspace().join("README.md"))?.lines().count();
    ensure!(lines <= LINES_OF_README, "README has {lines} lines; a page of docs/ has room");
    Ok(())
}

#[test]
fn the_changelog_has_the_version_of_the_manifests_and_what_to_do_when_upgrading_first() -> Result<()> {
    let changelog = fs::read_to_string(workspace().join("CHANGELOG.md"))?;
    let sections: Vec<&str> = changelog.split("\n## ").skip(1).collect();
    let headings: Vec<&str> = sections.iter().filter_map(|section| section.lines().next()).collect();
    assert_eq!(headings.first(), Some(&"Unreleased"));
    let version = env!("CARGO_PKG_VERSION");
    assert!(headings.contains(&version), "there is no section {version}");
    for section in sections {
        let mut entries = section.lines().filter(|line| line.starts_with("- "));
        let upgrade = entries.position(|entry| entry.contains("When you upgrade"));
        assert!(upgrade.is_none_or(|place| place == 0), "what to do when upgrading comes later: {section}");
    }
    Ok(())
}
