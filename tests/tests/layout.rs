//! The files around the code agree with it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::Value;
use tests::{story, workspace};

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

#[test]
fn every_folder_of_functions_has_its_subject_and_its_story() -> Result<()> {
    let declared: BTreeSet<String> = subject::ALL.iter().map(|subject| subject.name.to_owned()).collect();
    assert_eq!(declared, names_in("functions")?);
    assert_eq!(story::ALL.map(|story| story.subject), subject::ALL);
    Ok(())
}

/// Nothing else lists the functions of which each call goes wrong.
#[test]
fn every_function_is_struck_in_tests_of_its_own() -> Result<()> {
    let tests = workspace().join("tests/tests");
    for subject in subject::ALL {
        let (folder, file) = (tests.join(subject.snake()), tests.join(format!("{}.rs", subject.snake())));
        let own = if folder.is_dir() { files(&folder)? } else { vec![file] };
        let strikes = format!("chaos::hold(\"{}\")", subject.name);
        let is_struck =
            own.iter().any(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(&strikes)));
        assert!(is_struck, "no test of {} has {strikes}", subject.name);
    }
    Ok(())
}

/// Where the name of `restart` stands in code beside its own files, and why. To list all functions is no reason.
const NAMED: [(&str, &str); 16] = [
    ("functions/diagnose/src/rules/", "causes that it cures"),
    ("functions/incident/src/", "incidents in which it is tried"),
    ("fuzz/Cargo.toml", "its crate is linked"),
    ("fuzz/src/functions.rs", "its crate is linked"),
    ("statemachines/service-down.asl.json", "the machine may choose it"),
    ("tests/bench/instructions.json", "measured"),
    ("tests/scenarios/", "causes that it cures, recorded"),
    ("tests/schemas/", "its items of the ledger, as earlier versions wrote them"),
    ("tests/src/service_down.rs", "a case that it resolves"),
    ("tests/tests/hostile/", "what becomes of a restart beside other remedies"),
    ("tests/tests/incident/", "incidents in which it is tried"),
    ("tests/tests/least_privilege/", "another remedy than the one that is checked"),
    ("tests/tests/rollback/", "it runs while a deployment moves traffic"),
    ("tests/tests/samples/", "its sample events, each with what is decided"),
    ("tests/tests/schemas/", "its items of the ledger, as earlier versions wrote them"),
    ("tests/tests/service_down_cases/", "a case that it resolves"),
];

/// Whoever adds a function would have to find each list of all of them: there is one, in `tests/subject/`.
#[test]
fn a_function_is_named_in_its_own_files_and_where_it_is_about_that_one() -> Result<()> {
    const NAME: &str = "restart";
    const OWN: [&str; 9] = [
        "docs/",
        "events/restart/",
        "functions/restart/",
        "template.yaml",
        "tests/src/story.rs",
        "tests/src/story/restart.rs",
        "tests/subject/src/",
        "tests/tests/layout.rs",
        "tests/tests/restart/",
    ];
    const CODE: [&str; 6] = ["json", "py", "rs", "sh", "toml", "yaml"];
    let subject = subject::named(NAME).context("there is no such function")?;
    let words = [
        format!("\"{NAME}\""),
        format!("\"{NAME},"),
        format!(",{NAME}"),
        format!("'{NAME}'"),
        format!("/{NAME}\""),
        format!("{}::", subject.snake()),
        format!("\"{}", subject.camel()),
    ];
    let mut unused: BTreeSet<&str> = NAMED.iter().map(|(place, _)| *place).collect();
    for path in files(&workspace())? {
        let place = path.strip_prefix(workspace())?.display().to_string();
        let is_code = path.extension().and_then(|end| end.to_str()).is_some_and(|end| CODE.contains(&end));
        if !is_code || OWN.iter().any(|own| place.starts_with(own)) {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        if words.iter().any(|word| text.contains(word)) {
            let known = NAMED.iter().find(|(known, _)| place.starts_with(known));
            let (known, _) =
                known.with_context(|| format!("{place} names {NAME}: is it a list of functions?"))?;
            unused.remove(known);
        }
    }
    assert!(unused.is_empty(), "these do not name it any more: {unused:?}");
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
