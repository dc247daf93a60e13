//! The glossary: one entry for a word, in the order in which they are looked up.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result, ensure};
use sandbox::workspace;

/// What whoever is new here has to look up: the words that the documents use without saying what they are.
const NEEDED: [&str; 36] = [
    "acknowledge",
    "actor",
    "approval",
    "audit record",
    "budget",
    "case",
    "cause",
    "chapter",
    "claim",
    "code",
    "cooldown",
    "cut-over",
    "drift",
    "drill",
    "escalate",
    "evidence",
    "finding",
    "follow-up",
    "freeze",
    "holder",
    "intent",
    "kill switch",
    "lease",
    "ledger",
    "level",
    "outcome",
    "owner",
    "pending notice",
    "plan",
    "release",
    "scenario",
    "stop",
    "story",
    "timeline entry",
    "undo",
    "world",
];

/// What each entry is about.
fn entries() -> Result<Vec<String>> {
    let glossary = fs::read_to_string(workspace().join("docs/glossary.md"))?;
    let (_, entries) = glossary.split_once("\n\n**").context("there is no entry")?;
    let word = |entry: &str| {
        let (word, meaning) = entry.trim_start_matches("**").split_once("**: ")?;
        meaning.trim_end().ends_with(['.', ')']).then(|| word.to_owned())
    };
    entries
        .split("\n\n")
        .map(|entry| word(entry).with_context(|| format!("no word and its meaning: {entry}")))
        .collect()
}

#[test]
fn each_word_has_one_entry_and_stands_where_it_is_looked_for() -> Result<()> {
    let words = entries()?;
    let sorted: BTreeSet<&String> = words.iter().collect();
    ensure!(words.iter().eq(sorted), "not in order, or twice: {words:?}");
    Ok(())
}

#[test]
fn the_glossary_has_the_words_that_the_documents_use() -> Result<()> {
    let words = entries()?;
    let missing: Vec<&str> =
        NEEDED.into_iter().filter(|needed| !words.iter().any(|word| word == needed)).collect();
    ensure!(missing.is_empty(), "docs/glossary.md lacks {missing:?}");
    Ok(())
}
