//! What was found, in words and as JSON.

use serde_json::{Value, json};

use super::Place;
use crate::{
    commands::params::shown,
    discover::findings::{Finding, Findings, Open},
    samconfig::{Overrides, Samconfig, Setting},
    table::table,
};

/// A parameter that the file is to have anew, or with another value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    parameter: String,
    before: Option<String>,
    after: String,
}

pub(super) fn changes(settings: &[Setting], overrides: &Overrides) -> Vec<Change> {
    let changed = settings.iter().filter(|setting| overrides.get(&setting.name) != Some(&setting.value));
    changed
        .map(|setting| Change {
            parameter: setting.name.clone(),
            before: overrides.get(&setting.name).cloned(),
            after: setting.value.clone(),
        })
        .collect()
}

pub(super) fn list(changes: &[Change]) -> String {
    let line = |change: &Change| {
        let after = shown(Some(&change.after));
        match &change.before {
            None => format!("    {}: {after}", change.parameter),
            Some(before) => format!("    {}: {} → {after}", change.parameter, shown(Some(before))),
        }
    };
    changes.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub(super) fn words(findings: &Findings, width: Option<usize>) -> String {
    let rows = findings.found.iter().map(|one| {
        let others =
            if one.others.is_empty() { String::new() } else { format!("; or {}", one.others.join(", ")) };
        let why = format!("{}{others}", one.evidence);
        [one.parameter.to_owned(), shown(Some(&one.value)), one.sure.word().to_owned(), why]
    });
    let mut text = table(["parameter", "value", "sure", "why"], rows, width);
    if !findings.open.is_empty() {
        let rows = findings.open.iter().map(|one| [one.parameter.to_owned(), one.why.clone()]);
        text = format!("{text}\n\n{}", table(["not found", "why"], rows, width));
    }
    if !findings.notes.is_empty() {
        let notes: Vec<String> = findings.notes.iter().map(|note| fill(note, width)).collect();
        text = format!("{text}\n\n{}", notes.join("\n"));
    }
    text
}

fn fill(text: &str, width: Option<usize>) -> String {
    match width {
        // A value is never broken: it is to be copied.
        Some(width) => textwrap::fill(text, textwrap::Options::new(width).break_words(false)),
        None => text.to_owned(),
    }
}

/// What became of it, and what is left to do.
pub(super) fn end(
    place: &Place,
    samconfig: &Samconfig,
    written: Option<&Vec<Change>>,
    missing: &[&str],
    width: Option<usize>,
) -> String {
    let (file, environment) = (samconfig.path.display(), &place.environment);
    let done = match written {
        Some(changes) if changes.is_empty() => format!("{file} has all of it, with why."),
        Some(changes) => {
            format!("Written into {file}, [{environment}.deploy.parameters]:\n{}", list(changes))
        }
        None => format!(
            "Nothing was written. `lendpeak2 init -e {environment} --write` writes it into samconfig.toml."
        ),
    };
    let left = if missing.is_empty() {
        format!(
            "Next: look at every guess, say who is told (NoticeEmail, or a channel), then `make deploy ENV={environment}`."
        )
    } else {
        format!("Still to be filled in, or nothing can be deployed: {}.", missing.join(", "))
    };
    format!("\n{}\n{}", fill(&done, width), fill(&left, width))
}

pub(super) fn as_json(
    place: &Place,
    findings: &Findings,
    changes: &[Change],
    missing: &[&str],
    written: &Value,
) -> Value {
    let changes = changes.iter().map(
        |change| json!({ "parameter": change.parameter, "before": change.before, "after": change.after }),
    );
    json!({
        "environment": place.environment,
        "account": place.account,
        "region": place.region,
        "cluster": place.service.cluster,
        "service": place.service.service,
        "parameters": findings.found.iter().map(finding).collect::<Vec<_>>(),
        "open": findings.open.iter().map(open).collect::<Vec<_>>(),
        "notes": findings.notes,
        "missing": missing,
        "changes": changes.collect::<Vec<_>>(),
        "written": written,
    })
}

fn finding(one: &Finding) -> Value {
    json!({
        "parameter": one.parameter,
        "value": one.value,
        "sure": one.sure.word(),
        "evidence": one.evidence,
        "others": one.others,
    })
}

fn open(one: &Open) -> Value {
    json!({ "parameter": one.parameter, "why": one.why, "others": one.others })
}
