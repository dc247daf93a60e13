//! The files around the code agree with it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::Value;
use tests::workspace;

/// What examples use in place of somebody's account, and a number of tasks too large to be meant.
const PLACEHOLDERS: [&str; 4] = ["123456789012", "000000000000", "100000000000", "999999999999"];
const ACCOUNT_ID_DIGITS: usize = 12;

#[test]
fn every_folder_of_events_belongs_to_a_function_and_the_other_way_round() -> Result<()> {
    assert_eq!(names_in("events")?, names_in("functions")?);
    Ok(())
}

#[test]
fn every_event_is_json() -> Result<()> {
    let mut count = 0;
    for path in files(&workspace().join("events"))? {
        assert_eq!(path.extension().and_then(|e| e.to_str()), Some("json"), "{}", path.display());
        let text = fs::read_to_string(&path)?;
        serde_json::from_str::<Value>(&text).with_context(|| path.display().to_string())?;
        count += 1;
    }
    assert!(count > 0);
    Ok(())
}

#[test]
fn no_file_names_a_real_account() -> Result<()> {
    for path in files(&workspace())? {
        // What is not text names nobody.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            let is_id = word.len() == ACCOUNT_ID_DIGITS && word.bytes().all(|b| b.is_ascii_digit());
            assert!(!is_id || PLACEHOLDERS.contains(&word), "{} names the account {word}", path.display());
        }
    }
    Ok(())
}

#[test]
fn every_make_target_that_a_document_names_exists() -> Result<()> {
    let makefile = fs::read_to_string(workspace().join("Makefile"))?;
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter_map(|line| line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, ""))))
        .map(|(target, _)| target)
        .collect();
    for path in files(&workspace())? {
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
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

fn names_in(folder: &str) -> Result<BTreeSet<String>> {
    fs::read_dir(workspace().join(folder))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// All files below a folder, but for what tools made and what begins with a dot outside of our own.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    const MADE_BY_TOOLS: [&str; 5] = [".git", ".venv", ".aws-sam", ".sandbox", "target"];
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if MADE_BY_TOOLS.iter().any(|made| name == *made) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}
