//! `docs/causes.md`: what `diagnose` finds, in the rules' own words.

use std::{
    collections::BTreeSet,
    fmt::{Error, Write},
    fs,
};

use anyhow::{Context, Result, ensure};
use diagnose::{
    chapter::Chapter,
    consequences,
    rules::{self, Rule},
};
use sandbox::workspace;

const BEGINNING: &str = "# What `diagnose` finds

Each cause by the code that stands in an answer, in the chapters of the guide, with what its rule looks at and why. What
it explains is told under it, not beside it, where both are found. The next step itself depends on what was seen: the
answer has it, with the names filled in.

This page is written by a test from the rules' own words: `RENEW=yes cargo test --package diagnose --test cases page`.
";

fn page() -> Result<String, Error> {
    let mut page = BEGINNING.to_owned();
    for chapter in Chapter::ALL {
        write!(page, "\n## {}\n", chapter.as_str())?;
        for rule in rules::of(chapter) {
            section(&mut page, rule)?;
        }
    }
    Ok(page)
}

fn section(page: &mut String, rule: &Rule) -> Result<(), Error> {
    let Rule { cause, looks_at, otherwise, helped, .. } = rule;
    write!(page, "\n### `{cause}`\n\n{looks_at}\n\n")?;
    writeln!(page, "- It worked if: {}.", code(helped))?;
    writeln!(page, "- If not: {}.", code(otherwise))?;
    let explained: BTreeSet<String> = consequences(cause).map(|cause| format!("`{cause}`")).collect();
    if !explained.is_empty() {
        writeln!(page, "- It explains {}.", explained.into_iter().collect::<Vec<_>>().join(", "))?;
    }
    Ok(())
}

/// A name to be filled in would be taken for HTML.
fn code(words: &str) -> String {
    words.replace('<', "\\<")
}

#[test]
fn the_page_of_causes_has_the_words_of_the_rules() -> Result<()> {
    let path = workspace().join("docs/causes.md");
    let page = page()?;
    if std::env::var_os("RENEW").is_some() {
        fs::write(&path, &page)?;
    }
    let written = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    ensure!(written == page, "docs/causes.md is not what the rules say: RENEW=yes writes it anew");
    Ok(())
}

#[test]
fn every_rule_says_what_it_looks_at_what_else_there_is_to_do_and_how_one_sees_that_it_helped() {
    for Rule { cause, looks_at, otherwise, helped, .. } in Chapter::ALL.into_iter().flat_map(rules::of) {
        assert!(looks_at.ends_with('.'), "{cause}: {looks_at}");
        for words in [otherwise, helped] {
            let begins = words.chars().next().is_some_and(|first| !first.is_uppercase());
            assert!(begins && !words.ends_with('.') && !words.contains("  "), "{cause}: {words}");
        }
    }
}
