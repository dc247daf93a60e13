//! The code and the files around it agree. What the documents say is looked at by the test `documents`.

mod circles;

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result};
use regex_lite::Regex;
use sandbox::{files, functions, workspace};
use scenarios::scenario;
use serde_json::Value;

/// What examples use in place of somebody's account, and a number of tasks too large to be meant.
const PLACEHOLDERS: [&str; 4] = ["123456789012", "000000000000", "100000000000", "999999999999"];
const ACCOUNT_ID_DIGITS: usize = 12;

#[test]
fn every_folder_of_events_belongs_to_a_function_and_the_other_way_round() -> Result<()> {
    assert_eq!(names_in("events")?, functions()?);
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
fn every_folder_of_functions_has_its_subject_and_its_scenario() -> Result<()> {
    let declared: BTreeSet<String> = subject::ALL.iter().map(|subject| subject.name.to_owned()).collect();
    assert_eq!(declared, functions()?);
    assert_eq!(scenario::ALL.map(|scenario| scenario.subject), subject::ALL);
    Ok(())
}

/// Cargo can be told not to look for a crate's tests.
#[test]
fn a_library_that_is_not_tested_has_no_tests() -> Result<()> {
    for path in files(&workspace())? {
        if !path.ends_with("Cargo.toml") {
            continue;
        }
        let manifest = fs::read_to_string(&path)?;
        let library = manifest.split_once("[lib]").map(|(_, rest)| rest.split("\n[").next().unwrap_or(rest));
        if !library.is_some_and(|library| library.contains("test = false")) {
            continue;
        }
        for source in files(&path.with_file_name("src"))? {
            let is_tested = fs::read_to_string(&source)?.contains("#[test]");
            assert!(!is_tested, "cargo does not see the tests in {}", source.display());
        }
    }
    Ok(())
}

/// Nothing else lists the functions of which each call goes wrong.
#[test]
fn every_function_is_struck_in_tests_of_its_own() -> Result<()> {
    let tests = workspace().join("tests/end_to_end");
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
const NAMED: [(&str, &str); 17] = [
    ("cli/", "its command, and the commands that are advised in place of its requests"),
    ("functions/diagnose/src/ask.rs", "it is asked for"),
    ("functions/incident/src/", "incidents in which it is tried"),
    ("functions/diagnose/tests/cases/", "causes that it cures, recorded"),
    ("tests/end_to_end/approvals/", "plans of it that people decide about"),
    ("tests/end_to_end/drills_by_function/", "a drill that it resolves"),
    ("tests/end_to_end/hostile/", "what becomes of a restart beside other remedies"),
    ("tests/end_to_end/incident/", "incidents in which it is tried"),
    ("tests/end_to_end/rollback/", "it runs while a deployment moves traffic"),
    ("tests/end_to_end/samples/", "its sample events, each with what is decided"),
    ("tests/end_to_end/schemas/", "its items of the ledger, as earlier versions wrote them"),
    ("tests/project/least_privilege/", "another remedy than the one that is checked"),
    ("tests/schemas/", "its items of the ledger, as earlier versions wrote them"),
    ("tools/bench/instructions.json", "measured"),
    ("tools/drills/src/drill.rs", "a drill that it resolves"),
    ("tools/functions/", "the one list of the functions' crates"),
    ("tools/scenarios/src/chaos/decision.rs", "plans of it that people decide about"),
];

/// The places of [`NAMED`] that whoever adds a function has to touch. The others are about `restart` alone.
const FOR_EVERY_FUNCTION: [&str; 3] =
    ["tests/end_to_end/samples/", "tools/bench/instructions.json", "tools/functions/"];
/// How many files those are for `restart`, beside its own folders, subject, scenario, page and block of the template. It
/// may only go down.
const TOUCHED: usize = 4;

/// Whoever adds a function would have to find each list of all of them: there is one, in `sandbox/subject/`.
#[test]
fn a_function_is_named_in_its_own_files_and_where_it_is_about_that_one() -> Result<()> {
    const NAME: &str = "restart";
    const OWN: [&str; 9] = [
        "docs/",
        "events/restart/",
        "functions/restart/",
        "sandbox/subject/src/",
        "template.yaml",
        "tests/end_to_end/restart/",
        "tests/project/layout.rs",
        "tools/scenarios/src/scenario.rs",
        "tools/scenarios/src/scenario/restart.rs",
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
    let mut touched = Vec::new();
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
            if FOR_EVERY_FUNCTION.contains(known) {
                touched.push(place);
            }
        }
    }
    assert!(unused.is_empty(), "these do not name it any more: {unused:?}");
    println!("whoever adds a function also touches {touched:#?}");
    assert_eq!(touched.len(), TOUCHED, "fewer: lower the count; more: do without. {touched:#?}");
    Ok(())
}

/// Rust's own form of a value is for whoever debugs: no answer, notice, error or line of a log has it.
#[test]
fn nothing_that_a_person_reads_is_written_as_rust_debugs_it() -> Result<()> {
    // As in `{:?}` and `{name:#?}`, and as `tracing` has it: `?name`.
    let debugged = Regex::new(r"\{[^{}]*:#?\?\}|\bdbg!|(?:^|[(,])\s*(?:\w+\s*=\s*)?\?[a-z]\w*\s*[,.)]")?;
    let mut looked_at = 0;
    for folder in ["functions", "shared"] {
        for path in files(&workspace().join(folder))? {
            let place = path.strip_prefix(workspace())?;
            if !is_shipped(place) {
                continue;
            }
            let text = fs::read_to_string(&path)?;
            for (number, line) in (1..).zip(without_tests(&text).lines()) {
                let found = debugged.is_match(line) && !line.trim_start().starts_with("//");
                assert!(!found, "{}:{number}: {}", place.display(), line.trim());
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 200, "only {looked_at} files were looked at");
    Ok(())
}

/// Whether a file is in what is deployed.
fn is_shipped(path: &Path) -> bool {
    const OF_TESTS: [&str; 5] = ["aws_calls", "aws_calls.rs", "loopback.rs", "tests", "tests.rs"];
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    is_rust && !path.iter().any(|part| OF_TESTS.iter().any(|test| part == *test))
}

/// A file's text up to its tests, which come last.
fn without_tests(text: &str) -> &str {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find("#[cfg(test)]\n")) {
        let (before, tests) = text.split_at(from + found);
        if tests.lines().nth(1).is_some_and(|module| module.contains("mod ") && module.ends_with('{')) {
            return before;
        }
        from += found + 1;
    }
    text
}

fn names_in(folder: &str) -> Result<BTreeSet<String>> {
    fs::read_dir(workspace().join(folder))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}
